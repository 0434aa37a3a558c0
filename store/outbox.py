"""The outbox: events are kept in the transaction of what they tell of, and read until all listeners have them.

A row's `sequence` rises with each event of one order, whose row its writer has locked; but of two orders, the later one
may be committed first, so a reader who went by it could pass over an event that is not there yet. Therefore whoever
reads first numbers what has been committed, and reads by that `position`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import structlog
from pydantic import ValidationError
from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    delete,
    false,
    func,
    insert,
    not_,
    or_,
    select,
    update,
)

from orders.events.order_events import Event
from store.documents import WrittenJson
from store.setbacks import Setbacks, Tried, Work
from store.sql.database import Database
from store.sql.tables import events
from tmf.bodies import is_storable
from tmf.form_faults import faults_without_values
from tmf.instants import read_instant, timestamp
from tmf.words import reason_of

MOST_COUNTED = 10_000
"""How far a backlog is counted; beyond, it is only known to be larger."""

_NUMBERING_LOCK = 0x6F7574626F78
_NUMBERED_AT_ONCE = 5_000
_FORGOTTEN_AT_ONCE = 1_000
_SKEW = timedelta(minutes=5)
"""How far apart the clocks may be of those who write events and of who asks for those since a time."""
_TOLD_FOR = timedelta(days=1)
"""How long after it was read last an event that was set aside is told of."""

_APPENDED = insert(events)
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Placed:
    """An event and its position among all."""

    position: int
    event: Event


@dataclass(frozen=True, slots=True)
class WaitingEvent:
    """An event that a listener has still to get."""

    id: str
    at: datetime


def append(connection: Connection, found: Sequence[Event]) -> None:
    """Keep events in the transaction of what they tell of; what no database keeps has been taken out of them."""
    if found:
        connection.execute(_APPENDED, [_row(each) for each in found])


def forget_tree(connection: Connection, root_id: str) -> None:
    """Forget what was to be told of an order tree: nothing of it is kept once it is deleted."""
    last = connection.scalar(select(func.max(events.c.position))) or 0
    theirs = events.c.root_id == root_id
    is_last = events.c.position == last
    # The last one's position is where the numbering goes on.
    connection.execute(delete(events).where(theirs, or_(events.c.position.is_(None), ~is_last)))
    if kept := connection.scalar(select(events.c.event).where(theirs, is_last)):
        document = {name: value for name, value in kept.get("document", {}).items() if name in ("id", "state")}
        connection.execute(update(events).where(theirs, is_last).values(event={**kept, "document": document}))


class Outbox:
    """The events that were kept, by their positions: whole numbers that rise, and are never given twice.

    One that cannot be read, written by another release perhaps, is set aside, and holds up none behind it.
    """

    def __init__(self, database: Database, on_set_aside: Callable[[], None] = lambda: None) -> None:
        self._database = database
        self._setbacks = Setbacks(database)
        self._on_set_aside = on_set_aside

    async def end(self) -> int:
        """Return the position of the last event that is committed; 0 where there is none.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        await self._number()
        return await self._database.read(_last_position)

    async def read(self, after: int, limit: int, *, api: str | None = None, root_id: str | None = None) -> list[Placed]:
        """Return the next events after a position: those of an API, or of an order tree.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        await self._number()
        found, more = list[Placed](), True
        while more and len(found) < limit:
            wanted = events.c.position > after, *_of(api, root_id)
            page = select(events.c.position, events.c.event).where(*wanted).order_by(events.c.position)
            rows = await self._database.read(partial(_rows, page.limit(limit - len(found))))
            more = len(rows) == limit - len(found)
            found += [each for each in [await self._placed(row) for row in rows] if each is not None]
            after = rows[-1].position if rows else after
        return found

    async def find(self, event_id: str) -> Placed | None:
        """Return an event by its id; None where there is none, not any more, or it cannot be read.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        if not is_storable(event_id):
            return None
        await self._number()
        this = select(events.c.position, events.c.event).where(events.c.id == event_id).limit(1)
        rows = await self._database.read(partial(_rows, this))
        return await self._placed(rows[0]) if rows else None

    async def set_aside(self, position: int, error: Exception) -> None:
        """Note that an event cannot be told: it is logged and counted once, and shown to operators for a day.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        this = select(events.c.id, events.c.root_id).where(events.c.position == position)
        rows = await self._database.read(partial(_rows, this))
        if not rows or await self._setbacks.of(Work.EVENT, [rows[0].id]):
            return
        reason = faults_without_values(error) if isinstance(error, ValidationError) else reason_of(error)
        tried = Tried(Work.EVENT, rows[0].id, f"tell event {rows[0].id} to listeners", rows[0].root_id)
        await self._setbacks.note(tried, reason, pause=_TOLD_FOR)
        self._on_set_aside()
        _log.error("event set aside: it cannot be read", id=tried.id, order=tried.order_id, reason=reason)

    async def position_before(self, at: datetime) -> int:
        """Return the position after which come all events from that time on, also by clocks that are minutes behind.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        await self._number()
        first = select(func.min(events.c.position)).where(events.c.at >= timestamp(at - _SKEW))

        def before(connection: Connection) -> int:
            found: int | None = connection.scalar(first)
            return _last_position(connection) if found is None else found - 1

        return await self._database.read(before)

    async def kept(self) -> int:
        """Return how many events are kept, or few more: those of deleted orders are gone.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        bounds = select(func.min(events.c.position).label("first"), func.max(events.c.position).label("last"))
        (row,) = await self._database.read(partial(_rows, bounds))
        return 0 if row.last is None else row.last - row.first + 1

    async def backlog(self, after: int, api: str) -> int:
        """Return how many events of an API come after a position; of more than MOST_COUNTED, one more than that.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        some = select(events.c.sequence).where(events.c.position > after, *_of(api, None)).limit(MOST_COUNTED + 1)
        number = select(func.count()).select_from(some.subquery())
        return await self._database.read(lambda connection: connection.scalar(number)) or 0

    async def first_after(self, position: int, api: str, *, skipping: int = 0) -> WaitingEvent | None:
        """Return the first event of an API after a position, or the one so many further on; None where there is none.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        behind = select(events.c.position).where(events.c.position > position, *_of(api, None))
        this = behind.order_by(events.c.position).offset(skipping).limit(1).scalar_subquery()
        found = select(events.c.id, events.c.at).where(events.c.position == this)
        rows = await self._database.read(partial(_rows, found))
        return WaitingEvent(rows[0].id, read_instant(rows[0].at)) if rows else None

    async def held_back(self, trees: Mapping[str, int], upto: int, api: str) -> int:
        """Return how many events of an API these order trees have behind a position of each, up to one of all.

        Counted up to MOST_COUNTED.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        if not trees:
            return 0
        between = events.c.position > min(trees.values()), events.c.position <= upto, events.c.api == api
        theirs = select(events.c.root_id, events.c.position).where(*between, events.c.root_id.in_(trees))
        found = await self._database.read(lambda connection: connection.execute(theirs.limit(MOST_COUNTED)).all())
        return sum(row.position > trees[row.root_id] for row in found)

    async def is_behind(self, after: int, *, api: str | None = None, root_id: str | None = None) -> bool:
        """Return whether an event comes after a position, of an API or an order tree; only those with a position count.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        some = select(events.c.sequence).where(events.c.position > after, *_of(api, root_id))
        return bool(await self._database.read(lambda connection: connection.scalar(select(some.exists()))))

    async def now(self) -> datetime:
        """Return the time by the database's clock, which all have in common.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        if self._database.dialect == "sqlite":
            return datetime.now(UTC)
        found: datetime = await self._database.read(lambda connection: connection.scalars(select(func.now())).one())
        return found

    async def prune(self, before: datetime, needed_after: Mapping[str, int] | None = None) -> int:
        """Forget the events from before a time, but none that a listener has still to get, and never the last one.

        Args:
            needed_after: the position after which those of an API are needed; none of one that is not among them.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        # The last one's position is where the numbering goes on.
        last = await self.end()
        needed = [and_(events.c.api == api, events.c.position > after) for api, after in (needed_after or {}).items()]
        old = select(events.c.sequence).where(
            events.c.at < timestamp(before), events.c.position < last, not_(or_(false(), *needed))
        )
        some = delete(events).where(events.c.sequence.in_(old.limit(_FORGOTTEN_AT_ONCE)))
        forgotten, part = 0, _FORGOTTEN_AT_ONCE
        while part == _FORGOTTEN_AT_ONCE:
            part = await self._database.write(lambda connection: connection.execute(some).rowcount)
            forgotten += part
        return forgotten

    async def _placed(self, row: Row[Any]) -> Placed | None:
        try:
            return Placed(row.position, Event.model_validate(row.event))
        except ValidationError as error:
            await self.set_aside(row.position, error)
            return None

    async def _number(self) -> None:
        """Give positions to all that has been committed, in its sequence."""
        waiting = select(events.c.sequence).where(events.c.position.is_(None))
        if await self._database.read(lambda connection: connection.scalar(waiting.limit(1))) is None:
            return
        while await self._database.write(_number_some, durable=False) == _NUMBERED_AT_ONCE:
            pass


def _rows(statement: Select[Any], connection: Connection) -> Sequence[Row[Any]]:
    return connection.execute(statement).all()


def _last_position(connection: Connection) -> int:
    return connection.scalar(select(func.max(events.c.position))) or 0


def _number_some(connection: Connection) -> int:
    """Give positions to a part of what has none, in a transaction of its own; return to how many."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_NUMBERING_LOCK)))
    rank = func.row_number().over(order_by=events.c.sequence)
    found = select(events.c.sequence, (rank + _last_position(connection)).label("position"))
    numbered = found.where(events.c.position.is_(None)).order_by(events.c.sequence).limit(_NUMBERED_AT_ONCE).subquery()
    given = update(events).where(events.c.sequence == numbered.c.sequence)
    return connection.execute(given.values(position=numbered.c.position)).rowcount


def _of(api: str | None, root_id: str | None) -> list[ColumnElement[bool]]:
    given = {"api": api, "root_id": root_id}
    return [events.c[name] == value for name, value in given.items() if value is not None]


def _row(event: Event) -> dict[str, Any]:
    return {
        "id": event.id,
        "api": event.api,
        "root_id": event.root_id,
        "at": timestamp(event.at),
        "event": WrittenJson(event.model_dump_json(exclude_none=True)),
    }
