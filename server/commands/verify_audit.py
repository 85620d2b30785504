"""Check the audit log's chain."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING, Final

import click

from server.refusal import refuse

if TYPE_CHECKING:
    from handlers.audit.chain import Verifier
    from persistence.mongo import Mongo

EXIT_BROKEN: Final = 1
AT_ONCE: Final = 1_000
_HASH_LENGTH: Final = 64


@click.command("verify-audit", short_help="Check that nobody has changed the audit log.")
@click.option(
    "--anchor",
    "anchors",
    multiple=True,
    metavar="SEQ:HASH",
    help="A hash that was noted earlier, which the entry must still have; any number of them.",
)
def command(anchors: tuple[str, ...]) -> None:
    """Read the whole audit log, and check each entry's number and hash, and that it follows the one before.

    Prints where the log ends, as SEQ:HASH. Keep that somewhere else: whoever can write to the database can take the end off the log, or make a new one
    throughout, and only an --anchor shows it. Nodes write it to their own logs every ten minutes.

    Ends with 0 if all is as it was written, 1 if not.
    """
    import trio

    from server.commands.stores import load_or_find, with_mongodb

    expected = dict(_parse(anchor) for anchor in anchors)
    verifier, missed = trio.run(with_mongodb, load_or_find(), partial(_verify, expected))
    if verifier.fault:
        click.echo(f"The audit log is broken: {verifier.fault}.")
    for seq in missed:
        there = "has another hash now" if seq <= verifier.seq else "is not there"
        click.echo(f"The audit log is not the one that was anchored: entry {seq} {there}.")
    if verifier.fault or missed:
        click.echo(f"Right up to {verifier.seq}:{verifier.hash}")
        sys.exit(EXIT_BROKEN)
    click.echo(f"The audit log is whole: {verifier.seq} entries.")
    click.echo(f"It ends with {verifier.seq}:{verifier.hash}")


def _parse(anchor: str) -> tuple[int, str]:
    seq, _, digest = anchor.partition(":")
    if not (seq.isascii() and seq.isdecimal()) or len(digest) != _HASH_LENGTH:
        raise refuse("--anchor", f"must be a number and a hash, like 12:5e8848..., not {anchor!r}")
    return int(seq), digest.lower()


async def _verify(expected: dict[int, str], mongo: Mongo) -> tuple[Verifier, list[int]]:
    """The verifier, as far as it came, and the anchors that do not hold."""
    from handlers.audit.chain import BEFORE_FIRST, Verifier
    from persistence.audit import MongoAuditLog

    store, verifier = MongoAuditLog(mongo), Verifier()
    left = {seq: digest for seq, digest in expected.items() if (seq, digest) != (0, BEFORE_FIRST)}
    while entries := await store.after(verifier.seq, AT_ONCE):
        whole = verifier.take(entries)
        for entry in entries:
            if entry.seq <= verifier.seq and left.get(entry.seq) == entry.hash:
                del left[entry.seq]
        if not whole:
            break
    return verifier, sorted(left)
