"""Telling people which of their contacts are online: `USER_CONNECTED` and `USER_DISCONNECTED`, on the topic `me`.

What is to be told comes from Redis (`persistence.ports.Presence`), to whichever node asks for it first; whom to tell from the record. It goes to the nodes
where those are connected, and to no other, in one publication for all of it. Who shows when they are online, and to whom: `handlers.presence.sight`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

import msgspec
import trio

from handlers.loader import Loader
from handlers.nodes.events import USER_TOPIC, ContactEvent, pack
from handlers.nodes.fanout import Fanout
from handlers.people.contacts import Contacts
from handlers.presence.sight import Pair, Sight
from handlers.protocol import ME, encode, event_text
from handlers.sessions.hub import Hub
from handlers.wire import rfc3339_or_none
from persistence.errors import StoreUnavailable
from persistence.models import Envelope, Online, Turn, User, Visibility
from persistence.ports import Bus, Presence, Users
from persistence.presence import LONGEST_GRACE_S

MOST_TURNS: Final = 500
"""Users of whom is told at once."""
MOST_ENVELOPES: Final = 500
"""Envelopes in one publication."""
HOLD_S: Final = 8.0
"""How long telling may take before another node tells it anew."""
MOST_ONLINE: Final = 1_000
"""Contacts whose presence one user is told at once."""
AT_ONCE: Final = 200
"""Users whose contacts are looked through at once."""
REMEMBERED_S: Final = 120.0
"""What was told somebody within so long is not told once more when something may have been missed."""
SLACK_MS: Final = 2_000
"""By how much two nodes may differ about when somebody left."""


log: Final = logging.getLogger(__name__)


class Connected(msgspec.Struct, frozen=True):
    """`USER_CONNECTED`: a contact is online."""

    user_id: str


class Disconnected(msgspec.Struct, frozen=True):
    """`USER_DISCONNECTED`: a contact is offline since `last_seen`; `null` if that is not shown (any more)."""

    user_id: str
    last_seen: str | None


def connected(user_id: str) -> bytes:
    """The frame that says that a contact is online."""
    return event_text(ME, "USER_CONNECTED", encode(Connected(user_id)))


def disconnected(user_id: str, last_seen: int | None) -> bytes:
    """The frame that says that a contact is offline."""
    return event_text(ME, "USER_DISCONNECTED", encode(Disconnected(user_id, rfc3339_or_none(last_seen))))


class PresenceNews:
    """Tells the contacts of users who come and go.

    Args:
        presence: what there is to tell.
        users, contacts, sight: whom to tell.
        bus, fanout, hub: the ways to them.
        clock: milliseconds since the epoch.
        grace_s: how long the users of a dead node are awaited.

    """

    def __init__(
        self,
        *,
        presence: Presence,
        users: Users,
        contacts: Contacts,
        sight: Sight,
        bus: Bus,
        fanout: Fanout,
        hub: Hub,
        clock: Callable[[], int],
        grace_s: float,
    ) -> None:
        self._presence = presence
        self._users = users
        self._contacts = contacts
        self._sight = sight
        self._bus = bus
        self._fanout = fanout
        self._hub = hub
        self._clock = clock
        self.grace_s = grace_s
        self._look_up: Loader[str, tuple[int | None, bool]] = Loader(self._fetch)
        self._heard: dict[str, dict[str, tuple[bytes, float]]] = {}
        self._forget_at = 0.0
        self._uninformed: set[str] = set()
        self._missed_since: int | None = None
        self._to_show: dict[tuple[str, str | None], None] = {}
        self._distrusts = False
        self.told = 0

    # -- who comes and goes ------------------------------------------------------------------------------------------

    async def tell(self) -> None:
        """Tell what is due. Raises `StoreUnavailable`: what could not be told is due again later."""
        self._forget()
        more = True
        while more:
            turns = await self._presence.turns(
                at=self._clock(), grace_s=self.grace_s, hold_s=HOLD_S, most=MOST_TURNS
            )
            if turns:
                await self._tell_turns(turns)
                await self._presence.told(turns)
                self.told += len(turns)
            more = len(turns) == MOST_TURNS
        await self._inform()

    async def _tell_turns(self, turns: Sequence[Turn]) -> None:
        users = await self._users.get_many([turn.user_id for turn in turns])
        last_seen = await self._note(turns, users)
        viewers = await self._sight.viewers(list(users.values()))
        news: dict[str, list[ContactEvent]] = {}
        for turn in turns:
            user_id = turn.user_id
            text = connected(user_id) if turn.online else disconnected(user_id, last_seen.get(user_id))
            for viewer_id in viewers.get(user_id, ()):
                news.setdefault(viewer_id, []).append(ContactEvent(user_id, text))
        envelopes = [Envelope(USER_TOPIC + viewer_id, pack([*events])) for viewer_id, events in news.items()]
        for start in range(0, len(envelopes), MOST_ENVELOPES):
            # Not through the fan-out, which does not say when it is done: only what is published has been told.
            await self._bus.publish(envelopes[start : start + MOST_ENVELOPES])
        for viewer_id, events in news.items():
            for happened in events:
                self.deliver(viewer_id, happened)

    def deliver(self, viewer_id: str, happened: ContactEvent) -> None:
        """Tell a user's devices here of a contact, unless that is what they were told last."""
        if viewer_id not in self._hub.users:
            return
        heard = self._heard.setdefault(viewer_id, {})
        text, _ = heard.get(happened.contact_id, (b"", 0.0))
        if happened.anyway or text != happened.text:
            heard[happened.contact_id] = (happened.text, trio.current_time())
            self._hub.user_event(viewer_id, happened)

    def _forget(self) -> None:
        """What was told a while ago: a search for what was missed does not reach back so far."""
        now = trio.current_time()
        if now < self._forget_at:
            return
        self._forget_at = now + REMEMBERED_S
        for viewer_id, heard in list(self._heard.items()):
            fresh = {c: told for c, told in heard.items() if told[1] > now - REMEMBERED_S}
            if fresh and viewer_id in self._hub.users:
                self._heard[viewer_id] = fresh
            else:
                del self._heard[viewer_id]

    async def _note(self, turns: Sequence[Turn], users: Mapping[str, User]) -> dict[str, int]:
        """When those who have gone were last here. Their node has noted that in the record, unless it died first."""
        found: dict[str, int] = {}
        missing: dict[str, int] = {}
        for turn in turns:
            user = users.get(turn.user_id)
            if user is None or turn.online:
                continue
            if user.last_seen is None or user.last_seen < turn.left_at - SLACK_MS:
                missing[user.id] = turn.left_at
            else:
                found[user.id] = user.last_seen
        if missing:
            await self._users.seen(missing)
        return found | missing

    # -- what a client begins with -------------------------------------------------------------------------------------

    async def online(self, user_ids: Sequence[str]) -> Online:
        """Those of the users who are online. Raises `StoreUnavailable`."""
        found = await self._look_up.load(user_ids)
        # Who has just come to this node may not have been written yet.
        here = dict.fromkeys([u for u in user_ids if u in self._hub.users], self._clock())
        known = {user_id: since for user_id, (since, _) in found.items() if since is not None}
        return Online(since=here | known, settled=all(settled for _, settled in found.values()))

    async def _fetch(self, user_ids: Sequence[str]) -> dict[str, tuple[int | None, bool]]:
        online = await self._presence.online(user_ids)
        return {user_id: (online.since.get(user_id), online.settled) for user_id in user_ids}

    async def for_join(self, viewer: User, peer_ids: Iterable[str]) -> list[str]:
        """Those of the others in the viewer's direct chats who are online, as far as they show it to the viewer. Raises `StoreUnavailable` for the record.

        While Redis is away it is not known; as soon as it is, the viewer is told.
        """
        self._heard.pop(viewer.id, None)  # not by this device
        online = await self._online_of(viewer, peer_ids)
        if len(self._hub.users.get(viewer.id, ())) == 1:
            now = trio.current_time()
            known = {user_id: (connected(user_id), now) for user_id in online}
            self._heard[viewer.id] = known | self._heard.get(viewer.id, {})
        return online

    async def _online_of(self, viewer: User, peer_ids: Iterable[str]) -> list[str]:
        if viewer.privacy.last_seen is Visibility.NOBODY:
            return []
        try:
            found = await self.online(list(peer_ids))
        except StoreUnavailable:
            self._uninformed.add(viewer.id)
            return []
        if not found.settled:
            self._uninformed.add(viewer.id)
        online = sorted(found.since)[:MOST_ONLINE]
        if not online:
            return []
        shown = await self._sight.users(online)
        seen = await self._sight.seen_by(viewer, list(shown.values()))
        return [user_id for user_id in online if user_id in seen]

    # -- who has been missed ---------------------------------------------------------------------------------------------

    def distrust(self) -> None:
        """Redis has lost its data: who has gone while that happened was told nobody. When all nodes have written their devices anew, it shows."""
        self._distrusts = True

    async def _inform(self) -> None:
        """Tell what could not be known until now. Raises `StoreUnavailable`."""
        if not (self._distrusts or self._uninformed or self._missed_since is not None):
            return
        if not (await self._presence.online([])).settled:
            return
        if self._distrusts:
            await self._tell_again(list(self._hub.users), online_since=self._clock(), offline_since=0)
            self._distrusts = False
        while self._uninformed:
            some = list(self._uninformed)[:AT_ONCE]
            here = [user_id for user_id in some if user_id in self._hub.users]
            await self._tell_again(here, online_since=0, offline_since=self._clock())
            self._uninformed.difference_update(some)
        if self._missed_since is not None:
            await self.refresh(self._missed_since)

    async def refresh(self, since: int) -> None:
        """Something may have been missed since then: tell those who are connected here who has come and gone. Raises `StoreUnavailable` for the record.

        What cannot be known at present is told as soon as it can.
        """
        if self._missed_since is not None:
            since = min(since, self._missed_since)
        self._missed_since = since
        # Whoever had been awaited for long before it was told had gone that much earlier.
        gone_since = since - LONGEST_GRACE_S * 1000
        try:
            if not (await self._presence.online([])).settled:
                return
            await self._tell_again(
                list(self._hub.users), online_since=since, offline_since=gone_since, shown_since=since
            )
        except StoreUnavailable as error:
            if error.store != "redis":
                raise
        else:
            self._missed_since = None

    async def _tell_again(
        self,
        viewer_ids: Sequence[str],
        *,
        online_since: int,
        offline_since: int,
        shown_since: int | None = None,
    ) -> None:
        """Tell these users, here, which of their contacts have been online or offline since then at the earliest, or show themselves to others since then."""
        for start in range(0, len(viewer_ids), AT_ONCE):
            contacts = await self._contacts.of_many(viewer_ids[start : start + AT_ONCE])
            pairs = [
                (viewer_id, contact_id)
                for viewer_id, contact_ids in contacts.items()
                for contact_id in contact_ids[:MOST_ONLINE]
            ]
            found = await self.online([contact_id for _, contact_id in pairs])
            users = await self._sight.users([user_id for pair in pairs for user_id in pair])
            changed: list[Pair] = []
            for pair in pairs:
                viewer, contact = users.get(pair[0]), users.get(pair[1])
                if viewer is None or contact is None:
                    continue
                since = found.since.get(contact.id)
                told = (
                    since >= online_since if since is not None else (contact.last_seen or 0) >= offline_since
                )
                if shown_since is not None:
                    told |= max(viewer.updated_at, contact.updated_at) >= shown_since
                if since is None:
                    # Who was never seen and is not here has just gone, and is about to be spoken of, unless Redis has lost it.
                    told &= found.settled and (contact.last_seen is not None or not offline_since)
                if told:
                    changed.append(pair)
            seen = await self._sight.among(changed, users)
            for viewer_id, contact_id in changed:
                if (viewer_id, contact_id) in seen:
                    text = _state(users[contact_id], online=contact_id in found.since)
                    self.deliver(viewer_id, ContactEvent(contact_id, text))
                elif shown_since is not None:
                    hidden = disconnected(contact_id, None)
                    self.deliver(viewer_id, ContactEvent(contact_id, hidden, anyway=True))

    # -- who may see whom has changed --------------------------------------------------------------------------------------

    async def introduce(self, viewer_id: str, other_id: str) -> bytes | None:
        """What to tell somebody who has got a direct chat with another: a frame if the other is online, and shows it."""
        try:
            users = await self._sight.users([viewer_id, other_id])
            if len(users) < 2 or other_id not in await self._online_of(users[viewer_id], [other_id]):
                return None
        except StoreUnavailable:
            self._uninformed.add(viewer_id)
            return None
        return connected(other_id)

    async def contact_changed(self, one: str, other: str) -> None:
        """A block between these two was made or removed: tell each how the other is, or nothing more."""
        self._to_show[one, other] = self._to_show[other, one] = None
        await self._show_now()

    async def privacy_changed(self, before: User, after: User) -> None:
        """Somebody shows themselves to others than before: tell these, and them what they now see of the others."""
        if before.privacy.last_seen is after.privacy.last_seen:
            return
        self._fanout.hide_contacts(after.id, hidden=after.privacy.last_seen is Visibility.NOBODY)
        self._to_show[after.id, None] = None
        await self._show_now()

    async def _show_now(self) -> None:
        try:
            await self._show()
        except StoreUnavailable:
            log.info("who may see whom is told later", extra={"waiting": len(self._to_show)})

    async def _show(self) -> None:
        while self._to_show:
            some, self._to_show = self._to_show, {}
            try:
                all_of = [one for one, other in some if other is None]
                contacts = await self._contacts.of_many(all_of) if all_of else {}
                pairs = [(one, other) for one, other in some if other is not None]
                for one, others in contacts.items():
                    for other in others[:MOST_ONLINE]:
                        pairs += [(one, other), (other, one)]
                await self._tell_pairs(list(dict.fromkeys(pairs)))
            except BaseException:
                self._to_show = some | self._to_show
                raise

    async def _tell_pairs(self, pairs: Sequence[Pair]) -> None:
        """Tell the first of each pair, everywhere, how the second is: offline since nobody says when, if they may not see it."""
        users = await self._sight.users([user_id for pair in pairs for user_id in pair])
        online = (await self.online([shown for _, shown in pairs])).since
        strangers = {
            (viewer_id, shown_id)
            for viewer_id in {viewer_id for viewer_id, _ in pairs}
            for shown_id in await self._contacts.strangers(
                viewer_id, [shown for viewer, shown in pairs if viewer == viewer_id]
            )
        }
        seen = await self._sight.among([pair for pair in pairs if pair not in strangers], users)
        for viewer_id, shown_id in pairs:
            if viewer_id not in users or shown_id not in users:
                continue
            if (viewer_id, shown_id) in seen:
                text = _state(users[shown_id], online=shown_id in online)
            else:
                text = disconnected(shown_id, None)
            event = ContactEvent(shown_id, text, anyway=True)
            self.deliver(viewer_id, event)
            self._fanout.publish(USER_TOPIC + viewer_id, [event])


def _state(user: User, *, online: bool) -> bytes:
    return connected(user.id) if online else disconnected(user.id, user.last_seen)
