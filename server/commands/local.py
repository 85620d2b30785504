"""Run a whole platform on this machine."""

from __future__ import annotations

import sys

import click

from config.settings import LogFormat, LogLevel, load


@click.command("local", short_help="Run a whole platform on this machine.")
@click.option("--host", help="Address to listen on (HOST).  [default: 127.0.0.1]")
@click.option("--port", type=int, help="Port that all nodes share (PORT).  [default: 8000]")
@click.option(
    "--nodes",
    type=int,
    default=1,
    show_default=True,
    help="How many; node i also listens on port + i. 0 for the servers alone.",
)
@click.option(
    "--proxy",
    "proxied",
    is_flag=True,
    help="nginx on the port, round robin over nodes that listen on their own ports alone.",
)
def command(host: str | None, port: int | None, nodes: int, *, proxied: bool) -> None:
    """Run MongoDB, Redis, an object store and nodes, on this machine alone.

    Data are kept under var/ (VAR_DIR). With MONGODB_URI, REDIS_URL or S3_* set, that server is used and none of its kind is started. Ctrl-C
    stops everything.
    """
    import trio

    from config.logging import configure
    from server.local_stack.folder import opened
    from server.local_stack.plan import MOST_NODES, make
    from server.local_stack.ports import Ports
    from server.local_stack.run import LocalTree

    settings = load(host=host, port=port)
    configure(LogLevel.ERROR, LogFormat.TEXT, secrets=settings.secrets)
    own = range(settings.port, settings.port + MOST_NODES + 1)
    with opened(settings.var_dir) as folder, Ports(taken=own) as ports:
        tree = LocalTree(make(settings, folder, ports, nodes, proxied=proxied, text_logs=sys.stderr.isatty()))
        status = trio.run(tree.run)
    sys.exit(status)
