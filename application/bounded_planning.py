"""Planning that holds nothing else up: small orders are planned at once, larger ones in a thread or a process.

A process of its own takes most of a second of CPU time to begin, in which some 300 products are planned; it ends with
its order, so that nothing of it stays. One that would take more memory or CPU time than it may ends too, and the order
is too large then: it would be so at the next attempt.
"""

from __future__ import annotations

import asyncio
import os
import pickle
import signal
import sys
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path

import anyio
import anyio.to_thread

from application.http import DownstreamError
from catalogs.decomposition.services import PlanTooLargeError
from catalogs.model.catalog_set import CatalogSet
from catalogs.planning import Planned, PlanningJob, crowding, planned_within, too_large
from catalogs.planning_process import OUT_OF_MEMORY
from orders.bounds import OrderLimits
from orders.model.installed import InstalledBase
from orders.model.posted import PostedOrder
from orders.model.product_orders import ProductOrder


@dataclass(frozen=True)
class _Size:
    """How large an order may be to be planned in a certain way."""

    asked: int
    """Products, services or resources that it asks for."""
    parts: int
    """Products, services and resources that it comes down to: some ask for a lot in few words."""
    base: int
    """Products that its customer has."""


_AT_ONCE = _Size(asked=20, parts=400, base=500)
_IN_A_THREAD = _Size(asked=250, parts=2500, base=5000)

_THREADS = 2
"""How many orders are planned in threads at a time: more would go no faster, and leave others less."""
_ENDED_BY_US = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_SOURCE = Path(__file__).resolve().parent.parent
_QUOTED = 2000


class PlanningBusyError(DownstreamError):
    """No process was free to plan an order for as long as it could wait; another one may be, later on."""

    def __init__(self, message: str, delay: timedelta) -> None:
        super().__init__("planning", message, retryable=True, delay=delay, said=False)


@dataclass(frozen=True)
class PlanningAllowance:
    """What processes that plan may take; each is a setting."""

    processes: int = 1
    """How many of them run at a time."""
    memory: int = 768 * 1024 * 1024
    """Bytes of address space that one may take."""
    cpu_time: timedelta = timedelta(seconds=60)
    """CPU time that one may take, in whole seconds."""
    patience: timedelta = field(default=timedelta(seconds=10))
    """How long an order waits until one is free."""


class BoundedPlanning:
    """Plans orders by the catalogs. Hold one for each process.

    Args:
        limits: how large an order may be.
        allowance: what planning it may take.
    """

    def __init__(
        self, catalogs: CatalogSet, limits: OrderLimits | None = None, allowance: PlanningAllowance | None = None
    ) -> None:
        self.limits = limits or OrderLimits()
        self._catalogs = catalogs
        self._allowance = allowance or PlanningAllowance()
        self._threads = anyio.CapacityLimiter(_THREADS)
        self._free = asyncio.Semaphore(self._allowance.processes)

    async def plan(self, order: PostedOrder, installed: InstalledBase, revision: int, on: datetime) -> Planned:
        """Check and decompose an order as `plan_posted` does.

        Raises:
            PlanningBusyError: when as many orders are being planned as may be.
            DownstreamError: when the process that plans was ended.
        """
        job = PlanningJob(order, installed, revision, on, self.limits)
        asked = _asked(order)
        try:
            if asked <= _AT_ONCE.asked and len(installed.products) <= _AT_ONCE.base:
                return planned_within(self._of(job, _AT_ONCE), self._catalogs)
            if asked <= _IN_A_THREAD.asked and len(installed.products) <= _IN_A_THREAD.base:
                job_of_size = self._of(job, _IN_A_THREAD)
                return await anyio.to_thread.run_sync(
                    planned_within, job_of_size, self._catalogs, limiter=self._threads
                )
        except PlanTooLargeError as error:
            if error.most >= self.limits.parts:
                return Planned(order, violations=[too_large(order, str(error))])
        # That is known without a process.
        if crowded := list(crowding(order, self.limits)):
            return Planned(order, violations=crowded)
        return await self._apart(job)

    def _of(self, job: PlanningJob, size: _Size) -> PlanningJob:
        return replace(job, limits=replace(self.limits, parts=min(size.parts, self.limits.parts)))

    async def _apart(self, job: PlanningJob) -> Planned:
        allowed = self._allowance
        try:
            async with asyncio.timeout(allowed.patience.total_seconds()):
                await self._free.acquire()
        except TimeoutError:
            message = f"{allowed.processes} other large orders are being planned, as many as may be at a time"
            raise PlanningBusyError(message, allowed.patience) from None
        try:
            asked = await anyio.to_thread.run_sync(pickle.dumps, job, pickle.HIGHEST_PROTOCOL)
            code, answer, said = await self._run(self._pickled_catalogs + asked)
        finally:
            self._free.release()
        if code == 0:
            done: Planned = await anyio.to_thread.run_sync(pickle.loads, answer)
            return done
        if code == OUT_OF_MEMORY or (code < 0 and -code not in _ENDED_BY_US):
            seconds, memory = int(allowed.cpu_time.total_seconds()), allowed.memory // (1024 * 1024)
            why = f"to plan the order takes more than {seconds} seconds or {memory} MiB"
            return Planned(job.order, violations=[too_large(job.order, why)])
        if code < 0:
            raise DownstreamError("planning", "the process that plans the order was ended", retryable=True, said=False)
        raise RuntimeError(f"the process that plans an order ended with {code}: {said[-_QUOTED:]}")

    async def _run(self, asked: bytes) -> tuple[int, bytes, str]:
        """Return the exit code of a process that is asked this, what it answers, and what it says beside."""
        seconds = max(int(self._allowance.cpu_time.total_seconds()), 1)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "catalogs.planning_process", str(self._allowance.memory), str(seconds)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=_environment(),
        )
        try:
            answer, said = await process.communicate(asked)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        return await process.wait(), answer, said.decode(errors="replace")

    @cached_property
    def _pickled_catalogs(self) -> bytes:
        return pickle.dumps(self._catalogs, pickle.HIGHEST_PROTOCOL)


def _asked(order: PostedOrder) -> int:
    """Return how many products, services or resources an order asks for."""
    if isinstance(order, ProductOrder):
        return sum(item.quantity or 1 for item, _, _ in order.items())
    return sum(1 for _ in order.items())


def _environment() -> dict[str, str]:
    """Return the variables of this process, with those by which our modules are found, installed or not."""
    inherited = os.environ.get("PYTHONPATH")
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(_SOURCE), *([inherited] if inherited else [])])}
