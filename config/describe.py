"""Settings as documentation: `python -m config.describe toml | markdown`.

The sample file and the table in `docs/operating.md` are made by this, and a test keeps them true.
"""

import sys
from collections.abc import Callable, Iterator
from enum import Enum
from pathlib import Path
from typing import Any, Final

from annotated_types import Ge, Gt
from pydantic import BaseModel, SecretStr

from config.fields import Section
from config.settings import Settings
from config.sources import Known, Place, dotted, known

_UNITS: Final = {"_s": "seconds", "_ms": "milliseconds", "_bytes": "bytes", "_kib": "KiB", "_mib": "MiB"}


def unit(each: Known) -> str:
    """Unit of a number, from its metadata or its name; empty for other things."""
    name = each.place[-1]
    return each.setting.unit or next((unit for end, unit in _UNITS.items() if name.endswith(end)), "")


def zero(each: Known) -> str:
    """What zero, or the empty text, means."""
    refused = any(
        (isinstance(rule, Gt) and rule.gt == 0) or (isinstance(rule, Ge) and rule.ge != 0)
        for rule in each.field.metadata
    )
    return each.setting.zero or ("refused" if refused else "")


def default(each: Known) -> str:
    """The default as TOML."""
    return _toml(each.field.default)


def _toml(value: Any) -> str:
    match value:
        case bool():
            return str(value).lower()
        case SecretStr():
            return '""'
        case frozenset():
            return "[" + ", ".join(_toml(item) for item in type(next(iter(value))) if item in value) + "]"
        case tuple():
            return "[" + ", ".join(f'"{item}"' for item in value) + "]"
        case Enum():
            return f'"{value.value}"'
        case Path() | str():
            return f'"{value}"'
        case _:
            return str(value)


def sample() -> str:
    """A TOML file with every setting, each commented out at its default."""
    lines = [
        "# Settings of chat-platform. Every line that is commented out shows a default.",
        "# The variable that is named for a setting goes before this file; a secret may also be in a file, named by <VARIABLE>_FILE.",
    ]
    section: tuple[str, ...] = ()
    for each in known(Settings):
        if each.place[:-1] != section:
            section = each.place[:-1]
            lines += ["", f"# {_about(section)}", f"[{dotted(section)}]"]
        facts = "; ".join(_facts(each))
        lines += [
            "",
            f"# {each.field.description}",
            f"# {facts}",
            f"# {each.place[-1]} = {each.setting.sample or default(each)}",
        ]
    return "\n".join(lines) + "\n"


def _about(section: Place) -> str:
    """What a section is for: said where it stands, if there are several of its kind, else by its class."""
    model: type[BaseModel] = Settings
    about: str | None = None
    for name in section:
        field = model.model_fields[name]
        assert isinstance(field.annotation, type)
        assert issubclass(field.annotation, Section)
        model = field.annotation
        about = field.description or model.__doc__
    assert about is not None, f"{dotted(section)} says nothing of itself"
    return about


def _facts(each: Known) -> Iterator[str]:
    yield each.setting.env
    if unit(each):
        yield unit(each)
    if zero(each):
        empty = isinstance(each.field.default, str | SecretStr)
        yield f"{'empty' if empty else '0'}: {zero(each)}"


def table() -> str:
    """All settings as a Markdown table."""
    lines = [
        "| variable | in the file | default | unit | zero or empty | what it is |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for each in known(Settings):
        shown = default(each)
        cells = [
            f"`{each.setting.env}`" + (", `" + each.setting.env + "_FILE`" if each.secret else ""),
            f"`{dotted(each.place)}`",
            "" if shown == '""' else f"`{shown}`",
            unit(each),
            zero(each),
            each.field.description or "",
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


_PRINTERS: Final[dict[str, Callable[[], str]]] = {"toml": sample, "markdown": table}

if __name__ == "__main__":
    wanted = sys.argv[1:]
    if len(wanted) != 1 or wanted[0] not in _PRINTERS:
        sys.exit(f"usage: python -m config.describe {' | '.join(_PRINTERS)}")
    sys.stdout.write(_PRINTERS[wanted[0]]())
