"""The objects of the simulated bucket, and which of them anybody is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from handlers.media.uses import avatar_use, message_use

if TYPE_CHECKING:
    from tests.simulation.world import World


class Shelf(dict[str, tuple[str, bytes]]):
    """The objects of the bucket; complains when one goes that anybody is shown."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world

    def pop(self, key: str, *default: Any) -> Any:
        if key in self and key in shown(self._world):
            self._world.complain(f"{key} is removed, and somebody is shown it")
        return super().pop(key, *default)


def shown(world: World) -> set[str]:
    """The objects of all files that messages and profiles show."""
    record = world.record
    named = [
        (message_use(message.chat_id, message.sender_id, message.client_id), message.media_id)
        for messages in record.messages.values()
        for message in messages.values()
        if message.media_id is not None and not record.chats[message.chat_id].deleted
    ]
    named += [
        (avatar_use(user.id), user.avatar_media_id) for user in record.users.values() if user.avatar_media_id
    ]
    found: set[str] = set()
    for name, media_id in named:
        media = record.media.get(media_id or "")
        assert media is not None, f"{name} shows a file that is not known any more"
        assert media.use(name) is not None, f"{name} is no use of its file"
        assert media.key is not None
        assert media.key in record.bucket.objects, f"{name} shows a file that is not there"
        found.add(media.key)
    return found
