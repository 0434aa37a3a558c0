"""The order store's repository of listeners: what the hubs registered, and how far each delivery is."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, false, func, literal_column, not_, select, true, update

from orders.events.subscription import Subscription, SubscriptionState
from store.lists.listing import Listed
from store.lists.pages import find_page
from store.setbacks import Work, rests
from store.sql.database import Database
from store.sql.tables import Json, subscriptions
from tmf.bodies import Document, is_storable
from tmf.instants import timestamp
from tmf.query.query import ListQuery, Page, Sort

_ENDED = SubscriptionState.ENDED.value
_SHOWN = {
    name: subscriptions.c[column]
    for name, column in {
        "id": "id",
        "callback": "callback",
        "query": "query",
        "state": "state",
        "backlog": "backlog",
        "givenUp": "given_up",
        "error": "error",
        "createdAt": "created_at",
    }.items()
}
"""What lists show of a listener, by its name there."""
_WRITTEN = {"sqlite": func.json_object, "postgresql": func.jsonb_build_object}


def _listed(dialect: str) -> Listed:
    """Return listeners as what can be listed: their documents are made of their columns."""
    own, parts = subscriptions.c, list[ColumnElement[Any]]()
    for name, column in _SHOWN.items():
        parts += literal_column(f"'{name}'"), column
    document = _WRITTEN[dialect](*parts, type_=Json).label("document")
    shown = select(own.api.label("kind"), own.id, own.state, own.created_at, document)
    rows = shown.where(own.state != _ENDED).subquery("listeners")
    columns: Any = rows.c
    by_path = {"id": columns.id, "state": columns.state, "createdAt": columns.created_at}
    return Listed(rows, by_path, columns.created_at, frozenset({"createdAt"}))


_LISTED = {dialect: _listed(dialect) for dialect in _WRITTEN}
_OLDEST_FIRST = (Sort("createdAt"),)


class SubscriptionStore:
    """Listeners. Their workflows own the truth of how far they are; the rows are its projection."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, subscription: Subscription) -> bool:
        """Keep a new listener; return False where the same one, with the same query, is registered already.

        Raises:
            StoreUnavailableError: when the database cannot serve; nothing is kept then.
        """
        row = {**subscription.model_dump(by_alias=False), "started": False, "stopped": False}
        row["digest"] = sha256(f"{subscription.callback}\0{subscription.query}".encode()).hexdigest()
        row["created_at"] = timestamp(subscription.created_at)
        row["state"] = subscription.state.value
        kept = self._database.insert_if_absent(subscriptions).values(**row)
        return await self._database.write(lambda connection: connection.execute(kept).rowcount == 1)

    async def get(self, subscription_id: str) -> Subscription | None:
        """Return a listener; None where there is none, or it was taken off.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        if not is_storable(subscription_id):
            return None
        wanted = subscriptions.c.id == subscription_id, subscriptions.c.state != _ENDED
        this = select(subscriptions).where(*wanted)
        found = await self._database.read(lambda connection: connection.execute(this).one_or_none())
        return None if found is None else _subscription(found)

    async def find(self, api: str, query: ListQuery) -> Page:
        """Return the part of a hub's listeners that the query asks for, oldest first where it does not sort them.

        A document has what lists show: `id`, `callback`, `query`, `state`, `backlog`, `givenUp`, `error`, `createdAt`.

        Raises:
            QueryError: when too many listeners would have to be read for it.
            StoreUnavailableError: when the database cannot serve.
        """
        query = replace(query, sort=query.sort or _OLDEST_FIRST)
        page = await find_page(self._database, _LISTED[self._database.dialect], api, query)
        return Page(page.total, [_without_nothing(each) for each in page.documents])

    async def record(self, subscription_id: str, **progress: Any) -> None:
        """Note how far a listener is, by the names of its columns; one that was taken off stays so.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        kept = subscriptions.c.id == subscription_id, subscriptions.c.state != _ENDED
        noted = update(subscriptions).where(*kept).values(**progress)
        await self._database.write(lambda connection: connection.execute(noted))

    async def become(self, subscription_id: str, state: SubscriptionState) -> None:
        """Note that a listener is to be active, or paused, which its workflow is still to be told.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        await self.record(subscription_id, state=state.value, started=False)

    async def end(self, subscription_id: str) -> bool:
        """Take a listener off; return whether it was there.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        kept = subscriptions.c.id == subscription_id, subscriptions.c.state != _ENDED
        ended = update(subscriptions).where(*kept).values(state=_ENDED, secret="")
        return await self._database.write(lambda connection: connection.execute(ended).rowcount == 1)

    async def unstopped(self, limit: int = 100) -> list[str]:
        """Return the ids of listeners that were taken off, and whose workflow is to be told now.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        waits = subscriptions.c.state == _ENDED, subscriptions.c.stopped.is_(false())
        resting = rests(Work.REMOVAL, subscriptions.c.id, datetime.now(UTC))
        found = select(subscriptions.c.id).where(*waits, not_(resting)).order_by(subscriptions.c.id).limit(limit)
        return await self._database.read(lambda connection: list(connection.scalars(found)))

    async def mark_stopped(self, subscription_id: str) -> None:
        """Note that the workflow of a listener that was taken off knows; noting it again changes nothing.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        this = subscriptions.c.id == subscription_id
        stopped = update(subscriptions).where(this).values(stopped=True)
        await self._database.write(lambda connection: connection.execute(stopped))

    async def unstarted(self, limit: int = 100) -> list[Subscription]:
        """Return listeners whose workflow is to be started now, or told what it is to be, oldest first.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        resting = rests(Work.LISTENER, subscriptions.c.id, datetime.now(UTC))
        return await self._those(and_(subscriptions.c.started.is_(false()), not_(resting)), limit)

    async def started(self) -> list[Subscription]:
        """Return listeners whose workflow must run, oldest first.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        return await self._those(subscriptions.c.started.is_(true()))

    async def mark_started(self, subscription: Subscription) -> None:
        """Note that a listener's workflow runs, and knows its state, unless that is another by now.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        this = subscriptions.c.id == subscription.id, subscriptions.c.state == subscription.state.value
        started = update(subscriptions).where(*this).values(started=True)
        await self._database.write(lambda connection: connection.execute(started))

    async def needed_after(self) -> dict[str, int]:
        """Return for each hub the position after which a listener, paused or not, still needs events.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        least = select(subscriptions.c.api, func.min(subscriptions.c.position).label("position"))
        found = least.where(subscriptions.c.state != _ENDED).group_by(subscriptions.c.api)
        return await self._database.read(
            lambda connection: {row.api: row.position for row in connection.execute(found)}
        )

    async def _those(self, condition: ColumnElement[bool], limit: int | None = None) -> list[Subscription]:
        """Return listeners that were not taken off, oldest first."""
        wanted = condition, subscriptions.c.state != _ENDED
        ordered = select(subscriptions).where(*wanted).order_by(subscriptions.c.created_at, subscriptions.c.id)
        page = ordered.limit(limit)
        rows = await self._database.read(lambda connection: connection.execute(page).all())
        return [_subscription(row) for row in rows]


def _without_nothing(document: Document) -> Document:
    return {name: value for name, value in document.items() if value is not None}


def _subscription(row: Row[Any]) -> Subscription:
    fields = Subscription.model_fields
    return Subscription.model_validate({name: value for name, value in row._mapping.items() if name in fields})
