"""How MongoDB is used: durability, outages, cancellation, indexes, and bringing a database up to date."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack
from functools import partial
from typing import Any, Final, TypeVar

import pymongo
import pytest
import trio
import trio.testing
from pymongo import monitoring
from pymongo.errors import PyMongoError, WriteError

from persistence.chats import MongoChats
from persistence.errors import StoreUnavailable
from persistence.indexes import MIGRATIONS, init_db
from persistence.messages import MongoLog
from persistence.models import (
    LISTED,
    ChangesQuery,
    Conflict,
    CursorWrite,
    Deletion,
    Edit,
    LogWrite,
    MessageType,
    Repeat,
    Stored,
)
from persistence.mongo import Mongo
from persistence.threads import StoreThreads
from tests.contracts.lossy import LossyProxy, is_part_of_transaction
from tests.contracts.samples import (
    AT,
    chat,
    created,
    device,
    joins,
    member,
    new_id,
    story,
    text,
    user,
    viewing,
)
from tests.contracts.world import Database, Node, mongo_node, through
from tests.servers import Servers

pytestmark = pytest.mark.real

T = TypeVar("T")
_READS: Final = ("find", "aggregate")
_WRITES: Final = ("insert", "update", "delete", "findAndModify", "commitTransaction")


class Commands(monitoring.CommandListener):
    """What was sent to the server."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        if event.command_name in (*_READS, *_WRITES):
            self.sent.append({"name": event.command_name, **event.command})

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        pass

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        pass

    def take(self) -> list[dict[str, Any]]:
        """What was sent since this was asked last."""
        sent, self.sent = self.sent, []
        return sent


@pytest.fixture
def commands() -> Iterator[Commands]:
    """Everything that clients made during the test send."""
    listener = Commands()
    listeners = monitoring._LISTENERS.command_listeners
    monitoring.register(listener)
    yield listener
    listeners.remove(listener)


async def use_everything(node: Node, chat_id: str) -> list[tuple[str, Callable[[], Awaitable[object]]]]:
    """Every operation of the ports, by name."""
    log, chats, users = node.log, node.chats, node.users
    many = await created(chats, count=4)
    ann, phone = user(), device("ann")
    other = chat(pair="ann:" + new_id())
    cursor = CursorWrite(chat_id=chat_id, user_id="ann", read_seq=1, at=AT)
    query = ChangesQuery(chat_id=chat_id, after_rev=1, limit=5, upto_seq=9)
    stories, views = node.stories, node.story_views
    shown, ended = story(), story(expires_at=AT + 3)
    for each in (shown, ended):
        await stories.add(each, due_at=AT)
    await views.add(viewing(shown.id, "bob"), due_at=AT)
    await users.create(ann)
    await node.devices.create(phone)
    return [
        ("append messages", lambda: log.append([text(chat_id, 21, 41), text(chat_id, 22, 42)])),
        ("append edit", lambda: log.append([Edit(chat_id=chat_id, seq=1, rev=43, content={}, at=AT)])),
        ("append deletion", lambda: log.append([Deletion(chat_id=chat_id, seq=2, rev=44, at=AT)])),
        ("append change", lambda: log.append([joins(chat_id, 45, "eve")])),
        ("append refused", lambda: log.append([text(chat_id, 1)])),
        ("append change refused", lambda: log.append([joins(chat_id, 1, "eve")])),
        ("heads of few", lambda: log.heads([chat_id])),
        ("heads of many", lambda: log.heads([chat_id, *many])),
        ("changes", lambda: log.changes([query])),
        ("page before", lambda: log.page(chat_id, before_seq=9, after_seq=None, limit=5)),
        ("page after", lambda: log.page(chat_id, before_seq=None, after_seq=3, limit=5)),
        ("get", lambda: log.get(chat_id, 3)),
        ("find", lambda: log.find(chat_id, "ann", "x")),
        ("last messages of few", lambda: log.last_messages([chat_id])),
        ("last messages of many", lambda: log.last_messages([chat_id, *many])),
        ("of types", lambda: log.of_types(chat_id, [*LISTED], before_seq=9, limit=5)),
        ("unread", lambda: log.unread([(chat_id, "bob", 3)], cap=5)),
        ("create chat", lambda: chats.create(other, [member(other.id, "ann")])),
        ("create chat again", lambda: chats.create(chat(pair=other.pair), [member(new_id(), "ann")])),
        ("get chats", lambda: chats.get_many(many)),
        ("members", lambda: chats.members(chat_id, after_user_id="a", limit=5)),
        ("member count", lambda: chats.member_count(many)),
        ("member", lambda: chats.member(chat_id, "ann")),
        ("members at", lambda: chats.members_at([(chat_id, "ann"), (many[0], "bob")])),
        ("memberships", lambda: chats.memberships(["ann", "bob"])),
        ("raise cursors", lambda: chats.raise_cursors([cursor])),
        ("pin", lambda: chats.set_pinned(chat_id, "ann", AT, at=AT)),
        ("mute", lambda: chats.set_muted(chat_id, "ann", AT, at=AT)),
        ("create user", lambda: users.create(user())),
        ("create user again", lambda: users.create(ann)),
        ("by phone", lambda: users.by_phone(ann.phone)),
        ("get users", lambda: users.get_many([ann.id])),
        ("update user", lambda: users.update(ann.id, at=AT, name="x")),
        ("seen", lambda: users.seen({ann.id: 5})),
        ("operator", lambda: users.set_operator(ann.id, operator=True)),
        ("create device", lambda: node.devices.create(device("bob"))),
        ("get device", lambda: node.devices.get(phone.id)),
        ("devices", lambda: node.devices.of_user("ann")),
        ("rotate", lambda: node.devices.rotate(phone.id, spent=b"first", fresh=b"2", expires_at=1, at=1)),
        ("revoke", lambda: node.devices.revoke(phone.id, "ann")),
        ("load keys", node.keys.load),
        ("add key", lambda: node.keys.add({"kid": new_id(), "created_at": 1})),
        ("post story", lambda: stories.add(story(), due_at=AT)),
        ("post story again", lambda: stories.add(shown, due_at=AT)),
        ("get story", lambda: stories.get(shown.id)),
        ("get stories", lambda: stories.get_many([shown.id, "none"])),
        ("shown stories", lambda: stories.shown(["ann", "bob"], "eve", AT)),
        ("count stories", lambda: stories.count("ann", AT)),
        ("claim stories", lambda: stories.claim(now=AT + 1, until=AT + 9, limit=2)),
        ("told stories", lambda: stories.told(created=[shown.id], ended=[ended.id], at=AT + 5)),
        ("moved stories", lambda: stories.moved(AT, after=None, limit=2)),
        ("moved stories after", lambda: stories.moved(AT, after=(AT, shown.id), limit=2)),
        ("end story", lambda: stories.end(shown.id, "ann", at=AT + 6, due_at=AT + 9)),
        ("view story", lambda: views.add(viewing(shown.id, "eve"), due_at=AT)),
        ("view story again", lambda: views.add(viewing(shown.id, "bob"), due_at=AT)),
        ("seen stories", lambda: views.seen("bob", [shown.id, ended.id])),
        ("viewers", lambda: views.page(shown.id, before=(AT + 1, "z"), limit=5)),
        ("claim views", lambda: views.claim(now=AT + 1, until=AT + 9, limit=2)),
        ("told views", lambda: views.told([viewing(shown.id, "bob")], at=AT + 5)),
        ("moved views", lambda: views.moved(AT, after=None, limit=2)),
        ("moved views after", lambda: views.moved(AT, after=(AT, "a"), limit=2)),
        ("purge stories", lambda: stories.purge(AT + 9, limit=5)),
        ("recent letters", lambda: node.letters.recent(3)),
    ]


async def filled(node: Node) -> str:
    """A chat with twenty messages, of which every second was edited, among a hundred other chats."""
    for chat_id in await created(node.chats, count=100):
        await node.log.append([text(chat_id, seq) for seq in range(1, 4)])
    (chat_id,) = await created(node.chats)
    await node.log.append([text(chat_id, seq) for seq in range(1, 21)])
    edits = [Edit(chat_id=chat_id, seq=n, rev=20 + n, content={}, at=AT) for n in range(1, 21)]
    await node.log.append(edits)
    return chat_id


# -- durability ------------------------------------------------------------------------------------------------------


async def test_every_write_is_acknowledged_by_a_majority_and_journaled_and_every_read_is_of_a_majority(
    database: Database, commands: Commands
) -> None:
    mongo = database.mongo()
    async with mongo.running():
        node = mongo_node(mongo)
        chat_id = await filled(node)
        operations = await use_everything(node, chat_id)
        for name, operation in operations:
            commands.take()
            await operation()
            sent = commands.take()
            assert sent, name
            for command in sent:
                in_transaction = command.get("autocommit") is False
                if command["name"] == "commitTransaction" or (
                    command["name"] in _WRITES and not in_transaction
                ):
                    concern = command.get("writeConcern", {})
                    assert (concern.get("w"), concern.get("j")) == ("majority", True), (name, command)
                if (command["name"] in _READS and not in_transaction) or command.get("startTransaction"):
                    assert command["readConcern"]["level"] == "majority", (name, command)


async def test_a_change_and_its_effect_are_one_transaction(database: Database, commands: Commands) -> None:
    mongo = database.mongo()
    async with mongo.running():
        node = mongo_node(mongo)
        (chat_id,) = await created(node.chats)
        commands.take()
        await node.log.append([joins(chat_id, 1, "eve")])
        written = [c for c in commands.take() if c["name"] in _WRITES]
        assert [c["name"] for c in written] == ["insert", "insert", "delete", "update", "commitTransaction"]
        assert len({(c["lsid"]["id"], c["txnNumber"]) for c in written}) == 1


async def test_a_change_whose_effect_fails_is_not_written(database: Database) -> None:
    no_eve = {"user_id": {"$ne": "eve"}}
    with pymongo.MongoClient[dict[str, Any]](database.uri) as client:
        client[database.name].command("collMod", "members", validator=no_eve)
        try:
            mongo = database.mongo()
            async with mongo.running():
                node = mongo_node(mongo)
                (chat_id,) = await created(node.chats)
                with pytest.raises(WriteError):
                    await node.log.append([joins(chat_id, 1, "eve")])
                assert (await node.log.heads([chat_id]))[chat_id].rev == 0
                assert await node.chats.member(chat_id, "eve") is None
        finally:
            client[database.name].command("collMod", "members", validator={})


# -- indexes ---------------------------------------------------------------------------------------------------------


def stages(plan: Any) -> Iterator[dict[str, Any]]:
    """Every stage of an explanation, whatever it is nested in."""
    if isinstance(plan, list):
        for each in plan:
            yield from stages(each)
    elif isinstance(plan, dict):
        if "stage" in plan or "$lookup" in plan:
            yield plan
        for each in plan.values():
            yield from stages(each)


async def test_no_operation_searches_a_whole_collection(database: Database, commands: Commands) -> None:
    keep = (
        "find",
        "filter",
        "sort",
        "limit",
        "hint",
        "projection",
        "aggregate",
        "pipeline",
        "cursor",
        "query",
        "q",
    )
    mongo = database.mongo()
    async with mongo.running():
        node = mongo_node(mongo)
        chat_id = await filled(node)
        explained = 0
        for name, operation in await use_everything(node, chat_id):
            if name in ("load keys", "recent letters"):  # everything there is, or the end of it by `_id`
                continue
            commands.take()
            await operation()
            for command in commands.take():
                if command["name"] not in _READS:
                    continue
                plain = {key: value for key, value in command.items() if key in keep}
                answer = mongo.db.command("explain", plain, verbosity="executionStats")
                explained += 1
                for stage in stages({k: v for k, v in answer.items() if k not in ("command", "serverInfo")}):
                    assert stage.get("stage") != "COLLSCAN", (name, plain)
                    assert stage.get("collectionScans", 0) == 0, (name, plain)
                    assert stage.get("totalDocsExamined", 0) <= 45, (name, plain, stage)
        assert explained > 20


async def test_how_many_a_message_has_reached_is_read_from_the_index_alone(
    database: Database, commands: Commands
) -> None:
    mongo = database.mongo()
    async with mongo.running():
        node = mongo_node(mongo)
        (chat_id,) = await created(node.chats, users=[f"user{n}" for n in range(50)])
        await node.chats.raise_cursors([CursorWrite(chat_id=chat_id, user_id="user1", read_seq=1, at=AT)])
        commands.take()
        assert (await node.chats.reach(chat_id, 1)).read == 1
        (command,) = commands.take()
        keep = ("aggregate", "pipeline", "cursor", "hint")
        plain = {key: value for key, value in command.items() if key in keep}
        answer = mongo.db.command("explain", plain, verbosity="executionStats")
        found = list(stages({k: v for k, v in answer.items() if k not in ("command", "serverInfo")}))
        assert "IXSCAN" in {stage.get("stage") for stage in found}
        assert all(stage.get("totalDocsExamined", 0) == 0 for stage in found), found
        assert all(stage.get("stage") not in ("FETCH", "COLLSCAN") for stage in found), found


async def test_the_messages_have_two_indexes_besides_their_identity_and_one_that_texts_are_not_in(
    database: Database,
) -> None:
    mongo = database.mongo()
    async with mongo.running():
        node = mongo_node(mongo)

        def entries() -> dict[str, int]:
            found = mongo.db["messages"].aggregate([{"$collStats": {"storageStats": {}}}]).next()
            assert set(found["storageStats"]["indexDetails"]) == {"_id_", "rev", "seq", "type"}
            counted = mongo.db.command("validate", "messages")
            return {name: int(number) for name, number in counted["keysPerIndex"].items()}

        before = entries()
        await filled(node)
        after = entries()
        assert after["seq"] > before["seq"]
        assert after["type"] == before["type"]
        indexes = mongo.db["messages"].index_information()
    assert [name for name in indexes if indexes[name].get("unique")] == ["rev", "seq"]


@pytest.mark.parametrize("types", [["image"], ["image", "video"], sorted(LISTED)])
async def test_messages_of_some_types_are_read_without_passing_over_others(
    database: Database, commands: Commands, types: list[str]
) -> None:
    mongo = database.mongo()
    async with mongo.running():
        node = mongo_node(mongo)
        (chat_id,) = await created(node.chats)
        kinds = [MessageType.TEXT, MessageType.IMAGE, MessageType.VIDEO, MessageType.DOCUMENT]
        await node.log.append([text(chat_id, seq, type=kinds[seq % 4]) for seq in range(1, 121)])
        gone = [Deletion(chat_id=chat_id, seq=seq, rev=seq + 20, at=AT) for seq in range(101, 121)]
        assert all(type(outcome) is Stored for outcome in await node.log.append(gone))
        commands.take()
        found = await node.log.of_types(
            chat_id, [MessageType(kind) for kind in types], before_seq=119, limit=10
        )
        assert len(found) == 10
        asked = commands.take()
        assert [command["filter"]["t"] for command in asked] == types
        for command in asked:
            plain = {key: command[key] for key in ("find", "filter", "sort", "limit", "hint")}
            answer = mongo.db.command("explain", plain, verbosity="executionStats")
            ways = list(stages(answer["queryPlanner"]["winningPlan"]))
            assert {way["indexName"] for way in ways if way["stage"] == "IXSCAN"} == {"type"}
            assert "SORT" not in {way["stage"] for way in ways}
            assert answer["executionStats"]["totalDocsExamined"] <= 10
            assert answer["executionStats"]["totalKeysExamined"] <= 13


# -- bringing a database up to date ----------------------------------------------------------------------------------


async def test_a_database_is_brought_up_to_date_once_by_however_many_nodes_at_once(servers: Servers) -> None:
    fresh = Database(servers, f"contract-{new_id()}")
    nodes = [fresh.mongo() for _ in range(4)]
    lines: list[str] = []

    async def initialise(mongo: Mongo) -> None:
        async with mongo.running():
            lines.extend(await init_db(mongo))

    try:
        async with trio.open_nursery() as nursery:
            for mongo in nodes:
                nursery.start_soon(initialise, mongo)
        # Each was done by one of the nodes, and none twice; which by which is up to them.
        assert sorted(lines) == sorted(f"migration {number}: {what}" for number, what, _ in MIGRATIONS)
        before = indexes_of(fresh)
        lines.clear()
        await initialise(fresh.mongo())
        assert lines == []
        assert indexes_of(fresh) == before
    finally:
        with pymongo.MongoClient[dict[str, Any]](fresh.uri) as client:
            client.drop_database(fresh.name)


def indexes_of(database: Database) -> dict[str, Any]:
    with pymongo.MongoClient[dict[str, Any]](database.uri) as client:
        db = client[database.name]
        return {name: db[name].index_information() for name in sorted(db.list_collection_names())}


# -- cancellation ----------------------------------------------------------------------------------------------------


async def test_a_write_whose_caller_is_cancelled_is_still_completed(database: Database) -> None:
    mongo, other = database.mongo(), database.mongo()
    async with other.running():
        node = mongo_node(other)
        (chat_id,) = await created(node.chats)
        batch = [text(chat_id, seq) for seq in range(1, 200)]
        async with mongo.running(), trio.open_nursery() as nursery:
            nursery.start_soon(MongoLog(mongo).append, batch)
            await trio.testing.wait_all_tasks_blocked()
            nursery.cancel_scope.cancel()
        # The connection is closed only when what was under way is done.
        assert await node.log.page(chat_id, before_seq=None, after_seq=None, limit=1000) == batch


async def test_who_is_cancelled_already_starts_nothing() -> None:
    started: list[int] = []
    threads = StoreThreads("test")
    async with threads.running():
        with trio.CancelScope() as scope:
            scope.cancel()
            await threads.call(started.append, 1)
        assert scope.cancelled_caught
        await threads.call(started.append, 2)
    assert started == [2]


async def test_what_is_raised_while_connected_comes_out_as_it_is(database: Database) -> None:
    with pytest.raises(ZeroDivisionError):
        async with database.mongo().running():
            raise ZeroDivisionError


async def test_jobs_of_one_thread_run_in_their_order_and_all_of_them_before_it_ends() -> None:
    done: list[int] = []
    go_on = threading.Event()
    threads = StoreThreads("test")
    async with trio.open_nursery() as nursery:
        async with threads.running():
            nursery.start_soon(threads.call, go_on.wait)
            for number in range(5):
                await trio.testing.wait_all_tasks_blocked()
                nursery.start_soon(threads.call, done.append, number)
            await trio.testing.wait_all_tasks_blocked()
            assert done == []
            go_on.set()
        assert done == list(range(5))
    with pytest.raises(StoreUnavailable):
        await threads.call(done.append, 5)


# -- outages ---------------------------------------------------------------------------------------------------------


async def test_what_is_not_connected_or_does_not_answer_is_unavailable(database: Database) -> None:
    mongo = database.mongo(timeout_ms=500)
    with pytest.raises(StoreUnavailable):
        await mongo.ping()
    async with mongo.running():
        await mongo.ping()
        (chat_id,) = await created(MongoChats(mongo))
        log = MongoLog(mongo)
        database.servers.pause("mongodb")
        try:
            with trio.fail_after(10):  # three times its time-out, and not twenty times
                for write in (text(chat_id, 1), joins(chat_id, 2, "eve")):
                    with pytest.raises(StoreUnavailable):
                        await log.append([write])
                with pytest.raises(StoreUnavailable):
                    await mongo.ping()
        finally:
            database.servers.resume("mongodb")
        await until_answered(lambda: log.append([text(chat_id, 1)]))
        await until_answered(lambda: log.append([joins(chat_id, 2, "eve")]))
        assert (await log.heads([chat_id]))[chat_id].rev == 2


async def until_answered(operation: Callable[[], Awaitable[T]]) -> T:
    """Repeat as long as the store is unavailable."""
    while True:
        try:
            return await operation()
        except StoreUnavailable:
            await trio.sleep(0.05)


async def test_what_a_dead_node_left_open_holds_others_up_for_moments_only(database: Database) -> None:
    mongo = database.mongo(timeout_ms=1000)
    dead = pymongo.MongoClient[dict[str, Any]](database.uri)
    async with mongo.running():
        node = mongo_node(mongo)
        (chat_id,) = await created(node.chats)
        session = dead.start_session()
        session.start_transaction()
        left_open = {"_id": f"{chat_id}#1", "c": chat_id, "r": 1, "g": "chat_updated"}
        dead[database.name]["messages"].insert_one(left_open, session=session)
        with trio.fail_after(20):
            assert await until_answered(lambda: node.log.append([text(chat_id, 1)])) == [Stored()]
    with pytest.raises(PyMongoError):
        session.commit_transaction()
    dead.close()


async def test_a_transaction_that_a_broken_connection_left_open_ends_when_the_node_repeats_it(
    database: Database,
) -> None:
    with pymongo.MongoClient[dict[str, Any]](database.uri) as client, ExitStack() as stack:
        # It must not end just because the server gave up on it.
        limit = partial(client.admin.command, "setParameter")
        before = limit(1, transactionLifetimeLimitSeconds=60)["was"]
        stack.callback(limit, 1, transactionLifetimeLimitSeconds=before)
        proxy = LossyProxy(database.port, is_part_of_transaction)
        async with trio.open_nursery() as nursery:
            mongo = Mongo(through(await nursery.start(proxy.run)), database.name, timeout_ms=500)
            async with mongo.running():
                node = mongo_node(mongo)
                (chat_id,) = await created(node.chats)
                proxy.losing = proxy.refusing = True
                with pytest.raises(StoreUnavailable):
                    await node.log.append([joins(chat_id, 1, "eve")])
                assert proxy.lost > 0
                assert open_transactions(client) > 0
                proxy.losing = proxy.refusing = False
                with trio.fail_after(20):
                    again = await until_answered(lambda: node.log.append([joins(chat_id, 1, "eve")]))
                assert again == [Stored()]
                assert open_transactions(client) == 0
            nursery.cancel_scope.cancel()


def open_transactions(client: pymongo.MongoClient[dict[str, Any]]) -> int:
    status: dict[str, Any] = client.admin.command("serverStatus")
    return int(status["transactions"]["currentOpen"])


async def test_what_was_acknowledged_is_there_once_when_mongod_was_killed_meanwhile(
    database: Database,
) -> None:
    """Two nodes write to the same chats, and repeat what was not answered, as routers do."""
    one, two = database.mongo(timeout_ms=1000), database.mongo(timeout_ms=1000)
    acknowledged: dict[str, set[str]] = {}
    much_is_there, killed = trio.Event(), trio.Event()

    async def write(log: MongoLog, chat_id: str, sender: str) -> None:
        number = 0
        while not (killed.is_set() and number >= 30):
            client_ids = [f"{sender}-{n}" for n in range(number, number + 10)]
            while client_ids:
                head = (await until_answered(lambda: log.heads([chat_id])))[chat_id]
                batch = [
                    text(chat_id, head.seq + n, head.rev + n, sender=sender, client_id=client_id)
                    for n, client_id in enumerate(client_ids, 1)
                ]
                for message, outcome in zip(
                    batch, await until_answered(partial(log.append, batch)), strict=True
                ):
                    if type(outcome) in (Stored, Repeat):
                        acknowledged[chat_id].add(message.client_id)
                        client_ids.remove(message.client_id)
                if sum(map(len, acknowledged.values())) >= 100:
                    much_is_there.set()
            number += 10

    async with one.running(), two.running():
        chats = await created(MongoChats(one), count=3)
        acknowledged = {chat_id: set() for chat_id in chats}
        with trio.fail_after(60):
            async with trio.open_nursery() as nursery:
                for chat_id in chats:
                    for name, mongo in (("one", one), ("two", two)):
                        nursery.start_soon(write, MongoLog(mongo), chat_id, name)
                await much_is_there.wait()
                async with database.servers.outage("mongodb"):
                    pass
                killed.set()
        for chat_id in chats:
            messages = await MongoLog(one).page(chat_id, before_seq=None, after_seq=None, limit=100_000)
            assert [m.seq for m in messages] == list(range(1, len(messages) + 1))
            assert [m.rev for m in messages] == [m.seq for m in messages]
            assert Counter(m.client_id for m in messages) == Counter(acknowledged[chat_id])
            for sender in ("one", "two"):
                mine = [m.client_id for m in messages if m.sender_id == sender]
                assert mine == [f"{sender}-{n}" for n in range(len(mine))]


# -- what a majority does not have yet -------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["message", "edit", "change", "repeated message", "pair", "phone"])
async def test_what_refused_a_write_is_found_at_once_although_it_was_only_just_written(
    database: Database, what: str
) -> None:
    """The winner's write is known to the index, but no majority has acknowledged it: here, it is not in the journal yet."""
    mongo = database.mongo()
    with pymongo.MongoClient[dict[str, Any]](database.uri, w=1, journal=False) as hasty:
        db = hasty[database.name]
        async with mongo.running():
            node = mongo_node(mongo)
            for number in range(5):
                (chat_id,) = await created(node.chats)
                first = text(chat_id, 1)
                await node.log.append([first])
                winner = text(chat_id, 2)
                taken = {
                    "_id": f"{chat_id}/{winner.sender_id}/{winner.client_id}",
                    "c": chat_id,
                    "s": 2,
                    "r": 2,
                }
                taken |= {"i": winner.id, "u": winner.sender_id, "k": winner.client_id, "t": "text"}
                taken |= {"b": winner.content, "a": winner.created_at}
                if what in ("message", "edit", "change"):
                    rivals: dict[str, LogWrite] = {
                        "message": text(chat_id, 2),
                        "edit": Edit(chat_id=chat_id, seq=1, rev=2, content={}, at=AT),
                        "change": joins(chat_id, 2, "eve"),
                    }
                    db["messages"].insert_one(taken)
                    assert await node.log.append([rivals[what]]) == [Conflict()]
                    assert (await node.log.heads([chat_id]))[chat_id].rev == 2
                elif what == "repeated message":
                    db["messages"].insert_one(taken)
                    assert await node.log.append([winner]) == [Stored()]
                    assert await node.log.get(chat_id, 2) == winner
                elif what == "pair":
                    there, mine = chat(pair=f"ann:{number}"), chat(pair=f"ann:{number}")
                    db["chats"].insert_one(
                        {
                            "_id": there.id,
                            "type": "direct",
                            "title": "",
                            "created_by": "ann",
                            "created_at": AT,
                            "deleted": False,
                            "pair": there.pair,
                        }
                    )
                    assert await node.chats.create(mine, [member(mine.id, "ann")]) == (there, False)
                else:
                    ann = user()
                    db["users"].insert_one({"_id": ann.id, "phone": ann.phone})
                    await node.users.create(ann)  # is told that this very user is there
