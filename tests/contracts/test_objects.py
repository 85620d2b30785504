"""The object store and the probes: what `persistence.ports.Probe` and `persistence.objects` promise, against a real S3 server."""

from __future__ import annotations

from typing import Any

import pytest
import trio

from persistence import objects as module
from persistence.errors import StoreUnavailable
from persistence.objects import ObjectStore
from persistence.ports import Probe
from persistence.redis import Redis
from tests.contracts.samples import new_id
from tests.servers import Servers

pytestmark = pytest.mark.real

SECRET = "a-secret-that-nobody-may-see"


def store(servers: Servers, **changes: Any) -> ObjectStore:
    """The object store as a node opens it, but for some settings."""
    settings = {
        "endpoint_url": servers.s3.endpoint_url,
        "region": servers.s3.region,
        "bucket": servers.s3.bucket,
        "access_key_id": servers.s3.access_key_id.get_secret_value(),
        "secret_access_key": servers.s3.secret_access_key.get_secret_value(),
        "addressing": servers.s3.addressing_style,
    }
    return ObjectStore(**(settings | changes))


async def test_ping_returns_when_the_bucket_is_there(servers: Servers) -> None:
    objects = store(servers)
    async with objects.running():
        await objects.ping()


async def test_the_bucket_is_made_once(servers: Servers) -> None:
    objects = store(servers, bucket=f"bucket-{new_id()}")
    async with objects.running():
        with pytest.raises(StoreUnavailable, match=objects.bucket):
            await objects.ping()
        assert await objects.create_bucket() is True
        await objects.ping()
        assert await objects.create_bucket() is False
        await objects.ping()


async def test_nodes_that_make_the_bucket_at_once_all_succeed(servers: Servers) -> None:
    bucket, made = f"bucket-{new_id()}", []

    async def make() -> None:
        objects = store(servers, bucket=bucket)
        async with objects.running():
            made.append(await objects.create_bucket())

    async with trio.open_nursery() as nursery:
        for _ in range(3):
            nursery.start_soon(make)
    assert True in made
    assert len(made) == 3


@pytest.mark.parametrize("operation", ["ping", "create_bucket"])
async def test_wrong_keys_are_unavailable_for_a_reason_without_the_secret(
    servers: Servers, operation: str
) -> None:
    objects = store(servers, secret_access_key=SECRET)
    async with objects.running():
        with pytest.raises(StoreUnavailable) as refused:
            await getattr(objects, operation)()
    assert refused.value.store == "s3"
    assert "403" in refused.value.reason
    assert SECRET not in str(refused.value)


async def test_an_address_where_nothing_listens_is_unavailable(servers: Servers, free_port: int) -> None:
    address = f"http://127.0.0.1:{free_port}"
    objects = store(servers, endpoint_url=address, secret_access_key=SECRET)
    async with objects.running():
        for operation in (objects.ping, objects.create_bucket):
            with pytest.raises(StoreUnavailable, match=address) as refused:
                await operation()
            assert SECRET not in str(refused.value)


async def test_a_server_that_hangs_is_unavailable_within_the_time_out(
    servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TIMEOUT_S", 1.0)
    objects = store(servers)
    async with objects.running():
        await objects.ping()
        servers.pause("s3")
        try:
            with pytest.raises(StoreUnavailable):
                await objects.ping()
        finally:
            servers.resume("s3")
        await objects.ping()


async def test_a_killed_server_is_unavailable_and_then_available_again(servers: Servers) -> None:
    objects = store(servers)
    async with objects.running():
        await objects.ping()
        async with servers.outage("s3"):
            with pytest.raises(StoreUnavailable):
                await objects.ping()
        await objects.ping()


async def test_a_store_that_is_not_running_is_unavailable(servers: Servers) -> None:
    probes: list[Probe] = [store(servers), Redis(servers.redis_url)]
    for probe in probes:
        with pytest.raises(StoreUnavailable) as refused:
            await probe.ping()
        assert refused.value.store == probe.name


async def test_a_store_can_be_run_again(servers: Servers) -> None:
    objects, connection = store(servers), Redis(servers.redis_url)
    for probe in (objects, connection, objects, connection):
        async with probe.running():
            await probe.ping()
