"""What a run was and what came of it: as text, as JSON, and as a table for documents."""

from __future__ import annotations

import json
import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields

UNCLEAR = frozenset({"timeout", "late", "lostAnswer", "slowBody", "hugeBody", "transient"})
"""Kinds of fault after which a caller does not know what was done, or could not."""
_CUTS = ("latency", "blackHole", "reset", "cut", "lock")


@dataclass(frozen=True, slots=True)
class Report:
    """One run, or several together."""

    name: str
    """Which seed, on which database."""
    orders: int = 0
    states: Counter[str] = field(default_factory=Counter)
    """State → how many orders ended in it."""
    harms: Counter[str] = field(default_factory=Counter)
    """What was done to the stack, and how often."""
    answers: Counter[str] = field(default_factory=Counter)
    """Kind of fault → answers of systems that it spoilt."""
    effects: int = 0
    """What the systems did, in all."""
    retries: int = 0
    """Requests to systems beyond the first by the same key."""
    absorbed: int = 0
    """Those of them that a system knew, and answered as before."""
    settled: int = 0
    """Answers that were unclear, after which the orders are exact all the same."""
    broken: int = 0
    """Connections that were reset while they were open."""
    events: int = 0
    events_repeated: int = 0
    tasks: int = 0
    """Tasks that people settled."""
    repeated: int = 0
    """Requests of people that were made again."""
    recovery: tuple[float, ...] = ()
    """Seconds from the last mending to the end of each order that was open then."""
    violations: dict[str, list[str]] = field(default_factory=dict)
    ended: tuple[str, ...] = ()
    """Processes that ended without having been told to."""

    @property
    def passed(self) -> bool:
        return not self.violations

    def cuts(self) -> int:
        return sum(self.harms[each] for each in _CUTS)

    def recovered(self) -> str:
        """Return median and longest time to recovery, in words."""
        if not self.recovery:
            return "none was open"
        return f"{statistics.median(self.recovery):.1f} / {max(self.recovery):.1f} s"

    def text(self) -> str:
        """Return it for people."""
        states = ", ".join(f"{number} {state}" for state, number in sorted(self.states.items()))
        lines = [
            f"{self.name}: {'passed' if self.passed else 'FAILED'}",
            f"  orders             {self.orders}: {states}",
            f"  done to the stack  {_counted(self.harms)}",
            f"  answers spoilt     {_counted(self.answers)}",
            f"  calls              {self.effects} effects, {self.retries} retries, {self.absorbed} absorbed, "
            f"{self.settled} unclear ones settled, {self.broken} connections broken",
            f"  events             {self.events}, {self.events_repeated} of them more than once",
            f"  people             {self.tasks} tasks settled, {self.repeated} requests made again",
            f"  recovery p50/max   {self.recovered()}",
            *(f"  ended by itself    {each}" for each in self.ended),
        ]
        for check, sentences in self.violations.items():
            lines.append(f"  {check.replace('_', ' ')}: NOT SO")
            lines += [f"    {sentence}" for sentence in sentences]
        return "\n".join(lines)


def summed(reports: Sequence[Report], name: str) -> Report:
    """Return several runs as one."""
    violations = {
        f"{each.name}: {check}": sentences for each in reports for check, sentences in each.violations.items()
    }
    return Report(
        name=name,
        orders=sum(each.orders for each in reports),
        states=_together(each.states for each in reports),
        harms=_together(each.harms for each in reports),
        answers=_together(each.answers for each in reports),
        effects=sum(each.effects for each in reports),
        retries=sum(each.retries for each in reports),
        absorbed=sum(each.absorbed for each in reports),
        settled=sum(each.settled for each in reports),
        broken=sum(each.broken for each in reports),
        events=sum(each.events for each in reports),
        events_repeated=sum(each.events_repeated for each in reports),
        tasks=sum(each.tasks for each in reports),
        repeated=sum(each.repeated for each in reports),
        recovery=tuple(seconds for each in reports for seconds in each.recovery),
        violations=violations,
        ended=tuple(line for each in reports for line in each.ended),
    )


def markdown(reports: Sequence[Report]) -> str:
    """Return a table of runs, and of all of them together, for a document."""
    head = (
        "| Run | Orders | Kills | Freezes | Restarts | Cuts | Answers spoilt | Retries | Absorbed | Unclear, settled "
        "| Events twice | Tasks | Recovery p50 / max | Found wrong |"
    )
    rows = [*reports, summed(reports, "all")] if len(reports) > 1 else reports
    return "\n".join([head, "|---|" + "---|" * 13, *map(_row, rows)])


def as_json(reports: Sequence[Report]) -> str:
    """Return runs as JSON."""
    return json.dumps(
        [{each.name: getattr(report, each.name) for each in fields(Report)} for report in reports], indent=1
    )


def from_json(text: str) -> list[Report]:
    """Return the runs that `as_json` wrote."""
    return [
        Report(
            **{
                **each,
                **{name: Counter(each[name]) for name in ("states", "harms", "answers")},
                **{name: tuple(each[name]) for name in ("recovery", "ended")},
            }
        )
        for each in json.loads(text)
    ]


def _row(report: Report) -> str:
    wrong = sum(map(len, report.violations.values()))
    cells = [
        *(report.name, report.orders, report.harms["kill"], report.harms["freeze"], report.harms["restart"]),
        *(report.cuts(), sum(report.answers.values()), report.retries, report.absorbed, report.settled),
        *(report.events_repeated, report.tasks, report.recovered(), wrong),
    ]
    return f"| {' | '.join(map(str, cells))} |"


def _together(counters: Iterable[Counter[str]]) -> Counter[str]:
    together: Counter[str] = Counter()
    for each in counters:
        together.update(each)
    return together


def _counted(counter: Counter[str]) -> str:
    return ", ".join(f"{number} {name}" for name, number in sorted(counter.items()) if number) or "nothing"
