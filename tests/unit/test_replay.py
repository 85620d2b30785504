"""Replaying a log against a node, as far as it needs no servers."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trio

from server.__main__ import main
from server.refusal import Refusal
from server.replay import member, run
from server.replay.cast import cast
from server.replay.irc import parse
from server.replay.latency import Latencies
from server.replay.progress import Progress
from server.replay.report import Report, Row, render
from server.replay.rest import parse_node
from tests.unit.replay_node import Node, World, no_trouble, nodes

LOG = b"""\
=== lurker [~l@host.example]  has joined #x
[10:00] <ann> one
[10:00] <bob> two \xe2\x9c\xa8
[10:01] <ann> three
<ann> four
[10:02]  * bob does five
[10:03] <cy> six
"""
LINES, MEMBERS = 6, 4


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(run, "QUIET_S", 0.05)
    return World()


@pytest.fixture
def stalling(monkeypatch: pytest.MonkeyPatch) -> None:
    """For a replay that has to end with something missing. Whoever is to get everything has the minute: a machine may be busy."""
    monkeypatch.setattr(run, "STALL_S", 1.5)


async def replay(world: World, count: int = 2, **options: Any) -> Report:
    async with nodes(world, count) as made:
        chosen = run.Options(nodes=[parse_node(node.url) for node in made], **options)
        return await run.replay(cast([parse(LOG, Path("log.txt"))]), chosen, Progress(io.StringIO()))


@pytest.mark.parametrize("window", [1, 4])
async def test_every_line_goes_out_over_its_authors_socket_and_reaches_everybody(
    world: World, window: int
) -> None:
    report = await replay(world, window=window)
    assert report.perfect, render(report)
    (row,) = report.rows
    assert (row.members, row.messages, row.acknowledged, row.expected, row.got) == (4, 6, 6, 24, 24)
    assert (row.lost, row.repeated, row.disordered, row.altered, row.history, row.differ) == (
        0,
        0,
        0,
        0,
        6,
        0,
    )
    assert report.delivering.count == 24
    said = [(world.users[message["sender_id"]], message["content"]["text"]) for message in world.log]
    lines = [
        ("ann", "one"),
        ("bob", "two ✨"),
        ("ann", "three"),
        ("ann", "four"),
        ("bob", "/me does five"),
        ("cy", "six"),
    ]
    assert said == lines if window == 1 else sorted(said) == sorted(lines)
    assert len(world.phones) == len(set(world.phones)) == MEMBERS + 1


async def test_users_are_spread_over_all_nodes(world: World) -> None:
    spread: Counter[int] = Counter()

    async def look(node: Node, seq: int) -> str:
        spread.update(socket.node.number for socket in world.sockets) if seq == 1 else None
        return await no_trouble(node, seq)

    world.before_answer = look
    await replay(world)
    assert spread == {0: 2, 1: 2}


@pytest.mark.usefixtures("stalling")
async def test_a_delivery_that_never_comes_is_lost_and_the_hole_is_out_of_order(world: World) -> None:
    world.fault = lambda name, seq: "drop" if (name, seq) == ("lurker", 3) else ""
    report = await replay(world)
    assert (report.rows[0].lost, report.rows[0].disordered, report.rows[0].repeated) == (1, 1, 0)
    assert not report.perfect


@pytest.mark.usefixtures("stalling")
async def test_the_last_delivery_to_somebody_that_never_comes_is_lost(world: World) -> None:
    world.fault = lambda name, seq: "drop" if (name, seq) == ("lurker", LINES) else ""
    report = await replay(world)
    assert (report.rows[0].lost, report.perfect) == (1, False)


async def test_a_delivery_that_comes_twice_is_repeated(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "QUIET_S", 1.0)
    world.fault = lambda name, seq: "repeat" if (name, seq) == ("cy", 6) else ""
    report = await replay(world)
    assert (report.rows[0].lost, report.rows[0].disordered, report.rows[0].repeated) == (0, 0, 1)
    assert not report.perfect


async def test_a_delivery_with_another_text_is_altered(world: World) -> None:
    world.fault = lambda name, seq: "alter" if seq == 2 else ""
    report = await replay(world)
    assert (report.rows[0].altered, report.perfect) == (1, False)


@pytest.mark.parametrize(
    ("damage", "differ", "disordered"),
    [
        (lambda log: log.pop(), 1, 0),
        (lambda log: log.append({**log[0], "seq": 7}), 1, 1),
        (lambda log: log[2].update(content={"text": "?"}), 1, 0),
        (lambda log: log[2].update(sender_id="u-cy"), 1, 0),
        (lambda log: log.insert(1, {**log.pop(2), "seq": 2}) or log[2].update(seq=3), 2, 1),
    ],
    ids=["a line is missing", "a line is there twice", "a text differs", "an author differs", "two lines have changed places"],
)  # fmt: skip
async def test_a_history_that_is_not_the_file_is_noticed(
    world: World, damage: Callable[[list[dict[str, Any]]], None], differ: int, disordered: int
) -> None:
    async with nodes(world) as made:

        class Damaging(Progress):
            def show(self, stage: str, detail: str) -> None:
                if stage == "reading back":
                    damage(world.log)

        options = run.Options(nodes=[parse_node(node.url) for node in made])
        report = await run.replay(cast([parse(LOG, Path("log.txt"))]), options, Damaging(io.StringIO()))
    (row,) = report.rows
    assert (row.differ, row.disordered, row.lost, report.perfect) == (differ, disordered, 0, False)


async def test_what_a_node_asks_to_be_tried_again_is_sent_again_under_the_same_name(world: World) -> None:
    troubles = iter(["overloaded", "rate_limited", "unavailable", "draining", "internal"])

    async def trouble(node: Node, seq: int) -> str:
        await trio.lowlevel.checkpoint()
        return next(troubles, "")

    world.before_answer = trouble
    report = await replay(world)
    assert report.perfect, render(report)
    assert sorted(world.sends.values()) == [1] * (LINES - 1) + [6]


@pytest.mark.parametrize("how", ["queued", "come, then queued"])
async def test_a_line_that_is_queued_is_acknowledged_by_its_coming(world: World, how: str) -> None:
    async def queue(node: Node, seq: int) -> str:
        await trio.lowlevel.checkpoint()
        return how if seq in (1, 3) else ""

    world.before_answer = queue
    report = await replay(world)
    assert report.perfect, render(report)
    assert report.queued == 2
    assert set(world.sends.values()) == {1}
    assert "2 lines were queued at first" in render(report)


async def test_a_line_that_was_queued_and_does_not_come_is_sent_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(member, "QUEUED_S", 0.01)
    lost = iter(["queued and lost"] * 3)

    async def lose(node: Node, seq: int) -> str:
        await trio.lowlevel.checkpoint()
        return next(lost, "")

    world.before_answer = lose
    report = await replay(world)
    assert report.perfect, render(report)
    assert sorted(world.sends.values()) == [1] * (LINES - 1) + [4]


async def test_a_line_that_is_refused_for_good_is_told_and_the_others_go_on(world: World) -> None:
    async def refuse(node: Node, seq: int) -> str:
        await trio.lowlevel.checkpoint()
        return "forbidden" if seq == 2 and sum(world.sends.values()) == 2 else ""

    world.before_answer = refuse
    report = await replay(world)
    assert (report.rows[0].acknowledged, report.rows[0].lost, report.perfect) == (LINES - 1, MEMBERS, False)
    assert "1 lines were refused, the first with forbidden: no" in render(report)


@pytest.mark.parametrize("page", [100, 0], ids=["in the answer", "in further pages"])
async def test_when_a_node_dies_its_users_go_to_the_other_and_catch_up(world: World, page: int) -> None:
    world.page = page

    async def die(node: Node, seq: int) -> str:
        if seq == 3 and sum(world.sends.values()) == 3:
            world_nodes[node.number].die()  # stored, and never answered
        await trio.lowlevel.checkpoint()
        return ""

    world.before_answer = die
    async with nodes(world) as world_nodes:
        options = run.Options(nodes=[parse_node(node.url) for node in world_nodes])
        report = await run.replay(cast([parse(LOG, Path("log.txt"))]), options, Progress(io.StringIO()))
    assert report.perfect, render(report)
    assert report.reconnects == 2
    assert report.rows[0].caught_up >= MEMBERS // 2
    assert report.readable == 1
    assert max(world.sends.values()) == 2


async def test_a_user_whose_token_is_refused_gets_a_new_one(world: World) -> None:
    world.refresh = {"u-bob"}
    report = await replay(world)
    assert report.perfect, render(report)
    assert not world.refresh


@pytest.mark.usefixtures("stalling")
async def test_when_nothing_is_answered_any_more_it_ends_with_what_there_is(world: World) -> None:
    async def never(node: Node, seq: int) -> str:
        if seq == 4:
            await trio.sleep_forever()
        return await no_trouble(node, seq)

    world.before_answer = never
    report = await replay(world)
    assert (report.rows[0].acknowledged, report.rows[0].got, report.perfect) == (3, 3 * MEMBERS, False)


async def test_lines_are_not_sent_faster_than_asked(autojump_clock: trio.testing.MockClock) -> None:
    pace = run.Pace(4)
    began = trio.current_time()
    for _ in range(9):
        await pace.wait()
    assert trio.current_time() - began == pytest.approx(2)
    await trio.sleep(10)
    began = trio.current_time()
    for _ in range(3):
        await pace.wait()
    assert trio.current_time() - began == pytest.approx(0.5)


async def test_something_else_that_answers_is_refused() -> None:
    async def page(stream: trio.SocketStream) -> None:
        await stream.receive_some()
        await stream.send_all(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>")

    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(trio.serve_tcp, page, 0)
        url = f"http://127.0.0.1:{listeners[0].socket.getsockname()[1]}"
        with pytest.raises(Refusal) as caught:
            await run.replay(
                cast([parse(LOG, Path("x"))]), run.Options(nodes=[parse_node(url)]), Progress(io.StringIO())
            )
        nursery.cancel_scope.cancel()
    assert str(caught.value) == f"--url: {url}: what answers there is not a node (GET /readyz: 200)"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["missing.txt"], "error: FILE: missing.txt cannot be read: No such file or directory"),
        (["prose.txt"], "error: FILE: prose.txt is not an IRC log: there is no line like `[12:34] <nick> text`"),
        (["log.txt", "--url", "ftp://x"], "error: --url: must be like http://127.0.0.1:8000, not 'ftp://x'"),
        (["log.txt", "--url", "http://127.0.0.1:1"], "error: --url: http://127.0.0.1:1 does not answer: Connection refused"),
    ],
)  # fmt: skip
def test_what_cannot_begin_is_one_line_and_status_2(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("log.txt").write_bytes(LOG)
    Path("prose.txt").write_text("It was a dark and stormy night.")
    with pytest.raises(SystemExit) as caught:
        main(["replay", *arguments])
    assert caught.value.code == 2
    assert capsys.readouterr() == ("", f"{said}\n")


def test_the_table_has_a_row_for_each_conversation_and_a_sum() -> None:
    latencies = Latencies()
    for milliseconds in range(1, 101):
        latencies.add(milliseconds / 1000)
    counts = dict.fromkeys(("caught_up", "repeated", "disordered", "altered", "differ"), 0)
    rows = [
        Row(name=name, members=2, messages=n, acknowledged=n, expected=2 * n, got=2 * n, history=n, **counts)
        for name, n in (("a.txt", 1000), ("b.txt", 5))
    ]
    report = Report(
        rows=rows,
        users=3,
        nodes=2,
        readable=2,
        seconds=2,
        reconnects=0,
        queued=0,
        acknowledging=latencies,
        delivering=latencies,
    )
    lines = render(report).splitlines()
    cells = [line.split() for line in lines]
    assert cells[2] == ["a.txt", "2", "1,000", "1,000", "2,000", "2,000", "0", "0", "0", "1,000", "0"]
    assert cells[5] == [
        "2",
        "conversations",
        "4",
        "1,005",
        "1,005",
        "2,010",
        "2,010",
        "0",
        "0",
        "0",
        "1,005",
        "0",
    ]
    assert len(set(map(len, lines[:6]))) == 1
    assert lines[-1] == "everything as promised"
    assert latencies.quantile(0.5) == pytest.approx(0.050, rel=0.03)
    assert latencies.quantile(0.99) == pytest.approx(0.099, rel=0.03)


def test_progress_is_a_line_now_and_then_and_at_each_stages_beginning() -> None:
    times = iter((0.0, 0.0, 1.9, 2.0, 2.0, 2.1, 2.1))
    stream = io.StringIO()
    progress = Progress(stream, clock=lambda: next(times, 2.2))
    for n in range(4):
        progress.show("sending", str(n))
    progress.show("reading back", "1")
    progress.show("reading back", "2")
    assert stream.getvalue() == "sending: 0\nsending: 3\nreading back: 1\n"
