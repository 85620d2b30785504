"""`scripts/bench SCENARIO`: see docs/benchmarks.md."""

from __future__ import annotations

import functools
import gc
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import trio

from scripts.benchmarks.connect import allow_files, close_all, open_all
from scripts.benchmarks.fanout import Fanout
from scripts.benchmarks.measure import Step, best, quantile, search
from scripts.benchmarks.notifications import (
    NOTIFIES,
    WRITES,
    Alone,
    push_service,
    subscribe,
    taken,
)
from scripts.benchmarks.notifications import report as report_pushes
from scripts.benchmarks.pairs import Pairs
from scripts.benchmarks.people import People, Person, populate
from scripts.benchmarks.presence import come_and_go, summary
from scripts.benchmarks.stack import LOAD_SIDE, OTHERS, Cores, Node, Stack, running
from scripts.benchmarks.stories import StoryPairs, post, report

FULL = 0.85
"""Share of a core from which on it counts as full."""
DISTURBED = 0.1
"""Share of a core that other programs may use without a note."""
PROFILE_SHARE = 0.8
"""A profile is taken at this share of the highest rate."""


@dataclass(frozen=True, slots=True)
class Options:
    """What all scenarios can be told."""

    rate: float
    first: float
    seconds: float
    profile: Path | None
    cores: Cores


def options(first: float, seconds: float) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """The options of all scenarios; the search begins at `first`."""

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        @click.option(
            "--rate",
            type=click.FloatRange(min=0, min_open=True),
            help="One step at this rate, and no search.",
        )
        @click.option(
            "--first",
            type=click.FloatRange(min=0, min_open=True),
            default=first,
            show_default=True,
            help="The search begins here.",
        )
        @click.option(
            "--seconds",
            type=click.FloatRange(min=0.5),
            default=seconds,
            show_default=True,
            help="Length of a step.",
        )
        @click.option(
            "--profile",
            type=click.Path(path_type=Path, dir_okay=False),
            help="Record where the (first) node spends its time: .svg, .txt or .json.",
        )
        @click.option("--server-core", type=int, default=0, show_default=True)
        @click.option("--load-core", type=int, default=1, show_default=True)
        @functools.wraps(function)
        def command(
            rate: float | None,
            first: float,
            seconds: float,
            profile: Path | None,
            server_core: int,
            load_core: int,
            **own: Any,
        ) -> None:
            missing = {server_core, load_core} - os.sched_getaffinity(0)
            if missing:
                raise click.ClickException(
                    f"there is no core {min(missing)} here; choose with --server-core and --load-core"
                )
            gc.disable()
            signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the folder is removed
            function(Options(rate or 0.0, first, seconds, profile, Cores(server_core, load_core)), **own)

        return command

    return decorate


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Measure a node on one core, with the load on another."""


@cli.command()
@click.option("--members", default=1000, show_default=True)
@click.option("--senders", default=10, show_default=True)
@options(first=200, seconds=6)
def fanout(options: Options, members: int, senders: int) -> None:
    """One channel of many members, a few of whom send."""
    with _stack(options, members + 2_000) as stack:
        people = _populate(stack, members, senders=senders)
        node = stack.start_node()

        def make() -> Fanout:
            opened = open_all([(node.port, person) for person in people.people])
            return Fanout(people.chats[0], opened, senders, stack.cpu)

        _measure(options, stack, node, make, per=f"{members} deliveries a message")


@cli.command()
@click.option("--chats", default=500, show_default=True)
@options(first=2000, seconds=6)
def pairs(options: Options, chats: int) -> None:
    """Direct chats on one node, in which both people write."""
    with _stack(options, 2 * chats + 2_000) as stack:
        people = _populate(stack, 2 * chats, pairs=chats)
        node = stack.start_node()

        def make() -> Pairs:
            opened = open_all([(node.port, person) for person in people.people])
            return Pairs(people.chats, opened, stack.cpu, both=True)

        _measure(
            options, stack, node, make, per="2 deliveries a message: the other's device and the sender's own"
        )


@cli.command("cross-node")
@click.option("--chats", default=500, show_default=True)
@options(first=1500, seconds=6)
def cross_node(options: Options, chats: int) -> None:
    """Direct chats between two nodes, both on the server's core: one writes on the first, the other reads on the second."""
    with _stack(options, 2 * chats + 2_000) as stack:
        people = _populate(stack, 2 * chats, pairs=chats)
        nodes = [stack.start_node(), stack.start_node()]

        def make() -> Pairs:
            opened = open_all([(nodes[i % 2].port, person) for i, person in enumerate(people.people)])
            return Pairs(people.chats, opened, stack.cpu, both=False)

        _measure(
            options,
            stack,
            nodes[0],
            make,
            per="2 deliveries a message: the sender's own on one node, the other's on the other",
        )


@cli.command()
@click.option("--sockets", default=5000, show_default=True)
@click.option("--direct", is_flag=True, help="Give each two users a direct chat; otherwise they have none.")
@options(first=500, seconds=6)
def idle(options: Options, sockets: int, direct: bool) -> None:
    """Sockets that join `me` and do nothing: how fast they come, and what each takes. Each step opens all of them."""
    with _stack(options, sockets + 2_000) as stack:
        people = _populate(stack, sockets, pairs=sockets // 2 if direct else 0)
        node = stack.start_node()
        targets = [(node.port, person) for person in people.people]
        _idle_memory(node, targets)
        rounds = iter(range(2, 250))

        def step(rate: float) -> Step:
            before = stack.cpu()
            with _profiling(options, stack, node, len(targets) / rate, wanted=bool(options.rate)):
                opened = open_all(targets, rate=rate, source=f"127.0.0.{next(rounds)}")
            after = stack.cpu()
            close_all(opened.sockets)
            result = Step(
                rate=rate,
                seconds=opened.took,
                messages=len(targets),
                acknowledged=len(targets) - opened.failed,
                deliveries=len(targets) - opened.failed,
                lost=opened.failed,
                disordered=0,
                latencies=opened.seconds,
                cpu={name: used - before[name] for name, used in after.items()},
            )
            _show(result, "connects")
            time.sleep(2)  # the node lets go of them
            return result

        steps = [step(options.rate)] if options.rate else search(step, options.first)
        _conclude(steps, "connects")


@cli.command()
@click.option("--stories", "count", default=10_000, show_default=True)
@click.option("--chats", default=200, show_default=True)
@options(first=1000, seconds=12)
def stories(options: Options, count: int, chats: int) -> None:
    """Stories that all end at one moment, on one node, while people in direct chats write to each other at `--rate` (or `--first`)."""
    rate = options.rate or options.first
    with _stack(options, 2 * chats + 2_000) as stack:
        people = _populate(stack, 2 * chats, pairs=chats)
        node = stack.start_node()
        load = StoryPairs(people.chats, open_all([(node.port, each) for each in people.people]), stack.cpu)
        load.step(rate, 1.0)  # chats are loaded, caches are warm
        before = load.step(rate, options.seconds)
        _show(before, "messages")
        click.echo(f"posting {count:,} stories ...", err=True)
        end = trio.run(post, stack.settings, people, count)
        with _profiling(options, stack, node, options.seconds, wanted=True):
            load.watch(end)
            during = load.step(rate, options.seconds)
        load.drain(2 * count)
        _show(during, "messages")
        click.echo(report(load, before, count))


@cli.command()
@click.option("--sockets", default=5000, show_default=True)
@click.option("--watchers", default=100, show_default=True, help="Who stay, and are told of all others.")
@options(first=500, seconds=10)
def presence(options: Options, sockets: int, watchers: int) -> None:
    """Sockets that all come online in half of `--seconds` and go offline in the other half, each with a contact or two."""
    with _stack(options, sockets + watchers + 2_000) as stack:
        people = _populate(stack, sockets + watchers, watchers=watchers)
        node = stack.start_node()
        with _profiling(options, stack, node, options.seconds, wanted=True):
            result = come_and_go(
                node,
                people.people,
                watchers,
                seconds=options.seconds,
                cpu=stack.cpu,
                redis_url=stack.settings.redis.url.get_secret_value(),
            )
        click.echo(summary(result, stack.settings.presence.grace_s))


@cli.command()
@click.option("--chats", default=500, show_default=True)
@options(first=2000, seconds=10)
def notifications(options: Options, chats: int) -> None:
    """Direct chats whose other side is not connected, at `--rate` (or `--first`): first nobody is told, then everybody is."""
    rate = options.rate or options.first
    with _stack(options, chats + 2_000) as stack, push_service() as port:
        people = _populate(stack, 2 * chats, pairs=chats)
        writer, notifier = stack.start_node(**WRITES), stack.start_node(**NOTIFIES)
        writing = [(writer.port, each) for each in people.people[::2]]
        load = Alone(people.chats, open_all(writing), stack.cpu)
        load.step(rate, 1.0)  # chats are loaded, caches are warm
        without = load.step(rate, options.seconds)
        _show(without, "messages")
        trio.run(subscribe, stack.settings, people.people[1::2], port)
        load.step(rate, 1.0)
        before = taken(port)
        with _profiling(options, stack, writer, options.seconds, wanted=True):
            told = load.step(rate, options.seconds)
        _show(told, "messages")
        click.echo(report_pushes(without, told, writer.name, notifier.name, taken(port) - before))


def _idle_memory(node: Node, targets: Sequence[tuple[int, Person]]) -> None:
    some = open_all(targets[:50])  # whatever is made once is made now
    close_all(some.sockets)
    time.sleep(2)
    before = node.rss()
    opened = open_all(targets)
    time.sleep(3)
    after = node.rss()
    click.echo(
        f"{len(targets) - opened.failed:,} sockets: {(after - before) / 1024 / len(targets):.1f} KiB each"
        f" ({before / 2**20:.0f} to {after / 2**20:.0f} MiB); opened in {opened.took:.1f} s, 64 at a time:"
        f" {len(targets) / opened.took:,.0f}/s"
    )
    close_all(opened.sockets)
    time.sleep(2)


@contextmanager
def _stack(options: Options, files: int) -> Iterator[Stack]:
    allow_files(files)
    click.echo("starting servers ...", err=True)
    with running(options.cores) as stack:
        trio.run(stack.ready)
        yield stack


def _populate(stack: Stack, count: int, **kinds: int) -> People:
    click.echo(f"making {count:,} users ...", err=True)
    return trio.run(functools.partial(populate, stack.settings, count, **kinds))


def _measure(
    options: Options, stack: Stack, node: Node, make: Callable[[], Fanout | Pairs], *, per: str
) -> None:
    load = make()
    click.echo(f"connected; {per}", err=True)

    def renew() -> None:
        """After a step that did not hold: let the nodes finish what is under way, and come anew."""
        nonlocal load
        if load.broken:
            close_all(load.opened.sockets)
            stack.wait_quiet()
            load = make()

    load.step(options.rate or options.first, 1.0)  # chats are loaded, caches are warm
    renew()

    def step(rate: float, *, profiled: bool = False) -> Step:
        with _profiling(options, stack, node, options.seconds, wanted=profiled):
            result = load.step(rate, options.seconds)
        _show(result, "messages")
        renew()
        time.sleep(0.5)
        return result

    if options.rate:
        steps = [step(options.rate, profiled=True)]
    else:
        steps = search(step, options.first)
        top = best(steps)
        if options.profile is not None and top is not None:
            click.echo("with the profiler:")
            step(top.rate * PROFILE_SHARE, profiled=True)
    _conclude(steps, "messages")


@contextmanager
def _profiling(options: Options, stack: Stack, node: Node, seconds: float, *, wanted: bool) -> Iterator[None]:
    if not wanted or options.profile is None:
        yield
        return
    recorder: subprocess.Popen[bytes] = stack.profile(node, max(1.0, seconds), options.profile)
    yield
    recorder.wait()


def _show(step: Step, what: str) -> None:
    cpu = "  ".join(f"{name} {used / step.seconds:4.0%}" for name, used in step.cpu.items() if used > 0.005)
    verdict = "holds" if step.holds else "does not hold"
    errors = "".join(f"  {count} x {text}" for text, count in step.errors.items())
    deliveries = f"{step.deliveries / step.seconds:>11,.0f} deliveries/s  " if what == "messages" else ""
    click.echo(
        f"{step.rate:>9,.0f} {what}/s  {deliveries}p50 {_ms(step.latencies, 0.5)}  p99 {_ms(step.latencies, 0.99)}"
        f"  unanswered {step.unanswered}  lost {step.lost}  out of order {step.disordered}  | {cpu} | {verdict}{errors}"
    )


def _conclude(steps: Sequence[Step], what: str) -> None:
    top = best(steps)
    if top is None:
        click.echo("no rate held")
        return
    used = top.server_cpu * 1e6
    click.echo("")
    click.echo(
        f"highest rate with p99 < 250 ms, nothing lost, nothing out of order: {top.rate:,.0f} {what}/s"
    )
    if what == "messages":
        click.echo(f"deliveries: {top.deliveries / top.seconds:,.0f}/s")
        click.echo(
            f"server CPU: {used / top.deliveries:.2f} us a delivery, {used / top.messages:.1f} us a message"
        )
        click.echo(f"acknowledgement: p50 {_ms(top.answers, 0.5)}, p99 {_ms(top.answers, 0.99)}")
    else:
        click.echo(f"server CPU: {used / top.messages:.0f} us a connect")
    click.echo(f"delivery: p50 {_ms(top.latencies, 0.5)}, p99 {_ms(top.latencies, 0.99)}")
    share = top.cpu["load"] / top.seconds
    busy = _load_side(top) / top.seconds
    click.echo(f"the load used {share:.0%} of its core; with the servers that share it {busy:.0%}")
    others = max(step.cpu[OTHERS] / step.seconds for step in steps)
    if others > DISTURBED:
        click.echo(
            f"NOTE: other programs took up to {others:.0%} of a core meanwhile: measure again when the machine is quiet"
        )
    failed = min((step for step in steps if not step.holds), key=lambda step: step.rate, default=None)
    if failed is not None and failed.server_cpu < FULL * failed.seconds:
        where = "the load's core was" if _load_side(failed) > FULL * failed.seconds else "neither core was"
        click.echo(f"NOTE: at the next rate that did not hold the server's core was not full; {where}")


def _load_side(step: Step) -> float:
    return sum(used for name, used in step.cpu.items() if name in LOAD_SIDE)


def _ms(values: Sequence[float], share: float) -> str:
    return f"{quantile(values, share) * 1000:.1f} ms"


if __name__ == "__main__":
    cli()
