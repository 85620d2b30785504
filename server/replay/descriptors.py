"""File descriptors: a socket takes one, and the usual limit is lower than a busy channel has people."""

from __future__ import annotations

import resource

from server.refusal import refuse

SPARE = 256


def provide(sockets: int) -> None:
    """Raise the process's limit as far as needed. Raises `Refusal` when it may not be raised so far."""
    wanted = sockets + SPARE
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    if hard != resource.RLIM_INFINITY and hard < wanted:
        raise refuse(
            "ulimit -n",
            f"{sockets:,} users need {wanted:,} open files, and {hard:,} are allowed: replay fewer files, or raise it",
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
