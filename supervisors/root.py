"""A tree as a whole program: SIGTERM and SIGINT stop it in order, escalation ends it with a status that says so."""

from __future__ import annotations

import logging
import signal
from typing import Final

import trio

from supervisors.exits import Escalation, StartError
from supervisors.opening import Root

EXIT_STOPPED: Final = 0
EXIT_ESCALATED: Final = 70
"""The restart intensity of the root was reached."""
EXIT_NOT_STARTED: Final = 71
"""A child did not start."""

log: Final = logging.getLogger("supervisors")


async def run_root(root: Root) -> int:
    """Run the tree until a signal or its end; the exit status for the process.

    A second signal cancels everything without waiting.
    """
    status = EXIT_STOPPED
    async with trio.open_nursery() as nursery:
        await nursery.start(_stop_on_signal, root, nursery.cancel_scope)
        try:
            await root.run()
        except Escalation as error:
            log.error("%s: the program ends", error)
            status = EXIT_ESCALATED
        except StartError as error:
            log.error("%s", error)
            status = EXIT_NOT_STARTED
        nursery.cancel_scope.cancel()
    return status


async def _stop_on_signal(
    root: Root, scope: trio.CancelScope, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
) -> None:
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        task_status.started()
        async for number in signals:
            log.info("stopping on %s", signal.Signals(number).name)
            root.request_stop()
            break
        async for number in signals:
            log.warning("ending at once on a second %s", signal.Signals(number).name)
            scope.cancel()
