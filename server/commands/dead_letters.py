"""Show what could not be carried out."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from persistence.models import DeadLetter
    from persistence.mongo import Mongo


@click.command("dead-letters", short_help="Show what could not be carried out.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="How many.")
def command(limit: int) -> None:
    """Show the newest commands and messages that were set aside because they could not be carried out, one JSON object a line, newest first.

    Each says why, and what it was, without what people wrote.
    """
    import msgspec
    import trio

    from server.commands.stores import load_or_find, with_mongodb

    for letter in trio.run(with_mongodb, load_or_find(), partial(_read, limit)):
        click.echo(msgspec.json.encode(letter).decode())


async def _read(limit: int, mongo: Mongo) -> list[DeadLetter]:
    from persistence.dead_letters import MongoDeadLetters

    return await MongoDeadLetters(mongo).recent(limit)
