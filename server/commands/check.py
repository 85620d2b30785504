"""Say what is wrong with the settings and the servers that they name."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import click

from config.errors import Problem
from config.redact import Redactor
from config.settings import Settings

EXIT_BAD_SETTINGS: Final = 2
EXIT_NO_ANSWER: Final = 1
_PATIENCE_S: Final = 15.0


class _Store(Protocol):
    def running(self) -> AbstractAsyncContextManager[None]: ...
    async def ping(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found of one dependency: `trouble` is empty if it answered."""

    name: str
    setting: str
    seconds: float
    trouble: str = ""

    def __str__(self) -> str:
        if self.trouble:
            return f"BAD  {self.name:<8} {self.setting}: {self.trouble}"
        return f"ok   {self.name:<8} answered in {self.seconds * 1000:.0f} ms"


@click.command("check", short_help="Check the settings and the servers they name.")
def command() -> None:
    """Check the settings, and whether each server that they name answers.

    Ends with 0 if all is well, 2 if a setting is wrong, 1 if a server does not answer.
    """
    import trio

    from server.commands.stores import load_or_find

    settings = load_or_find()
    problems = [*settings.missing(), *_folder(settings.var_dir)]
    for problem in problems:
        click.echo(f"BAD  setting  {problem}")
    if not problems:
        click.echo(f"ok   settings {settings.name}, {settings.host}:{settings.port}")
    findings = trio.run(_ask_all, settings)
    redactor = Redactor(settings.secrets)
    for finding in findings:
        click.echo(redactor.text(str(finding)))
    if problems:
        sys.exit(EXIT_BAD_SETTINGS)
    if any(finding.trouble for finding in findings):
        sys.exit(EXIT_NO_ANSWER)


def _folder(path: Path) -> list[Problem]:
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            return []
    except OSError as error:
        return [Problem("VAR_DIR", f"{path} cannot be written: {error.strerror}")]


async def _ask_all(settings: Settings) -> list[Finding]:
    """Ask what is set, all at once."""
    import trio

    asked: list[tuple[str, str, Callable[[Settings], Awaitable[None]]]] = []
    if settings.mongodb.uri.get_secret_value():
        asked.append(("mongodb", "MONGODB_URI", _ask_mongodb))
    if settings.redis.url.get_secret_value():
        asked.append(("redis", "REDIS_URL", _ask_redis))
    if settings.s3.access_key_id.get_secret_value():
        asked.append(("s3", "S3_ENDPOINT_URL", _ask_s3))
    findings: dict[str, Finding] = {}

    async def ask(name: str, setting: str, how: Callable[[Settings], Awaitable[None]]) -> None:
        began = trio.current_time()
        trouble = "no answer in time"
        with trio.move_on_after(_PATIENCE_S):
            trouble = await _trouble(how, settings)
        findings[name] = Finding(name, setting, trio.current_time() - began, trouble)

    async with trio.open_nursery() as nursery:
        for each in asked:
            nursery.start_soon(ask, *each)
    return [findings[name] for name, _, _ in asked]


async def _trouble(how: Callable[[Settings], Awaitable[None]], settings: Settings) -> str:
    try:
        await how(settings)
    except Exception as error:  # noqa: BLE001 - whatever a client library says of a wrong address is what this command reports
        while isinstance(error, ExceptionGroup):
            error = error.exceptions[0]
        return str(getattr(error, "reason", None) or error).split("\n")[0][:300] or type(error).__name__
    return ""


async def _ping(store: _Store) -> None:
    async with store.running():
        await store.ping()


async def _ask_mongodb(settings: Settings) -> None:
    from persistence.mongo import Mongo

    mongodb = settings.mongodb
    mongo = Mongo(mongodb.uri.get_secret_value(), mongodb.database, timeout_ms=mongodb.timeout_ms)
    async with mongo.running():
        await mongo.ping()
        hello = await mongo.call(mongo.client.admin.command, "hello")
        if "setName" not in hello and hello.get("msg") != "isdbgrid":
            raise ValueError("this is neither a replica set nor a sharded cluster, so it has no transactions")


async def _ask_redis(settings: Settings) -> None:
    from persistence.redis import Redis

    await _ping(Redis(settings.redis.url.get_secret_value(), settings.redis.prefix))


async def _ask_s3(settings: Settings) -> None:
    from persistence.objects import ObjectStore

    await _ping(ObjectStore.from_settings(settings.s3))
