"""Bring the database up to date."""

from __future__ import annotations

import click


@click.command("init-db", short_help="Bring the database up to date.")
def command() -> None:
    """Create or update collections and indexes, and shard them on a sharded cluster.

    Safe to repeat, and while nodes run.
    """
    import trio

    from persistence.indexes import init_db
    from server.commands.stores import load_or_find, with_mongodb

    lines = trio.run(with_mongodb, load_or_find(), init_db)
    for line in lines or ["The database is up to date."]:
        click.echo(line)
