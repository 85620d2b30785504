"""A node that takes over what another one left of an account's task after seconds instead of a minute. Takes the arguments of `python -m server`."""

from handlers.workers import account_tasks
from server.__main__ import main

# As long in proportion to each other as they are.
account_tasks.POLL_S = 5.0  # type: ignore[misc]
account_tasks.LEASE_MS = 10_000  # type: ignore[misc]

if __name__ == "__main__":
    main()
