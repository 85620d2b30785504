"""Web Push: encrypted for the device, signed for its push service, handed over by one POST.

Source: RFC 8030 (the protocol), RFC 8291 (encryption), RFC 8292 (VAPID).
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import httpcore
import trio
from pywebpush import WebPusher

from handlers.base64url import to_base64url
from handlers.errors import ChatError
from handlers.notifications.egress import ForbiddenAddress, GuardedNetwork
from handlers.notifications.endpoints import Reach, parse
from handlers.notifications.sender import Answer, PushOptions
from handlers.notifications.vapid import Vapid
from persistence.models import PushSubscription

MOST_CONNECTIONS: Final = 200
KEPT_OPEN: Final = 20
KEPT_OPEN_S: Final = 30.0
MOST_ANSWER: Final = 1_024
"""What is read of an answer's body, in bytes: push services say there why they refuse."""


class WebPushSender:
    """`PushSender` for Web Push.

    Args:
        vapid: signs.
        reach: where pushes may go.
        timeout_s: for one push, from looking up the host to the end of the answer.

    """

    def __init__(self, vapid: Vapid, reach: Reach, *, timeout_s: float) -> None:
        self._vapid = vapid
        self._reach = reach
        self._timeout_s = timeout_s
        self._pool: httpcore.AsyncConnectionPool | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Connections are kept open between pushes as long as the block."""
        try:
            yield
        finally:
            pool, self._pool = self._pool, None
            if pool is not None:
                with trio.CancelScope(shield=True), trio.move_on_after(1):
                    await pool.aclose()

    def _connections(self) -> httpcore.AsyncConnectionPool:
        if (
            self._pool is None
        ):  # made with the first push: reading the authorities' certificates takes a while
            self._pool = httpcore.AsyncConnectionPool(
                ssl_context=ssl.create_default_context(),
                max_connections=MOST_CONNECTIONS,
                max_keepalive_connections=KEPT_OPEN,
                keepalive_expiry=KEPT_OPEN_S,
                network_backend=GuardedNetwork(self._reach),
            )
        return self._pool

    def service(self, subscription: PushSubscription) -> str:
        """The origin of the endpoint."""
        return parse(subscription.endpoint).origin

    async def send(self, subscription: PushSubscription, payload: bytes, options: PushOptions) -> Answer:
        """One POST. Raises `StoreUnavailable` when there is no key to sign with."""
        endpoint = parse(subscription.endpoint)
        try:
            self._reach.check(endpoint)  # which networks are allowed may have changed
        except ChatError as error:
            return Answer(forbidden=True, reason=error.message)
        headers = {
            "Authorization": await self._vapid.authorization(endpoint.origin),
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(options.ttl_s),
            "Topic": options.collapse,
            "Urgency": "high" if options.urgent else "normal",
            "User-Agent": "chat-platform",
        }
        body = encrypted(subscription, payload)
        with trio.move_on_after(self._timeout_s):
            try:
                return await self._post(subscription.endpoint, list(headers.items()), body)
            except ForbiddenAddress as error:
                return Answer(forbidden=True, reason=str(error))
            except (
                httpcore.NetworkError,
                httpcore.ProtocolError,
                httpcore.TimeoutException,
                ssl.SSLError,
            ) as error:
                return Answer(reason=f"{type(error).__name__}: {error}"[:200])
        return Answer(reason=f"no answer within {self._timeout_s:g} s")

    async def _post(self, url: str, headers: list[tuple[str, str]], body: bytes) -> Answer:
        # What ends here is the connection, not the push: whether it was taken is then unknown, and it is tried again.
        async with self._connections().stream("POST", url, headers=headers, content=body) as response:
            said = b""
            async for piece in response.aiter_stream():
                said += piece
                if len(said) >= MOST_ANSWER:
                    break
            retry_after = next(
                (v.decode("latin-1") for n, v in response.headers if n.lower() == b"retry-after"), None
            )
            words = said[:MOST_ANSWER].decode("utf-8", "replace").strip() if response.status >= 300 else ""
            return Answer(status=response.status, retry_after=retry_after, reason=_printable(words)[:200])


def encrypted(subscription: PushSubscription, payload: bytes) -> bytes:
    """The body of a push: `aes128gcm`, readable by the device alone."""
    keys = {"p256dh": to_base64url(subscription.p256dh), "auth": to_base64url(subscription.auth)}
    pusher = WebPusher({"endpoint": subscription.endpoint, "keys": keys})
    body: bytes = pusher.encode(payload)["body"]
    return body


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text)
