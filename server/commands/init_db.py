"""Bring the database and the bucket up to date."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from config.settings import Settings

BY_HAND = 'docs/operating.md, "The object store", says how to set it by hand'


@click.command("init-db", short_help="Bring the database up to date.")
def command() -> None:
    """Create or update collections and indexes, and shard them on a sharded cluster. Let browsers use the bucket, by a CORS rule for ALLOWED_ORIGINS.

    Safe to repeat, and while nodes run. A bucket that takes no such rule is named, and is no failure.
    """
    import trio

    from persistence.indexes import init_db
    from server.commands.stores import load_or_find, with_mongodb

    settings = load_or_find()
    lines = trio.run(with_mongodb, settings, init_db)
    for line in lines or ["The database is up to date."]:
        click.echo(line)
    if settings.s3.access_key_id.get_secret_value():
        trio.run(allow_pages, settings)


async def allow_pages(settings: Settings) -> None:
    """Have browsers let the web client's pages use the bucket, and say what came of it."""
    from persistence.cors import CorsRefused
    from persistence.errors import StoreUnavailable
    from persistence.objects import ObjectStore

    objects = ObjectStore.from_settings(settings.s3)
    who = ", ".join(settings.allowed_origins) or "any page"
    async with objects.running():
        try:
            changed = await objects.allow_pages(settings.allowed_origins)
        except CorsRefused as refused:
            click.echo(
                f"note: S3_BUCKET: {objects.bucket} takes no CORS rule ({refused.reason}). Browsers need one for {who}, unless this server allows them by itself: {BY_HAND}",
                err=True,
            )
        except StoreUnavailable as away:
            click.echo(
                f"note: S3_BUCKET: no CORS rule was set, the object store does not answer ({away.reason}). Run this again, or set the rule by hand: {BY_HAND}",
                err=True,
            )
        else:
            click.echo(
                f"Browsers now let {who} use the bucket."
                if changed
                else "The bucket's CORS rule is up to date."
            )
