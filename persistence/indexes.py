"""Collections, indexes and sharding, as numbered migrations that run once each.

Every unique index costs mongod about 12 us a message, so `messages` has two besides `_id`, and one that texts are not in; each says why.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final

from pymongo import ASCENDING, DESCENDING
from pymongo.database import Database
from pymongo.errors import CollectionInvalid, DuplicateKeyError, OperationFailure

from persistence.models import LISTED
from persistence.mongo import Document, Mongo

log: Final = logging.getLogger(__name__)

_NAMESPACE_EXISTS: Final = 48
_COLLECTIONS: Final = ("messages", "chats", "members", "users", "devices", "signing_keys", "dead_letters")
_SHARD_KEYS: Final[dict[str, Document]] = {
    # The whole of a chat on one shard: MongoDB enforces a unique index only if the shard key is its prefix.
    "messages": {"c": 1},
    "members": {"chat_id": 1},
    # `users` stays whole: its unique phone could not be kept across shards. A hundred million of them fit one.
    "devices": {"_id": "hashed"},
    "blocks": {"user_id": 1},
    "invites": {"_id": "hashed"},
    "removals": {"chat_id": 1},
    "account_jobs": {"user_id": "hashed"},
    "stories": {"user_id": 1},
    "story_views": {"story_id": 1},
    "push_subscriptions": {"user_id": 1},
    "notified": {"_id": "hashed"},
    "push_tries": {"chat_id": 1},
    # By id, evenly: a file is asked for by those who see it, who need not know whose it is.
    "media": {"_id": "hashed"},
}


def _first(db: Database[Document]) -> None:
    for name in _COLLECTIONS:  # made beforehand: inside a transaction, making one takes locks
        try:
            db.create_collection(name)
        except (
            CollectionInvalid,
            OperationFailure,
        ) as error:  # which one depends on when another node made it
            if isinstance(error, OperationFailure) and error.code != _NAMESPACE_EXISTS:
                raise
            log.debug("collection is there", extra={"collection": name})
    # The order of the log: decides races for a rev, and answers "what changed since".
    db["messages"].create_index([("c", ASCENDING), ("r", ASCENDING)], unique=True, name="rev")
    # The order of the conversation: decides races for a seq, and answers pages of history. Changes have no seq.
    db["messages"].create_index(
        [("c", ASCENDING), ("s", ASCENDING)],
        unique=True,
        name="seq",
        partialFilterExpression={"s": {"$gt": 0}},
    )
    db["chats"].create_index(
        [("pair", ASCENDING)], unique=True, name="pair", partialFilterExpression={"pair": {"$gt": ""}}
    )
    db["members"].create_index([("chat_id", ASCENDING), ("user_id", ASCENDING)], unique=True, name="chat")
    db["members"].create_index([("user_id", ASCENDING)], name="user")
    db["users"].create_index([("phone", ASCENDING)], unique=True, name="phone")
    db["devices"].create_index([("user_id", ASCENDING), ("created_at", DESCENDING)], name="user")


def _blocks(db: Database[Document]) -> None:
    # Whom a user has blocked, in order; unique, so that it can be kept across shards.
    db["blocks"].create_index([("user_id", ASCENDING), ("blocked_id", ASCENDING)], unique=True, name="user")


def _audit(db: Database[Document]) -> None:
    # `_id` is the place in the log. Whole on one shard: there is one order, and a note is there once.
    db["audit"].create_index([("note", ASCENDING)], unique=True, name="note")
    newest = [("at", DESCENDING), ("_id", DESCENDING)]
    db["audit"].create_index(newest, name="at")
    for name, field in (
        ("action", "action"),
        ("actor", "actor_id"),
        ("user", "about.user_id"),
        ("chat", "about.chat_id"),
    ):
        db["audit"].create_index([(field, ASCENDING), *newest], name=name)
    # Mostly empty. Made beforehand: inside a transaction, making a collection takes locks.
    db["audit_pending"].create_index([("at", ASCENDING)], name="at")


def _invites(db: Database[Document]) -> None:
    # A chat's invites, in order; and all that somebody has made.
    db["invites"].create_index([("chat_id", ASCENDING), ("_id", ASCENDING)], name="chat")
    db["invites"].create_index([("created_by", ASCENDING)], name="maker")
    # Made beforehand, as it is written in transactions. Found by `_id`; unique within a chat by fields, so that it can be kept across shards.
    db["removals"].create_index([("chat_id", ASCENDING), ("user_id", ASCENDING)], unique=True, name="chat")


def _account_jobs(db: Database[Document]) -> None:
    # What is due, the longest due first.
    db["account_jobs"].create_index([("due_at", ASCENDING)], name="due")


def _stories(db: Database[Document]) -> None:
    stories, views = db["stories"], db["story_views"]
    # What a user shows and has not ended; how many those are.
    stories.create_index([("user_id", ASCENDING), ("expires_at", ASCENDING)], name="user")
    # A client_id makes one story.
    stories.create_index([("user_id", ASCENDING), ("client_id", ASCENDING)], unique=True, name="client")
    # Who has seen a story, newest first.
    views.create_index([("story_id", ASCENDING), ("at", DESCENDING), ("user_id", DESCENDING)], name="story")
    for collection in (stories, views):
        # What is to be announced, by when; gone when nothing is left to announce.
        collection.create_index([("due_at", ASCENDING)], sparse=True, name="due")
        # What may have been announced since.
        collection.create_index([("moved_at", ASCENDING), ("_id", ASCENDING)], name="moved")
    # What is over and announced, and may be forgotten.
    stories.create_index([("over_at", ASCENDING)], sparse=True, name="over")


def _notifications(db: Database[Document]) -> None:
    # A user's subscriptions, oldest first.
    db["push_subscriptions"].create_index([("user_id", ASCENDING), ("created_at", ASCENDING)], name="user")
    # What became of the pushes of a message; what a device was told last of a chat.
    db["push_tries"].create_index([("chat_id", ASCENDING), ("seq", ASCENDING)], name="message")
    told = [
        ("chat_id", ASCENDING),
        ("subscription_id", ASCENDING),
        ("result", ASCENDING),
        ("seq", DESCENDING),
    ]
    db["push_tries"].create_index(told, name="told")
    db["push_tries"].create_index([("gone_at", ASCENDING)], name="gone", expireAfterSeconds=0)


def _media(db: Database[Document]) -> None:
    media = db["media"]
    # A user's files, in order; those never used, to be counted; those to look at, in the order of time.
    media.create_index([("owner_id", ASCENDING), ("_id", ASCENDING)], name="owner")
    media.create_index(
        [("owner_id", ASCENDING)], name="pending", partialFilterExpression={"pending": {"$eq": True}}
    )
    media.create_index([("review_at", ASCENDING)], name="review", sparse=True)


def _reach(db: Database[Document]) -> None:
    # How many members have received and read a message, from the index alone. Moves with every cursor.
    db["members"].create_index(
        [
            ("chat_id", ASCENDING),
            ("joined_seq", ASCENDING),
            ("delivered_seq", ASCENDING),
            ("shown_seq", ASCENDING),
        ],
        name="reach",
    )


def _by_type(db: Database[Document]) -> None:
    # What people have shown each other in a chat. Texts, nearly all that is written, are not in it and cost nothing. What is deleted lies by itself:
    # whoever asks for the rest does not pass over it.
    db["messages"].create_index(
        [("c", ASCENDING), ("t", ASCENDING), ("d", ASCENDING), ("s", ASCENDING)],
        name="type",
        partialFilterExpression={"t": {"$in": sorted(kind.value for kind in LISTED)}},
    )


MIGRATIONS: Final[Sequence[tuple[int, str, Callable[[Database[Document]], None]]]] = (
    (1, "collections and indexes of users, chats and messages", _first),
    (2, "blocks", _blocks),
    (3, "audit log", _audit),
    (4, "invites", _invites),
    (5, "tasks for accounts", _account_jobs),
    (6, "stories", _stories),
    (7, "push subscriptions and tries", _notifications),
    (8, "media", _media),
    (9, "how many members a message has reached", _reach),
    (10, "pictures, files and places of a chat", _by_type),
)


async def init_db(mongo: Mongo) -> list[str]:
    """Bring the database up to date; what was done, a line each. Safe when several nodes begin at once. Raises `StoreUnavailable`."""
    return await mongo.administer(_init, mongo)


def _init(mongo: Mongo) -> list[str]:
    db = mongo.db
    done = {row["_id"] for row in db["migrations"].find({}, {"_id": 1})}
    lines: list[str] = []
    for number, what, migrate in MIGRATIONS:
        if number in done:
            continue
        migrate(db)  # each is idempotent: of two nodes that run it at once, both succeed
        try:
            db["migrations"].insert_one({"_id": number, "what": what, "at": datetime.now(UTC)})
        except DuplicateKeyError:
            continue
        lines.append(f"migration {number}: {what}")
    return lines + _shard(mongo)


def _shard(mongo: Mongo) -> list[str]:
    if mongo.client.admin.command("hello").get("msg") != "isdbgrid":
        return []
    mongo.client.admin.command("enableSharding", mongo.db.name)
    lines: list[str] = []
    for name, key in _SHARD_KEYS.items():
        try:
            mongo.client.admin.command("shardCollection", f"{mongo.db.name}.{name}", key=key)
        except OperationFailure as error:
            if "already sharded" not in str(error):
                raise
        else:
            lines.append(f"sharded {name} by {next(iter(key))}")
    return lines
