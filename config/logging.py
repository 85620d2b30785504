"""Log lines: one JSON object each on standard error, or text for people on a terminal.

The standard library's logging, because that is what Hypercorn, pymongo, boto3 and Trio speak: one way for all lines, so that none escapes the redaction.
Request and connection ids travel in context variables, which Trio's tasks inherit. Writing a line blocks; so nothing is logged per message or delivery.

| field | |
| --- | --- |
| `at` | RFC 3339 UTC with milliseconds |
| `level`, `logger`, `message` | |
| `node` | the node's name |
| `request_id`, `connection_id` | of what was being served, if anything |
| `error`, `traceback` | of an exception |
| others | given by `extra=` |
"""

import json
import logging
import sys
import time
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final, TextIO

from config.redact import Redactor
from config.settings import LogFormat, LogLevel

request_id: Final[ContextVar[str]] = ContextVar("request_id", default="")
"""Id of the request that is being served; `""` outside one."""
connection_id: Final[ContextVar[str]] = ContextVar("connection_id", default="")
"""Id of the connection that is being served; `""` outside one."""

_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_QUIET: Final = (
    "botocore",
    "boto3",
    "urllib3",
    "s3transfer",
    "pymongo",
    "hypercorn.access",
    "quart.serving",
    "trio-websocket",
)
_CONTROLS: Final = {n: f"\\x{n:02x}" for n in (*range(32), *range(127, 160)) if n != 9} | {0x2028: "\\u2028", 0x2029: "\\u2029"}  # fmt: skip
_LONGEST: Final = 8192


@contextmanager
def bound(variable: ContextVar[str], value: str) -> Iterator[None]:
    """Have every line of the block, and of tasks that it starts, carry this id."""
    token = variable.set(value)
    try:
        yield
    finally:
        variable.reset(token)


def configure(
    level: LogLevel = LogLevel.INFO,
    log_format: LogFormat = LogFormat.AUTO,
    *,
    node: str = "",
    secrets: Iterable[str] = (),
    stream: TextIO | None = None,
) -> None:
    """Send all log lines of this process to `stream` (standard error), instead of wherever they went before.

    Args:
        level: the least important lines to write.
        log_format: how they look.
        node: name that JSON lines carry.
        secrets: values that no line may hold.
        stream: where to.

    """
    stream = stream or sys.stderr
    as_text = log_format is LogFormat.TEXT or (log_format is LogFormat.AUTO and stream.isatty())
    redactor = Redactor(secrets)
    handler = logging.StreamHandler(stream)
    handler.setFormatter(TextFormatter(redactor) if as_text else JsonFormatter(redactor, node))
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level.upper())
    logging.captureWarnings(capture=True)
    # What goes wrong with a write is not to be written there again; a full disk must not stop a chat.
    logging.raiseExceptions = False
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))


class JsonFormatter(logging.Formatter):
    """One JSON object a line."""

    def __init__(self, redactor: Redactor, node: str = "") -> None:
        super().__init__()
        self._redactor = redactor
        self._node = node

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        line: dict[str, Any] = {
            "at": _rfc3339(record.created),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _clean(record.getMessage(), self._redactor),
        }
        if self._node:
            line["node"] = self._node
        line |= _fields(record, self._redactor)
        if record.exc_info and record.exc_info[1] is not None:
            error = record.exc_info[1]
            line["error"] = _clean(f"{type(error).__name__}: {error}", self._redactor)
            line["traceback"] = self._redactor.text("".join(traceback.format_exception(error)))
        return json.dumps(line, ensure_ascii=False, default=str)


class TextFormatter(logging.Formatter):
    """`12:03:04.123 INFO    server.node: ready  port=8000`. Control characters in what others sent are shown, not obeyed."""

    def __init__(self, redactor: Redactor) -> None:
        super().__init__()
        self._redactor = redactor

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end; a traceback follows on lines of its own."""
        at = time.strftime("%H:%M:%S", time.localtime(record.created))
        text = _clean(record.getMessage(), self._redactor)
        message, *more = text.split("\n") if _own_lines(record) else [text]
        fields = "".join(f"  {name}={value}" for name, value in _fields(record, self._redactor).items())
        lines = [
            f"{at}.{int(record.msecs):03d} {record.levelname:7} {record.name}: {message}{fields}",
            *more,
        ]
        if record.exc_info and record.exc_info[1] is not None:
            lines += (
                self._redactor.text("".join(traceback.format_exception(record.exc_info[1])))
                .rstrip()
                .split("\n")
            )
        return "\n".join(line.translate(_CONTROLS) for line in lines)


def _own_lines(record: logging.LogRecord) -> bool:
    """Crash reports of supervisors carry their traceback in the message."""
    return record.name == "supervisors"


def _fields(record: logging.LogRecord, redactor: Redactor) -> dict[str, object]:
    fields: dict[str, object] = {}
    for name, variable in (("request_id", request_id), ("connection_id", connection_id)):
        if value := variable.get():
            fields[name] = value
    for name, value in vars(record).items():
        if name not in _STANDARD:
            fields[name] = _short(redactor.value(name, _short(value, 2)))
    return fields


def _rfc3339(seconds: float) -> str:
    whole, milliseconds = divmod(int(seconds * 1000), 1000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(whole))}.{milliseconds:03d}Z"


def _clean(text: str, redactor: Redactor) -> str:
    # Cut before, so that a huge text costs little, and after, so that a secret cut in half is not what is left.
    return str(_short(redactor.text(str(_short(text, 2)))))


def _short(value: object, times: int = 1) -> object:
    if not isinstance(value, str) or len(value) <= times * _LONGEST:
        return value
    return f"{value[: times * _LONGEST]}... ({len(value)} characters)"
