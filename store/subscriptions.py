"""The order store's repository of listeners: what the hubs registered, and how far each delivery is."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import structlog
from pydantic import ValidationError
from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    and_,
    case,
    false,
    func,
    literal_column,
    not_,
    null,
    select,
    true,
    update,
)

from orders.events.subscription import Subscription, SubscriptionState
from store.lists.listing import Listed
from store.lists.pages import find_page
from store.outbox import WaitingEvent
from store.setbacks import Work, rests
from store.sql.database import Database
from store.sql.tables import Json, subscriptions
from tmf.bodies import Document, is_storable
from tmf.form_faults import faults_without_values
from tmf.instants import timestamp
from tmf.query.query import ListQuery, Page, Sort

_log = structlog.get_logger(__name__)

_ENDED = SubscriptionState.ENDED.value
_FAILING_GAP = timedelta(hours=1)
"""After so long without a try a failure is taken for the first one: nobody has tried meanwhile."""
_IS_GIVEN_UP = and_(subscriptions.c.state == SubscriptionState.PAUSED.value, subscriptions.c.is_given_up.is_(true()))
_KEPT_FOR = and_(subscriptions.c.state != _ENDED, not_(_IS_GIVEN_UP))
"""What holds of the listeners for whose sake events are kept."""
_STATE = case((_IS_GIVEN_UP, SubscriptionState.GIVEN_UP.value), else_=subscriptions.c.state)
_SHOWN = {
    "state": _STATE,
    **{
        name: subscriptions.c[column]
        for name, column in {
            "id": "id",
            "callback": "callback",
            "query": "query",
            "stateSince": "state_since",
            "stateReason": "state_reason",
            "missedFrom": "missed_from",
            "missedEventId": "missed_event_id",
            "backlog": "backlog",
            "givenUp": "given_up",
            "error": "error",
            "oldSecretsUntil": "old_secrets_until",
            "createdAt": "created_at",
        }.items()
    },
}
"""What lists show of a listener, by its name there."""
_GOES_ON = ("is_given_up", "state_reason", "missed_from", "missed_event_id", "failing_since", "failed_at")
"""What is no more of a listener that is told again."""
_WRITTEN = {"sqlite": func.json_object, "postgresql": func.jsonb_build_object}


def _listed(dialect: str) -> Listed:
    """Return listeners as what can be listed: their documents are made of their columns."""
    own, parts = subscriptions.c, list[ColumnElement[Any]]()
    for name, column in _SHOWN.items():
        parts += literal_column(f"'{name}'"), column
    document = _WRITTEN[dialect](*parts, type_=Json).label("document")
    shown = select(own.api.label("kind"), own.id, _STATE.label("state"), own.created_at, document)
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
        self._unreadable = set[str]()

    async def add(self, subscription: Subscription) -> bool:
        """Keep a new listener; return False where the same one, with the same query, is registered already.

        Raises:
            StoreUnavailableError: when the database cannot serve; nothing is kept then.
        """
        row = {**subscription.model_dump(by_alias=False), "started": False, "stopped": False}
        row["digest"] = sha256(f"{subscription.callback}\0{subscription.query}".encode()).hexdigest()
        row["created_at"] = row["state_since"] = timestamp(subscription.created_at)
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

        A document has what lists show: `id`, `callback`, `query`, `state`, `backlog` and so on, without the secrets.

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

    async def record_round(self, subscription_id: str, *, failed: bool | None, **progress: Any) -> None:
        """Note what came of deliveries, by the names of columns.

        Args:
            failed: whether nothing was taken, though it was tried; None where there was nothing to try.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        if failed:
            now, own = datetime.now(UTC), subscriptions.c
            goes_on = own.failed_at > timestamp(now - _FAILING_GAP)
            progress["failing_since"] = case((goes_on, own.failing_since), else_=timestamp(now))
            progress["failed_at"] = timestamp(now)
        elif failed is False:
            is_told = subscriptions.c.state == SubscriptionState.ACTIVE.value
            given_up = case((is_told, null()), else_=subscriptions.c.is_given_up)
            progress |= {"failing_since": None, "failed_at": None, "is_given_up": given_up}
        await self.record(subscription_id, **progress)

    async def become(self, subscription_id: str, state: SubscriptionState) -> None:
        """Note that a listener is to be active, or paused, which its workflow is still to be told.

        One that was given up is told nothing anyhow, and is not kept anything for by a pause.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        changed = {"state": state.value, "started": False, "state_since": _since(state)}
        over = dict.fromkeys(_GOES_ON if state == SubscriptionState.ACTIVE else ())
        await self.record(subscription_id, **changed, **over)

    async def note_state(self, subscription_id: str, state: SubscriptionState, **progress: Any) -> None:
        """Note what a listener's workflow takes it for, unless it has still to be told that it is to be something else.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        known = subscriptions.c.started.is_(true())
        own: dict[str, Any] = {"state": state.value, "state_since": _since(state)}
        if state == SubscriptionState.ACTIVE:
            own |= dict.fromkeys(_GOES_ON, null())
        noted = {name: case((known, value), else_=subscriptions.c[name]) for name, value in own.items()}
        await self.record(subscription_id, **noted, **progress)

    async def give_up(self, seen: Subscription, reason: str, first_missed: WaitingEvent | None) -> bool:
        """Keep nothing any more for a listener, as it was seen; return False where it has got on since.

        Its workflow, which takes it for paused, is still to be told.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        own = subscriptions.c
        as_seen = own.id == seen.id, own.state == seen.state.as_told.value, own.position == seen.position, _KEPT_FOR
        given_up = {
            "state": SubscriptionState.PAUSED.value,
            "started": False,
            "is_given_up": True,
            "state_since": timestamp(datetime.now(UTC)),
            "state_reason": reason,
            "missed_from": timestamp(first_missed.at) if first_missed else None,
            "missed_event_id": first_missed.id if first_missed else None,
        }
        changed = update(subscriptions).where(*as_seen).values(**given_up)
        return await self._database.write(lambda connection: connection.execute(changed).rowcount == 1)

    async def kept_for(self) -> list[Subscription]:
        """Return the listeners, paused or not, for whose sake events are kept, oldest first.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        return await self._those(_KEPT_FOR)

    async def given_up(self, limit: int) -> tuple[list[Subscription], int]:
        """Return listeners that were given up, those since the longest time first, and how many there are in all.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        some = select(subscriptions).where(_IS_GIVEN_UP).order_by(subscriptions.c.state_since, subscriptions.c.id)
        number = select(func.count()).select_from(subscriptions).where(_IS_GIVEN_UP)

        def found(connection: Connection) -> tuple[list[Subscription], int]:
            rows = connection.execute(some.limit(limit)).all()
            return [each for each in map(self._readable, rows) if each], connection.scalar(number) or 0

        return await self._database.read(found)

    async def keep_secrets(self, before: Subscription, after: Subscription) -> bool:
        """Keep another secret of a listener, and which old ones sign beside it; return False where they have changed.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        until = after.old_secrets_until
        values = {
            "secret": after.secret,
            "old_secrets": [each.model_dump(mode="json") for each in after.old_secrets] or null(),
            "old_secrets_until": until and timestamp(until),
        }
        unchanged = subscriptions.c.id == before.id, subscriptions.c.secret == before.secret
        kept = update(subscriptions).where(*unchanged, subscriptions.c.state != _ENDED).values(**values)
        return await self._database.write(lambda connection: connection.execute(kept).rowcount == 1)

    async def forget_old_secrets(self, now: datetime) -> None:
        """Forget old secrets that sign nothing any more.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        past = update(subscriptions).where(subscriptions.c.old_secrets_until <= timestamp(now))
        forgotten = past.values(old_secrets=null(), old_secrets_until=None)
        await self._database.write(lambda connection: connection.execute(forgotten))

    async def end(self, subscription_id: str) -> bool:
        """Take a listener off; return whether it was there.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        kept = subscriptions.c.id == subscription_id, subscriptions.c.state != _ENDED
        ended = (
            update(subscriptions)
            .where(*kept)
            .values(state=_ENDED, secret="", old_secrets=null(), old_secrets_until=None)
        )
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
        this = subscriptions.c.id == subscription.id, subscriptions.c.state == subscription.state.as_told.value
        started = update(subscriptions).where(*this).values(started=True)
        await self._database.write(lambda connection: connection.execute(started))

    async def needed_after(self) -> dict[str, int]:
        """Return for each hub the position after which events are kept for its listeners, paused or not.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        least = select(subscriptions.c.api, func.min(subscriptions.c.position).label("position"))
        found = least.where(_KEPT_FOR).group_by(subscriptions.c.api)
        return await self._database.read(
            lambda connection: {row.api: row.position for row in connection.execute(found)}
        )

    async def _those(self, condition: ColumnElement[bool], limit: int | None = None) -> list[Subscription]:
        """Return listeners that were not taken off, oldest first."""
        wanted = condition, subscriptions.c.state != _ENDED
        ordered = select(subscriptions).where(*wanted).order_by(subscriptions.c.created_at, subscriptions.c.id)
        page = ordered.limit(limit)
        rows = await self._database.read(lambda connection: connection.execute(page).all())
        return [each for each in map(self._readable, rows) if each is not None]

    def _readable(self, row: Row[Any]) -> Subscription | None:
        """Return a listener; None for one that this release cannot read, which must not stop the others."""
        try:
            return _subscription(row)
        except ValidationError as error:
            if row.id not in self._unreadable:
                reason = faults_without_values(error)
                _log.error("listener cannot be read: another release wrote it?", id=row.id, reason=reason)
            self._unreadable.add(row.id)
            return None


def _without_nothing(document: Document) -> Document:
    return {name: value for name, value in document.items() if value is not None}


def _since(state: SubscriptionState) -> Any:
    """Return the time since when a listener is in a state that it is said to be in now."""
    changed = subscriptions.c.state != state.value
    return case((changed, timestamp(datetime.now(UTC))), else_=subscriptions.c.state_since)


def _subscription(row: Row[Any]) -> Subscription:
    fields = Subscription.model_fields
    known = {name: value for name, value in row._mapping.items() if name in fields}
    if row.state == SubscriptionState.PAUSED and row.is_given_up:
        known["state"] = SubscriptionState.GIVEN_UP
    return Subscription.model_validate({**known, "old_secrets": row.old_secrets or []})
