"""The opening handshake: RFC 6455, section 4, and what phoenix.js 1.8 sends."""

from __future__ import annotations

import base64

import h11
import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, RejectConnection, Request

from server.handshake import (
    AUTH_TOKEN_PREFIX,
    MAX_HEAD_BYTES,
    BadRequest,
    accept,
    head_end,
    is_upgrade,
    parse,
    refusal,
    token,
    vsn,
)
from server.rest.problems import Problem

JWT = "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJ-In0.c2ln_-x"
UPGRADE = {
    "Host": "chat.example",
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


def head(
    target: str = "/socket/websocket?vsn=2.0.0",
    *,
    method: str = "GET",
    version: str = "1.1",
    without: str = "",
    **headers: str,
) -> bytes:
    """A request's head: an upgrade, with headers changed (`_` for `-`), or `without` one."""
    fields = {**UPGRADE, **{name.replace("_", "-"): value for name, value in headers.items()}}
    fields.pop(without, None)
    lines = [f"{method} {target} HTTP/{version}", *(f"{name}: {value}" for name, value in fields.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def as_phoenix_js(text: str) -> str:
    """What `new WebSocket(url, ["phoenix", prefix + btoa(token) without "="])` puts into the header."""
    return f"phoenix, {AUTH_TOKEN_PREFIX}{base64.b64encode(text.encode()).decode().rstrip('=')}"


def refused(data: bytes) -> int:
    request = parse(data)
    with pytest.raises(BadRequest) as caught:
        accept(request)
    assert caught.value.reason
    return caught.value.status


# -- accepting ---------------------------------------------------------------------------------------------------------


def test_the_rfcs_example_gets_the_rfcs_answer() -> None:
    assert accept(parse(head(Sec_WebSocket_Protocol="chat, superchat"))) == (
        b"HTTP/1.1 101 Switching Protocols\r\n"
        b"Upgrade: websocket\r\n"
        b"Connection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
        b"\r\n"
    )


@pytest.mark.parametrize("offered", [[], ["phoenix"], ["phoenix", AUTH_TOKEN_PREFIX + "YQ"], ["chat"]])
def test_wsproto_takes_the_answer_and_has_phoenix_only_if_it_offered_it(offered: list[str]) -> None:
    client = WSConnection(ConnectionType.CLIENT)
    request = client.send(
        Request(host="chat.example", target="/socket/websocket?vsn=2.0.0", subprotocols=offered)
    )
    assert is_upgrade(parse(request))
    client.receive_data(accept(parse(request)))
    (event,) = client.events()
    assert event == AcceptConnection(subprotocol="phoenix" if "phoenix" in offered else None)


@pytest.mark.parametrize(
    "headers",
    [
        {"Upgrade": "WebSocket", "Connection": "keep-alive, UPGRADE"},
        {"Upgrade": "h2c, websocket"},
        {"Content_Length": "0"},
        {"Sec_WebSocket_Extensions": "permessage-deflate; client_max_window_bits"},
    ],
)
def test_headers_as_browsers_and_proxies_write_them_are_accepted(headers: dict[str, str]) -> None:
    answer = accept(parse(head(**headers)))
    assert b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in answer
    assert b"Extensions" not in answer


@pytest.mark.parametrize(
    ("data", "status"),
    [
        pytest.param(head(Sec_WebSocket_Version="8"), 426, id="older version"),
        pytest.param(head(Sec_WebSocket_Version="13, 8"), 426, id="two versions"),
        pytest.param(head(without="Sec-WebSocket-Version"), 400, id="no version"),
        pytest.param(head(without="Sec-WebSocket-Key"), 400, id="no key"),
        pytest.param(head(Sec_WebSocket_Key="dG9vIHNob3J0"), 400, id="short key"),
        pytest.param(head(Sec_WebSocket_Key="!!!!!!!!!!!!!!!!!!!!!!!!"), 400, id="key that is not base64"),
        pytest.param(head(Sec_WebSocket_Key="é" * 24), 400, id="key that is not ASCII"),
        pytest.param(head(without="Connection"), 400, id="no Connection"),
        pytest.param(head(Connection="keep-alive"), 400, id="Connection without upgrade"),
        pytest.param(head(without="Upgrade"), 400, id="no Upgrade"),
        pytest.param(head(Upgrade="h2c"), 400, id="another Upgrade"),
        pytest.param(head(method="POST"), 400, id="not GET"),
        pytest.param(head(version="1.0"), 400, id="HTTP/1.0"),
        pytest.param(head(Content_Length="5"), 400, id="body"),
        pytest.param(head(Transfer_Encoding="chunked"), 400, id="chunked body"),
    ],
)
def test_what_is_no_opening_handshake_is_refused(data: bytes, status: int) -> None:
    assert refused(data) == status


def test_an_upgrade_is_told_from_a_plain_request() -> None:
    assert is_upgrade(parse(head()))
    assert is_upgrade(parse(head(Sec_WebSocket_Version="8")))
    assert not is_upgrade(parse(head(without="Upgrade")))
    assert not is_upgrade(parse(head(Upgrade="h2c")))


# -- reading -----------------------------------------------------------------------------------------------------------


@given(st.binary(max_size=50), st.binary(max_size=50), st.lists(st.integers(0, 110), max_size=8))
@example(b"\r\n\r", b"", [1, 2, 3, 4, 5, 6])
def test_the_end_of_a_head_is_found_however_it_comes(before: bytes, after: bytes, cuts: list[int]) -> None:
    data = before + b"\r\n\r\n" + after
    expected = data.index(b"\r\n\r\n") + 4
    seen = 0
    for size in [*sorted(cuts), len(data)]:
        found = head_end(data[:size], seen)
        assert found == (expected if size >= expected else -1)
        if found >= 0:
            break
        seen = min(size, len(data))


def test_a_request_is_read() -> None:
    request = parse(head("/socket/websocket?vsn=2.0.0&token=a%2Bb&empty=&vsn=1.0.0", X_Twice="1"))
    assert (request.method, request.path, request.http_version) == ("GET", "/socket/websocket", "1.1")
    assert request.query == {"vsn": "2.0.0", "token": "a+b", "empty": ""}
    assert request.headers["x-twice"] == "1"
    assert vsn(request) == "2.0.0"


def test_repeated_headers_are_one_list() -> None:
    data = head().replace(
        b"\r\n\r\n", b"\r\nSec-WebSocket-Protocol: a\r\nsec-websocket-protocol: b ,phoenix\r\n\r\n"
    )
    assert parse(data).subprotocols == ("a", "b", "phoenix")


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        ("/", "/", {}),
        ("/a%20b", "/a%20b", {}),
        ("//other/a?b=c", "//other/a", {"b": "c"}),
        ("http://chat.example/a?b=c", "/a", {"b": "c"}),
        ("/a?b=%ff", "/a", {"b": "\N{REPLACEMENT CHARACTER}"}),
    ],
)
def test_a_target_is_taken_apart(target: str, path: str, query: dict[str, str]) -> None:
    request = parse(head(target))
    assert (request.path, request.query) == (path, query)


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\r\n\r\n", 400),
        (b"GET /\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n", 400),
        (b"GET /?" + b"a=b&" * 100 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"GET http://[/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * MAX_HEAD_BYTES, 431),
        (b"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
        (b"PRI * HTTP/2.0\r\n\r\n", 505),
    ],
)
def test_what_is_no_request_is_refused(data: bytes, status: int) -> None:
    with pytest.raises(BadRequest) as caught:
        parse(data)
    assert caught.value.status == status


def test_a_refusal_does_not_repeat_what_was_sent() -> None:
    with pytest.raises(BadRequest) as caught:
        parse(b"<script> / HTTP/1.1\r\n\r\n")
    assert "script" not in caught.value.reason


@given(
    st.binary(max_size=200).map(lambda data: data + b"\r\n\r\n")
    | st.tuples(st.integers(0, len(head()) - 1), st.binary(max_size=4)).map(
        lambda spot: head()[: spot[0]] + spot[1] + head()[spot[0] + 1 :]
    )
)
def test_no_bytes_raise_anything_but_a_bad_request(data: bytes) -> None:
    try:
        request = parse(data)
        token(request), vsn(request), is_upgrade(request)
        accept(request)
    except BadRequest as error:
        assert refusal(error.status, "malformed", error.reason).startswith(b"HTTP/1.1 ")  # noqa: PT017


# -- what phoenix.js sends ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", [JWT, "a", "ab", "abc", "~~~???>>>"])
def test_the_token_of_phoenix_js_is_read(text: str) -> None:
    assert token(parse(head(Sec_WebSocket_Protocol=as_phoenix_js(text)))) == text


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=60))
def test_a_token_in_the_alphabet_for_urls_is_read(text: str) -> None:
    offered = AUTH_TOKEN_PREFIX + base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
    assert token(parse(head(Sec_WebSocket_Protocol=f"phoenix, {offered}"))) == text


@pytest.mark.parametrize("broken", ["", "a", "!!!!", "w6k"])
def test_a_token_that_cannot_be_read_is_none_and_no_other_is_taken_for_it(broken: str) -> None:
    data = head("/?token=other", Sec_WebSocket_Protocol=f"phoenix, {AUTH_TOKEN_PREFIX}{broken}")
    assert not token(parse(data))


def test_a_token_may_come_in_the_query_or_as_bearer() -> None:
    assert token(parse(head(f"/socket/websocket?token={JWT}"))) == JWT
    assert token(parse(head(Authorization=f"Bearer {JWT}"))) == JWT
    assert token(parse(head("/?token=query", Authorization=f"bearer  {JWT}"))) == JWT
    assert token(parse(head(f"/?token={JWT}", Authorization="Basic YTpi"))) == JWT
    assert token(parse(head())) is None


def test_a_client_that_names_no_serializer_speaks_the_first() -> None:
    assert vsn(parse(head("/socket/websocket"))) == "1.0.0"


# -- refusing ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [400, 403, 404, 426, 431, 503])
def test_a_refusal_is_a_whole_response_with_a_problem_as_rest_has_it(status: int) -> None:
    client = h11.Connection(h11.CLIENT)
    client.send(h11.Request(method="GET", target="/", headers=[("Host", "a")]))
    client.send(h11.EndOfMessage())
    client.receive_data(refusal(status, "forbidden", 'says "no" — é'))
    client.receive_data(b"")
    response, body = client.next_event(), client.next_event()
    assert isinstance(response, h11.Response)
    assert isinstance(body, h11.Data)
    assert isinstance(client.next_event(), h11.EndOfMessage)
    assert client.their_state is h11.MUST_CLOSE or client.their_state is h11.CLOSED
    headers = dict(response.headers)
    assert headers[b"content-type"] == b"application/problem+json"
    assert headers[b"date"]
    assert (response.status_code, b"sec-websocket-version" in headers) == (status, status == 426)
    problem = msgspec.json.decode(body.data, type=Problem)
    assert (problem.status, problem.code, problem.detail) == (status, "forbidden", 'says "no" — é')
    assert msgspec.json.decode(msgspec.json.encode(problem)) == msgspec.json.decode(bytes(body.data))


def test_a_refusal_says_when_to_come_back() -> None:
    answer = refusal(503, "draining", "later", retry_after_ms=1500)
    assert b"\r\nRetry-After: 2\r\n" in answer
    assert b'"retry_after_ms":1500' in answer


def test_wsproto_understands_a_refusal() -> None:
    client = WSConnection(ConnectionType.CLIENT)
    client.send(Request(host="chat.example", target="/"))
    client.receive_data(refusal(403, "unauthenticated", "no"))
    first = next(client.events())
    assert isinstance(first, RejectConnection)
    assert first.status_code == 403
