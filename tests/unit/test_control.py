"""The control socket of a node."""

import os
import stat
from pathlib import Path

import msgspec
import pytest
import trio

from server.control import ask, control_spec
from supervisors.exits import StartError
from supervisors.spec import ChildSpec
from supervisors.supervisor import Supervisor, open_supervisor
from supervisors.tree import Node, render, snapshot


async def asked(path: Path) -> bytes:
    return await trio.to_thread.run_sync(ask, path)


async def test_the_socket_answers_with_the_live_tree(tmp_path: Path) -> None:
    path = tmp_path / "run" / "node.sock"
    root: Supervisor = Supervisor([control_spec(path, lambda: snapshot(root))], name="node")
    async with open_supervisor(root):
        tree = msgspec.json.decode(await asked(path), type=Node)
        assert [child.id for child in tree.children] == ["control"]
        assert "control  (permanent, running" in render(tree)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert not path.exists()


async def test_what_a_dead_process_left_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "node.sock"
    with trio.socket.socket(trio.socket.AF_UNIX) as dead:
        await dead.bind(str(path))
    async with open_supervisor(Supervisor([control_spec(path, lambda: 1)])):
        assert await asked(path) == b"1"


async def test_the_socket_of_a_living_process_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "node.sock"
    async with open_supervisor(Supervisor([control_spec(path, lambda: 1)])):
        with pytest.raises(StartError, match="Address already in use"):
            await Supervisor([control_spec(path, lambda: 2)]).run()
        assert await asked(path) == b"1"


async def test_a_path_longer_than_an_address_may_be(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 120) / "node.sock"
    async with open_supervisor(Supervisor([control_spec(path, lambda: "here")])):
        assert await asked(path) == b'"here"'
    assert not path.exists()


async def test_nobody_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        ask(tmp_path / "none.sock")


async def test_one_that_asks_and_goes_harms_nobody(tmp_path: Path) -> None:
    path = tmp_path / "node.sock"
    async with open_supervisor(Supervisor([control_spec(path, lambda: "x" * 5_000_000)])) as root:
        with trio.socket.socket(trio.socket.AF_UNIX) as rude:
            await rude.connect(str(path))
        assert len(await asked(path)) == 5_000_002
        assert root.nodes()[0].restarts == 0


def test_the_specification_is_that_of_a_permanent_worker(tmp_path: Path) -> None:
    spec = control_spec(tmp_path / "a", os.getpid)
    assert isinstance(spec, ChildSpec)
    assert spec.id == "control"
