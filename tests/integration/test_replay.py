"""`python -m server replay` against real nodes over real servers."""

import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.integration.nodes import HOST, Cluster, Node

pytestmark = pytest.mark.real

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = "docs/sample-conversation.txt"
LINES = 51
MEMBERS = 8
PATIENCE_S = 120
HEADINGS = ["conversation", "members", "messages", "acknowledged", "expected", "got", "lost", "repeated", "out of order", "history", "differ"]  # fmt: skip
PERFECT = [
    "sample-conversation.txt",
    MEMBERS,
    LINES,
    LINES,
    MEMBERS * LINES,
    MEMBERS * LINES,
    0,
    0,
    0,
    LINES,
    0,
]


def launch(nodes: Sequence[Node], *options: str) -> subprocess.Popen[str]:
    urls = [word for node in nodes for word in ("--url", f"http://{HOST}:{node.port}")]
    return subprocess.Popen(
        [sys.executable, "-m", "server", "replay", SAMPLE, *urls, *options],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, str]:
    out, err = process.communicate(timeout=PATIENCE_S)
    return process.returncode, out + err


def table(output: str) -> list[object]:
    """The row of the only conversation."""
    lines = output.splitlines()
    assert re.split(r"\s{2,}", lines[0]) == HEADINGS, output
    name, *counts = lines[2].split()
    return [name, *(int(cell.replace(",", "")) for cell in counts)]


def test_a_conversation_over_two_nodes_is_as_promised_and_its_history_is_the_file(cluster: Cluster) -> None:
    status, output = finish(launch(cluster.start_many(2)))
    assert (status, table(output)) == (0, PERFECT), output
    assert "history compared line by line with the file, read from 2 of 2" in output


@pytest.mark.parametrize("end", [Node.kill, lambda node: node.terminate()], ids=["kill -9", "SIGTERM"])
def test_when_a_node_ends_in_the_middle_nothing_is_lost_repeated_or_out_of_order(
    cluster: Cluster, end: Callable[[Node], None]
) -> None:
    nodes = cluster.start_many(2, DRAIN_BUDGET_S="1")
    process = launch(nodes, "--rate", "10", "--window", "8")
    assert process.stderr is not None
    while not re.match("sending: [1-9]", line := process.stderr.readline()):
        assert line, finish(process)
    end(nodes[0])
    status, output = finish(process)
    assert (status, table(output)) == (0, PERFECT), output
    assert "read from 1 of 2" in output
    assert " reconnections; " in output


def test_a_node_that_is_not_there_is_one_line_and_nothing_is_begun(cluster: Cluster) -> None:
    node = cluster.start()
    node.kill()
    status, output = finish(launch([node]))
    assert status == 2
    assert output == f"error: --url: http://{HOST}:{node.port} does not answer: Connection refused\n"
