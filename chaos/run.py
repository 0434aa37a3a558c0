"""One run: orders come in, the stack is broken and mended, all comes to rest, and is checked."""

from __future__ import annotations

import asyncio
import json
import shutil
import tempfile
import time
from collections import Counter as Tally
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from temporalio.service import RPCError

from chaos.collect import backlogs, checked, collected, listen, running
from chaos.facts import Facts, PlacedFact
from chaos.foreign import Foreign
from chaos.nemesis import Blows, Nemesis, shape_of
from chaos.people.counter import Counter, NoAnswerError
from chaos.people.customers import Customers
from chaos.people.desk import Desk
from chaos.people.journal import Journal
from chaos.report import UNCLEAR, Report
from chaos.schedule import Strike, schedule
from chaos.stack import stack as stacks
from chaos.stack.stack import SQLITE, Stack, Wish
from chaos.stories import Plot, plots

_REST_LOOKS = 0.7
_FORGETS = "forgetsKeys"


@dataclass(frozen=True, slots=True)
class Size:
    """How much a run is."""

    orders: int = 100
    window: float = 30.0
    """Seconds in which orders come in and things break."""
    every: float = 1.5
    """Seconds between two faults, on average."""
    patience: float = 150.0
    """Seconds that all may take to come to rest once everything is mended."""


@dataclass(slots=True)
class Run:
    """What a run goes on with."""

    stack: Stack
    journal: Journal
    counter: Counter
    foreign: Foreign


Tell = Callable[[str], None]


async def run(seed: int, database: str, size: Size, folder: Path, tell: Tell, mutation: str | None = None) -> Report:
    """Run a seed on a database of a kind. What is left in `folder` tells what happened, where something was wrong.

    Raises:
        NotUpError: when the stack does not come up.
        NoPostgresError: when there is no PostgreSQL to be run on.
    """
    name = f"seed {seed} on {database}"
    wish = Wish(database, Path(tempfile.mkdtemp(prefix="ordersaga-chaos-")), mutation=mutation)
    if database == SQLITE:  # a store for one machine, with one gateway and one worker
        wish = Wish(database, wish.folder, gateways=1, workers=1, mutation=mutation)
    try:
        async with stacks.running(wish) as stack:
            strikes = schedule(seed, shape_of(stack, database == SQLITE), size.window, size.every)
            journal = Journal()
            counter = Counter(stack.gateways, stack.http, journal, size.window + size.patience)
            this = Run(stack, journal, counter, Foreign())
            played = await _played(this, f"chaos{seed}", plots(seed, size.orders, size.window), strikes, size)
            forgot = bool(played.blows.answers[_FORGETS])
            facts, wrong = await checked(partial(_facts, this, keys_forgotten=forgot))
            wrong = {**played.wrong, **wrong}
            if wrong:
                _keep(folder, wish.folder, facts, strikes, tell)
            return _report(name, this, played, facts, wrong)
    finally:
        shutil.rmtree(wish.folder, ignore_errors=True)


@dataclass(slots=True)
class _Played:
    """What came of a run's stories."""

    blows: Blows
    recovery: tuple[float, ...]
    wrong: dict[str, list[str]]


async def _played(run: Run, name: str, plotted: Sequence[Plot], strikes: Sequence[Strike], size: Size) -> _Played:
    """Play the stories while things break; mend everything, and wait until all has come to rest."""
    await run.foreign.make(run.stack)
    await listen(run.stack, run.counter)
    customers, desk = Customers(name, run.counter, run.journal), Desk(run.counter, run.journal)
    settling = asyncio.create_task(desk.work())
    stories = [asyncio.create_task(_later(customers, plot)) for plot in plotted]
    nemesis = Nemesis(run.stack)
    wrong: dict[str, list[str]] = {}
    try:
        await nemesis.strike_all(strikes)
        await run.stack.heal()
        healed = time.monotonic()
        _, late = await asyncio.wait(stories, timeout=size.patience)
        restless = await _rest(run, max(healed + size.patience - time.monotonic(), 10))
        if restless:
            wrong["all_comes_to_rest"] = [restless]
        for story in late:
            story.cancel()
        for result in await asyncio.gather(*stories, return_exceptions=True):
            if isinstance(result, Exception):
                wrong.setdefault("people_are_served", []).append(str(result))
    finally:
        for task in (settling, *stories):
            task.cancel()
        await asyncio.gather(settling, *stories, return_exceptions=True)
    ends = [each.ended for each in run.journal.placed.values() if each.ended]
    recovery = tuple(round(end - healed, 1) for end in ends if end > healed)
    return _Played(nemesis.blows, recovery, wrong)


async def _later(customers: Customers, plot: Plot) -> None:
    await asyncio.sleep(plot.at)
    await customers.play(plot)


async def _rest(run: Run, patience: float) -> str | None:
    """Wait until no order's workflow runs and the listeners have all; return what still goes on when time is over."""
    said = "nobody could be asked"
    with suppress(TimeoutError):
        async with asyncio.timeout(patience):
            while True:
                try:
                    open_ones = await running(run.stack.temporal, run.stack.queue)
                    behind = await backlogs(run.counter)
                    if not open_ones and not behind:
                        return None
                    said = f"{behind} events wait; these run: {', '.join(open_ones[:10])}"
                except (RPCError, NoAnswerError) as error:
                    said = str(error)
                await asyncio.sleep(_REST_LOOKS)
    return said


async def _facts(run: Run, *, keys_forgotten: bool) -> Facts:
    placed = [
        PlacedFact(each.id, each.kind.value, each.plot.story.value, each.customer, each.product)
        for each in run.journal.placed.values()
    ]
    return await collected(run.stack, run.counter, placed, run.foreign, keys_forgotten=keys_forgotten)


def _keep(folder: Path, stack: Path, facts: Facts, strikes: Sequence[Strike], tell: Tell) -> None:
    """Keep what tells what happened: logs, facts and schedule."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(stack / "logs", folder / "logs")
    (folder / "facts.json").write_text(json.dumps(asdict(facts), indent=1, default=str))
    (folder / "schedule.txt").write_text("\n".join(map(str, strikes)) + "\n")
    tell(f"logs, facts and schedule are in {folder}")


def _report(name: str, run: Run, played: _Played, facts: Facts, wrong: dict[str, list[str]]) -> Report:
    keys = {(each.system, each.key) for each in facts.effects}
    outcomes = Tally(each.outcome for each in facts.effects)
    states = Tally(str(facts.orders.get(each.id, {}).get("state", "not there")) for each in facts.placed)
    return Report(
        name=name,
        orders=len(run.journal.placed),
        states=states,
        harms=played.blows.harms,
        answers=played.blows.answers,
        effects=outcomes["done"],
        retries=len(facts.effects) - len(keys),
        absorbed=outcomes["absorbed"],
        settled=sum(number for kind, number in played.blows.answers.items() if kind in UNCLEAR),
        broken=sum(link.counts.broken for link in run.stack.links.values()),
        events=len(facts.outbox),
        events_repeated=len(facts.received) - len({each.id for each in facts.received}),
        tasks=run.journal.settled,
        repeated=run.journal.repeated,
        recovery=played.recovery,
        violations=wrong,
        ended=tuple(run.stack.processes.ended),
    )
