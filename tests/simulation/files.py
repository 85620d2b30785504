"""People who send each other files, and what must hold of those files."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from itertools import count
from typing import Any, TypeVar

import trio

from config.media import MediaSettings
from config.settings import NodeRole
from handlers.bodies import MessageBody
from handlers.errors import ChatError, Code
from handlers.media.uploads import UploadBody
from handlers.people.contacts import Contacts
from handlers.people.profiles import ProfileBody
from persistence.errors import StoreUnavailable
from persistence.ids import Ids
from persistence.models import MediaKind, Message, MessageType
from server.parts.media import make_media
from supervisors import ChildSpec, Supervisor, open_supervisor
from tests.memory_stores import memory_stores
from tests.simulation.node import START_MS, Disconnected, Node
from tests.simulation.shelf import shown
from tests.simulation.world import World, make_settings, principal

T = TypeVar("T")

QUIET_S = 2_000.0
"""After so long without anything happening, nothing about files is left to do."""
LITTLE_S = 20
SHORT = make_settings(roles=frozenset({NodeRole.REALTIME, NodeRole.MEDIA})).model_copy(
    update={
        # Shorter than anybody may set it.
        "media": MediaSettings().model_copy(
            update={"upload_ttl_s": 5, "orphan_s": LITTLE_S, "review_s": 5.0}
        ),
    }
)
"""Settings of nodes on which uploads are soon forgotten."""
TRY_AGAIN = {Code.UNAVAILABLE, Code.OVERLOADED, Code.INTERNAL}


class Files:
    """Uploads and uses, each tried on one node after the other until it is answered, as clients do.

    Attributes:
        nodes: in which order they are tried, for each step anew.

    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.nodes: tuple[str, ...] = ("n1", "n2")
        self.content: dict[str, bytes] = {}
        self._numbers = count(1)

    async def ask(self, call: Callable[[Node], Callable[..., Awaitable[T]]], *args: Any) -> T:
        """One request, repeated until it is answered."""
        with trio.fail_after(300):
            while True:
                for name in self.nodes:
                    node = self.world[name]
                    try:
                        return await node.call(call(node), *args)
                    except ChatError as error:
                        if error.code not in TRY_AGAIN:
                            raise
                    except (StoreUnavailable, Disconnected, RuntimeError):
                        pass
                await trio.sleep(0.5)

    async def upload(self, user_id: str, kind: MediaKind = MediaKind.IMAGE) -> str:
        """A file of the user's, in the bucket."""
        content = b"file %d" % next(self._numbers)
        body = UploadBody(kind=kind, content_type="image/png", size=len(content), filename="a.png")
        answer = await self.ask(lambda node: node.core.media.uploads.begin, principal(user_id), body)
        target = answer.upload
        assert self.world.record.bucket.upload(target.url, target.headers, content).status == 200
        self.content[answer.media_id] = content
        return answer.media_id

    async def send(self, user_id: str, chat_id: str, media_id: str, client_id: str = "c") -> Message:
        """A message that shows it."""
        body = picture(media_id, client_id)
        message, _ = await self.ask(
            lambda node: node.core.messages.writer.send, principal(user_id), chat_id, body
        )
        return message

    async def delete(self, user_id: str, chat_id: str, seq: int) -> None:
        """Delete a message, for everyone."""
        try:
            await self.ask(lambda node: node.core.messages.writer.delete, principal(user_id), chat_id, seq)
        except ChatError as error:
            if error.code is not Code.NOT_FOUND:  # the first try has done it
                raise

    async def take_picture(self, user_id: str, media_id: str | None) -> None:
        """Another profile picture, or none."""
        body = ProfileBody(avatar_media_id=media_id)
        await self.ask(lambda node: node.core.people.profiles.update, principal(user_id), body)

    async def seen(self, user_id: str, media_id: str) -> bytes | None:
        """What somebody gets who asks for it; `None` if they are told that there is none."""
        try:
            view = await self.ask(lambda node: node.core.media.views.get, principal(user_id), media_id)
        except ChatError as error:
            if error.code is Code.NOT_FOUND:
                return None
            raise
        return self.world.record.bucket.download(view.url).body

    async def all_quiet(self) -> None:
        """Clear weather, and then for long nothing but what looks after files; then only what is shown is there."""
        world = self.world
        await world.heal()
        for node in world.living():
            await node.stop()
        stores = memory_stores("after", world.record)
        contacts = Contacts(stores.chats, stores.blocks)
        parts = make_media(world.settings, stores, contacts, clock=clock, new_id=Ids(clock, world.random))
        review = Supervisor((ChildSpec("media", parts.review.run),), name="after")
        async with open_supervisor(review):
            await trio.sleep(QUIET_S)
        record = self.world.record
        live = shown(self.world)
        assert set(record.bucket.objects) == live, "objects that nobody is shown, or the other way round"
        assert {media.key for media in record.media.values()} == live
        for media in record.media.values():
            assert media.uses
            assert media.key is not None
            assert not media.doomed
            assert record.bucket.objects[media.key] == ("image/png", self.content[media.id])


def clock() -> int:
    return START_MS + round(trio.current_time() * 1000)


def picture(media_id: str, client_id: str) -> MessageBody:
    """A message that shows a file."""
    content = {"width": 1, "height": 1}
    return MessageBody(client_id=client_id, type=MessageType.IMAGE, content=content, media_id=media_id)
