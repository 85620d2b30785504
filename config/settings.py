"""All settings of a node, from the environment and a TOML file, typed and frozen.

The environment goes before the file, the file before the defaults. Every setting has one name in the environment and one place in the file
(`python -m config.describe` prints both). An empty variable counts as not set.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from config.errors import Problem, SettingsError, plain
from config.fields import Networks, NodeRole, Origins, Roles, Section, Setting
from config.media import MediaSettings
from config.push import PushSettings
from config.rates import RateSettings
from config.sections import (
    AuthSettings,
    ClusterSettings,
    CommitSettings,
    DrainSettings,
    LimitSettings,
    LocalSettings,
    MongoSettings,
    PresenceSettings,
    ReceiptSettings,
    RedisSettings,
    S3Settings,
    StorySettings,
)
from config.sources import Place, Values, config_path, from_environment, from_toml, known, nested
from config.web import WebSettings

__all__ = ["LogFormat", "LogLevel", "NodeRole", "Problem", "Section", "Settings", "SettingsError", "load"]


class LogLevel(StrEnum):
    """The least important thing that is logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogFormat(StrEnum):
    """How a log line looks; `auto` is text on a terminal and JSON elsewhere."""

    AUTO = "auto"
    JSON = "json"
    TEXT = "text"


class Settings(BaseSettings):
    """Everything that can be set. Built directly, it has the defaults and what is passed; `load` reads environment and file."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        use_attribute_docstrings=True,
        validate_default=True,
        nested_model_default_partial_update=False,
    )

    host: Annotated[str, Field(min_length=1), Setting("HOST")] = "127.0.0.1"
    """Address to listen on. `0.0.0.0` is all of them: needed behind a load balancer on another machine or in a container."""
    port: Annotated[int, Field(ge=0, le=65_535), Setting("PORT", zero="any free port")] = 8000
    """Port to listen on. Several nodes of one machine may share it."""
    own_port: Annotated[int, Field(ge=0, le=65_535), Setting("OWN_PORT", zero="none")] = 0
    """A second port, of this node alone, for those who want to reach just this one of several that share `port`."""
    node_name: Annotated[str, Field(max_length=128), Setting("NODE_NAME", zero="host name and port")] = ""
    """Name of this node, different from all others' in the cluster."""
    roles: Annotated[Roles, Field(min_length=1), Setting("ROLES")] = frozenset(NodeRole)
    """What this node does, in the environment separated by commas: `realtime` the sockets, `media`, `stories` and `notifications` their calls and workers, `api` all other calls."""
    trusted_proxies: Annotated[Networks, Setting("TRUSTED_PROXIES", zero="nobody's word is taken")] = (
        IPv4Network("127.0.0.0/8"),
        IPv6Network("::1/128"),
    )
    """Networks of load balancers, whose word on a client's address (`X-Forwarded-For`) is taken."""
    allowed_origins: Annotated[
        Origins, Setting("ALLOWED_ORIGINS", zero="any: whoever has a token may connect from anywhere")
    ] = ()
    """Pages that may open sockets, like `https://chat.example.org`, in the environment separated by commas. Programs that are no browsers are not asked."""
    var_dir: Annotated[Path, Setting("VAR_DIR")] = Path("var")
    """Folder for control sockets and for the data and logs of the local stack."""
    log_level: Annotated[LogLevel, Setting("LOG_LEVEL")] = LogLevel.INFO
    """The least important thing that is logged."""
    log_format: Annotated[LogFormat, Setting("LOG_FORMAT")] = LogFormat.AUTO
    """How log lines look; `auto` is text on a terminal and JSON elsewhere."""

    mongodb: MongoSettings = MongoSettings()
    redis: RedisSettings = RedisSettings()
    s3: S3Settings = S3Settings()
    web: WebSettings = WebSettings()
    media: MediaSettings = MediaSettings()
    auth: AuthSettings = AuthSettings()
    limits: LimitSettings = LimitSettings()
    rates: RateSettings = RateSettings()
    commit: CommitSettings = CommitSettings()
    cluster: ClusterSettings = ClusterSettings()
    presence: PresenceSettings = PresenceSettings()
    push: PushSettings = PushSettings()
    receipts: ReceiptSettings = ReceiptSettings()
    drain: DrainSettings = DrainSettings()
    stories: StorySettings = StorySettings()
    local: LocalSettings = LocalSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what is passed: `load` reads the environment, so that tests and tools get what they ask for and no more."""
        return (init_settings,)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.own_port and self.own_port == self.port:
            raise ValueError("OWN_PORT must differ from PORT")
        return self

    @property
    def name(self) -> str:
        """This node's name: the one that was set, else host name and port."""
        return self.node_name or f"{socket.gethostname()}-{self.own_port or self.port}"

    @property
    def run_dir(self) -> Path:
        """Folder for control sockets."""
        return self.var_dir / "run"

    @property
    def control_socket(self) -> Path:
        """Where this node answers `python -m server tree`."""
        return self.run_dir / f"node-{self.own_port or self.port}.sock"

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every secret value, for those who must keep them out of what they write."""
        found = (_at(self, each.place) for each in known(Settings) if each.secret)
        return tuple(value.get_secret_value() for value in found if value.get_secret_value())

    def missing(self) -> tuple[Problem, ...]:
        """What a node cannot do without and has no default."""
        needed = (("mongodb", "uri"), ("redis", "url"), ("s3", "access_key_id"), ("s3", "secret_access_key"))
        return tuple(
            Problem(each.setting.env, "is not set")
            for each in known(Settings)
            if each.place in needed and not _at(self, each.place).get_secret_value()
        )


def load(environ: Mapping[str, str] | None = None, **given: Any) -> Settings:
    """Settings from `environ` (this process's environment if not given) and the TOML file.

    Args:
        environ: variables.
        given: values that go before all others, for example from the command line; `None` is not given.

    Raises:
        SettingsError: names every setting that is wrong.

    """
    environ = os.environ if environ is None else environ
    path = config_path(environ)
    sources = [from_toml(Settings, path)] if path is not None else []
    sources.append(from_environment(Settings, environ))
    options: dict[Place, Any] = {(name,): value for name, value in given.items() if value is not None}
    sources.append(Values(options, dict.fromkeys(options, "the command line")))
    values: dict[Place, Any] = {}
    origins: dict[Place, str] = {}
    for source in sources:
        values |= source.values
        origins |= source.origins
    problems = [problem for source in sources for problem in source.problems]
    try:
        settings = Settings(**nested(values))
    except ValidationError as error:
        problems += _problems(error, origins)
    if problems:
        raise SettingsError(problems)
    return settings


def _problems(error: ValidationError, origins: Mapping[Place, str]) -> list[Problem]:
    by_place = {each.place: each for each in known(Settings)}
    problems: dict[Problem, None] = {}
    for detail in error.errors(include_url=False):
        location = tuple(str(part) for part in detail["loc"])  # may go on into a list
        place = next((location[:n] for n in range(len(location), 0, -1) if location[:n] in by_place), None)
        if place is None:  # two settings that do not go together: the message names them
            name, _, rest = plain(detail, secret=True).partition(" ")
            problems[Problem(name, rest)] = None
        else:
            each = by_place[place]
            text = plain(detail, secret=each.secret)
            problems[Problem(each.setting.env, text, origins.get(place, ""))] = None
    return list(problems)


def _at(settings: Settings, place: Place) -> Any:
    value: Any = settings
    for name in place:
        value = getattr(value, name)
    return value
