"""An S3 server as far as the CORS rules of one bucket go: it keeps what it is told, word for word, or refuses."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Final

from config.sections import S3Settings

NO_RULES: Final = (404, "NoSuchCORSConfiguration")
Refusal = tuple[int, str]


@dataclass
class CorsServer:
    """What the server has.

    Attributes:
        url: where it listens.
        rules: the document that it was given last.
        puts: how often it was given one.
        get_refusal, put_refusal: how it answers instead.

    """

    url: str = ""
    rules: bytes | None = None
    puts: int = 0
    get_refusal: Refusal | None = None
    put_refusal: Refusal | None = None
    asked: list[str] = field(default_factory=list)

    @property
    def settings(self) -> S3Settings:
        """What leads to it."""
        return S3Settings(
            endpoint_url=self.url, bucket="chat-media", access_key_id="key", secret_access_key="secret"
        )


@contextmanager
def cors_server() -> Iterator[CorsServer]:
    """Runs as long as the block."""
    state = CorsServer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            refusal = state.get_refusal or (NO_RULES if state.rules is None else None)
            self._answer(refusal, state.rules or b"")

        def do_PUT(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if state.put_refusal is None:
                state.rules = body
                state.puts += 1
            self._answer(state.put_refusal, b"")

        def _answer(self, refusal: Refusal | None, body: bytes) -> None:
            state.asked.append(f"{self.command} {self.path}")
            status, code = refusal or (200, "")
            if refusal:
                body = f"<Error><Code>{code}</Code><Message>as asked for</Message></Error>".encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """The test says what matters."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
