"""The files of messages: taken into use before the message is written, so that no message is without its file."""

from __future__ import annotations

from handlers.errors import ChatError, Code, unavailable
from handlers.media.library import MediaLibrary
from handlers.media.uses import message_use
from handlers.routing.commands import Send
from persistence.errors import StoreUnavailable
from persistence.models import MediaKind
from persistence.ports import MessageLog


class Attachments:
    """Takes files into use for messages."""

    def __init__(self, library: MediaLibrary, log: MessageLog) -> None:
        self._library = library
        self._log = log

    async def take(self, chat_id: str, command: Send) -> None:
        """Take the file of a message that its sender may send into use. Raises `ChatError` (`INVALID`, `UNAVAILABLE`)."""
        try:
            await self._take(chat_id, command)
        except StoreUnavailable as error:
            raise unavailable(error.store) from error

    async def _take(self, chat_id: str, command: Send) -> None:
        assert command.media_id is not None, "only messages with a file have one to take"
        sender_id, client_id = command.actor_id, command.client_id
        kinds = (MediaKind(command.type.value),)
        use = message_use(chat_id, sender_id, client_id)
        try:
            await self._library.use(sender_id, command.media_id, kinds, use)
        except ChatError as error:
            # A repeated message gets the first answer, whatever has become of its file.
            if error.code is not Code.INVALID or await self._log.find(chat_id, sender_id, client_id) is None:
                raise

    def deleted(self) -> None:
        """A message with a file was deleted here: look at once whether that is to go."""
        self._library.due.set()
