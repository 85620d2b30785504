"""What log lines hold, and what they never hold."""

import io
import json
import logging
from collections.abc import Callable, Iterator

import pytest
import trio

from config.logging import bound, configure, connection_id, request_id
from config.redact import HIDDEN, Redactor
from config.settings import LogFormat, LogLevel

log = logging.getLogger("tests.logging")


@pytest.fixture
def lines() -> Iterator[Callable[..., list[str]]]:
    """Configures logging for the test; then returns what was written."""
    root = logging.getLogger()
    before = (root.level, list(root.handlers), logging.raiseExceptions)
    stream = io.StringIO()

    def begin(
        log_format: LogFormat = LogFormat.JSON, level: LogLevel = LogLevel.INFO, secrets: tuple[str, ...] = ()
    ) -> Callable[[], list[str]]:
        configure(level, log_format, node="n1", secrets=secrets, stream=stream)
        return lambda: stream.getvalue().splitlines()

    yield begin
    for handler in list(root.handlers):
        root.removeHandler(handler)
    for handler in before[1]:
        root.addHandler(handler)
    root.setLevel(before[0])
    logging.raiseExceptions = before[2]
    logging.captureWarnings(capture=False)


def test_a_line_is_a_json_object_with_what_was_given(lines: Callable[..., Callable[[], list[str]]]) -> None:
    written = lines()
    log.info("started on %d", 8000, extra={"port": 8000, "roles": ["api"]})
    (line,) = [json.loads(text) for text in written()]
    assert line.pop("at").endswith("Z")
    assert line == {
        "level": "info",
        "logger": "tests.logging",
        "message": "started on 8000",
        "node": "n1",
        "port": 8000,
        "roles": "['api']",
    }


async def test_lines_carry_the_ids_of_what_is_being_served(
    lines: Callable[..., Callable[[], list[str]]],
) -> None:
    written = lines()

    async def serve(name: str) -> None:
        with bound(connection_id, name):
            await trio.lowlevel.checkpoint()
            log.info("in %s", name)

    with bound(request_id, "r1"):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(serve, "c1")
            nursery.start_soon(serve, "c2")
    log.info("after")
    parsed = [json.loads(text) for text in written()]
    assert sorted((line["message"], line["request_id"], line["connection_id"]) for line in parsed[:2]) == [
        ("in c1", "r1", "c1"),
        ("in c2", "r1", "c2"),
    ]
    assert not {"request_id", "connection_id"} & set(parsed[2])


def test_an_exception_is_one_line(lines: Callable[..., Callable[[], list[str]]]) -> None:
    written = lines()
    try:
        raise ValueError("bad\nvalue password=hunter2")
    except ValueError:
        log.exception("failed")
    (line,) = [json.loads(text) for text in written()]
    assert line["error"] == f"ValueError: bad\nvalue password={HIDDEN}"
    assert "Traceback" in line["traceback"]
    assert "hunter2" not in "".join(written())


def test_less_important_lines_are_left_out_and_libraries_speak_only_when_it_matters(
    lines: Callable[..., Callable[[], list[str]]],
) -> None:
    written = lines(level=LogLevel.INFO)
    log.debug("detail")
    logging.getLogger("pymongo.topology").info("chatter")
    logging.getLogger("botocore").warning("matters")
    assert [json.loads(text)["message"] for text in written()] == ["matters"]


def test_text_for_people_cannot_be_forged_by_what_others_send(
    lines: Callable[..., Callable[[], list[str]]],
) -> None:
    written = lines(LogFormat.TEXT)
    log.warning("unknown event %s", "x\n12:00:00 ERROR forged\x1b[2J", extra={"topic": "a\r\nb"})
    (line,) = written()
    assert (
        "WARNING tests.logging: unknown event x\\x0a12:00:00 ERROR forged\\x1b[2J  topic=a\\x0d\\x0ab" in line
    )


def test_crash_reports_keep_their_lines_in_text(lines: Callable[..., Callable[[], list[str]]]) -> None:
    written = lines(LogFormat.TEXT)
    logging.getLogger("supervisors").error("crash: %s", "node/x\nTraceback:\n  line")
    assert [line.strip() for line in written()][1:] == ["Traceback:", "line"]


def test_a_huge_value_is_cut(lines: Callable[..., Callable[[], list[str]]]) -> None:
    written = lines()
    log.info("got %s", "x" * 1_000_000)
    assert len(written()[0]) < 10_000


def test_a_full_disk_is_nobodys_problem(capsys: pytest.CaptureFixture[str]) -> None:
    class Full(io.StringIO):
        def write(self, _: str) -> int:
            raise OSError(28, "No space left on device")

    root = logging.getLogger()
    before = (root.level, list(root.handlers), logging.raiseExceptions)
    try:
        configure(stream=Full())
        log.error("cannot be written")
        assert capsys.readouterr().err == ""
    finally:
        root.handlers[:] = before[1]
        root.setLevel(before[0])
        logging.raiseExceptions = before[2]
        logging.captureWarnings(capture=False)


JWT = "eyJhbGciOiJFUzI1NiIsImtpZCI6IjEifQ.eyJzdWIiOiIxIn0.c2lnbmF0dXJlLXNpZ25hdHVyZQ"


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        (
            f"GET /socket/websocket?vsn=2.0.0&token={JWT}&x=1",
            f"GET /socket/websocket?vsn=2.0.0&token={HIDDEN}&x=1",
        ),
        (f"Authorization: Bearer {JWT}", f"Authorization: Bearer {HIDDEN}"),
        ("phoenix, base64url.bearer.phx.ZXlKaGJHY2lPaUo", f"phoenix, base64url.bearer.phx.{HIDDEN}"),
        (f"bad token {JWT} given", f"bad token {HIDDEN} given"),
        ("{'password': 'it''s me', 'name': 'Ann'}", None),
        ('{"password": "hunter2 \\" x", "name": "Ann"}', f'{{"password": {HIDDEN}, "name": "Ann"}}'),
        (
            "SignupBody(name='Ann', phone='+4930123456', password='hunter2')",
            f"SignupBody(name='Ann', phone={HIDDEN}, password={HIDDEN})",
        ),
        ("refresh_token=abc.def-1", f"refresh_token={HIDDEN}"),
        ("mongodb://user:hunter2@db.example/chat", f"mongodb://{HIDDEN}@db.example/chat"),
        ("redis://:hunter2@cache:6379/0", f"redis://{HIDDEN}@cache:6379/0"),
        ("user +4930123456 signed up", f"user {HIDDEN} signed up"),
        ("call +49 30 12 34 56 now", f"call {HIDDEN} now"),
        ("GET /users?phone=%2B4930123456", f"GET /users?phone={HIDDEN}"),
        ("hash $argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA of", f"hash {HIDDEN} of"),
        ("-----BEGIN PRIVATE KEY-----\nMIGH\n-----END PRIVATE KEY-----", HIDDEN),
        ("X-Amz-Signature=0a1b2c&X-Amz-Expires=60", f"X-Amz-Signature={HIDDEN}&X-Amz-Expires=60"),
        ("S3_SECRET_ACCESS_KEY=abc123", f"S3_SECRET_ACCESS_KEY={HIDDEN}"),
    ],
)
def test_secrets_are_hidden_by_their_shape(text: str, hidden: str | None) -> None:
    redacted = Redactor().text(text)
    if hidden is None:
        assert "it''s me" not in redacted
    else:
        assert redacted == hidden


@pytest.mark.parametrize(
    "text",
    [
        "listening on 127.0.0.1:8000 and [::1]:8001",
        "chat 0197a3b2c4d5e6f708192a3b4c5d seq 12 rev 13 of 1,000,000",
        "2026-01-02T03:04:05.678Z took 0.123 s +2 more",
        "the token has expired",
        "mongodb://127.0.0.1:27117/?replicaSet=chat answers",
        "15 passwords checked; phone look-ups: 3",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert Redactor().text(text) == text


def test_known_secrets_are_hidden_wherever_they_are(lines: Callable[..., Callable[[], list[str]]]) -> None:
    written = lines(secrets=("correct-horse", "abc"))
    log.info("with correct-horse in it, abc", extra={"detail": "correct-horse"})
    line = json.loads(written()[0])
    assert (line["message"], line["detail"]) == (f"with {HIDDEN} in it, abc", HIDDEN)


@pytest.mark.parametrize(
    "name", ["password", "token", "access_token", "authorization", "phone", "refresh_token", "secret"]
)
def test_fields_with_the_name_of_a_secret_are_hidden_whole(
    name: str, lines: Callable[..., Callable[[], list[str]]]
) -> None:
    written = lines()
    log.info("x", extra={name: "hunter2"})
    assert json.loads(written()[0])[name] == HIDDEN
