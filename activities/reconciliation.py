"""A reconciliation's activities: each looks at a section, or again at what was found, for some minutes at a time."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from pydantic import Field
from temporalio import activity
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from application.http import DownstreamError
from application.reconciliation.sections import Section
from orders.differences import Difference
from store.differences import DifferenceStore
from store.recovery import RecoveryStore
from tmf.instants import UtcDatetime, timestamp
from tmf.model import Model

WHO = "a reconciliation"
MOST_SHOWN = 100
"""Differences that were mended which are named, of each section."""
_AT_ONCE = 200

SectionsOf = Callable[[Client, str, bool], Sequence[Section]]
"""Returns the sections, by Temporal's client, the workflows' task queue, and whether items are compared."""


class BeginReconciliation(Model):
    """A reconciliation that is to begin."""

    run_id: str
    mend: bool


class Begun(Model):
    """A reconciliation that has begun, unless another one goes on."""

    started_at: UtcDatetime
    sections: list[str] = Field(default_factory=list)
    deep: bool = False
    cursors: dict[str, str] = Field(default_factory=dict)
    """Where sections go on that the last one had no time to end."""
    epoch: int = 0
    going_on: str | None = None
    """The one that goes on, where there is one."""


class Look(Model):
    """A part of a section to look at, for so long at most."""

    section: str
    deep: bool
    cursor: str = ""
    seconds: float


class Looked(Model):
    """How far a look has come."""

    looked_at: int = 0
    number: int = 0
    """How many differences it found, has found again, or has mended."""
    named: list[str] = Field(default_factory=list)
    then: str | None = None
    """Where to go on; None at the end."""
    error: str | None = None
    """Why it could not go on."""


class EndReconciliation(Model):
    """What a reconciliation has come to, to be kept."""

    run_id: str
    started_at: UtcDatetime
    document: dict[str, Any]
    compared: int | None = None
    """The epoch in which all orders were compared with their workflows."""


class ReconciliationActivities:
    """What a reconciliation does."""

    def __init__(self, found: DifferenceStore, recovery: RecoveryStore, sections: SectionsOf) -> None:
        self._found = found
        self._recovery = recovery
        self._sections = sections

    @activity.defn
    async def begin_reconciliation(self, begin: BeginReconciliation) -> Begun:
        """Begin, unless another one goes on; what mends documents does so in an epoch of its own."""
        now, last = datetime.now(UTC), await self._found.last(except_for=begin.run_id)
        if last and last.get("state") == "running" and await _goes_on(str(last["id"])):
            return Begun(started_at=now, going_on=str(last["id"]))
        state = await self._recovery.state()
        if begin.mend:
            state = await self._recovery.begin_epoch(WHO, "differences are mended")
        document = {"id": begin.run_id, "state": "running", "startedAt": timestamp(now), "mend": begin.mend}
        await self._found.put_run(begin.run_id, now, document)
        unended = {name: each["then"] for name, each in ((last or {}).get("sections") or {}).items() if "then" in each}
        return Begun(
            started_at=now,
            sections=[each.name for each in self._all(deep=False)],
            deep=state.epoch > state.compared,
            cursors=unended,
            epoch=state.epoch,
        )

    @activity.defn
    async def look(self, look: Look) -> Looked:
        """Go through a section from a cursor on, and note what does not agree."""
        section = self._named(look)
        cursor: str | None = look.cursor
        looked_at = number = 0
        for _ in _until(look.seconds):
            if cursor is None:
                break
            try:
                page = await section.page(cursor)
            except DownstreamError as error:
                return Looked(looked_at=looked_at, number=number, then=cursor, error=error.message)
            await self._found.note(page.found, datetime.now(UTC))
            looked_at, number, cursor = looked_at + page.looked_at, number + len(page.found), page.then
            activity.heartbeat()
        return Looked(looked_at=looked_at, number=number, then=cursor)

    @activity.defn
    async def look_again(self, look: Look) -> Looked:
        """Look again at what a section has found, now or before: it stands, or is none any more."""
        section = self._named(look)

        async def again(difference: Difference) -> bool:
            if await section.stands(difference):
                await self._found.note([difference], datetime.now(UTC))
                return True
            await self._found.over(difference.kind, difference.id)
            return False

        looked = await self._each(section, look, again)
        if looked.number:
            activity.metric_meter().create_counter(
                "ordersaga_differences", "Differences that a reconciliation has seen twice, by section."
            ).add(looked.number, {"section": section.name})
        return looked

    @activity.defn
    async def mend(self, look: Look) -> Looked:
        """Mend what stands of a section, as far as that is safe."""
        section = self._named(look)

        async def mended(difference: Difference) -> bool:
            if not await section.stands(difference) or not await section.mend(difference):
                return False
            activity.logger.warning("mended", extra={"kind": difference.kind.value, "what": difference.id})
            await self._found.over(difference.kind, difference.id)
            return True

        return await self._each(section, look, mended)

    @activity.defn
    async def end_reconciliation(self, end: EndReconciliation) -> None:
        """Keep what was looked at, found and mended."""
        await self._found.put_run(end.run_id, end.started_at, end.document)
        if end.compared is not None:
            await self._recovery.note_compared(end.compared)

    async def _each(self, section: Section, look: Look, act: Callable[[Difference], Awaitable[bool]]) -> Looked:
        """Do something with each difference of a section, as long as there is time; name those with which it was."""
        cursor, done, named = look.cursor, Looked(then=look.cursor), list[str]()
        number = looked_at = 0
        for _ in _until(look.seconds):
            page = await self._found.of(section.kinds, _AT_ONCE, cursor)
            for difference in page:
                try:
                    if await act(difference):
                        number += 1
                        named.append(f"{difference.kind} {difference.id}")
                except DownstreamError as error:
                    done.error = error.message
                looked_at += 1
                activity.heartbeat()
            cursor = page[-1].id if page else cursor
            if len(page) < _AT_ONCE:
                done.then = None
                break
            done.then = cursor
        return done.model_copy(update={"looked_at": looked_at, "number": number, "named": named[:MOST_SHOWN]})

    def _all(self, *, deep: bool) -> Sequence[Section]:
        return self._sections(activity.client(), activity.info().task_queue, deep)

    def _named(self, look: Look) -> Section:
        return next(each for each in self._all(deep=look.deep) if each.name == look.section)


async def _goes_on(run_id: str) -> bool:
    """Return whether a reconciliation runs that has not said that it ended."""
    try:
        found = await activity.client().get_workflow_handle(run_id).describe()
    except RPCError as error:
        if error.status == RPCStatusCode.NOT_FOUND:
            return False
        raise
    return found.status == WorkflowExecutionStatus.RUNNING


def _until(seconds: float) -> Iterator[None]:
    """Yield again and again, once at least, until the time is over."""
    end = time.monotonic() + seconds
    yield
    while time.monotonic() < end:
        yield
