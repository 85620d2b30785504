"""Where settings come from, each with the place of every value, for messages."""

import difflib
import tomllib
from collections.abc import Iterator, Mapping
from copy import copy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from config.errors import Problem
from config.fields import Group, Section, Setting

CONFIG_VARIABLE: Final = "CHAT_CONFIG"
CONFIG_FILE: Final = Path("chat-platform.toml")

Place = tuple[str, ...]
"""Where a setting stands: `("redis", "url")`."""


@dataclass(frozen=True, slots=True)
class Known:
    """A setting that exists."""

    place: Place
    setting: Setting
    field: FieldInfo

    @property
    def secret(self) -> bool:
        """Whether its value must never be shown."""
        return self.field.annotation is SecretStr


def known(model: type[BaseModel]) -> Iterator[Known]:
    """All settings of a model, sections included, in order."""
    return _known(model)


def _known(
    model: type[BaseModel], above: Place = (), env: str = "", defaults: BaseModel | None = None
) -> Iterator[Known]:
    for name, field in model.model_fields.items():
        annotation, place = field.annotation, (*above, name)
        if isinstance(annotation, type) and issubclass(annotation, Section):
            group = next((entry for entry in field.metadata if isinstance(entry, Group)), None)
            if group is None:
                yield from _known(annotation, place)
            else:
                yield from _known(annotation, place, group.env, field.default)
            continue
        setting = next(entry for entry in field.metadata if isinstance(entry, Setting))
        if defaults is not None:
            setting = replace(setting, env=env + setting.env)
            field = copy(field)
            field.default = getattr(defaults, name)
        yield Known(place, setting, field)


@dataclass(frozen=True, slots=True)
class Values:
    """What one source says: values by place, and the origin of each."""

    values: Mapping[Place, Any]
    origins: Mapping[Place, str]
    problems: tuple[Problem, ...] = ()


def from_environment(settings: type[BaseModel], environ: Mapping[str, str]) -> Values:
    """Variables that are set and not empty; a secret may be in the file that `<NAME>_FILE` names."""
    values: dict[Place, Any] = {}
    origins: dict[Place, str] = {}
    problems: list[Problem] = []
    for each in known(settings):
        name = each.setting.env
        file_name = environ.get(f"{name}_FILE", "") if each.secret else ""
        text = environ.get(name, "")
        if text and file_name:
            problems.append(Problem(name, f"is set, and so is {name}_FILE: set one of them"))
        elif file_name:
            try:
                values[each.place] = Path(file_name).read_text(encoding="utf-8").rstrip("\r\n")
            except (OSError, UnicodeDecodeError) as error:
                reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
                problems.append(Problem(f"{name}_FILE", f"cannot read {file_name}: {reason}"))
            origins[each.place] = f"the file {file_name}"
        elif text:
            values[each.place] = text
            origins[each.place] = "the environment"
    return Values(values, origins, tuple(problems))


def config_path(environ: Mapping[str, str]) -> Path | None:
    """The TOML file to read: the one that `CHAT_CONFIG` names, else `chat-platform.toml` here if there is one."""
    named = environ.get(CONFIG_VARIABLE, "")
    if named:
        return Path(named)
    return CONFIG_FILE if CONFIG_FILE.exists() else None


def from_toml(settings: type[BaseModel], path: Path) -> Values:
    """What a TOML file says. An unreadable file, or a name that is no setting, is a problem."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        return Values({}, {}, (Problem(CONFIG_VARIABLE, f"cannot read {path}: {error.strerror}"),))
    except UnicodeDecodeError:
        return Values({}, {}, (Problem(CONFIG_VARIABLE, f"{path} is not UTF-8 text"),))
    except tomllib.TOMLDecodeError as error:
        return Values({}, {}, (Problem(CONFIG_VARIABLE, f"{path} is not TOML: {error}"),))
    by_place = {each.place: each for each in known(settings)}
    sections = {place[:depth] for place in by_place for depth in range(1, len(place))}
    values: dict[Place, Any] = {}
    origins: dict[Place, str] = {}
    problems: list[Problem] = []
    for place, value in _flat(document, sections):
        if place in by_place:
            values[place] = value
            origins[place] = f"{dotted(place)} in {path}"
        elif place in sections:
            problems.append(Problem(dotted(place), "must be a table", str(path)))
        else:
            problems.append(Problem(dotted(place), "is not a setting" + _meant(place, by_place), str(path)))
    return Values(values, origins, tuple(problems))


def _flat(
    document: Mapping[str, Any], sections: set[Place], above: Place = ()
) -> Iterator[tuple[Place, Any]]:
    for name, value in document.items():
        place = (*above, name)
        if place in sections and isinstance(value, dict):
            yield from _flat(value, sections, place)
        else:
            yield place, value


def _meant(place: Place, there: Mapping[Place, Known]) -> str:
    names = {dotted(known_place): known_place for known_place in there}
    by_env = {each.setting.env.lower(): dotted(each.place) for each in there.values()}
    wrong = dotted(place)
    if wrong.lower() in by_env:
        return f"; here it is called {by_env[wrong.lower()]}"
    close = difflib.get_close_matches(wrong, names, n=1)
    return f"; did you mean {close[0]}?" if close else ""


def dotted(place: Place) -> str:
    """`redis.url`."""
    return ".".join(place)


def nested(flat: Mapping[Place, Any]) -> dict[str, Any]:
    """Values by place as nested dictionaries."""
    result: dict[str, Any] = {}
    for place, value in flat.items():
        table = result
        for name in place[:-1]:
            table = table.setdefault(name, {})
        table[place[-1]] = value
    return result
