"""Items that take longer than expected: their order raises an alert, and those above show it, too."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from temporalio import workflow

from orders.lifecycle.states import OrderState
from tmf.words import span
from workflows.runtime.context import OrderContext
from workflows.runtime.waiting import wait_until


@dataclass(frozen=True)
class _Expected:
    name: str
    takes: timedelta
    due: datetime


class Overruns:
    """Watches what takes its time, by one timer for all of it; what is done at once needs none."""

    def __init__(self, context: OrderContext) -> None:
        self._context = context
        self._expected: dict[str, _Expected] = {}
        self._watch: asyncio.Task[None] | None = None

    @contextmanager
    def watched(self, key: str, name: str, takes: timedelta) -> Iterator[None]:
        """Raise an alert when what is done meanwhile takes longer than that; a hold does not stop the clock."""
        if not takes or self._context.undoing:
            yield
            return
        self._expected[key] = _Expected(name, takes, workflow.now() + takes)
        if self._watch is None:
            self._watch = asyncio.create_task(self._alert_when_due())
        try:
            yield
        finally:
            self._expected.pop(key, None)

    async def _alert_when_due(self) -> None:
        while True:
            await workflow.wait_condition(lambda: bool(self._expected) and self._context.calls.idle)
            first = min(self._expected.values(), key=lambda each: each.due)
            summary = f"expected duration of {first.name}"
            patience = max(first.due - workflow.now(), timedelta())
            await wait_until(partial(self._is_earlier, first.due), patience, summary)
            for key, each in list(self._expected.items()):
                if each.due <= workflow.now():
                    del self._expected[key]
                    self._alert(key, each)

    def _is_earlier(self, due: datetime) -> bool:
        return any(each.due < due for each in self._expected.values())

    def _alert(self, key: str, late: _Expected) -> None:
        tracker = self._context.tracker
        held = ", while it is held" if tracker.items.get(key) == OrderState.HELD else ""
        message = f"{late.name} ({key}) takes longer than the {span(late.takes)} expected of it{held}"
        tracker.alert("overrun", key, late.name, message)
