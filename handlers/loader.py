"""Reading many keys with few calls: what is asked for while one call is under way goes into the next (a data loader)."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, Generic, TypeVar

import trio

K = TypeVar("K")
V = TypeVar("V")

MOST_KEYS: Final = 1000
"""Keys in one call at most."""


class Loader(Generic[K, V]):
    """Gathers concurrent look-ups into calls of `fetch(keys) -> {key: value}`.

    Idle, a look-up is a call of its own at once; busy, calls grow by themselves. Nothing is cached.
    The first caller of a round does the round's work in its own task, so no task of the loader's exists: when that caller is cancelled, one
    of the others takes over.
    """

    __slots__ = ("_fetch", "_turn", "_waiting")

    def __init__(self, fetch: Callable[[Sequence[K]], Awaitable[Mapping[K, V]]], *, at_once: int = 1) -> None:
        self._fetch = fetch
        self._waiting: dict[K, list[_Ask[V]]] = {}
        self._turn = trio.Semaphore(at_once)

    async def load(self, keys: Sequence[K]) -> dict[K, V]:
        """The values of those keys that have one.

        Raises whatever `fetch` raised for the call that had one of the keys.
        """
        asks: list[tuple[K, _Ask[V]]] = []
        for key in dict.fromkeys(keys):
            ask: _Ask[V] = _Ask()
            self._waiting.setdefault(key, []).append(ask)
            asks.append((key, ask))
        try:
            if asks:
                async with self._turn:
                    while any(not ask.done for _, ask in asks):
                        await self._round()
        finally:
            for key, ask in asks:
                if not ask.done:
                    self._drop(key, ask)
        found: dict[K, V] = {}
        for key, ask in asks:
            if ask.error is not None:
                raise ask.error
            if ask.found:
                found[key] = ask.values[0]
        return found

    async def _round(self) -> None:
        keys = list(self._waiting)[:MOST_KEYS]
        taken = {key: self._waiting.pop(key) for key in keys}
        try:
            values = await self._fetch(keys)
        except Exception as error:  # noqa: BLE001 - handed to every asker of this round, who raises it
            for asks in taken.values():
                for ask in asks:
                    ask.done, ask.error = True, error
            return
        except BaseException:
            for key, asks in taken.items():
                self._waiting.setdefault(key, []).extend(asks)
            raise
        for key, asks in taken.items():
            for ask in asks:
                ask.done = True
                if key in values:
                    ask.values.append(values[key])

    def _drop(self, key: K, ask: "_Ask[V]") -> None:
        asks = self._waiting.get(key)
        if asks is not None and ask in asks:
            asks.remove(ask)
            if not asks:
                del self._waiting[key]


class _Ask(Generic[V]):
    __slots__ = ("done", "error", "values")

    def __init__(self) -> None:
        self.done = False
        self.error: Exception | None = None
        self.values: list[V] = []

    @property
    def found(self) -> bool:
        return bool(self.values)
