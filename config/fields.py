"""What is known of a setting beside its type: the name it has in the environment, its unit, and what zero means."""

import re
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr


@dataclass(frozen=True, slots=True)
class Setting:
    """Stands beside the type of a setting, in `Annotated`.

    Attributes:
        env: its variable in the environment. A secret is also read from the file that `<env>_FILE` names.
        unit: of a number, where the name does not say it.
        zero: what 0, or the empty text, means. Numbers that may not be zero need none.
        sample: the value shown in the sample file, where the default would tell little.

    """

    env: str
    unit: str = ""
    zero: str = ""
    sample: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Stands beside the type of a section in a section: of one that is there several times, with other defaults each time.

    Attributes:
        env: what the names of its settings in the environment begin with.

    """

    env: str


class Section(BaseModel):
    """A group of settings: a table in the TOML file."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        use_attribute_docstrings=True,
        validate_default=True,
        allow_inf_nan=False,
    )


class NodeRole(StrEnum):
    """A part of the platform that a node can carry: `realtime` the sockets, `media`, `stories` and `notifications` their calls and workers, `api` all other calls."""

    API = "api"
    REALTIME = "realtime"
    MEDIA = "media"
    STORIES = "stories"
    NOTIFICATIONS = "notifications"


def _split(value: object) -> object:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


Roles = Annotated[frozenset[NodeRole], BeforeValidator(_split)]
"""Several roles; in the environment they are separated by commas."""
Networks = Annotated[tuple[IPv4Network | IPv6Network, ...], BeforeValidator(_split)]
"""Several networks, like "10.0.0.0/8"; in the environment they are separated by commas."""


def _lower(value: tuple[str, ...]) -> tuple[str, ...]:
    for origin in value:
        if not origin.lower().startswith(("http://", "https://")) or origin.count("/") != 2:
            raise ValueError('each must be like "https://chat.example.org", without a path')
    return tuple(origin.lower() for origin in value)


Origins = Annotated[tuple[str, ...], BeforeValidator(_split), AfterValidator(_lower)]
"""Several origins of pages; in the environment they are separated by commas."""


def _content_types(value: object) -> object:
    parts = _split(value)
    if isinstance(parts, list | tuple):
        for part in parts:
            if not isinstance(part, str) or not _CONTENT_TYPE.fullmatch(part):
                raise ValueError('must be types like "image/png"')
    return parts


_CONTENT_TYPE: Final = re.compile(r"\*/\*|[a-z0-9][a-z0-9!#$&^_.+-]{0,126}/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}")
ContentTypes = Annotated[tuple[str, ...], BeforeValidator(_content_types), Field(min_length=1)]
"""Several content types, like "image/png"; in the environment they are separated by commas. "*/*" is any."""


def _address(*schemes: str) -> BeforeValidator:
    """Checks that a text, unless it is empty, is an address of one of these kinds. Says nothing of the rest of it: it may hold a password."""

    def check(value: object) -> object:
        text = value.get_secret_value() if isinstance(value, SecretStr) else value
        if (
            isinstance(text, str)
            and text
            and not text.startswith(tuple(f"{scheme}://" for scheme in schemes))
        ):
            raise ValueError("must begin with " + " or ".join(f"{scheme}://" for scheme in schemes))
        return value

    return BeforeValidator(check)


MongoUri = Annotated[SecretStr, _address("mongodb", "mongodb+srv")]
RedisUrl = Annotated[SecretStr, _address("redis", "rediss", "unix")]
HttpUrl = Annotated[str, _address("http", "https")]
