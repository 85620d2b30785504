"""What can be wrong with settings, said in one line each."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import SecretStr
from pydantic_core import ErrorDetails


@dataclass(frozen=True, slots=True)
class Problem:
    """One wrong setting: its name, what is wrong, and where the value came from."""

    name: str
    message: str
    origin: str = ""

    def __str__(self) -> str:
        where = f" (from {self.origin})" if self.origin else ""
        return f"{self.name}: {self.message}{where}"


class SettingsError(ValueError):
    """The settings cannot be used. `problems` names each that is wrong."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = tuple(problems)


_PLAIN: Final = {
    "int_parsing": "must be a whole number",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_parsing": "must be a number",
    "float_type": "must be a number",
    "finite_number": "must be a finite number",
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "string_type": "must be a text",
    "path_type": "must be a path",
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
    "literal_error": "must be one of {expected}",
    "enum": "must be one of {expected}",
    "too_short": "must not be empty",
    "ip_v4_network": "must be networks like 10.0.0.0/8",
    "ip_v6_network": "must be networks like 10.0.0.0/8",
    "tuple_type": "must be a list",
    "model_type": "must be a table",
    "frozen_set_type": "must be a list",
}


def plain(error: ErrorDetails, *, secret: bool) -> str:
    """What a validation error says, in few words, with the wrong value unless it is a secret."""
    context: dict[str, Any] = {
        name: int(bound) if isinstance(bound, float) and bound.is_integer() else bound
        for name, bound in (error.get("ctx") or {}).items()
    }
    if error["type"] == "value_error":
        text = str(context["error"])
    else:
        text = _PLAIN.get(error["type"], error["msg"]).format(**context)
    value = error["input"]
    if secret or isinstance(value, dict | SecretStr) or not isinstance(value, str | int | float | list):
        return text
    shown = repr(value)
    return f"{text}, not {shown if len(shown) <= 60 else shown[:57] + '...'}"
