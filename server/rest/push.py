"""Web Push: the key to subscribe with, and the caller's subscriptions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from handlers.errors import Code
from handlers.notifications.subscriptions import (
    PushKey,
    SubscriptionBody,
    SubscriptionView,
    UnsubscribeBody,
    UnsubscribeQuery,
)
from server.rest.operation import Answer, Call, NoQuery, Operation
from server.services import Services

TAG: Final = "push"


def operations(services: Services) -> Sequence[Operation]:
    """The calls below `/push`."""
    push = services.push

    async def key(call: Call[None, NoQuery]) -> PushKey:
        """The key that browsers subscribe with (`applicationServerKey`)."""
        return await push.key()

    async def subscribe(call: Call[SubscriptionBody, NoQuery]) -> Answer:
        """Have this device notified of messages while it is not connected.

        The body is what the browser's `PushSubscription.toJSON()` gives. An endpoint that is known already is answered with 200. Signing the device out
        removes it.
        """
        view, fresh = await push.add(call.principal, call.body)
        return Answer(201 if fresh else 200, view)

    async def unsubscribe(call: Call[UnsubscribeBody, UnsubscribeQuery]) -> None:
        """Forget a subscription of the caller's, by its endpoint (in the body or the address) or its id."""
        await push.remove(call.principal, call.body, call.query)

    return (
        Operation(method="GET", path="/push/key", serve=key, tag=TAG, answers={200: PushKey}),
        Operation(
            method="POST",
            path="/push/subscriptions",
            serve=subscribe,
            tag=TAG,
            body=SubscriptionBody,
            answers={201: SubscriptionView, 200: SubscriptionView},
            refuses=(Code.CONFLICT,),
        ),
        Operation(
            method="DELETE",
            path="/push/subscriptions",
            serve=unsubscribe,
            tag=TAG,
            body=UnsubscribeBody,
            body_required=False,
            query=UnsubscribeQuery,
            answers={204: None},
            refuses=(Code.NOT_FOUND,),
        ),
    )
