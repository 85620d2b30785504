"""A replay from beginning to end: sign up, make the groups, connect, send, wait for everything, read back."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import trio

from server.refusal import refuse
from server.replay.cast import Cast
from server.replay.history import compare, read_back
from server.replay.member import HEARTBEAT_S, Member
from server.replay.people import Account, make_group, sign_up
from server.replay.progress import Progress
from server.replay.report import Report, Row
from server.replay.rest import Api, ApiError, Node, NodeAway
from server.replay.stage import Chat, Sending, Stage

STALL_S: Final = 60.0
"""With something under way and nothing happening for so long, the replay ends with what there is."""
QUIET_S: Final = 0.5
"""After the last delivery: something that comes again would come now."""
LOOK_S: Final = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to replay.

    Attributes:
        nodes: users are spread over them.
        window: lines of one conversation that may be unacknowledged at a time. With 1 the chat's order is the file's; with more, each sender's
            own order is kept, since a user never has two under way in one chat.
        rate: lines a second, of all conversations together, at most; 0 for no limit.

    """

    nodes: Sequence[Node]
    window: int = 1
    rate: float = 0.0


class Pace:
    """Lets through at most so many a second; what was missed is not made up for."""

    def __init__(self, rate: float) -> None:
        self._gap = 1 / rate if rate else 0.0
        self._next = float("-inf")

    async def wait(self) -> None:
        """Wait for the next one's turn."""
        if not self._gap:
            return
        turn = max(trio.current_time(), self._next)
        self._next = turn + self._gap
        await trio.sleep_until(turn)


async def replay(
    cast: Cast, options: Options, progress: Progress, skipped: tuple[int, int] = (0, 0)
) -> Report:
    """Replay a cast's conversations. Raises `Refusal` when a node does not answer at the beginning, or refuses to take them."""
    api = Api(options.nodes)
    try:
        accounts, stage = await _prepare(api, cast, progress)
        members = {index: Member(index, accounts[index], api, stage) for index in range(len(accounts))}
        seconds, troubles = await _perform(stage, members, options, progress)
        return await _report(api, cast, accounts, stage, options, progress, seconds, troubles, skipped)
    finally:
        await api.close()


async def _prepare(api: Api, cast: Cast, progress: Progress) -> tuple[list[Account], Stage]:
    for node in api.nodes:
        try:
            await api.greet(node)
        except NodeAway as error:
            raise refuse("--url", _about(node, error)) from error
    count = len(cast.names)
    trouble: ApiError | NodeAway
    try:
        accounts = await sign_up(
            api, cast, lambda n: progress.show("signing up", f"{n:,} of {count:,} users")
        )
        run = secrets.token_hex(4)
        user_ids = [account.user_id for account in accounts]
        chats = []
        for number, conversation in enumerate(cast.conversations, 1):
            progress.show("making groups", f"{number} of {len(cast.conversations)}")
            chat_id = await make_group(api, conversation, accounts)
            chats.append(Chat(chat_id, conversation, f"{run}-{number}", user_ids))
        return accounts, Stage(chats)
    except (ApiError, NodeAway) as error:
        trouble = error
    except ExceptionGroup as group:  # of the nursery in which users are signed up
        trouble = _first(group)
    raise refuse("--url", str(trouble)) from trouble


def _about(node: Node, error: NodeAway) -> str:
    return str(error) if node.url in str(error) else f"{node.url}: {error}"


def _first(group: ExceptionGroup[Exception]) -> ApiError | NodeAway:
    """The first of them; anything that is no answer of a node is raised."""
    error: Exception = group
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    if not isinstance(error, ApiError | NodeAway):
        raise group
    return error


async def _perform(
    stage: Stage, members: Mapping[int, Member], options: Options, progress: Progress
) -> tuple[float, list[str]]:
    """Connect everybody, send everything, wait for it; the seconds that it took, and what went wrong."""
    troubles: list[str] = []
    pace = Pace(options.rate)
    began = ended = trio.current_time()
    async with trio.open_nursery() as nursery:
        for member in members.values():
            nursery.start_soon(member.run)
        nursery.start_soon(_beat, members)
        if await _all_joined(members, progress):
            began = trio.current_time()
            async with trio.open_nursery() as senders:
                for chat in stage.chats.values():
                    senders.start_soon(_play, stage, chat, members, options.window, pace)
                senders.start_soon(_watch, stage, progress, senders.cancel_scope)
            ended = trio.current_time()
            await trio.sleep(QUIET_S)
        stuck = [member for member in members.values() if not member.connected]
        if stuck:
            troubles.append(f"{len(stuck)} users have no connection; the last trouble was {stuck[0].trouble}")
        nursery.cancel_scope.cancel()
    refusals = [
        sending.refusal for chat in stage.chats.values() for sending in chat.sendings if sending.refusal
    ]
    if refusals:
        troubles.append(f"{len(refusals):,} lines were refused, the first with {refusals[0]}")
    return ended - began, troubles


async def _beat(members: Mapping[int, Member]) -> None:
    while True:
        await trio.sleep(HEARTBEAT_S)
        for member in members.values():
            await member.beat()


async def _all_joined(members: Mapping[int, Member], progress: Progress) -> bool:
    """Wait until everybody has joined; `False` if nobody has for long."""
    joined, since = -1, trio.current_time()
    while True:
        count = sum(member.joined.is_set() for member in members.values())
        progress.show("connecting", f"{count:,} of {len(members):,} users")
        if count == len(members):
            return True
        if count > joined:
            joined, since = count, trio.current_time()
        if trio.current_time() - since > STALL_S:
            return False
        await trio.sleep(LOOK_S)


async def _play(stage: Stage, chat: Chat, members: Mapping[int, Member], window: int, pace: Pace) -> None:
    """Send a conversation's lines: each when it is its turn, and the one `window` before it and its sender's last one are settled."""
    last: dict[int, Sending] = {}
    for place, sending in enumerate(chat.sendings):
        if place >= window:
            await _settled(chat.sendings[place - window])
        before = last.get(sending.part.sender)
        if before is not None:
            await _settled(before)
        await pace.wait()
        last[sending.part.sender] = sending
        await members[sending.part.sender].send(chat, sending)


async def _settled(sending: Sending) -> None:
    # Without a checkpoint when it is: with hundreds of sockets to be read, each costs as much as sending does.
    if not sending.settled.is_set():
        await sending.settled.wait()


async def _watch(stage: Stage, progress: Progress, scope: trio.CancelScope) -> None:
    """Show how far it is; end the sending when everything is done, or nothing happens any more."""
    messages = sum(len(chat.sendings) for chat in stage.chats.values())
    expected = sum(chat.expected for chat in stage.chats.values())
    began = since = trio.current_time()
    before = (-1, -1)
    while True:
        now = trio.current_time()
        state = (stage.acknowledged, stage.delivered)
        if state != before or not stage.outstanding:
            before, since = state, now
        per_s = stage.delivered / max(now - began, LOOK_S)
        progress.show(
            "sending",
            f"{stage.acknowledged:,} of {messages:,} messages acknowledged,"
            f" {stage.delivered:,} of {expected:,} delivered ({per_s:,.0f}/s)",
        )
        if (stage.settled == messages and not stage.outstanding) or now - since > STALL_S:
            scope.cancel()
            return
        await trio.sleep(LOOK_S)


async def _report(
    api: Api,
    cast: Cast,
    accounts: Sequence[Account],
    stage: Stage,
    options: Options,
    progress: Progress,
    seconds: float,
    troubles: list[str],
    skipped: tuple[int, int],
) -> Report:
    rows: list[Row] = []
    readable: set[int] = set(range(len(api.nodes)))
    for number, chat in enumerate(stage.chats.values(), 1):
        progress.show("reading back", f"{number} of {len(stage.chats)} conversations")
        reader = accounts[chat.conversation.members[0]]
        verdicts = []
        for node in tuple(readable):
            history = await read_back(api, node, reader, chat.id)
            if history is None:
                readable.discard(node)
            else:
                verdicts.append(compare(chat, history, in_order=options.window == 1))
        receptions = chat.receptions.values()
        rows.append(
            Row(
                name=chat.conversation.name,
                members=len(receptions),
                messages=len(chat.sendings),
                acknowledged=chat.acknowledged,
                expected=chat.expected,
                got=chat.got,
                caught_up=chat.caught_up,
                repeated=sum(reception.repeated for reception in receptions),
                disordered=sum(reception.disordered for reception in receptions)
                + max((verdict.disordered for verdict in verdicts), default=0),
                altered=chat.altered,
                history=min((verdict.read for verdict in verdicts), default=None),
                differ=max((verdict.differ for verdict in verdicts), default=0),
            )
        )
    return Report(
        rows=rows,
        users=len(cast.names),
        nodes=len(api.nodes),
        readable=len(readable),
        seconds=seconds,
        reconnects=stage.reconnects,
        queued=stage.queued,
        acknowledging=stage.acknowledging,
        delivering=stage.delivering,
        skipped=skipped,
        troubles=troubles,
    )
