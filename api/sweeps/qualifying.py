"""Answers qualifications: at once, or as tasks, of which none is lost when a gateway ends in the middle of one.

A task is claimed for a while by the gateway that works on it. Where that ends before the task does, the sweep of any
gateway takes the task again: asking changes nothing, so an answer that was being worked out twice does no harm.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog

from api.sweeps.sweep import run_sweep
from application.concurrent_checks import CONCURRENCY, each_of
from application.http import DownstreamError
from application.qualifiers import Qualifier
from orders.qualification.results import DEADLINES, QualificationKind, failed
from store.errors import StoreUnavailableError
from store.qualifications import ClaimedQualification, QualificationStore
from tmf.bodies import Document
from tmf.instants import read_instant

PATIENCE = timedelta(minutes=10)
"""How long a task is tried that names no date by which it wants its answer."""

_LEASE = timedelta(minutes=5)
"""How long a gateway has a task to itself: far longer than working it out takes."""

_PAUSE = timedelta(seconds=10)
"""How long a task rests that a system did not answer to."""

_log = structlog.get_logger(__name__)


def _now() -> datetime:
    return datetime.now(UTC)


class Qualifying:
    """Works out what qualifications ask, by the qualifier of their kind.

    Args:
        interval: how often tasks are looked for that another gateway, or this one before it ended, has left.
        retention: how long after it was asked a finished qualification is kept.
        clock: tells the time.
    """

    def __init__(
        self,
        qualifications: QualificationStore,
        qualifiers: Mapping[QualificationKind, Qualifier],
        interval: timedelta,
        retention: timedelta,
        clock: Callable[[], datetime] = _now,
    ) -> None:
        self._qualifications = qualifications
        self._qualifiers = qualifiers
        self._interval = interval
        self._retention = retention
        self._clock = clock
        self._woken = asyncio.Event()

    def now(self) -> datetime:
        """Return the time by which qualifications are asked and answered."""
        return self._clock()

    async def answer(self, kind: QualificationKind, document: Document) -> Document:
        """Return a qualification with its answer; nothing is kept.

        Raises:
            DownstreamError: when a system cannot answer.
        """
        return {**document, **await self._qualifiers[kind](document, self.now())}

    def wake(self) -> None:
        """Say that a task was taken in, so that it is worked on at once."""
        self._woken.set()

    async def run(self) -> None:
        """Work on tasks as they come, and every `interval` on those that were left; ends only when it is cancelled."""
        while True:
            self._woken.clear()
            await run_sweep("qualifications", self.sweep)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), self._interval.total_seconds())

    async def sweep(self) -> int:
        """Work on the tasks that nobody works on, oldest first, and forget old ones; return how many have ended.

        Raises:
            StoreUnavailableError: when the order store does not serve.
        """
        ended = 0
        while taken := await self._qualifications.claim(self.now(), _LEASE, CONCURRENCY):
            ended += sum(await each_of(taken, self._settle))
        if old := await self._qualifications.forget(self.now() - self._retention):
            _log.info("old qualifications deleted", count=old)
        return ended

    async def _settle(self, task: ClaimedQualification) -> bool:
        """Answer one task; return False when it is to be tried again."""
        now = self.now()
        try:
            answer: dict[str, Any] = await self._qualifiers[task.kind](task.document, now)
        except DownstreamError as error:
            if error.retryable and now < _deadline(task):
                _log.warning("qualification waits for a system", qualification=task.id, reason=error.message)
                await self._qualifications.release(task.kind, task.id, now + _PAUSE)
                return False
            answer = failed(task.kind, task.document, error.message)
        except asyncio.CancelledError:
            with suppress(StoreUnavailableError):
                await self._qualifications.release(task.kind, task.id, now)
            raise
        except Exception:
            _log.exception("qualification failed", qualification=task.id)
            answer = failed(task.kind, task.document, "an unexpected error; the gateway's log has its details")
        await self._qualifications.finish(task.kind, task.id, answer)
        _log.info("qualification ended", qualification=task.id, state=answer["state"])
        return True


def _deadline(task: ClaimedQualification) -> datetime:
    """Return until when an answer is of use: as the task says where that can be read, or a while after it was asked."""
    with suppress(LookupError, TypeError, ValueError):
        return read_instant(task.document[DEADLINES[task.kind]])
    return read_instant(task.created_at) + PATIENCE
