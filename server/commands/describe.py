"""Print the documents that describe the API."""

from __future__ import annotations

import click


@click.command("describe", short_help="Print the OpenAPI or AsyncAPI document, for generating clients.")
@click.argument("document", type=click.Choice(["openapi", "asyncapi"]))
def command(document: str) -> None:
    """Print what a node answers at /openapi.json or /asyncapi.json, without a node, a database or settings."""
    import msgspec

    from server.rest.documents import asyncapi_document, openapi_document

    made = openapi_document() if document == "openapi" else asyncapi_document()
    click.echo(msgspec.json.encode(made))
