"""Who is notified. Nothing here waits or asks."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

import msgspec

from persistence.models import Member, Message, MessageType, PresentDevice, PushSubscription

NOBODY: Final[frozenset[str]] = frozenset()


class Call(msgspec.Struct, frozen=True):
    """Where to notify somebody, and whether to look once more later whether they have seen the message."""

    subscriptions: list[PushSubscription]
    later: bool = False


def news_for(member: Member, messages: Sequence[Message], *, now: int, oldest: int) -> Message | None:
    """The newest of these messages (in order of `seq`) that a member is to be told of.

    Not those that they wrote or have read, that are deleted or the server's own, or older than `oldest`; none while they have the chat muted.
    """
    if member.muted_until is not None and member.muted_until > now:
        return None
    for message in reversed(messages):
        if message.seq <= member.read_seq or message.created_at < oldest:
            return None
        if message.sender_id != member.user_id and worth_telling(message):
            return message
    return None


def worth_telling(message: Message) -> bool:
    """Whether anybody is told of it."""
    return not message.deleted and message.type is not MessageType.SYSTEM


def call(
    subscriptions: Sequence[PushSubscription],
    devices: Sequence[PresentDevice],
    *,
    living: Collection[str],
    now: int,
    active_ms: int,
) -> Call:
    """Where a user is notified the first time that anybody looks.

    Nowhere while any of their devices is in use. A connected device that is not gets the message itself: it is not notified, but keeps none of the
    others from it. Either may be a connection that is dead and has not been noticed, so both call for a second look.

    Args:
        subscriptions: the user's.
        devices: those that are connected, as far as is known.
        living: nodes; what is said to be connected to others is not.
        now: milliseconds since the epoch.
        active_ms: a device that was used so lately is in use.

    """
    connected = [device for device in devices if device.node in living]
    if any(device.active_at > now - active_ms for device in connected):
        return Call([], later=bool(subscriptions))
    there = {device.device_id for device in connected}
    away = [each for each in subscriptions if each.device_id not in there]
    return Call(away, later=len(away) < len(subscriptions))


def call_again(
    subscriptions: Sequence[PushSubscription],
    devices: Sequence[PresentDevice],
    *,
    living: Collection[str],
    written_at: int,
) -> list[PushSubscription]:
    """Where a user is notified the second time, which is late enough for dead connections to be gone: nowhere if they have used the app since."""
    connected = [device for device in devices if device.node in living]
    if any(device.active_at > written_at for device in connected):
        return []
    there = {device.device_id for device in connected}
    return [each for each in subscriptions if each.device_id not in there]
