"""Carries a schedule out: breaks what it says, when it says, and mends it again."""

from __future__ import annotations

import asyncio
import sqlite3
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import get_args

import httpx2

from chaos.schedule import Harm, Shape, Strike
from chaos.stack.stack import Stack
from systems.common.faults import PLAYED_BY_EVERY_SYSTEM, PLAYED_BY_LISTS, FaultKind

OPERATIONS = {
    "inventory": (
        *("reserve", "release", "install", "createService", "updateService", "deleteService"),
        *("createProduct", "updateProduct", "deleteProduct"),
    ),
    "activation": ("activate", "deactivate", "modify", "configure", "deconfigure", "test"),
    "billing": ("startCharge", "changeCharge", "stopCharge", "restartCharge", "voidCharge"),
}
"""The operations of the systems' logs that faults are asked for."""


@dataclass(slots=True)
class Blows:
    """What was done to the stack in a run."""

    harms: Counter[str] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)
    """Kind of fault → how many answers it has spoilt."""
    missed: list[str] = field(default_factory=list)
    """What could not be done, since the part was away already."""


def shape_of(stack: Stack, store_is_file: bool) -> Shape:
    """Return what there is to break of a stack."""
    return Shape(
        processes=sorted(stack.processes.names),
        links=sorted(stack.links),
        systems=OPERATIONS,
        fault_kinds={kind: _players(kind) for kind in get_args(FaultKind)},
        locks_store=store_is_file,
    )


def _players(kind: FaultKind) -> Sequence[str]:
    if kind in PLAYED_BY_EVERY_SYSTEM:
        return tuple(OPERATIONS)
    return ("inventory",) if kind in PLAYED_BY_LISTS else ("activation",)


class Nemesis:
    """Breaks a stack."""

    def __init__(self, stack: Stack) -> None:
        self.blows = Blows()
        self._stack = stack

    async def strike_all(self, strikes: Sequence[Strike]) -> None:
        """Carry out a schedule whose times count from now, and return once the last fault is over."""
        await asyncio.gather(*(self._at_its_time(strike) for strike in strikes))

    async def _at_its_time(self, strike: Strike) -> None:
        await asyncio.sleep(strike.at)
        self.blows.harms[strike.harm.value if strike.fault is None else strike.fault.value] += 1
        match strike.harm:
            case Harm.KILL:
                self._stack.processes.kill(strike.target)
                await asyncio.sleep(strike.seconds)
                self._stack.processes.revive(strike.target)
            case Harm.FREEZE:
                self._stack.processes.freeze(strike.target)
                await asyncio.sleep(strike.seconds)
                self._stack.processes.thaw(strike.target)
            case Harm.RESTART:
                await self._stack.processes.restart(strike.target)
            case Harm.LINK:
                await self._break_link(strike)
            case Harm.LOCK:
                await self._lock_store(strike.seconds)
            case Harm.ANSWERS:
                await self._spoil_answers(strike)

    async def _break_link(self, strike: Strike) -> None:
        assert strike.fault is not None
        link = self._stack.links[strike.target]
        await link.break_by(strike.fault, strike.latency)
        await asyncio.sleep(strike.seconds)
        await link.heal()

    async def _lock_store(self, seconds: float) -> None:
        connection = sqlite3.connect(self._stack.store_url.removeprefix("sqlite:///"), timeout=1)
        try:
            connection.execute("BEGIN IMMEDIATE")
            await asyncio.sleep(seconds)
        except sqlite3.OperationalError as error:
            self.blows.missed.append(f"lock of the store: {error}")
        finally:
            connection.close()

    async def _spoil_answers(self, strike: Strike) -> None:
        url = f"{self._stack.systems[strike.target]}/faults"
        try:
            answer = await self._stack.http.post(url, json=dict(strike.rule), timeout=2)
            answer.raise_for_status()
        except httpx2.HTTPError as error:
            self.blows.missed.append(f"{strike}: {error!r}")
            return
        rule = answer.json()
        await asyncio.sleep(strike.seconds)
        self.blows.answers[rule["kind"]] += await self._taken_away(url, rule)

    async def _taken_away(self, url: str, rule: dict[str, str | int]) -> int:
        """Take a rule away; return how many answers it has spoilt, as far as the system can tell."""
        with suppress(httpx2.HTTPError):
            kept = (await self._stack.http.get(url, timeout=2)).json()
            left = next((each["remaining"] for each in kept if each["id"] == rule["id"]), 0)
            await self._stack.http.delete(f"{url}/{rule['id']}", timeout=2)
            return int(rule["times"]) - int(left or 0)
        return 0
