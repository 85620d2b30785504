"""The bucket's CORS rule: what it has to be, what servers that know rules are told, and what is said of those that do not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from config.sections import S3Settings
from config.settings import Settings
from persistence.cors import CorsRefused, amended, rule
from persistence.errors import StoreUnavailable
from persistence.objects import ObjectStore
from server.commands.init_db import allow_pages
from tests.contracts.samples import new_id
from tests.cors_server import CorsServer, cors_server
from tests.servers import Servers

OURS = ("https://chat.example",)
THEIRS: Any = {"ID": "theirs", "AllowedOrigins": ["https://other.example"], "AllowedMethods": ["GET"]}


@pytest.fixture
def server() -> Iterator[CorsServer]:
    with cors_server() as running:
        yield running


async def allow(s3: S3Settings, *origins: str) -> bool:
    objects = ObjectStore.from_settings(s3)
    async with objects.running():
        return await objects.allow_pages(origins)


@pytest.mark.parametrize(
    ("there", "origins", "becomes"),
    [
        ([], OURS, [rule(OURS)]),
        ([], (), [rule(["*"])]),
        ([THEIRS], OURS, [THEIRS, rule(OURS)]),
        ([THEIRS, rule(["https://old.example"])], OURS, [THEIRS, rule(OURS)]),
        ([rule(OURS)], (), [rule(["*"])]),
    ],
)
def test_its_own_rule_is_added_or_exchanged_and_others_stay(
    there: list[Any], origins: tuple[str, ...], becomes: list[Any]
) -> None:
    assert amended(there, origins) == becomes
    assert amended(becomes, origins) is None


@pytest.mark.parametrize(
    ("there", "origins"),
    [
        ([THEIRS], ()),
        # As servers answer that keep no names, turn lists round, or add what they like.
        ([{key: value for key, value in rule(OURS).items() if key != "ID"}], OURS),
        ([rule(OURS) | {"AllowedMethods": ["PUT", "HEAD", "GET"], "AllowedHeaders": ["content-type"]}], OURS),
        ([rule(OURS) | {"MaxAgeSeconds": 5}], OURS),
    ],
)
def test_rules_that_do_are_left_alone(there: list[Any], origins: tuple[str, ...]) -> None:
    assert amended(there, origins) is None


async def test_a_server_is_told_once_and_again_when_the_origins_change(server: CorsServer) -> None:
    assert await allow(server.settings, *OURS) is True
    assert server.rules is not None
    for said in (*OURS, "GET", "HEAD", "PUT", "Content-Type", "ETag"):
        assert f">{said}<".encode() in server.rules
    assert await allow(server.settings, *OURS) is False
    assert server.puts == 1
    assert await allow(server.settings, *OURS, "https://m.example") is True
    assert server.rules.count(b"<CORSRule>") == 1
    assert b">https://m.example<" in server.rules
    assert server.asked[0] == "GET /chat-media?cors"


@pytest.mark.parametrize(
    ("refusal", "name"),
    [
        ((501, "NotImplemented"), "put_refusal"),
        ((403, "AccessDenied"), "get_refusal"),
        ((403, "AccessDenied"), "put_refusal"),
    ],
)
async def test_a_server_that_refuses_is_told_apart(
    server: CorsServer, refusal: tuple[int, str], name: str
) -> None:
    setattr(server, name, refusal)
    with pytest.raises(CorsRefused, match=refusal[1]):
        await allow(server.settings, *OURS)
    assert server.rules is None


async def test_a_server_that_answers_something_else_is_told_nothing(server: CorsServer) -> None:
    server.rules = b"<ListBucketResult><Name>chat-media</Name></ListBucketResult>"
    with pytest.raises(CorsRefused):
        await allow(server.settings, *OURS)
    assert server.puts == 0


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_server_that_is_busy_is_unavailable(server: CorsServer, status: int) -> None:
    server.put_refusal = (status, "SlowDown")
    with pytest.raises(StoreUnavailable, match="SlowDown"):
        await allow(server.settings, *OURS)


@pytest.mark.real
async def test_rclone_knows_no_rules_and_gets_no_bucket_from_being_asked(servers: Servers) -> None:
    with pytest.raises(CorsRefused, match="knows no such rules"):
        await allow(servers.s3, *OURS)
    none = servers.s3.model_copy(update={"bucket": f"bucket-{new_id()}"})
    with pytest.raises(CorsRefused, match="NoSuchBucket"):
        await allow(none, *OURS)
    objects = ObjectStore.from_settings(none)
    async with objects.running():
        assert await objects.create_bucket() is True


async def test_the_command_says_in_one_line_what_came_of_it(
    server: CorsServer, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = Settings(s3=server.settings, allowed_origins=OURS)
    await allow_pages(settings)
    assert capsys.readouterr() == ("Browsers now let https://chat.example use the bucket.\n", "")
    await allow_pages(settings)
    assert capsys.readouterr() == ("The bucket's CORS rule is up to date.\n", "")
    for refusal, said in (
        ((501, "NotImplemented"), "takes no CORS rule (NotImplemented"),
        ((503, "SlowDown"), "does not answer"),
    ):
        server.get_refusal = refusal
        await allow_pages(settings)
        out, err = capsys.readouterr()
        assert out == ""
        assert err.startswith("note: S3_BUCKET: ")
        assert said in err
        assert "docs/operating.md" in err
        assert err.count("\n") == 1
