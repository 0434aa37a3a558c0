"""The rounds of the sweeps, and work in the background: what has not come round for long, and what failed, is seen."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog

from tmf.words import reason_of

LATE_AFTER = timedelta(minutes=10)
"""How long after its last whole round a sweep is late: longer than one may take."""
_PAUSE = timedelta(seconds=5)
"""How long until work that came to an unforeseen end is begun again."""
_SHOWN_FOR = timedelta(minutes=10)
"""How long a failure of such work is shown."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Trouble:
    """What went wrong last."""

    at: datetime
    error: str


class Rounds:
    """When each sweep was last gone through as a whole."""

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._now = now
        self._whole: dict[str, datetime] = {}
        self._trouble: dict[str, Trouble] = {}

    def expect(self, sweeps: Iterable[str]) -> None:
        """Wait for a whole round of these from now on; what was waited for already stays as it is."""
        for name in sweeps:
            self._whole.setdefault(name, self._now())

    def whole(self, sweep: str) -> None:
        """Note that a sweep was gone through as a whole."""
        self._whole[sweep] = self._now()
        self._trouble.pop(sweep, None)

    def broken_off(self, sweep: str, error: str) -> None:
        """Note why a sweep was not."""
        self._trouble[sweep] = Trouble(self._now(), error)

    def ages(self) -> Mapping[str, float]:
        """Return how many seconds ago each sweep was last gone through as a whole."""
        now = self._now()
        return {name: round((now - at).total_seconds(), 1) for name, at in self._whole.items()}

    def late(self) -> str | None:
        """Say which sweeps have not been gone through for long, since when and why; None where all were."""
        before = self._now() - LATE_AFTER
        return "; ".join(self._said(name, at) for name, at in self._whole.items() if at < before) or None

    def _said(self, name: str, at: datetime) -> str:
        why = f": {self._trouble[name].error}" if name in self._trouble else ""
        return f"the sweep of {name} has not come round since {at:%Y-%m-%d %H:%M} UTC{why}"


class Supervision:
    """Keeps work in the background running, and knows what of it failed."""

    def __init__(self, pause: timedelta = _PAUSE, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._pause = pause.total_seconds()
        self._now = now
        self._trouble: dict[str, Trouble] = {}
        self.failures = 0
        """How often any of it came to an unforeseen end."""

    async def keep(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do work until it is done; what ends it unforeseen is logged and known, and it is begun again."""
        name = name_of(work)
        while True:
            try:
                await work()
            except Exception as error:
                _log.exception("work in the background failed; it is begun again", work=name)
                self._trouble[name] = Trouble(self._now(), reason_of(error))
                self.failures += 1
                await asyncio.sleep(self._pause)
            else:
                return

    def trouble(self) -> str | None:
        """Say what failed lately; None where nothing did."""
        lately = self._now() - _SHOWN_FOR
        failed = [(name, each) for name, each in self._trouble.items() if each.at > lately]
        return "; ".join(f"{name} failed at {each.at:%H:%M} UTC: {each.error}" for name, each in failed) or None


def name_of(work: object) -> str:
    """Return what work is called in a program, such as `Starter.note_for_ever`."""
    inner = getattr(work, "func", work)
    return str(getattr(inner, "__qualname__", None) or type(inner).__name__).lstrip("_")
