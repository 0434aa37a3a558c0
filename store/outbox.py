"""The outbox: events are kept in the transaction of what they tell of, and read until all listeners have them.

A row's `sequence` rises with each event of one order, whose row its writer has locked; but of two orders, the later one
may be committed first, so a reader who went by it could pass over an event that is not there yet. Therefore whoever
reads first numbers what has been committed, and reads by that `position`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, func, insert, or_, select, update

from orders.events.order_events import Event
from store.documents import WrittenJson
from store.sql.database import Database
from store.sql.tables import events
from tmf.instants import timestamp

MOST_COUNTED = 10_000
"""How far a backlog is counted; beyond, it is only known to be larger."""

_NUMBERING_LOCK = 0x6F7574626F78
_NUMBERED_AT_ONCE = 5_000
_FORGOTTEN_AT_ONCE = 1_000

_APPENDED = insert(events)


@dataclass(frozen=True, slots=True)
class Placed:
    """An event and its position among all."""

    position: int
    event: Event


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
        document = {name: kept["document"][name] for name in ("id", "state") if name in kept["document"]}
        connection.execute(update(events).where(theirs, is_last).values(event={**kept, "document": document}))


class Outbox:
    """The events that were kept, by their positions: whole numbers that rise, and are never given twice."""

    def __init__(self, database: Database) -> None:
        self._database = database

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
        wanted = events.c.position > after, *_of(api, root_id)
        page = select(events.c.position, events.c.event).where(*wanted).order_by(events.c.position).limit(limit)
        rows = await self._database.read(lambda connection: connection.execute(page).all())
        return [Placed(row.position, Event.model_validate(row.event)) for row in rows]

    async def position_before(self, at: datetime) -> int:
        """Return the position after which come all events from that time on.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        await self._number()
        first = select(func.min(events.c.position)).where(events.c.at >= timestamp(at))

        def before(connection: Connection) -> int:
            found: int | None = connection.scalar(first)
            return _last_position(connection) if found is None else found - 1

        return await self._database.read(before)

    async def backlog(self, after: int, api: str) -> int:
        """Return how many events of an API come after a position; of more than MOST_COUNTED, one more than that.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        some = select(events.c.sequence).where(events.c.position > after, *_of(api, None)).limit(MOST_COUNTED + 1)
        number = select(func.count()).select_from(some.subquery())
        return await self._database.read(lambda connection: connection.scalar(number)) or 0

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

    async def prune(self, before: datetime, needed_after: int | None = None) -> int:
        """Forget the events from before a time, but none that a listener has still to get, and never the last one.

        Args:
            needed_after: the position after which they are needed; None where nobody needs any.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        # The last one's position is where the numbering goes on.
        upto = await self.end() - 1
        if needed_after is not None:
            upto = min(needed_after, upto)
        old = select(events.c.sequence).where(events.c.at < timestamp(before), events.c.position <= upto)
        some = delete(events).where(events.c.sequence.in_(old.limit(_FORGOTTEN_AT_ONCE)))
        forgotten, part = 0, _FORGOTTEN_AT_ONCE
        while part == _FORGOTTEN_AT_ONCE:
            part = await self._database.write(lambda connection: connection.execute(some).rowcount)
            forgotten += part
        return forgotten

    async def _number(self) -> None:
        """Give positions to all that has been committed, in its sequence."""
        waiting = select(events.c.sequence).where(events.c.position.is_(None))
        if await self._database.read(lambda connection: connection.scalar(waiting.limit(1))) is None:
            return
        while await self._database.write(_number_some, durable=False) == _NUMBERED_AT_ONCE:
            pass


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
