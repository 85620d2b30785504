"""A small node of our own for the tests of the replay: REST and sockets on one port, and it can be told to do wrong."""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import h11
import trio
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, CloseConnection, RejectConnection, Request, TextMessage

from handlers.auth.phones import e164

EXPIRES = "2999-01-01T00:00:00.000Z"
Fault = Callable[[str, int], str]


class World:
    """What the nodes share, and what has gone wrong with them.

    `fault(name, seq)` says what becomes of a delivery: "" or "drop", "repeat", "alter".
    """

    def __init__(self) -> None:
        self.users: dict[str, str] = {}
        self.phones: list[str] = []
        self.members: list[str] = []
        self.log: list[dict[str, Any]] = []
        self.sockets: dict[Socket, None] = {}
        self.sends: Counter[str] = Counter()
        self.connects: Counter[str] = Counter()
        self.fault: Fault = lambda name, seq: ""
        self.before_answer: Callable[[Node, int], Awaitable[str]] = no_trouble
        self.page = 100
        self.refresh: set[str] = set()

    def message(self, user_id: str, push: dict[str, Any]) -> dict[str, Any]:
        for message in self.log:
            if (message["client_id"], message["sender_id"]) == (push["client_id"], user_id):
                return message
        seq = len(self.log) + 1
        fields = {key: push[key] for key in ("chat_id", "client_id", "type", "content")}
        self.log.append({**fields, "id": f"m{seq}", "seq": seq, "rev": seq + 10, "sender_id": user_id})
        return self.log[-1]

    def changes(self, after_rev: int) -> list[dict[str, Any]]:
        return [message for message in self.log if message["rev"] > after_rev]

    @property
    def head(self) -> dict[str, Any]:
        return {"id": "c1", "last_seq": len(self.log), "rev": len(self.log) + 10}


async def no_trouble(node: Node, seq: int) -> str:
    await trio.lowlevel.checkpoint()
    return ""


class Socket:
    """A client's connection."""

    def __init__(self, node: Node, stream: trio.SocketStream, user_id: str) -> None:
        self.node = node
        self.stream = stream
        self.user_id = user_id
        self.upto = 0
        self.protocol = WSConnection(ConnectionType.SERVER)
        self.lock = trio.Lock()

    async def push(self, *frame: Any) -> None:
        text = json.dumps(frame, separators=(",", ":"))
        async with self.lock:
            if not self.node.alive:
                return
            with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
                await self.stream.send_all(self.protocol.send(TextMessage(text)))

    async def deliver(self, message: dict[str, Any]) -> None:
        wrong = self.node.world.fault(self.node.world.users[self.user_id], message["seq"])
        if wrong == "alter":
            message = {**message, "content": {"text": "something else"}}
        for _ in range({"drop": 0, "repeat": 2}.get(wrong, 1)):
            await self.push(None, None, "me", "MESSAGE_SENT", {"message": message})


class Node:
    """REST and sockets on one port, as far as a replay uses them."""

    def __init__(self, world: World, number: int) -> None:
        self.world = world
        self.number = number
        self.url = ""
        self.alive = True
        self._scope = trio.CancelScope()

    async def serve(self, *, task_status: trio.TaskStatus[None]) -> None:
        with self._scope:
            async with trio.open_nursery() as nursery:
                listeners = await nursery.start(trio.serve_tcp, self.connection, 0)
                self.url = f"http://127.0.0.1:{listeners[0].socket.getsockname()[1]}"
                task_status.started()

    def die(self) -> None:
        """Stop at once: another node that is just delivering reaches nobody here any more."""
        self.alive = False
        self._scope.cancel()

    async def connection(self, stream: trio.SocketStream) -> None:
        try:
            await self.requests(stream)
        except (trio.BrokenResourceError, trio.ClosedResourceError, h11.RemoteProtocolError):
            return

    async def requests(self, stream: trio.SocketStream) -> None:
        http = h11.Connection(h11.SERVER)
        while True:
            head, body, read = None, b"", b""
            while not isinstance(event := http.next_event(), h11.EndOfMessage):
                if event is h11.NEED_DATA:
                    data = bytes(await stream.receive_some())
                    read += data
                    http.receive_data(data)
                elif isinstance(event, h11.Request):
                    head = event
                    if event.target.startswith(b"/socket/"):
                        await self.websocket(stream, read)
                        return
                elif isinstance(event, h11.Data):
                    body += bytes(event.data)
                else:
                    return
            assert head is not None
            status, value = self.answer(head, json.loads(body or b"{}"))
            content = json.dumps(value).encode()
            reply = h11.Response(status_code=status, headers=[("Content-Length", str(len(content)))])
            await stream.send_all(
                (http.send(reply) or b"")
                + (http.send(h11.Data(data=content)) or b"")
                + (http.send(h11.EndOfMessage()) or b"")
            )
            http.start_next_cycle()

    def answer(self, head: h11.Request, body: dict[str, Any]) -> tuple[int, Any]:
        world = self.world
        path, _, query = head.target.decode().removeprefix("/api/v1").partition("?")
        if path == "/readyz":
            return 200, {"status": "ready"}
        if path == "/auth/signup":
            assert e164(body["phone"]) == body["phone"]
            world.phones.append(body["phone"])
            if len(world.phones) == 1:
                return 409, {"code": "phone_taken", "detail": "taken"}
            world.users[f"u-{body['name']}"] = body["name"]
            return 201, self.session(f"u-{body['name']}", "access")
        if path == "/auth/refresh":
            user_id = body["refresh_token"].partition("/")[0]
            world.refresh.discard(user_id)
            return 200, self.session(user_id, "fresh")
        if path == "/chats":
            world.members = [self.bearer(head), *body["member_ids"]]
            return 201, {"id": "c1"}
        assert path == "/chats/c1/messages"
        options = dict(pair.split("=") for pair in query.split("&"))
        limit = int(options["limit"])
        if "after_rev" in options:
            items = world.changes(int(options["after_rev"]))[:limit]
            return 200, {
                "items": items,
                "next": None,
                "rev": items[-1]["rev"] if items else world.head["rev"],
            }
        return 200, {"items": world.log[int(options["after_seq"]) :][:limit], "next": None}

    def session(self, user_id: str, token: str) -> dict[str, Any]:
        return {
            "user": {"id": user_id},
            "access_token": f"{user_id}/{token}",
            "access_expires_at": EXPIRES,
            "refresh_token": f"{user_id}/refresh",
        }

    def bearer(self, head: h11.Request) -> str:
        return dict(head.headers)[b"authorization"].decode().removeprefix("Bearer ").partition("/")[0]

    async def websocket(self, stream: trio.SocketStream, read: bytes) -> None:
        socket = Socket(self, stream, "")
        socket.protocol.receive_data(read)
        try:
            while True:
                for event in socket.protocol.events():
                    if isinstance(event, Request):
                        encoded = event.subprotocols[1].removeprefix("base64url.bearer.phx.")
                        token = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode()
                        socket.user_id = token.partition("/")[0]
                        if socket.user_id in self.world.refresh:
                            await stream.send_all(socket.protocol.send(RejectConnection(status_code=403)))
                            return
                        self.world.connects[self.world.users[socket.user_id]] += 1
                        await stream.send_all(socket.protocol.send(AcceptConnection(subprotocol="phoenix")))
                    elif isinstance(event, TextMessage):
                        await self.take(socket, *json.loads(event.data))
                    elif isinstance(event, CloseConnection):
                        await stream.send_all(socket.protocol.send(event.response()))
                        return
                data = await stream.receive_some()
                if not data:
                    return
                socket.protocol.receive_data(data)
        finally:
            self.world.sockets.pop(socket, None)

    async def take(
        self, socket: Socket, join_ref: str | None, ref: str, topic: str, event: str, payload: Any
    ) -> None:
        world = self.world

        async def reply(status: str, response: Any) -> None:
            await socket.push(join_ref, ref, topic, "phx_reply", {"status": status, "response": response})

        if event == "phx_join":
            known = payload["known"].get("c1", 0)
            missed = world.changes(known)
            world.sockets[socket] = None
            socket.upto = len(world.log)
            await reply(
                "ok",
                {
                    "chats": [world.head] if world.head["rev"] > known else [],
                    "messages": missed[: world.page],
                    "more": ["c1"] if len(missed) > world.page else [],
                    "server_time": "2026-01-01T00:00:00.000Z",
                },
            )
        elif event == "message:send":
            world.sends[payload["client_id"]] += 1
            message = world.message(socket.user_id, payload)
            trouble = await world.before_answer(self, message["seq"])
            if trouble == "queued":
                await reply("ok", {"queued": True})
            elif trouble == "come, then queued":
                await self.deliver_all()
                await reply("ok", {"queued": True})
            elif trouble == "queued and lost":
                world.log.pop()
                await reply("ok", {"queued": True})
                return
            elif trouble:
                world.log.pop()
                await reply("error", {"code": trouble, "message": "no", "retry_after_ms": 1})
                return
            else:
                await reply("ok", {"message": message})
            # Also for a repeat: the node that took it first may not have lived to tell the others.
            await self.deliver_all()

    async def deliver_all(self) -> None:
        """Push to every socket what it has not got, whichever node it is on."""
        for socket in list(self.world.sockets):
            while socket.upto < len(self.world.log):
                socket.upto += 1
                await socket.deliver(self.world.log[socket.upto - 1])


@asynccontextmanager
async def nodes(world: World, count: int = 2) -> AsyncIterator[list[Node]]:
    made = [Node(world, number) for number in range(count)]
    async with trio.open_nursery() as nursery:
        for node in made:
            await nursery.start(node.serve)
        yield made
        nursery.cancel_scope.cancel()
