"""Whether a dependency answers."""

from typing import Protocol


class Probe(Protocol):
    """A dependency that can be asked whether it answers."""

    name: str

    async def ping(self) -> None:
        """Return if the dependency answers. Raises `StoreUnavailable` with the reason."""
