"""What the product has set out to keep: each target beside the figure of a run, and whether it is held."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import median

from bench.figures import ALONE, BARE, FLOOR, MANY, OURS, PEER, SOME, Block, Figures, Submission

ACTIONS = 1.15
CPU, CPU_STRETCH = 1.0, 0.8
RATE = 1.0
LATENCY = 1.1
FIRST_CALL_SECONDS = 0.3
SUBMIT_RATE, SUBMIT_P99 = 0.7, 2.0
DEMO_SECONDS = 35.0


class Verdict(StrEnum):
    """Whether a target is held."""

    HELD = "held"
    WITHIN_SPREAD = "within spread"
    """It falls short in the median, and was held in one of the rounds at least."""
    MISSED = "missed"


@dataclass(frozen=True, slots=True)
class Target:
    """One target and its figure."""

    what: str
    limit: float
    values: Sequence[float]
    """The figure of each round."""
    at_most: bool = True
    """Whether the figure must not be above its limit, or else not below."""
    stretch: bool = False
    """Whether it is more than what was set out to be kept, so that nothing fails by it."""
    digits: int = 2
    tolerance: float = 0.0
    """By what share the figure varies, where it was measured once: known of another that was measured more often."""

    @property
    def figure(self) -> float:
        return median(self.values)

    @property
    def verdict(self) -> Verdict:
        if self._holds(self.figure):
            return Verdict.HELD
        better = self.figure * (1 - self.tolerance if self.at_most else 1 + self.tolerance)
        return Verdict.WITHIN_SPREAD if any(map(self._holds, (better, *self.values))) else Verdict.MISSED

    @property
    def fails(self) -> bool:
        return self.verdict == Verdict.MISSED and not self.stretch

    def _holds(self, value: float) -> bool:
        return value <= self.limit if self.at_most else value >= self.limit


def targets(figures: Figures) -> list[Target]:
    """Return the targets for which there are figures."""
    return [target for target in _all(figures) if target.values]


def _all(figures: Figures) -> Iterator[Target]:
    for each in figures.counted:
        yield Target(f"billable actions of {each.order}, over the least", ACTIONS, [each.ratio])
    for in_flight in (SOME, MANY):
        cpu = _Ratio(figures.blocks, in_flight, "CPU s an order", lambda block: block.engine_cpu)
        yield cpu.target(FLOOR, CPU)
        yield cpu.target(FLOOR, CPU_STRETCH, stretch=True)
    for in_flight in (SOME, MANY):
        rate = _Ratio(figures.blocks, in_flight, "orders/s", lambda block: block.rate)
        yield rate.target(FLOOR, RATE, at_most=False)
        yield rate.target(PEER, RATE, at_most=False, stretch=True)
    yield _Ratio(figures.blocks, ALONE, "seconds of an order", lambda block: block.latency).target(FLOOR, LATENCY)
    yield Target("seconds from POST to the first call of a system", FIRST_CALL_SECONDS, figures.first_calls, digits=3)
    yield from _submit(figures.submissions)
    demo = [] if figures.demo_seconds is None else [figures.demo_seconds]
    yield Target("seconds of make demo", DEMO_SECONDS, demo, digits=0)


@dataclass(frozen=True, slots=True)
class _Ratio:
    """A figure of ours over that of another, of the largest order that was run."""

    blocks: Sequence[Block]
    in_flight: int
    name: str
    figure: Callable[[Block], float]

    def target(self, other: str, limit: float, *, at_most: bool = True, stretch: bool = False) -> Target:
        what = f"{self.name}, {self.in_flight} in flight, over the {other}'s"
        values, usual = self._values(other, self.in_flight), self._values(other, SOME)
        varies = (max(usual) - min(usual)) / 2 / median(usual) if usual and len(values) == 1 else 0.0
        return Target(what, limit, values, at_most=at_most, stretch=stretch, tolerance=varies)

    def _values(self, other: str, in_flight: int) -> list[float]:
        """Return the ratio of each round."""
        return [
            ours / theirs for ours, theirs in zip(self._of(OURS, in_flight), self._of(other, in_flight), strict=False)
        ]

    def _of(self, contender: str, in_flight: int) -> list[float]:
        wanted = (contender, self.blocks[0].script, in_flight) if self.blocks else None
        return [self.figure(each) for each in self.blocks if (each.contender, each.script, each.in_flight) == wanted]


def _submit(submissions: Sequence[Submission]) -> Iterator[Target]:
    ours = [each for each in submissions if each.who == OURS]
    bare = [each for each in submissions if each.who == BARE]
    pairs = list(zip(ours, bare, strict=False))
    rates = [one.rate / other.rate for one, other in pairs]
    yield Target("orders/s taken in, over the bare route's", SUBMIT_RATE, rates, at_most=False)
    yield Target("p99 of taking in, over the bare route's", SUBMIT_P99, [one.p99 / other.p99 for one, other in pairs])
