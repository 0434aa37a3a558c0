"""When what is broken, and for how long: a pure function of the seed and of what there is to break."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from chaos.proxy import LinkFault

SHORTEST, LONGEST = 0.5, 4.0
"""Seconds that a part is away or cut off: some are over before anybody's time-out, some outlast it."""
_ANSWERS_LONGER = 2.0
"""How many times as long a system's answers are wrong: not every moment has a call that is concerned."""
_LATENCIES = (0.02, 0.1, 0.4)
_SLOW = frozenset({"timeout", "late", "slowBody"})
_OF_NO_OPERATION = frozenset({"wrongFilter"})
_HUGE = 40
_QUIET_BEFORE = 2.0
"""Seconds in which orders come in before anything is broken."""


class Harm(StrEnum):
    """What is done to a part of the stack."""

    KILL = "kill"
    """SIGKILL; the part stays away for a while."""
    FREEZE = "freeze"
    """SIGSTOP, and later SIGCONT."""
    RESTART = "restart"
    """SIGTERM, as at an upgrade."""
    LINK = "link"
    """A connection between two parts is broken."""
    LOCK = "lock"
    """Another process holds the write lock of the SQLite store."""
    ANSWERS = "answers"
    """A system answers wrongly, late or never."""


@dataclass(frozen=True, slots=True)
class Strike:
    """One fault: from `at` on for `seconds`; both count from the first order."""

    at: float
    seconds: float
    harm: Harm
    target: str
    """The name of a process, link or system."""
    fault: LinkFault | None = None
    latency: float = 0.0
    rule: Mapping[str, Any] = field(default_factory=dict)
    """The body for the system's `/faults`."""

    def __str__(self) -> str:
        what = self.fault or (f"{self.rule['kind']} {self.rule['match']}" if self.rule else "")
        return f"{self.at:5.1f} s  {self.harm} {self.target} {what} for {self.seconds:.1f} s".replace("  for", " for")


@dataclass(frozen=True, slots=True)
class Shape:
    """What there is to break."""

    processes: Sequence[str]
    links: Sequence[str]
    systems: Mapping[str, Sequence[str]]
    """System → its operations, by the names of its log."""
    fault_kinds: Mapping[str, Sequence[str]]
    """Kind of fault → the systems that play it."""
    locks_store: bool = False


def schedule(seed: int, shape: Shape, window: float, every: float) -> list[Strike]:
    """Return what is broken within `window` seconds, one fault `every` so many seconds on average, by time.

    Each sort of harm comes before any comes a second time, so that a short run has something of all.
    """
    chance = random.Random(f"strikes {seed}")
    harms = _in_turn(chance, _weighted(shape))
    number = max(1, round((window - _QUIET_BEFORE) / every))
    times = sorted(chance.uniform(_QUIET_BEFORE, window) for _ in range(number))
    targets = {harm: _in_turn(chance, shape.processes) for harm in (Harm.KILL, Harm.FREEZE, Harm.RESTART)}
    targets[Harm.LINK] = _in_turn(chance, shape.links)
    kinds = _in_turn(chance, tuple(shape.fault_kinds))
    return [_strike(chance, at, next(harms), targets, kinds, shape) for at in times]


def _weighted(shape: Shape) -> list[Harm]:
    harms = [Harm.KILL, Harm.KILL, Harm.FREEZE, Harm.RESTART, *[Harm.ANSWERS] * 5]
    if shape.links:
        harms += [Harm.LINK] * 3
    return [*harms, Harm.LOCK] if shape.locks_store else harms


def _strike(
    chance: random.Random,
    at: float,
    harm: Harm,
    targets: Mapping[Harm, Iterator[str]],
    kinds: Iterator[str],
    shape: Shape,
) -> Strike:
    seconds = round(chance.uniform(SHORTEST, LONGEST), 2)
    at = round(at, 2)
    if harm == Harm.LOCK:
        return Strike(at, seconds, harm, "store")
    if harm == Harm.ANSWERS:
        kind = next(kinds)
        system = chance.choice(shape.fault_kinds[kind])
        return Strike(
            at, round(seconds * _ANSWERS_LONGER, 2), harm, system, rule=_rule(chance, kind, shape.systems[system])
        )
    target = next(targets[harm])
    if harm == Harm.LINK:
        return Strike(at, seconds, harm, target, chance.choice(list(LinkFault)), chance.choice(_LATENCIES))
    return Strike(at, seconds, harm, target)


def _rule(chance: random.Random, kind: str, operations: Sequence[str]) -> dict[str, Any]:
    some = chance.random() < 0.35 and kind not in _OF_NO_OPERATION
    rule: dict[str, Any] = {
        "kind": kind,
        "match": {"operation": chance.choice(operations)} if some else {},
        "times": chance.randint(1, 4),
    }
    if kind in _SLOW:
        rule["seconds"] = round(chance.uniform(1, 6), 1)
    if kind == "late":
        rule["silence"] = round(chance.uniform(0, 4), 1)
    if kind == "hugeBody":
        rule["megabytes"] = _HUGE
    return rule


def _in_turn(chance: random.Random, choices: Sequence[Any]) -> Iterator[Any]:
    """Yield choices by chance without end, each as often as it is there before any comes again."""
    while True:
        yield from chance.sample(choices, len(choices))
