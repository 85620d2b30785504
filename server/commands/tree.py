"""Show the live supervision tree."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from config.settings import load
from server.refusal import refuse

if TYPE_CHECKING:
    from supervisors.tree import Node


@click.command("tree", short_help="Show what runs.")
@click.option(
    "--url", help="A node anywhere, like https://chat.example.org, instead of those of this folder."
)
@click.option(
    "--token", envvar="CHAT_TOKEN", help="With --url: access token of an operator.  [env: CHAT_TOKEN]"
)
@click.option("--json", "as_json", is_flag=True, help="As JSON, a line for each process.")
@click.option("--most", default=20, show_default=True, help="Siblings to show; the rest is counted.")
def command(url: str | None, token: str | None, as_json: bool, most: int) -> None:
    """Show what runs: the tree of every node (and of the local stack) that runs from this folder.

    They are asked through their control sockets in var/run (VAR_DIR), which belong to the user who started them.
    """
    import msgspec

    from supervisors.tree import Node, render

    answers = [_fetch(url, token)] if url else _ask_all(load().run_dir)
    for answer in answers:
        if as_json:
            sys.stdout.buffer.write(answer + b"\n")
            continue
        try:
            node: Node = msgspec.json.decode(answer, type=Node)
        except msgspec.DecodeError as error:
            raise refuse(
                "--url" if url else "VAR_DIR", f"this is not the answer of a node: {error}"
            ) from error
        click.echo(render(node, most=most))


def _ask_all(folder: Path) -> list[bytes]:
    from server.control import ask

    answers = []
    for path in sorted(folder.glob("*.sock")) if folder.is_dir() else []:
        try:
            answers.append(ask(path))
        except ConnectionRefusedError:
            continue  # of a process that was killed; the next one replaces it
        except OSError as error:
            raise refuse("VAR_DIR", f"{path} does not answer: {error.strerror or error}") from error
    if not answers:
        raise refuse(
            "VAR_DIR", f"nothing runs from {folder.parent}/: start it first, or name a node with --url"
        )
    return answers


def _fetch(url: str, token: str | None) -> bytes:
    import urllib.error
    import urllib.request

    if not url.startswith(("http://", "https://")):
        raise refuse("--url", f"must begin with http:// or https://, not {url!r}")
    if not token:
        raise refuse("CHAT_TOKEN", "is not set: another machine's tree is shown to operators only")
    request = urllib.request.Request(  # noqa: S310 - the scheme is checked above
        f"{url.rstrip('/')}/api/v1/admin/tree", headers={"Authorization": f"Bearer {token}"}
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - as above
            body: bytes = answer.read()
            return body
    except urllib.error.HTTPError as error:
        raise refuse(
            "CHAT_TOKEN" if error.code in (401, 403) else "--url",
            f"{url} answers {error.code} {error.reason}",
        ) from error
    except (urllib.error.URLError, TimeoutError) as error:
        raise refuse("--url", f"{url} does not answer: {getattr(error, 'reason', error)}") from error
