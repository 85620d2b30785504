"""nginx before the nodes of the stack: the configuration that operators copy, with this stack's ports."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import config
from server.refusal import refuse

SAMPLE: Final = Path(config.__file__).parent / "deploy" / "nginx.conf"
SETTING: Final = "--proxy"

_LISTEN: Final = re.compile(r"^(\s*)listen 8080;$", re.MULTILINE)
_SERVERS: Final = re.compile(r"(?:^\s*server 127\.0\.0\.1:\d+ .*;\n)+", re.MULTILINE)
_SERVER: Final = re.compile(r"^(\s*server) 127\.0\.0\.1:\d+ (.*;)$", re.MULTILINE)


def command(program: str, folder: Path, listen: str, nodes: Sequence[str]) -> tuple[str, ...]:
    """What to run. Its configuration and whatever it writes are in the folder. Raises `Refusal`."""
    path = folder / "nginx.conf"
    path.write_text(configuration(SAMPLE.read_text(), listen, nodes))
    # One process: workers of its own would live on when this one is killed.
    options = "daemon off; master_process off;"
    return (program, "-p", str(folder), "-c", str(path), "-g", options)


def configuration(sample: str, listen: str, nodes: Sequence[str]) -> str:
    """The sample, for a proxy that listens on one address and knows these nodes. Raises `Refusal` when it is no longer what it was."""
    text, listeners = _LISTEN.subn(rf"\g<1>listen {listen};", sample)
    text, upstreams = _SERVERS.subn(lambda found: _one_each(found[0], nodes), text)
    if listeners != 1 or not upstreams:
        raise refuse(SETTING, f"{SAMPLE} is not the configuration that this can be made of")
    return text


def _one_each(servers: str, nodes: Sequence[str]) -> str:
    first = _SERVER.match(servers)
    assert first is not None, "it has matched before"
    return "".join(f"{first[1]} {node} {first[2]}\n" for node in nodes)
