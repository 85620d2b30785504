"""Steps at fixed rates, and the search for the highest that holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

P99_S: Final = 0.25
"""The latency that 99 % of all deliveries have to keep."""
GROWTH: Final = 1.5
BISECTIONS: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What one rate gave.

    Attributes:
        rate: asked for, messages (connects, for `idle`) a second.
        seconds: from the first scheduled send to the last delivery.
        messages: sent.
        acknowledged: answered "ok".
        deliveries: got.
        lost: deliveries of acknowledged messages that did not come within the time allowed.
        disordered: out of order, repeated, or not what was sent.
        errors: refusals and broken connections, by what was said.
        latencies: seconds from the scheduled send to a delivery.
        answers: seconds from the scheduled send to the acknowledgement.
        cpu: seconds of CPU time, by process.

    """

    rate: float
    seconds: float
    messages: int
    acknowledged: int
    deliveries: int
    lost: int
    disordered: int
    errors: Mapping[str, int] = field(default_factory=dict)
    latencies: Sequence[float] = ()
    answers: Sequence[float] = ()
    cpu: Mapping[str, float] = field(default_factory=dict)

    @property
    def p99(self) -> float:
        """Of deliveries or acknowledgements, whichever is worse; infinite without any."""
        return max(quantile(self.latencies, 0.99), quantile(self.answers, 0.99) if self.answers else 0.0)

    @property
    def unanswered(self) -> int:
        """Messages that were neither acknowledged nor refused."""
        return self.messages - self.acknowledged - sum(self.errors.values())

    @property
    def holds(self) -> bool:
        """Nothing lost, nothing out of order, and in time."""
        whole = not self.lost and not self.disordered and not self.errors
        return whole and self.acknowledged == self.messages and self.p99 < P99_S

    @property
    def server_cpu(self) -> float:
        """Seconds of CPU time of all nodes."""
        return sum(used for name, used in self.cpu.items() if name.startswith("node"))


def quantile(values: Sequence[float], share: float) -> float:
    """The value that this share does not exceed; infinite if there are none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("inf")


def search(run: Callable[[float], Step], first: float) -> list[Step]:
    """Every step of the search: up by half until one does not hold, then halving what lies between."""
    steps = [run(first)]
    while steps[-1].holds:
        steps.append(run(steps[-1].rate * GROWTH))
    while not any(step.holds for step in steps) and len(steps) < BISECTIONS:
        steps.append(run(steps[-1].rate / GROWTH**2))
    low = max((step.rate for step in steps if step.holds), default=0.0)
    high = min(step.rate for step in steps if not step.holds)
    for _ in range(BISECTIONS):
        if not low or high / low < 1.04:
            break
        steps.append(run((low + high) / 2))
        low, high = (steps[-1].rate, high) if steps[-1].holds else (low, steps[-1].rate)
    return steps


def best(steps: Sequence[Step]) -> Step | None:
    """The highest rate that held."""
    return max((step for step in steps if step.holds), key=lambda step: step.rate, default=None)
