"""The groups of settings. What a setting does stands below it; its name in the environment beside it."""

from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, model_validator

from config.fields import HttpUrl, MongoUri, RedisUrl, Section, Setting

Positive = Field(gt=0)


class MongoSettings(Section):
    """The database that holds everything that must not be lost."""

    uri: Annotated[
        MongoUri, Setting("MONGODB_URI", zero="not set: `serve` refuses, `local` starts its own")
    ] = SecretStr("")
    """Connection string of a replica set or a sharded cluster (transactions need one)."""
    database: Annotated[str, Field(min_length=1, max_length=63), Setting("MONGODB_DATABASE")] = "chat"
    """Name of the database."""
    timeout_ms: Annotated[int, Positive, Setting("MONGODB_TIMEOUT_MS")] = 5000
    """How long one operation may look for a server or wait for its answer before the database counts as away."""


class RedisSettings(Section):
    """What nodes use between them. It may be lost: nothing in it is the only copy of anything."""

    url: Annotated[
        RedisUrl, Setting("REDIS_URL", zero="not set: `serve` refuses, `local` starts its own")
    ] = SecretStr("")
    """Where Redis is: one primary, not Redis Cluster."""
    prefix: Annotated[str, Setting("REDIS_PREFIX", zero="keys carry no prefix")] = "chat:"
    """Put before every key, so that several installations can share one Redis."""


class S3Settings(Section):
    """The object store for files."""

    endpoint_url: Annotated[
        HttpUrl,
        Setting(
            "S3_ENDPOINT_URL", zero="AWS, if the keys are set; without keys `local` starts its own store"
        ),
    ] = ""
    """Where the store is, for nodes; and for clients, unless they reach it under another address."""
    public_endpoint_url: Annotated[
        HttpUrl, Setting("S3_PUBLIC_ENDPOINT_URL", zero="the same as for nodes")
    ] = ""
    """Where the store is for clients, who upload to it and download from it directly."""
    region: Annotated[str, Field(min_length=1), Setting("S3_REGION")] = "us-east-1"
    """Region that requests are signed for."""
    bucket: Annotated[str, Field(min_length=3, max_length=63), Setting("S3_BUCKET")] = "chat-media"
    """Bucket that holds the files."""
    access_key_id: Annotated[SecretStr, Setting("S3_ACCESS_KEY_ID", zero="not set: `serve` refuses")] = (
        SecretStr("")
    )
    """Name of the key pair."""
    secret_access_key: Annotated[
        SecretStr, Setting("S3_SECRET_ACCESS_KEY", zero="not set: `serve` refuses")
    ] = SecretStr("")
    """Secret half of the key pair."""
    addressing_style: Annotated[Literal["auto", "path", "virtual"], Setting("S3_ADDRESSING_STYLE")] = "auto"
    """Whether the bucket stands in the path of an address or in its host name; `auto`: in the host name at AWS, in the path elsewhere. Where the host is a number, it is in the path."""


class AuthSettings(Section):
    """Signing in."""

    access_token_ttl_s: Annotated[int, Positive, Setting("ACCESS_TOKEN_TTL_S")] = 900
    """How long an access token is good."""
    refresh_token_ttl_s: Annotated[int, Positive, Setting("REFRESH_TOKEN_TTL_S")] = 30 * 86_400
    """How long a device stays signed in without being used."""
    key_rotation_s: Annotated[int, Positive, Setting("KEY_ROTATION_S")] = 30 * 86_400
    """Age at which a signing key is replaced. Tokens that the old one signed stay good until they expire."""
    key_secret: Annotated[
        SecretStr, Setting("AUTH_KEY_SECRET", zero="keys lie in the database as they are")
    ] = SecretStr("")
    """Encrypts the signing keys in the database, so that whoever can read it cannot make tokens. The same for all nodes."""
    argon2_memory_kib: Annotated[int, Field(ge=8), Setting("ARGON2_MEMORY_KIB")] = 19_456
    """Memory that hashing one password takes."""
    argon2_iterations: Annotated[int, Positive, Setting("ARGON2_ITERATIONS", unit="passes")] = 2
    """Passes over that memory."""
    argon2_lanes: Annotated[int, Positive, Setting("ARGON2_LANES", unit="lanes")] = 1
    """Lanes that the memory is divided into; each needs at least 8 KiB."""
    login_tries: Annotated[int, Positive, Setting("LOGIN_TRIES", unit="tries")] = 10
    """Tries to sign in with one phone number in one window."""
    login_window_s: Annotated[int, Positive, Setting("LOGIN_WINDOW_S")] = 900
    """Length of that window."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.argon2_memory_kib < 8 * self.argon2_lanes:
            raise ValueError("ARGON2_MEMORY_KIB must be at least 8 times ARGON2_LANES")
        if self.refresh_token_ttl_s < self.access_token_ttl_s:
            raise ValueError("REFRESH_TOKEN_TTL_S must not be shorter than ACCESS_TOKEN_TTL_S")
        return self


class LimitSettings(Section):
    """What one client or one chat may take."""

    sends_per_second: Annotated[
        float, Field(ge=0), Setting("SENDS_PER_SECOND", unit="messages", zero="no limit")
    ] = 500
    """Messages that one connection may send, on average."""
    sends_burst: Annotated[float, Positive, Setting("SENDS_BURST", unit="messages")] = 1000
    """Messages that it may send at once after a pause."""
    max_frame_bytes: Annotated[int, Field(ge=1024), Setting("MAX_FRAME_BYTES")] = 65_536
    """Longest message on a socket; a longer one closes it with 1009."""
    max_body_bytes: Annotated[int, Field(ge=1024), Setting("MAX_BODY_BYTES")] = 65_536
    """Longest body of a request; a longer one is answered 413."""
    max_members_group: Annotated[int, Field(ge=2), Setting("MAX_MEMBERS_GROUP", unit="members")] = 1024
    """Members that a group may have. Channels have no limit."""
    outbox_bytes: Annotated[int, Field(ge=65_536), Setting("OUTBOX_BYTES")] = 1_048_576
    """What may wait for a client that reads slowly; beyond it the client is disconnected."""
    live_location_s: Annotated[int, Positive, Setting("LIVE_LOCATION_MAX_S")] = 28_800
    """How long a location may be shared live."""
    max_pending: Annotated[int, Positive, Setting("MAX_PENDING", unit="messages")] = 20_000
    """Messages that may wait to be written, in the whole node; beyond it sends are refused as overloaded."""
    max_connections: Annotated[int, Positive, Setting("MAX_CONNECTIONS", unit="connections")] = 100_000
    """Connections that a node takes; beyond it new ones are closed at once."""
    socket_idle_s: Annotated[float, Positive, Setting("SOCKET_IDLE_S")] = 60
    """A socket from which nothing came for so long is closed."""
    longpoll_window_s: Annotated[float, Field(gt=0, le=15), Setting("LONGPOLL_WINDOW_S")] = 10
    """How long a poll waits for something to come, and how long a client may be without one. phoenix.js gives up after 20 s; proxies on the way must wait longer than this."""


class CommitSettings(Section):
    """Writing messages in groups."""

    batch: Annotated[int, Field(gt=0, le=1000), Setting("COMMIT_BATCH", unit="messages")] = 256
    """Messages written at once, at most. Batches of many hundreds were seen to stall a busy MongoDB."""
    store_hold_s: Annotated[float, Positive, Setting("STORE_HOLD_S")] = 10
    """How long a send waits while MongoDB is away, before it is answered with an error that says to try again."""
    queue_after_s: Annotated[
        float, Field(ge=0), Setting("QUEUE_AFTER_S", zero="never: it waits until it is refused")
    ] = 3
    """How long a message waits for MongoDB before it goes to the retry queue in Redis and its sender is told so. Not if it is refused earlier."""
    queue_most: Annotated[int, Positive, Setting("QUEUE_MOST", unit="messages")] = 50_000
    """Messages that may wait in the retry queue, of all nodes together; beyond it sends are refused as overloaded."""

    @property
    def queue_lead_s(self) -> float:
        """How long before it would be refused a message goes to the retry queue; negative for never."""
        return self.store_hold_s - self.queue_after_s if self.queue_after_s else -1.0


class ClusterSettings(Section):
    """Nodes among each other."""

    heartbeat_s: Annotated[float, Positive, Setting("HEARTBEAT_S")] = 2
    """Time between two signs of life of a node."""
    lease_s: Annotated[float, Positive, Setting("LEASE_S")] = 8
    """A node without a sign of life for so long is dead to the others."""
    head_check_s: Annotated[float, Positive, Setting("HEAD_CHECK_S")] = 30
    """Time between two comparisons of the active chats with the database, which heal what nothing else did."""
    router_idle_s: Annotated[float, Positive, Setting("ROUTER_IDLE_S")] = 300
    """The task of a chat in which nothing happens for so long ends."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.lease_s < 2 * self.heartbeat_s:
            raise ValueError(
                "LEASE_S must be at least twice HEARTBEAT_S, or one late heartbeat buries a healthy node"
            )
        return self


class PresenceSettings(Section):
    """Who is online."""

    grace_s: Annotated[
        float, Field(ge=0, le=60), Setting("PRESENCE_GRACE_S", zero="whoever leaves is offline at once")
    ] = 3
    """Whoever is back so soon after their last device has left was never away to the others. For those who keep coming and going it grows, up to a minute."""


class ReceiptSettings(Section):
    """Who has received and read messages."""

    named_up_to: Annotated[
        int, Field(ge=0, le=1000), Setting("RECEIPTS_NAMED_UP_TO", unit="members", zero="groups are summed")
    ] = 64
    """Members of a group up to which all are told who has received and read; in larger ones, and in channels, some are told how many have."""


class DrainSettings(Section):
    """Stopping."""

    budget_s: Annotated[
        float, Field(ge=0), Setting("DRAIN_BUDGET_S", zero="clients are disconnected at once")
    ] = 10
    """Time over which clients are sent away, after SIGTERM, before a node closes what is left."""


class StorySettings(Section):
    """Stories."""

    ttl_s: Annotated[int, Positive, Setting("STORY_TTL_S")] = 86_400
    """How long a story is there."""
    most: Annotated[int, Field(gt=0, le=1000), Setting("STORIES_PER_USER", unit="stories")] = 100
    """Stories that a user may have at a time."""


class LocalSettings(Section):
    """The servers that `local` starts. Ports are where the search for a free one begins."""

    mongodb_port: Annotated[int, Field(ge=1024, le=65_535), Setting("LOCAL_MONGODB_PORT")] = 27_117
    """Port for MongoDB."""
    redis_port: Annotated[int, Field(ge=1024, le=65_535), Setting("LOCAL_REDIS_PORT")] = 26_379
    """Port for Redis."""
    s3_port: Annotated[int, Field(ge=1024, le=65_535), Setting("LOCAL_S3_PORT")] = 29_000
    """Port for the object store."""
    mongodb_cache_mib: Annotated[int, Field(ge=256), Setting("LOCAL_MONGODB_CACHE_MIB")] = 512
    """Memory for MongoDB's cache."""
    mongod: Annotated[
        str, Setting("LOCAL_MONGOD", zero="the one installed with the project, else the one on PATH")
    ] = ""
    """Program to run as `mongod`."""
    redis_server: Annotated[
        str, Setting("LOCAL_REDIS_SERVER", zero="the one installed with the project, else the one on PATH")
    ] = ""
    """Program to run as `redis-server`."""
    rclone: Annotated[
        str, Setting("LOCAL_RCLONE", zero="the one installed with the project, else the one on PATH")
    ] = ""
    """Program to run as `rclone`."""
    nginx: Annotated[
        str, Setting("LOCAL_NGINX", zero="the one installed with the project, else the one on PATH")
    ] = ""
    """Program to run as `nginx`, with `--proxy`."""
