"""Replay IRC logs against running nodes."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

import click

EXIT_STOPPED: Final = 130
"""As shells have it for a program that Ctrl-C ended."""


@click.command("replay", short_help="Replay IRC logs, and check every delivery.")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--url",
    "urls",
    multiple=True,
    default=("http://127.0.0.1:8000",),
    show_default=True,
    help="A node, like http://127.0.0.1:8001; once for each.",
)
@click.option(
    "--rate",
    type=click.FloatRange(min=0),
    default=0.0,
    help="Lines a second, at most.  [default: as fast as acknowledgements allow]",
)
@click.option(
    "--window",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Lines of a file that may wait for their acknowledgement at a time.",
)
def command(files: tuple[Path, ...], urls: tuple[str, ...], rate: float, window: int) -> None:
    """Replay IRC logs as real conversations, and check that everybody gets every line once and in order.

    Every nick becomes a user with a device, spread over the nodes; every FILE becomes a group of all who appear in it; every line is sent over its
    author's own socket. Files are replayed side by side.

    A line is sent when the line before it is acknowledged, so that the chat's order is the file's. With a larger --window several are under way, and the
    order is that of each author.

    Ends with 0 if everything is as promised, 1 if anything was lost, repeated, altered or out of order, 2 if it could not begin,
    130 on Ctrl-C.
    """
    import trio

    from server.replay import irc
    from server.replay.cast import cast
    from server.replay.descriptors import provide
    from server.replay.progress import Progress
    from server.replay.report import render
    from server.replay.rest import parse_node
    from server.replay.run import Options, replay

    nodes = [parse_node(url) for url in dict.fromkeys(urls)]
    logs = [irc.read(path) for path in files]
    people = cast(logs)
    provide(len(people.names))
    skipped = sum(log.empty for log in logs), sum(log.unknown for log in logs)
    progress = Progress(sys.stderr)
    report = None
    try:
        report = trio.run(replay, people, Options(nodes=nodes, window=window, rate=rate), progress, skipped)
    except* KeyboardInterrupt:
        pass  # from whichever task was running
    finally:
        progress.clear()
    if report is None:
        click.echo("error: stopped before the end", err=True)
        sys.exit(EXIT_STOPPED)
    click.echo(render(report))
    sys.exit(0 if report.perfect else 1)
