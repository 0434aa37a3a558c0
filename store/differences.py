"""The order store's repository of differences that reconciliations have found, and of the reconciliations themselves.

A difference is one from the second look on: at the first, something may just be under way.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, delete, func, select

from orders.differences import Difference, DifferenceKind
from store.documents import as_key, storable
from store.sql.database import Database
from store.sql.tables import differences, reconciliations
from tmf.bodies import Document
from tmf.instants import read_instant, timestamp

_LONGEST_ERROR = 2000
_CONFIRMED = 2
"""Looks after which it is shown."""
_BEGUN = ("running", "done", "incomplete")
_KEPT = 100
"""Reconciliations that are kept."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A difference, and since when it has been seen."""

    difference: Difference
    since: datetime
    looks: int


class DifferenceStore:
    """What does not agree, as the last reconciliation has left it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def note(self, found: Sequence[Difference], at: datetime) -> None:
        """Note that differences were seen, once more where they are known.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        if not found:
            return
        statement = self._database.insert_or_update(differences)
        known = select(differences.c.since, differences.c.looks)

        def noted(connection: Connection) -> None:
            for each in sorted(found, key=lambda each: (each.kind, each.id)):
                before = connection.execute(known.where(_is(each.kind, each.id))).one_or_none()
                since, looks = (before.since, before.looks + 1) if before else (timestamp(at), 1)
                connection.execute(statement.values(**_row(each, since, at, looks)))

        await self._database.write(noted)

    async def of(self, kinds: Collection[DifferenceKind], limit: int, after: str = "") -> list[Difference]:
        """Return differences of some kinds, by whatever number of looks, by their ids, from the one behind `after` on.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        wanted = differences.c.kind.in_(sorted(kind.value for kind in kinds)), differences.c.id > after
        page = select(differences).where(*wanted).order_by(differences.c.id, differences.c.kind).limit(limit)
        return await self._database.read(lambda connection: [_difference(row) for row in connection.execute(page)])

    async def over(self, kind: DifferenceKind, difference_id: str) -> None:
        """Forget a difference that is none any more.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        gone = delete(differences).where(_is(kind, difference_id))
        await self._database.write(lambda connection: connection.execute(gone))

    async def standing(self, limit: int) -> tuple[list[Standing], dict[DifferenceKind, int]]:
        """Return what does not agree, the oldest first, and how much it is of each kind.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        # Kinds of a later release are for that one.
        shown = and_(differences.c.looks >= _CONFIRMED, differences.c.kind.in_([kind.value for kind in DifferenceKind]))
        page = select(differences).where(shown)
        ordered = page.order_by(differences.c.since, differences.c.kind, differences.c.id).limit(limit)
        counts = select(differences.c.kind, func.count().label("number")).where(shown).group_by(differences.c.kind)

        def found(connection: Connection) -> tuple[list[Standing], dict[DifferenceKind, int]]:
            numbers = {DifferenceKind(row.kind): row.number for row in connection.execute(counts)}
            rows = connection.execute(ordered).all()
            return [Standing(_difference(row), read_instant(row.since), row.looks) for row in rows], numbers

        return await self._database.read(found)

    async def put_run(self, run_id: str, started_at: datetime, document: Document) -> None:
        """Keep what a reconciliation has done so far; of the older ones the last hundred stay.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        statement = self._database.insert_or_update(reconciliations)
        row = {"id": run_id, "started_at": timestamp(started_at), "document": storable(document)}
        kept = select(reconciliations.c.started_at).order_by(reconciliations.c.started_at.desc())
        oldest = kept.offset(_KEPT).limit(1).scalar_subquery()

        def put(connection: Connection) -> None:
            connection.execute(statement.values(**row))
            connection.execute(delete(reconciliations).where(reconciliations.c.started_at <= oldest))

        await self._database.write(put)

    async def begin_run(self, run_id: str, started_at: datetime, document: Document) -> Document:
        """Keep a reconciliation that was asked for, unless it has told of itself already; return what is kept of it.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        row = {"id": run_id, "started_at": timestamp(started_at), "document": storable(document)}
        made = self._database.insert_if_absent(reconciliations).values(**row)
        kept = select(reconciliations.c.document).where(reconciliations.c.id == run_id)

        def begin(connection: Connection) -> Document:
            connection.execute(made)
            document: Document = connection.scalars(kept).one()
            return document

        return await self._database.write(begin)

    async def last(self, except_for: str) -> Document | None:
        """Return the newest reconciliation that has begun, but for one; None where there is none.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        others = select(reconciliations.c.document).where(reconciliations.c.id != except_for)
        newest = others.order_by(reconciliations.c.started_at.desc()).limit(_KEPT)

        def found(connection: Connection) -> Document | None:
            return next((each for each in connection.scalars(newest) if each["state"] in _BEGUN), None)

        return await self._database.read(found)

    async def run(self, run_id: str) -> Document | None:
        """Return a reconciliation; None where there is none.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        chosen = select(reconciliations.c.document).where(reconciliations.c.id == as_key(storable(run_id)))
        return await self._database.read(lambda connection: connection.scalar(chosen))

    async def runs(self) -> list[Document]:
        """Return the reconciliations that are kept, newest first.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        newest = select(reconciliations.c.document).order_by(reconciliations.c.started_at.desc())
        return await self._database.read(lambda connection: list(connection.scalars(newest)))


def _is(kind: DifferenceKind, difference_id: str) -> ColumnElement[bool]:
    return and_(differences.c.kind == kind.value, differences.c.id == as_key(difference_id))


def _row(each: Difference, since: str, at: datetime, looks: int) -> dict[str, Any]:
    row: dict[str, Any] = storable(
        {
            "kind": each.kind.value,
            "id": as_key(each.id),
            "order_id": each.order_id,
            "workflow_id": each.workflow_id,
            "error": each.error[:_LONGEST_ERROR],
            "since": since,
            "at": timestamp(at),
            "looks": looks,
        }
    )
    return row


def _difference(row: Any) -> Difference:
    return Difference(DifferenceKind(row.kind), row.id, row.error, row.order_id, row.workflow_id)
