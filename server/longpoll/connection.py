"""A connection that is made of requests: the client asks again and again what is new, and posts what it has to say.

**Nothing is lost, and nothing is given twice.** What an answer holds is kept until the client has shown that it arrived. It shows it by the number in its ticket,
which every answer with messages counts up and every next request brings along:

* the next poll brings the number of the last answer: that arrived, and is let go of;
* it brings the one before: the answer was lost on its way, or a proxy asks a second time on another node because the first one died. It is given the same
  answer again;
* any other number is older than what the client has already shown to have: nobody waits for an answer to that.

So no node needs to know whether an answer that it has written was read, and a request may be repeated by whatever is between client and node. (Phoenix itself
lets go of messages when it hands them to a request, and loses them with the answer.) phoenix.js gives up a session whose poll failed and begins another one,
which catches up by joining `me`; clients that try again find everything here.

A poll that waits is held by whoever has the client's request, who answers "nothing" when its time is up. What is given to a poll that nobody holds any more
is what was lost on its way, as above.
"""

from __future__ import annotations

import logging
from collections import deque
from typing import Final

import trio

from handlers.protocol import Prepared
from handlers.sessions.session import BadFrame, Rest
from handlers.signal import Signal
from server.flusher import Flusher
from server.longpoll.wire import BUSY, GONE_ANSWER, MALFORMED, NOTHING, OK, TOO_LARGE, Answer, Reply
from server.websocket import CLOSE_S, GONE, RESTART, TRY_AGAIN, Take
from supervisors import Child

LEFT_S: Final = 2.0
"""How long a client that has let go of its poll may be without one: it is mostly gone for good, but whoever is between may have had to ask anew."""
MOST_POSTS: Final = 4
"""Posts that may wait for those before them. phoenix.js sends one at a time."""
TOO_LONG: Final = 1009
NOT_UTF_8: Final = 1007

log: Final = logging.getLogger(__name__)


class PolledConnection:
    """A connection. An `Outlet` for its session.

    Args:
        flusher: gathers what is pushed, and has it given to the poll that waits.
        window_s: for how long after a poll the client may be without one; then it is gone. (How long a poll waits is its holder's business, and no longer than this.)
        max_message_bytes: a longer frame ends the connection with 1009.
        outbox_bytes: what may wait for the next poll behind one push of any size; with more it ends with 1013, and its client begins another one and catches up.

    Attributes:
        closed_with: the close code that a socket would have ended with; `None` while it is open.

    """

    __slots__ = (
        "_alone_from", "_bound", "_deaf", "_ended", "_flusher", "_given", "_holder", "_marked", "_max", "_number", "_out", "_poll", "_posts", "_quiet", "_scope", "_size",
        "_window_s", "_work", "closed_with",
    )  # fmt: skip

    def __init__(
        self, flusher: Flusher, *, window_s: float, max_message_bytes: int, outbox_bytes: int
    ) -> None:
        self._flusher = flusher
        self._window_s = window_s
        self._max = max_message_bytes
        self._bound = outbox_bytes
        self._out: list[bytes] = []
        self._size = 0
        self._given: tuple[bytes, ...] = ()
        self._number = 0
        self._poll: Reply | None = None
        self._holder = ""
        self._alone_from = trio.current_time()
        self._posts: deque[tuple[list[bytes], Reply]] = deque()
        self._scope: trio.CancelScope | None = None
        self._marked = False
        self._deaf = False
        self._ended = False
        self._work = Signal()
        self.closed_with: int | None = None
        self._quiet = 0

    @property
    def quiet(self) -> int:
        """A client whose poll waits is not silent."""
        return 0 if self._poll is not None else self._quiet

    @quiet.setter
    def quiet(self, rounds: int) -> None:
        self._quiet = rounds

    # -- out -------------------------------------------------------------------------------------------------------

    def push(self, prepared: Prepared) -> None:
        """Have frames fetched, after what was pushed before. Never blocks and never raises."""
        if self.closed_with is not None:
            return
        if self._out:
            # Not counted is what comes first: a client that was never given one large answer, its join's, would come again for it for ever.
            self._size += sum(map(len, prepared.texts))
        self._out.extend(prepared.texts)
        if self._poll is not None and not self._marked:
            self._marked = True
            self._flusher.mark(self)
        if self._size > self._bound:
            self.flush()
            if self._out:
                self._out.clear()
                self._given = ()
                log.info("a client polls too slowly and is disconnected")
                self.close(TRY_AGAIN, "polls too slowly")

    def close(self, code: int, reason: str = "") -> None:
        """End the connection, after what was pushed. Only the first call counts."""
        if self.closed_with is None:
            self.closed_with = code
            self._work.set()
            if self._scope is not None:
                self._scope.cancel()

    def flush(self) -> None:
        """Give the poll that waits what has gathered. Never blocks and never raises. The flusher's to call."""
        self._marked = False
        if self._out and self._poll is not None:
            reply, self._poll = self._poll, None
            self._give(reply)

    async def room(self) -> bool:
        """Nothing here ever waits for a socket."""
        await trio.lowlevel.checkpoint()
        return False

    def _give(self, reply: Reply) -> None:
        self._number += 1
        self._given = tuple(self._out)
        self._out.clear()
        self._size = 0
        self._alone_from = trio.current_time()
        reply(Answer(OK, self._number, self._given))

    # -- in --------------------------------------------------------------------------------------------------------

    def poll(self, number: int, reply: Reply, holder: str = "") -> None:
        """The client asks what is new, at once or as soon as there is something; see above for `number`. `left` may say of the holder that it does no longer."""
        lost = number == self._number - 1 and bool(self._given)
        if self._ended or not (lost or number == self._number):
            reply(GONE_ANSWER)
            return
        self.quiet = 0
        self._alone_from = trio.current_time()
        self._let_go_of_poll(Answer(NOTHING))
        if lost:
            reply(Answer(OK, self._number, self._given))
            return
        self._given = ()
        if self._out:
            self._give(reply)
        elif self.closed_with is not None:
            reply(GONE_ANSWER)
        else:
            self._poll = reply
            self._holder = holder
            self._alone_from += self._window_s
        self._work.set()

    def left(self, holder: str) -> None:
        """The client has let go of this request. If it is the one that waits, there is none now."""
        if self._poll is not None and self._holder == holder:
            self._poll = None
            self._alone_from = trio.current_time() - self._window_s + min(LEFT_S, self._window_s)
            self._work.set()

    def post(self, frames: list[bytes], reply: Reply) -> None:
        """The client says something."""
        if self._ended or self._deaf or self.closed_with is not None:
            reply(GONE_ANSWER)
        elif len(self._posts) >= MOST_POSTS:
            reply(Answer(BUSY, reason="too many posts at a time"))
        else:
            self.quiet = 0
            self._posts.append((frames, reply))
            self._work.set()

    def stop_reading(self) -> None:
        """Take nothing more from the client; what it has posted already is still served and answered."""
        self._deaf = True

    async def wanted(self) -> bool:
        """Wait for the first request: a client that began by asking for a session it has lost does not come for the one that it was offered instead."""
        with trio.move_on_after(self._window_s):
            await self._work.wait()
            self._work.set()
            return True
        return False

    async def serve(self, child: Child, take: Take, early: bytes = b"") -> None:
        """Hand over each frame until the connection ends; then call `finish`.

        Args:
            child: when it is asked to stop, the connection ends.
            take: called with each frame. What it returns is awaited in this task before the next one is taken. Raises `BadFrame` to end the connection.
            early: nothing.

        """
        try:
            with child.cancel_on_stop() as self._scope:
                while self.closed_with is None:
                    with trio.move_on_at(self._alone_from + self._window_s):
                        await self._work.wait()
                    if self._alone_from + self._window_s <= trio.current_time():
                        self.close(GONE, "no poll")
                    while self._posts and self.closed_with is None:
                        await self._serve_post(take)
        except BadFrame as error:
            log.info("a connection broke the protocol", extra={"code": error.code, "reason": error.reason})
            self.close(error.code, error.reason)
        finally:
            self._scope = None
            self.close(RESTART, "the server restarts")  # only if nothing else has ended it
            while self._posts:
                self._posts.popleft()[1](GONE_ANSWER)

    async def _serve_post(self, take: Take) -> None:
        frames, reply = self._posts.popleft()
        answer = GONE_ANSWER
        try:
            for frame in frames[:-1]:
                rest = self._take(take, frame)
                if rest is not None:
                    await rest()
                if self.closed_with is not None:
                    return
            rest = self._take(take, frames[-1]) if frames else None
            answer = Answer(OK)
        except BadFrame as error:
            answer = Answer(TOO_LARGE if error.code == TOO_LONG else MALFORMED, reason=error.reason)
            raise
        finally:
            reply(answer)
        if rest is not None:
            await rest()

    def _take(self, take: Take, frame: bytes) -> Rest | None:
        if len(frame) > self._max:
            raise BadFrame(TOO_LONG, "the message is too long")
        try:
            str(frame, "utf-8")
        except UnicodeDecodeError:
            raise BadFrame(NOT_UTF_8, "not UTF-8") from None
        return take(frame)

    # -- the end ---------------------------------------------------------------------------------------------------

    async def finish(self) -> None:
        """Give the client a moment to fetch what was pushed."""
        try:
            if self.closed_with != GONE:
                self.flush()
                with trio.move_on_after(CLOSE_S):
                    while self._out or self._given:
                        await self._work.wait()
        finally:
            self.give_up()

    def give_up(self) -> None:
        """Nothing more is given to anybody."""
        self._ended = True
        self._let_go_of_poll(GONE_ANSWER)
        while self._posts:
            self._posts.popleft()[1](GONE_ANSWER)

    def _let_go_of_poll(self, answer: Answer) -> None:
        if self._poll is not None:
            reply, self._poll = self._poll, None
            reply(answer)
