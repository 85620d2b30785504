"""Run a node."""

from __future__ import annotations

import sys

import click

from config.logging import configure
from config.settings import Settings, load
from server.refusal import Refusal


@click.command("serve", short_help="Run a node.")
@click.option("--host", help="Address to listen on (HOST).")
@click.option("--port", type=int, help="Port to listen on; nodes of one machine may share it (PORT).")
@click.option("--own-port", type=int, help="A second port, of this node alone (OWN_PORT).")
@click.option("--name", "node_name", help="Name of the node, different from all others' (NODE_NAME).")
def command(host: str | None, port: int | None, own_port: int | None, node_name: str | None) -> None:
    """Run a node, until SIGTERM or Ctrl-C; then it drains and ends with status 0."""
    settings = ready_to_serve(load(host=host, port=port, own_port=own_port, node_name=node_name))
    configure(settings.log_level, settings.log_format, node=settings.name, secrets=settings.secrets)

    import trio

    from persistence.mongo import Mongo
    from server.commands.stores import with_mongodb
    from server.node import serve

    trio.run(with_mongodb, settings, Mongo.ping)
    sys.exit(trio.run(serve, settings))


def ready_to_serve(settings: Settings) -> Settings:
    """The settings, if a node can start with them. Raises `Refusal`: something is not set, or a port is taken."""
    from server.local_stack.ports import require

    if missing := settings.missing():
        raise Refusal(*missing)
    if settings.port:
        require(settings.port, settings.host, "PORT", shared=True)
    if settings.own_port:
        require(settings.own_port, settings.host, "OWN_PORT")
    return settings
