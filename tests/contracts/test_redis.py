"""The connection to Redis: order, time-outs, cancellation, connecting again, and what its errors tell."""

from __future__ import annotations

import socket
import threading
from collections.abc import AsyncIterator

import pytest
import redis
import trio
import trio.testing

from persistence.errors import StoreUnavailable
from persistence.redis import Redis
from tests.contracts.samples import new_id
from tests.servers import Servers

pytestmark = pytest.mark.real

SECRET = "a-secret-that-nobody-may-see"


@pytest.fixture
async def connection(servers: Servers, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Redis]:
    """A connection that waits a second for an answer."""
    monkeypatch.setattr("persistence.redis.TIMEOUT_S", 1.0)
    made = Redis(servers.redis_url, f"{new_id()}:")
    async with made.running():
        yield made


async def test_what_is_published_runs_in_order_one_at_a_time(connection: Redis) -> None:
    ran: list[int] = []
    async with trio.open_nursery() as nursery:
        for number in range(50):
            nursery.start_soon(connection.publish, ran.append, number)
            await trio.testing.wait_all_tasks_blocked()
    assert ran == list(range(50))


async def test_waiting_for_the_inbox_holds_up_neither_publishing_nor_anything_else(connection: Redis) -> None:
    released = threading.Event()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(connection.read, released.wait, 20)
        await trio.testing.wait_all_tasks_blocked()
        await connection.publish(connection.client.ping)
        await connection.call(connection.client.ping)
        released.set()


async def test_a_cancelled_call_ends_at_once_and_its_work_is_finished_all_the_same(connection: Redis) -> None:
    key, begun, released = f"{connection.prefix}cancelled", threading.Event(), threading.Event()

    def write() -> None:
        begun.set()
        released.wait(20)
        connection.client.set(key, "written", ex=60)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(connection.call, write)
        await trio.to_thread.run_sync(begun.wait, 20)
        nursery.cancel_scope.cancel()
    released.set()
    assert await connection.call(connection.client.get, key) == b"written"


async def test_a_server_that_hangs_is_unavailable_within_the_time_out(
    connection: Redis, servers: Servers
) -> None:
    await connection.ping()
    servers.pause("redis")
    try:
        for way in (connection.call, connection.publish, connection.read):
            with pytest.raises(StoreUnavailable, match=r"[Tt]ime") as refused:
                await way(connection.client.ping)
            assert refused.value.store == "redis"
    finally:
        servers.resume("redis")
    await connection.ping()


async def test_of_those_who_wait_for_a_server_that_hangs_only_the_first_waits_for_the_time_out(
    connection: Redis, servers: Servers
) -> None:
    tried: list[int] = []

    def try_it(number: int) -> None:
        tried.append(number)
        connection.client.ping()

    async def refused(number: int) -> None:
        with pytest.raises(StoreUnavailable):
            await connection.call(try_it, number)

    servers.pause("redis")
    try:
        async with trio.open_nursery() as nursery:
            for number in range(3):
                nursery.start_soon(refused, number)
    finally:
        servers.resume("redis")
    assert len(tried) == 1
    await refused(3)  # nobody has seen it answer yet
    await connection.publish(connection.client.ping)
    await connection.call(try_it, 4)
    assert tried[1:] == [4]


async def test_a_killed_server_is_unavailable_and_then_available_again(
    connection: Redis, servers: Servers
) -> None:
    ways = (connection.call, connection.publish, connection.read)
    for way in ways:
        await way(connection.client.ping)
    async with servers.outage("redis"):
        for way in ways:
            with pytest.raises(StoreUnavailable):
                await way(connection.client.ping)
    for way in ways:
        await way(connection.client.ping)


async def test_a_connection_that_the_server_has_closed_is_replaced_unnoticed(
    connection: Redis, servers: Servers
) -> None:
    await connection.ping()
    client_id = await connection.call(connection.client.client_id)
    with redis.Redis.from_url(servers.redis_url) as operator:
        operator.client_kill_filter(_id=str(client_id))
    await connection.ping()
    assert await connection.call(connection.client.client_id) != client_id


async def test_a_wrong_password_is_unavailable_for_a_reason_without_it(servers: Servers) -> None:
    address = servers.redis_url.removeprefix("redis://")
    for user in ("", "somebody"):
        connection = Redis(f"redis://{user}:{SECRET}@{address}")
        async with connection.running():
            with pytest.raises(StoreUnavailable) as refused:
                await connection.ping()
        assert "Authentication" in refused.value.reason or "password" in refused.value.reason.lower()
        assert SECRET not in str(refused.value)
        assert "somebody" not in str(refused.value)


async def test_an_address_where_nothing_listens_is_unavailable_and_named(free_port: int) -> None:
    connection = Redis(f"redis://:{SECRET}@127.0.0.1:{free_port}/0")
    async with connection.running():
        with pytest.raises(StoreUnavailable, match=str(free_port)) as refused:
            await connection.ping()
    assert SECRET not in str(refused.value)


async def test_something_that_is_not_redis_is_unavailable(servers: Servers) -> None:
    address = servers.s3.endpoint_url.removeprefix("http://")
    connection = Redis(f"redis://{address}/0")
    async with connection.running():
        with pytest.raises(StoreUnavailable):
            await connection.ping()


async def test_errors_in_our_own_code_are_not_taken_for_an_outage(connection: Redis) -> None:
    def mistaken() -> None:
        raise LookupError("ours")

    with pytest.raises(LookupError):
        await connection.call(mistaken)


async def test_no_socket_stays_open_when_the_block_ends_by_an_error(servers: Servers) -> None:
    connection = Redis(servers.redis_url)
    sockets: list[socket.socket] = []

    async def failing() -> None:
        async with connection.running():
            await connection.ping()
            sockets.extend(each._sock for each in connection.client.connection_pool._available_connections)
            raise LookupError("in the block")

    with pytest.raises(BaseException):  # noqa: B017, PT011 - wrapped in as many groups as there are nurseries
        await failing()
    assert [each.fileno() for each in sockets] == [-1]
