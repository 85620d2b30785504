"""A connection to MongoDB on which requests arrive and replies do not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import trio

_HANDSHAKE: Final = (b"hello", b"isMaster", b"ismaster")
_IN_TRANSACTION: Final = b"autocommit"
_COMMIT: Final = b"commitTransaction"


def takes_effect(request: bytes) -> bool:
    """Whether something was done for good by the time that the request is answered."""
    if any(word in request[:64] for word in _HANDSHAKE):
        return False
    return _COMMIT in request or _IN_TRANSACTION not in request


def is_part_of_transaction(request: bytes) -> bool:
    """Whether the request leaves a transaction open."""
    return _IN_TRANSACTION in request and _COMMIT not in request


class LossyProxy:
    """Passes everything on, until `losing` is set: then what is asked is still done, and its connection breaks instead of the answer.

    Attributes:
        losing: whether answers are lost, to the requests that `loses` chooses.
        refusing: whether new connections are refused.
        lost: how many answers were lost.

    Args:
        port: where MongoDB listens.
        loses: which requests are not answered.

    """

    def __init__(self, port: int, loses: Callable[[bytes], bool] = takes_effect) -> None:
        self.losing = False
        self.refusing = False
        self.lost = 0
        self._to = port
        self._loses = loses

    async def run(self, *, task_status: trio.TaskStatus[int] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve until cancelled; started with its own port."""
        async with trio.open_nursery() as nursery:
            (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
            task_status.started(listener.socket.getsockname()[1])
            await trio.serve_listeners(self._serve, [listener], handler_nursery=nursery)

    async def _serve(self, client: trio.SocketStream) -> None:
        if self.refusing:
            await client.aclose()
            return
        last: list[bytes] = [b""]
        try:
            async with (
                client,
                await trio.open_tcp_stream("127.0.0.1", self._to) as server,
                trio.open_nursery() as nursery,
            ):
                nursery.start_soon(self._answers, server, client, last, nursery.cancel_scope)
                async for request in client:
                    last[0] = bytes(request)
                    await server.send_all(request)
                nursery.cancel_scope.cancel()
        except* (trio.BrokenResourceError, OSError):
            pass

    async def _answers(
        self, server: trio.SocketStream, client: trio.SocketStream, last: list[bytes], scope: trio.CancelScope
    ) -> None:
        async for reply in server:
            if self.losing and self._loses(last[0]):
                self.lost += 1
                break
            await client.send_all(reply)
        scope.cancel()
