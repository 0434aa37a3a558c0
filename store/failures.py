"""The order store's repository of failures: active services that have failed, as a system said, and what is done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, delete, exists, func, not_, or_, select, update

from orders.lifecycle.states import TERMINAL, OrderKind, OrderState
from orders.model.assurance import AssuranceAction
from store.documents import storable
from store.setbacks import Work, rests
from store.sql.database import Database
from store.sql.tables import orders, service_failures
from tmf.instants import read_instant, timestamp

_REPORTED, _ORDERED, _ENDED = "reported", "ordered", "ended"


class Outcome(StrEnum):
    """What became of a failure."""

    NOTED = "noted"
    """Nothing was to be done about it."""
    REPAIRED = "repaired"
    REPLACED = "replaced"
    SETTLED = "settled"
    """People have seen to it."""
    COVERED = "covered"
    """What was done about another failure of the service was done about this one, too."""
    FAILED = "failed"
    REJECTED = "rejected"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Failure:
    """That an active service has failed, as a system said it; `id` is that of the event."""

    id: str
    service_id: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class OpenFailure:
    """A failure that something is to be done about now."""

    failure: Failure
    action: AssuranceAction | None = None
    """What was ordered last."""
    order_id: str | None = None
    order_state: OrderState | None = None
    """None where the order is still to be made."""
    since: Outcome | None = None
    """What became of another failure of the service since this one was told of."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """How many orders there may be about one service in a period; from then on people see to it."""

    attempts: int
    period: timedelta


class FailureStore:
    """Failures of services."""

    def __init__(self, database: Database, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._database = database
        self._now = now

    async def report(self, failure: Failure) -> bool:
        """Keep a failure; return whether it is new rather than told again.

        Raises:
            StoreUnavailableError: when the database cannot serve; nothing is kept then.
        """
        row = storable(
            {
                "id": failure.id,
                "service_id": failure.service_id,
                "reason": failure.reason,
                "at": timestamp(failure.at),
                "state": _REPORTED,
                "attempts": 0,
            }
        )
        inserted = self._database.insert_if_absent(service_failures).values(**row)
        return await self._database.write(lambda connection: connection.execute(inserted).rowcount == 1)

    async def to_see_to(self, limit: int = 100) -> list[OpenFailure]:
        """Return failures about which nothing was ordered yet, or whose order has ended, oldest first.

        One of a service about which there is an order waits for that. What could not be seen to rests first.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        wanted = _open(self._now()).order_by(service_failures.c.at, service_failures.c.id).limit(limit)

        def found(connection: Connection) -> list[OpenFailure]:
            return [_open_failure(row, _since(connection, row)) for row in connection.execute(wanted)]

        return await self._database.read(found)

    async def order(
        self,
        seen: OpenFailure,
        action: AssuranceAction,
        allowance: Allowance,
        order_id_of: Callable[[AssuranceAction], str],
    ) -> OpenFailure | None:
        """Note what is ordered next about a failure; return that, or None where somebody else has gone on with it.

        Where there were as many orders about the service as may be, it is for people.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        failure, now = seen.failure, self._now()
        of_service = service_failures.c.service_id == storable(failure.service_id)
        is_open = service_failures.c.state != _ENDED
        # Locked, so that of two gateways one goes first.
        rows = select(service_failures).where(of_service, is_open).order_by(service_failures.c.id).with_for_update()
        made = select(func.coalesce(func.sum(service_failures.c.attempts), 0)).where(
            of_service, service_failures.c.ordered_at > timestamp(now - allowance.period)
        )

        def ordered(connection: Connection) -> OpenFailure | None:
            standing = {row.id: row for row in connection.execute(rows)}
            mine = standing.pop(storable(failure.id), None)
            if mine is None or mine.order_id != seen.order_id:
                return None
            if any(row.state == _ORDERED for row in standing.values()):
                return None
            chosen = action if (connection.scalar(made) or 0) < allowance.attempts else AssuranceAction.MANUAL
            by_people = chosen is AssuranceAction.MANUAL
            changed = {
                "state": _ORDERED,
                "action": chosen.value,
                "order_id": order_id_of(chosen),
                "ordered_at": mine.ordered_at if by_people else timestamp(now),
                "attempts": mine.attempts if by_people else mine.attempts + 1,
            }
            connection.execute(update(service_failures).where(service_failures.c.id == mine.id).values(**changed))
            return OpenFailure(failure, chosen, changed["order_id"])

        return await self._database.write(ordered)

    async def end(self, failure_id: str, outcome: Outcome) -> None:
        """Note what became of a failure, for good.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        this = service_failures.c.id == storable(failure_id), service_failures.c.state != _ENDED
        values = {"state": _ENDED, "outcome": outcome.value, "ended_at": timestamp(self._now())}
        await self._database.write(
            lambda connection: connection.execute(update(service_failures).where(*this).values(**values))
        )

    async def outcome_of(self, failure_id: str) -> Outcome | None:
        """Return what became of a failure; None while that is open, or where there is none.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        this = select(service_failures.c.outcome).where(service_failures.c.id == storable(failure_id))
        found = await self._database.read(lambda connection: connection.scalar(this))
        return Outcome(found) if found else None

    async def forget(self, before: datetime) -> int:
        """Forget failures that had ended by then; return how many.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        past = delete(service_failures).where(
            service_failures.c.state == _ENDED, service_failures.c.ended_at < timestamp(before)
        )
        return await self._database.write(lambda connection: connection.execute(past).rowcount, durable=False)


def _open(now: datetime) -> Select[Any]:
    its_order = and_(orders.c.kind == OrderKind.SERVICE.value, orders.c.id == service_failures.c.order_id)
    other = service_failures.alias()
    waits = exists().where(other.c.service_id == service_failures.c.service_id, other.c.state == _ORDERED)
    has_ended = or_(orders.c.state.is_(None), orders.c.state.in_(sorted(TERMINAL)))
    return (
        select(service_failures, orders.c.state.label("order_state"))
        .select_from(service_failures.outerjoin(orders, its_order))
        .where(
            or_(
                and_(service_failures.c.state == _REPORTED, not_(waits)),
                and_(service_failures.c.state == _ORDERED, has_ended),
            ),
            not_(rests(Work.ASSURANCE, service_failures.c.id, now)),
        )
    )


def _since(connection: Connection, row: Any) -> Outcome | None:
    """Return what became of another failure of the service since a failure was told of, if anything was ordered."""
    others: tuple[ColumnElement[bool], ...] = (
        service_failures.c.service_id == row.service_id,
        service_failures.c.id != row.id,
        service_failures.c.ended_at >= row.at,
        service_failures.c.order_id.is_not(None),
    )
    latest = select(service_failures.c.outcome).where(*others).order_by(service_failures.c.ended_at.desc()).limit(1)
    found = connection.scalar(latest) if row.state == _REPORTED else None
    return Outcome(found) if found else None


def _open_failure(row: Any, since: Outcome | None) -> OpenFailure:
    return OpenFailure(
        failure=Failure(row.id, row.service_id, row.reason, read_instant(row.at)),
        action=AssuranceAction(row.action) if row.action else None,
        order_id=row.order_id,
        order_state=OrderState(row.order_state) if row.order_state else None,
        since=since,
    )
