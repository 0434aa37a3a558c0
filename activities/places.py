"""The places of a worker in which listeners are told, or wait for events: those that only wait make room for others."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

AT_ONCE = 1000
"""How many listeners one worker tells, or lets wait, at a time: each shows every few seconds that it lives."""
LEAST_WAIT = timedelta(seconds=10)
"""How long each may wait nevertheless, so that the worker does not change over all the time."""


@dataclass
class Places:
    """The places of one worker.

    While all are taken, listeners without one may have to be told of something: who waits leaves, and queues up again.
    """

    number: int = field(default_factory=lambda: AT_ONCE)
    least_wait: timedelta = field(default_factory=lambda: LEAST_WAIT)
    _taken: int = field(default=0, init=False)

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Take one while the context is open."""
        self._taken += 1
        try:
            yield
        finally:
            self._taken -= 1

    def wait(self) -> Wait:
        """Return a wait that begins now."""
        return Wait(self, asyncio.get_running_loop().time())

    @property
    def are_all_taken(self) -> bool:
        return self._taken >= self.number


@dataclass(frozen=True)
class Wait:
    """Somebody who has a place, and nothing to do."""

    places: Places
    since: float

    def is_over(self) -> bool:
        """Return whether the place is to be left to others."""
        waited = asyncio.get_running_loop().time() - self.since
        return self.places.are_all_taken and waited >= self.places.least_wait.total_seconds()
