"""`python -m server verify-audit`, on a real database: what is whole, and whatever somebody does to it there."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pymongo
import pytest
import trio

from handlers.audit.writer import AuditWriter
from persistence.audit import MongoAuditLog
from persistence.ids import Ids
from persistence.indexes import init_db
from persistence.models import AuditAction, AuditNote
from persistence.mongo import Mongo
from tests.servers import Servers

pytestmark = pytest.mark.real
COUNT = 2_500
ROOT = Path(__file__).resolve().parents[2]


class Log:
    """An audit log in a database of its own, and the command that checks it."""

    def __init__(self, uri: str, name: str, folder: Path) -> None:
        self.uri, self.name, self.folder = uri, name, folder
        self.rows = pymongo.MongoClient[dict[str, Any]](uri)[name]["audit"]

    async def fill(self) -> None:
        mongo = Mongo(self.uri, self.name)
        async with mongo.running():
            await init_db(mongo)
            writer = AuditWriter(MongoAuditLog(mongo))
            notes = [
                AuditNote(id=f"n{n}", at=n, action=AuditAction.SIGNED_IN, actor_id="ann")
                for n in range(COUNT)
            ]
            for start in range(0, COUNT, 500):
                await writer.append(notes[start : start + 500])

    def verify(self, *arguments: str) -> tuple[int, list[str]]:
        env = {**os.environ, "MONGODB_URI": self.uri, "MONGODB_DATABASE": self.name}
        env["PYTHONPATH"] = str(ROOT)
        done = subprocess.run(
            [sys.executable, "-m", "server", "verify-audit", *arguments],
            cwd=self.folder, env=env, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        return done.returncode, (done.stdout + done.stderr).splitlines()

    def anchor(self, seq: int) -> str:
        row = self.rows.find_one({"_id": seq})
        assert row is not None
        return f"{seq}:{row['hash']}"


@pytest.fixture
def log(servers: Servers, tmp_path: Path) -> Iterator[Log]:
    made = Log(servers.mongodb_uri, f"audit-{Ids()()}", tmp_path)
    trio.run(made.fill)
    yield made
    made.rows.database.client.drop_database(made.name)
    made.rows.database.client.close()


def test_a_log_that_nobody_touched_is_whole(log: Log) -> None:
    status, lines = log.verify("--anchor", log.anchor(7), "--anchor", log.anchor(COUNT))
    assert lines == [f"The audit log is whole: {COUNT} entries.", f"It ends with {log.anchor(COUNT)}"]
    assert status == 0


def test_the_first_entry_that_is_broken_is_named(log: Log) -> None:
    log.rows.update_one({"_id": 1777}, {"$set": {"actor_id": "bob"}})
    log.rows.update_one({"_id": 2000}, {"$unset": {"at": 1}})
    status, lines = log.verify()
    assert (status, lines[0]) == (1, "The audit log is broken: entry 1777 has been changed.")
    assert lines[1] == f"Right up to {log.anchor(1776)}"
    log.rows.delete_one({"_id": 3})
    assert log.verify()[1][0] == "The audit log is broken: entry 3 is missing; 4 follows 2."


def test_an_end_that_was_taken_off_shows_against_an_anchor(log: Log) -> None:
    anchor = log.anchor(COUNT)
    log.rows.delete_many({"_id": {"$gt": 2_000}})
    assert log.verify()[0] == 0
    status, lines = log.verify("--anchor", anchor)
    assert status == 1
    assert lines[0] == f"The audit log is not the one that was anchored: entry {COUNT} is not there."


def test_a_log_that_was_made_anew_shows_against_an_anchor(log: Log) -> None:
    anchor = log.anchor(9)
    log.rows.delete_many({})
    trio.run(log.fill)
    assert log.verify("--anchor", anchor)[0] == 0  # the same notes make the same chain
    log.rows.delete_many({})
    log.name, there = log.name, log.rows
    assert there.count_documents({}) == 0
    status, lines = log.verify("--anchor", anchor)
    assert (status, "is not there" in lines[0]) == (1, True)


def test_an_anchor_that_is_none_is_refused(log: Log) -> None:
    status, lines = log.verify("--anchor", "12")
    assert (status, lines[0].startswith("error: --anchor:")) == (2, True)
