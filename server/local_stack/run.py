"""The local stack as a tree: servers, then the database's schema, then nodes; started in order, stopped in reverse."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from functools import partial
from typing import Final

import trio

from persistence.indexes import init_db
from persistence.mongo import Mongo
from server.control import control_spec
from server.local_stack.demo import prepare_demo
from server.local_stack.narrator import Narrator, why
from server.local_stack.plan import Part, Plan, reachable
from server.replay.rest import parse_node
from supervisors.child import Child
from supervisors.exits import Escalation, ShutdownExit, StartError
from supervisors.process import Program, process_child
from supervisors.spec import ChildSpec, Restart, Strategy
from supervisors.supervisor import Supervisor
from supervisors.telemetry import Telemetry
from supervisors.tree import snapshot

EXIT_ESCALATED: Final = 70
_INTENSITY: Final = 10
_PERIOD_S: Final = 60.0


class LocalTree:
    """Runs a plan.

    Args:
        plan: what to run.
        on_ready: called whenever everything is ready: after the start, and after a restart of a part that others depend on.

    """

    def __init__(self, plan: Plan, *, on_ready: Callable[[], None] | None = None) -> None:
        self.plan = plan
        parts = {part.id: part for part in plan.parts}
        self.narrator = Narrator(parts)
        self._on_ready = on_ready or self._announce
        self._began = time.monotonic()
        self._stopping = False
        self._starting: set[str] = set()
        self.root = Supervisor(
            [
                self._group("stack", plan.servers),
                ChildSpec("schema", _prepare_database, (plan,), restart=Restart.TRANSIENT),
                # Before the nodes, so that it stops after them: what they still have to say goes through it.
                *([self._group("proxy", plan.proxy)] if plan.proxy else []),
                self._group("nodes", plan.nodes),
                *([self._demo()] if plan.settings.web.demo else []),
                control_spec(plan.folder.run / "local.sock", lambda: snapshot(self.root)),
                ChildSpec("announcement", self._serve_announcement),
            ],
            name="local",
            strategy=Strategy.REST_FOR_ONE,
            intensity=_INTENSITY,
            period=_PERIOD_S,
            telemetry=Telemetry(self.narrator),
        )

    async def run(self) -> int:
        """Run until a signal (INT, TERM, HUP); the exit status. Raises `Refusal`: something did not start."""
        failure: StartError | Escalation | None = None
        async with trio.open_nursery() as nursery:
            await nursery.start(self._stop_on_signal, nursery.cancel_scope)
            try:
                await self.root.run()
            except (StartError, Escalation) as error:
                failure = error
            nursery.cancel_scope.cancel()
        for part in self.plan.parts:
            part.log.close()
        if isinstance(failure, StartError) and not self._stopping:
            raise why(failure, self.plan) from failure
        return EXIT_ESCALATED if isinstance(failure, Escalation) else 0

    def _group(self, name: str, parts: tuple[Part, ...]) -> ChildSpec:
        children = [self._process(part) for part in parts]
        return Supervisor(children, name=name, intensity=_INTENSITY, period=_PERIOD_S).spec()

    def _process(self, part: Part) -> ChildSpec:
        program = Program(
            command=part.command,
            probe=partial(self._probe, part),
            env=part.env,
            on_line=partial(self._line, part),
            ready_s=part.ready_s,
            stop_s=part.stop_s,
        )
        return process_child(part.id, program)

    def _demo(self) -> ChildSpec:
        node = parse_node(f"http://{self.plan.nodes[0].address}")
        return ChildSpec(
            "demo", prepare_demo, (self.plan.folder, node, self.narrator.warn), restart=Restart.TRANSIENT
        )

    async def _probe(self, part: Part) -> bool:
        if self._stopping:
            raise ShutdownExit("the stack stops")  # do not go on starting what is to be stopped
        if part.id not in self._starting:
            self._starting.add(part.id)
            self.narrator.say(f"starting {part.id} on {part.address}")
        serves = await part.probe()
        if serves:
            self._starting.discard(part.id)
        return serves

    def _line(self, part: Part, line: str) -> None:
        part.log.write(line)
        if part in self.plan.nodes:
            self.narrator.warn(f"{part.id} | {line}")

    async def _serve_announcement(self, child: Child) -> None:
        child.ready()
        self._on_ready()
        await child.stop_requested()

    def _announce(self) -> None:
        say = self.narrator.say
        settings = self.plan.settings
        base = f"{reachable(settings.host)}:{settings.port}"
        say(f"\nReady after {time.monotonic() - self._began:.1f} s.\n")
        if settings.web.root:
            say(f"  open this    http://{base}")
        say(f"  REST         http://{base}/api/v1    described at http://{base}/docs")
        say(f"  socket       ws://{base}/socket/websocket")
        for proxy in self.plan.proxy:
            say(f"  {proxy.id:<12} http://{proxy.address}, in turn to:")
        if len(self.plan.nodes) > 1 or self.plan.proxy:
            for node in self.plan.nodes:
                say(f"  {node.id:<12} http://{node.address}")
        for server in self.plan.servers:
            say(f"  {server.id:<12} {server.address}")
        say(f"  data, logs   {self.plan.folder.root}\n\nCtrl-C stops everything.\n")

    async def _stop_on_signal(
        self, scope: trio.CancelScope, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM, signal.SIGHUP) as signals:
            task_status.started()
            async for number in signals:
                if self._stopping:
                    self.narrator.warn(f"ending at once on a second {signal.Signals(number).name}")
                    scope.cancel()
                    return
                self.narrator.say(f"\nstopping on {signal.Signals(number).name}")
                self._stopping = self.narrator.quiet = True
                self.root.request_stop()


async def _prepare_database(child: Child, plan: Plan) -> None:
    """Bring the database up to date. Raises `StoreUnavailable`."""
    settings = plan.settings.mongodb
    mongo = Mongo(settings.uri.get_secret_value(), settings.database, timeout_ms=settings.timeout_ms)
    async with mongo.running():
        await init_db(mongo)
    child.ready()
