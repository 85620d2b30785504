"""What a replay found, as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from server.replay.latency import Latencies

_HEADINGS: Final = (
    "conversation", "members", "messages", "acknowledged", "expected", "got", "lost", "repeated", "out of order", "history", "differ",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A conversation.

    Attributes:
        name: of the file.
        members: of the group.
        messages: lines that there were to send.
        acknowledged: lines that are durable.
        expected, got: deliveries.
        caught_up: those of `got` that came with a join's answer.
        repeated: deliveries that came again.
        disordered: places where the order was broken, at a member or in the history.
        altered: messages that are not what was sent.
        history: messages that were read back, from the node that had fewest; `None` if no node answered.
        differ: lines of the file that differ from what was read back.

    """

    name: str
    members: int
    messages: int
    acknowledged: int
    expected: int
    got: int
    caught_up: int
    repeated: int
    disordered: int
    altered: int
    history: int | None
    differ: int

    @property
    def lost(self) -> int:
        """Deliveries that did not come."""
        return self.expected - self.got

    @property
    def perfect(self) -> bool:
        """Everything is as it was promised."""
        wrong = self.lost, self.repeated, self.disordered, self.altered, self.differ
        return not any(wrong) and self.acknowledged == self.messages == self.history


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Everything.

    Attributes:
        rows: a conversation each.
        users: how many took part.
        nodes: how many there were.
        readable: from how many of them the history was read.
        seconds: from the first line to the last delivery.
        reconnects: connections that were lost.
        queued: answers that a line waits until it can be written.
        acknowledging, delivering: latencies from a line's first sending.
        skipped: lines of the files without text, and such of no known form.
        troubles: what else to say, a line each.

    """

    rows: Sequence[Row]
    users: int
    nodes: int
    readable: int
    seconds: float
    reconnects: int
    queued: int
    acknowledging: Latencies
    delivering: Latencies
    skipped: tuple[int, int] = (0, 0)
    troubles: Sequence[str] = ()

    @property
    def perfect(self) -> bool:
        """Everything is as it was promised."""
        return all(row.perfect for row in self.rows) and self.readable > 0


def render(report: Report) -> str:
    """The report, for people."""
    cells = [_HEADINGS, *(_cells(row) for row in report.rows)]
    if len(report.rows) > 1:
        cells.append(_cells(_total(report.rows)))
    widths = [max(len(row[column]) for row in cells) for column in range(len(_HEADINGS))]
    lines = [
        "  ".join(
            text.ljust(width) if column == 0 else text.rjust(width)
            for column, (text, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in cells
    ]
    rule = "-" * len(lines[0])
    lines.insert(1, rule)
    if len(report.rows) > 1:
        lines.insert(-1, rule)
    return "\n".join([*lines, "", *_notes(report)])


def _cells(row: Row) -> tuple[str, ...]:
    history = "none" if row.history is None else f"{row.history:,}"
    counts = row.members, row.messages, row.acknowledged, row.expected, row.got, row.lost
    wrong = row.repeated, row.disordered
    return (row.name, *(f"{n:,}" for n in (*counts, *wrong)), history, f"{row.differ + row.altered:,}")


def _total(rows: Sequence[Row]) -> Row:
    def add(field: str) -> int:
        return sum(getattr(row, field) or 0 for row in rows)

    fields = set(Row.__slots__) - {"name"}
    return Row(name=f"{len(rows)} conversations", **{field: add(field) for field in fields})


def _notes(report: Report) -> list[str]:
    got = sum(row.got for row in report.rows)
    caught_up = sum(row.caught_up for row in report.rows)
    sent = sum(row.acknowledged for row in report.rows)
    seconds = max(report.seconds, 1e-9)
    speed = f"{seconds:.1f} s: {sent / seconds:,.0f} messages/s, {got / seconds:,.0f} deliveries/s"
    empty, unknown = report.skipped
    notes = [
        f"send to acknowledgement   p50 {_ms(report.acknowledging, 0.5)}   p99 {_ms(report.acknowledging, 0.99)}",
        f"send to delivery          p50 {_ms(report.delivering, 0.5)}   p99 {_ms(report.delivering, 0.99)}",
        f"{report.users:,} users on {report.nodes} {'node' if report.nodes == 1 else 'nodes'}; {speed}",
        f"history compared line by line with the file, read from {report.readable} of {report.nodes}",
    ]
    if report.queued:
        notes.append(f"{report.queued:,} lines were queued at first, and acknowledged by their coming")
    if report.reconnects:
        notes.append(f"{report.reconnects:,} reconnections; {caught_up:,} deliveries came with catching up")
    if empty:
        notes.append(f"not sent: {empty:,} lines of a nick without any text")
    if unknown:
        notes.append(f"not sent: {unknown:,} lines that are not of a form known in IRC logs")
    notes += report.troubles
    notes.append("everything as promised" if report.perfect else "NOT as promised")
    return notes


def _ms(latencies: Latencies, share: float) -> str:
    return f"{latencies.quantile(share) * 1000:.1f} ms" if latencies.count else "-"
