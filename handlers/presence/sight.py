"""Who may see when somebody is and was online. The rule is `policy.sees_presence`; this looks up what it has to know, for many at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from handlers.loader import Loader
from handlers.people.contacts import Contacts
from handlers.policy import sees_presence
from persistence.models import User, Visibility
from persistence.pairs import other_of
from persistence.ports import Chats, MessageLog, Users

Pair = tuple[str, str]
"""Who sees, and who is seen."""


class Sight:
    """Looks up who sees whose presence. Whatever shows it asks here."""

    def __init__(self, users: Users, chats: Chats, store: MessageLog, contacts: Contacts) -> None:
        self._chats = chats
        self._store = store
        self._contacts = contacts
        self._users: Loader[str, User] = Loader(users.get_many)

    async def users(self, user_ids: Sequence[str]) -> dict[str, User]:
        """The users among these that exist. Raises `StoreUnavailable`."""
        return await self._users.load(user_ids)

    async def viewers(self, shown: Sequence[User]) -> dict[str, list[str]]:
        """The contacts of each that may see them, as far as it is theirs to say: what viewers hide, and so do not see, is known where they are connected.

        Raises `StoreUnavailable`.
        """
        open_ = [user for user in shown if user.privacy.last_seen is not Visibility.NOBODY]
        contacts = await self._contacts.of_many([user.id for user in open_])
        pairs = [(viewer_id, user.id) for user in open_ for viewer_id in contacts[user.id]]
        known = await self._known(pairs, {user.id: user for user in open_})
        return {
            user.id: [
                viewer_id
                for viewer_id in contacts[user.id]
                if user.privacy.last_seen is Visibility.EVERYONE or (viewer_id, user.id) in known
            ]
            for user in open_
        }

    async def seen_by(self, viewer: User, shown: Sequence[User]) -> set[str]:
        """Those whose presence the viewer may see. Raises `StoreUnavailable`."""
        if viewer.privacy.last_seen is Visibility.NOBODY:
            return {user.id for user in shown if user.id == viewer.id}
        strangers = await self._contacts.strangers(viewer.id, [user.id for user in shown])
        pairs = [(viewer.id, user.id) for user in shown if user.id not in strangers]
        seen = await self.among(pairs, {user.id: user for user in (*shown, viewer)})
        return {user_id for _, user_id in seen}

    async def among(self, pairs: Sequence[Pair], users: Mapping[str, User]) -> set[Pair]:
        """Those of the pairs of which the first sees the second; between none of them is a block. Raises `StoreUnavailable`."""
        known = await self._known(pairs, users)
        return {
            pair
            for pair in pairs
            if pair[0] == pair[1]
            or (
                pair[0] in users
                and pair[1] in users
                and sees_presence(users[pair[0]].privacy, users[pair[1]].privacy, contact=pair in known)
            )
        }

    async def _known(self, pairs: Sequence[Pair], users: Mapping[str, User]) -> set[Pair]:
        """Of those seen by their contacts only: the pairs of which the first is a contact of the second, who has begun, or has written in, their direct chat.

        That the first began one is not enough: anybody can, and would see what is for contacts only.
        """
        asked = {
            pair
            for pair in pairs
            if pair[1] in users and users[pair[1]].privacy.last_seen is Visibility.CONTACTS
        }
        if not asked:
            return set()
        rows = await self._chats.memberships(list(dict.fromkeys(shown for _, shown in asked)))
        chats = await self._chats.get_many(
            list({row.chat_id for members in rows.values() for row in members})
        )
        found: set[Pair] = set()
        unsure: list[tuple[Pair, str]] = []
        for user_id, members in rows.items():
            for row in members:
                chat = chats.get(row.chat_id)
                if chat is None or chat.pair is None:
                    continue
                pair = (other_of(chat.pair, user_id), user_id)
                if pair in asked and chat.created_by == user_id:
                    found.add(pair)
                elif pair in asked:
                    unsure.append((pair, chat.id))
        # What one of two has not written and not read from the start, the other has written.
        queries = [(chat_id, viewer_id, 0) for (viewer_id, _), chat_id in unsure]
        counts = await self._store.unread(queries, cap=1) if queries else []
        return found | {pair for (pair, _), count in zip(unsure, counts, strict=True) if count}
