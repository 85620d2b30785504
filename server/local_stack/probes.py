"""Whether a server of the stack serves. Each probe is asked again and again until it says so."""

from __future__ import annotations

from typing import Any, Final

import trio

from server.local_stack.ports import LOOPBACK

REPLICA_SET: Final = "chat"
_PATIENCE_S: Final = 2.0
_NOT_YET_INITIALIZED: Final = 94


async def mongodb_leads(port: int) -> bool:
    """Whether MongoDB takes writes. Makes it a replica set of one, which transactions need, or tells it that its port has changed."""
    if await exchange(LOOPBACK, port, b"") is None:
        return False
    return await trio.to_thread.run_sync(_lead, port)


async def redis_answers(port: int) -> bool:
    """Whether Redis takes commands; one that still loads its data does not."""
    return (await exchange(LOOPBACK, port, b"PING\r\n") or b"").startswith(b"+PONG")


async def s3_answers(port: int) -> bool:
    """Whether the object store speaks HTTP."""
    return await http_status(LOOPBACK, port, "/") is not None


async def node_ready(host: str, port: int) -> bool:
    """Whether a node says that it and what it depends on are ready."""
    return await http_status(host, port, "/readyz") == 200


async def proxy_answers(host: str, port: int) -> bool:
    """Whether the proxy speaks HTTP; there need be no node behind it yet.

    What it is sent has no `Host`, which it refuses by itself. Nodes that are not there yet are not asked: they would be left alone for a while.
    """
    return _status(await exchange(host, port, b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n")) is not None


async def http_status(host: str, port: int, path: str) -> int | None:
    """The status that a GET is answered with; `None` without an answer."""
    request = f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n".encode()
    return _status(await exchange(host, port, request))


def _status(answer: bytes | None) -> int | None:
    version, _, rest = (answer or b"").partition(b" ")
    return int(rest[:3]) if version.startswith(b"HTTP/") and rest[:3].isdigit() else None


async def exchange(host: str, port: int, request: bytes) -> bytes | None:
    """What comes back first, `b""` if nothing was sent; `None` if nobody listens or answers."""
    with trio.move_on_after(_PATIENCE_S):
        try:
            async with await trio.open_tcp_stream(host, port) as stream:
                if not request:
                    return b""
                await stream.send_all(request)
                return bytes(await stream.receive_some(4096))
        except (OSError, trio.BrokenResourceError):
            return None
    return None


def _lead(port: int) -> bool:
    # Imported here: it takes a moment, in which the server is starting anyway.
    from pymongo import MongoClient
    from pymongo.errors import ConnectionFailure, OperationFailure

    address = f"{LOOPBACK}:{port}"
    patience = int(_PATIENCE_S * 1000)
    client: MongoClient[dict[str, Any]]
    with MongoClient(address, directConnection=True, serverSelectionTimeoutMS=patience) as client:
        try:
            hello = client.admin.command("hello")
            if hello.get("isWritablePrimary"):
                return True
            try:
                config = client.admin.command("replSetGetConfig")["config"]
            except OperationFailure as error:
                if error.code == _NOT_YET_INITIALIZED:
                    first = {"_id": REPLICA_SET, "members": [{"_id": 0, "host": address}]}
                    client.admin.command("replSetInitiate", first)
                return False
            if config["members"][0]["host"] != address:
                config["members"][0]["host"] = address
                config["version"] += 1
                client.admin.command("replSetReconfig", config, force=True)
        except (ConnectionFailure, OperationFailure):
            return False  # it is still starting, or electing itself
    return False
