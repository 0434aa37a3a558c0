"""The order store's repository of setbacks: what is tried again and again, by whom, since when, and what goes wrong.

A row is there for as long as something does not succeed. Until its next try is due, the sweeps of all gateways leave it
in peace, so that it takes nobody else's time.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, delete, exists, func, or_, select

from store.documents import storable
from store.sql.database import Database
from store.sql.tables import setbacks
from tmf.instants import read_instant, timestamp

_LONGEST_ERROR = 2000
_FIRST_PAUSE = timedelta(seconds=5)
_LONGEST_PAUSE = timedelta(minutes=5)
_FORGOTTEN_AFTER = timedelta(minutes=5)
"""How long after its next try was due a setback is believed: whoever had it has succeeded, or is gone."""


class Work(StrEnum):
    """What is tried."""

    START = "start"
    """The start of an order's workflow."""
    CANCELLATION = "cancellation"
    """Telling an order's workflow that it is to be cancelled."""
    LISTENER = "listener"
    """The start of a listener's workflow, or telling it what the listener is to be."""
    REMOVAL = "removal"
    """Telling the workflow of a listener that it was taken off."""
    ACTIVITY = "activity"
    """An activity of a workflow."""
    ASSURANCE = "assurance"
    """Ordering what is to be done about a service that has failed."""
    EVENT = "event"
    """Telling listeners of an event, which is not tried again by itself."""


@dataclass(frozen=True, slots=True)
class Tried:
    """Something that is tried: `id` tells it from all else of its sort."""

    work: Work
    id: str
    what: str
    """In words: «start the order»."""
    order_id: str | None = None
    """The order at the top of the tree that it belongs to."""
    workflow_id: str | None = None


@dataclass(frozen=True, slots=True)
class Setback:
    """Something that has not succeeded yet."""

    tried: Tried
    attempts: int
    since: datetime
    at: datetime
    """When it was tried last."""
    error: str


def pause_after(attempts: int) -> timedelta:
    """Return how long something rests that has failed so often: from seconds to minutes."""
    return min(_FIRST_PAUSE * (1 << min(attempts - 1, 10)), _LONGEST_PAUSE)


def rests(work: Work, of: ColumnElement[str], now: datetime) -> ColumnElement[bool]:
    """Return whether what a row stands for, by its id, is not to be tried again yet."""
    its = and_(setbacks.c.work == work.value, setbacks.c.id == of, setbacks.c.next_at > timestamp(now))
    return exists().where(its)


class Setbacks:
    """What gateways and workers try again and again."""

    def __init__(self, database: Database, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._database = database
        self._now = now

    async def note(
        self, tried: Tried, error: str, *, attempts: int | None = None, pause: timedelta | None = None
    ) -> Setback:
        """Note that something has failed, one more time; return how it stands.

        Args:
            attempts: how often by now; one more than noted so far, if None.
            pause: how long until the next try; as `pause_after` says, if None.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        now = self._now()
        statement = self._database.insert_or_update(setbacks)

        def noted(connection: Connection) -> Setback:
            this = select(setbacks.c.attempts, setbacks.c.since).where(_is(tried.work, tried.id)).with_for_update()
            known = connection.execute(this).one_or_none()
            number = attempts or (known.attempts + 1 if known else 1)
            since = read_instant(known.since) if known else now
            setback = Setback(tried, number, since, now, error[:_LONGEST_ERROR])
            connection.execute(statement.values(**_row(setback, now + (pause or pause_after(number)))))
            return setback

        return await self._database.write(noted, durable=False)

    async def of(self, work: Work, ids: Collection[str]) -> dict[str, Setback]:
        """Return how those of these things stand that have failed, by their ids.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        if not ids:
            return {}
        these = select(setbacks).where(setbacks.c.work == work.value, setbacks.c.id.in_(sorted(ids)))
        return await self._database.read(
            lambda connection: {row.id: _setback(row) for row in connection.execute(these)}
        )

    async def over(self, work: Work, ids: Collection[str]) -> None:
        """Forget setbacks of what has succeeded; what had none is no matter.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        done = delete(setbacks).where(setbacks.c.work == work.value, setbacks.c.id.in_(sorted(ids)))
        await self._database.write(lambda connection: connection.execute(done), durable=False)

    async def forget_past(self) -> int:
        """Forget what is not tried any more; return how much it was.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        past = delete(setbacks).where(setbacks.c.next_at < timestamp(self._now() - _FORGOTTEN_AFTER))
        return await self._database.write(lambda connection: connection.execute(past).rowcount, durable=False)

    async def standing(self, at_least: int, limit: int) -> tuple[list[Setback], dict[Work, int]]:
        """Return what has failed so often at least, the oldest first, and how much it is of each sort.

        Starts of orders are not among it: those that are late are known without a setback, too.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        counted = or_(setbacks.c.attempts >= at_least, setbacks.c.work == Work.EVENT.value)
        # A later release may note more than what is known here.
        wanted = counted, setbacks.c.work.in_([each.value for each in Work if each != Work.START])
        page = select(setbacks).where(*wanted).order_by(setbacks.c.since, setbacks.c.work, setbacks.c.id).limit(limit)
        counts = select(setbacks.c.work, func.count().label("number")).where(*wanted).group_by(setbacks.c.work)

        def found(connection: Connection) -> tuple[list[Setback], dict[Work, int]]:
            numbers = {Work(row.work): row.number for row in connection.execute(counts)}
            return [_setback(row) for row in connection.execute(page)], numbers

        return await self._database.read(found)


def _is(work: Work, tried_id: str) -> ColumnElement[bool]:
    return and_(setbacks.c.work == work.value, setbacks.c.id == tried_id)


def _row(setback: Setback, next_at: datetime) -> dict[str, Any]:
    tried = setback.tried
    row: dict[str, Any] = storable(
        {
            "work": tried.work.value,
            "id": tried.id,
            "what": tried.what,
            "order_id": tried.order_id,
            "workflow_id": tried.workflow_id,
            "attempts": setback.attempts,
            "since": timestamp(setback.since),
            "at": timestamp(setback.at),
            "next_at": timestamp(next_at),
            "error": setback.error,
        }
    )
    return row


def _setback(row: Any) -> Setback:
    tried = Tried(Work(row.work), row.id, row.what, row.order_id, row.workflow_id)
    return Setback(tried, row.attempts, read_instant(row.since), read_instant(row.at), row.error)
