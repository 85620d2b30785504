"""What one user got of one chat, held against what the contract promises. Pure.

Messages arrive in two ways: pushed, each connection's beginning right after what its join's answer held, in order of `seq` without a hole or a
repeat; and read, from a join's answer and its further pages, which hold what came while nobody was connected.
"""

from __future__ import annotations

from collections.abc import Iterable


class Reception:
    """A user's view of one chat.

    Attributes:
        upto: every `seq` up to here has been got, but for `missing`.
        rev: how far the user knows the chat's log: what to tell as `known`.
        got: messages, each counted once.
        repeated: messages that came again.
        disordered: places at which the order was broken: a message after a hole, or a hole that catching up left.

    """

    __slots__ = ("disordered", "got", "missing", "repeated", "rev", "upto")

    def __init__(self) -> None:
        self.upto = 0
        self.rev = 0
        self.got = 0
        self.repeated = 0
        self.disordered = 0
        self.missing: set[int] = set()

    def push(self, seq: int, rev: int) -> bool:
        """A pushed message; whether it is new."""
        if seq != self.upto + 1:
            return self._astray(seq, rev)
        self.upto = seq
        self.rev = rev
        self.got += 1
        return True

    def _astray(self, seq: int, rev: int) -> bool:
        if seq <= self.upto:
            return self._late(seq)
        self.disordered += 1
        self.missing.update(range(self.upto + 1, seq))
        self.upto = seq
        self.rev = max(rev, self.rev)
        self.got += 1
        return True

    def _late(self, seq: int) -> bool:
        if seq not in self.missing:
            self.repeated += 1
            return False
        self.missing.discard(seq)
        self.got += 1
        return True

    def read(self, seqs: Iterable[int], head: int, rev: int) -> list[int]:
        """What catching up gave, complete up to `head` (a `seq`) and `rev`; those of it that are new.

        What is beyond `head` is not counted: this connection is still going to have it pushed.
        """
        new: list[int] = []
        for seq in sorted(seqs):
            if seq > head:
                continue
            if seq <= self.upto:
                if self._late(seq):
                    new.append(seq)
                continue
            if seq > self.upto + 1:
                self.disordered += 1
                self.missing.update(range(self.upto + 1, seq))
            self.upto = seq
            self.got += 1
            new.append(seq)
        if head > self.upto:
            self.disordered += 1
            self.missing.update(range(self.upto + 1, head + 1))
            self.upto = head
        self.rev = max(rev, self.rev)
        return new
