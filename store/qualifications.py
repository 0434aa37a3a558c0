"""The order store's repository of qualifications: those of TMF679 and TMF645, asked, worked on and answered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, Connection, and_, delete, false, or_, select, true, update

from orders.events.qualification_events import CHANGE, CREATE, DELETE, STATE, qualification_events
from orders.qualification.results import DONE, FAILED, IN_PROGRESS, QualificationKind
from store.documents import storable
from store.lists.listing import Listed
from store.lists.pages import find_page
from store.outbox import append
from store.sql.database import Database
from store.sql.tables import qualifications
from tmf.bodies import Document, is_storable
from tmf.instants import timestamp
from tmf.query.query import ListQuery, Page

_LISTED = Listed(
    qualifications, {"id": qualifications.c.id, "state": qualifications.c.state}, qualifications.c.created_at
)
_ENDS = (DONE, FAILED)


@dataclass(frozen=True, slots=True)
class ClaimedQualification:
    """A qualification that whoever claimed it works on, until its claim runs out."""

    kind: QualificationKind
    id: str
    document: Document
    created_at: str


class QualificationStore:
    """Qualifications with their documents in TM Forum's shape.

    Each is written by `keep`, `claim`, `finish`, `change` and `delete`, in one transaction each.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep(self, kind: QualificationKind, document: Document, at: datetime) -> None:
        """Keep a new qualification, in the state that its document has; where the id is known, nothing changes.

        Raises:
            StoreUnavailableError: when the database cannot serve; nothing is kept then.
        """
        row = {
            "kind": kind.value,
            "id": document["id"],
            "state": document["state"],
            "finished": document["state"] in _ENDS,
            "claimed_until": None,
            "created_at": timestamp(at),
            "document": storable(document),
        }
        made = self._database.insert_if_absent(qualifications).values(**row)

        def kept(connection: Connection) -> None:
            if connection.execute(made).rowcount:
                append(connection, qualification_events(kind, CREATE, storable(document), at))

        await self._database.write(kept)

    async def get(self, kind: QualificationKind, qualification_id: str) -> Document | None:
        """Return a qualification's document; None where there is none.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        if not is_storable(qualification_id):
            return None
        this = select(qualifications.c.document).where(_is(kind, qualification_id))
        found: Document | None = await self._database.read(lambda connection: connection.scalar(this))
        return found

    async def find(self, kind: QualificationKind, query: ListQuery) -> Page:
        """Return the part of the list that the query asks for, with the count of all that match.

        Raises:
            QueryError: when the list cannot be sorted like that.
            StoreUnavailableError: when the database cannot serve.
        """
        return await find_page(self._database, _LISTED, kind, query)

    async def claim(self, now: datetime, lease: timedelta, limit: int) -> list[ClaimedQualification]:
        """Take what waits to be answered, the oldest first: it is in progress, and nobody else's for the `lease`.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        free = or_(qualifications.c.claimed_until.is_(None), qualifications.c.claimed_until <= timestamp(now))
        waiting = (
            select(qualifications)
            .where(qualifications.c.finished.is_(false()), free)
            .order_by(qualifications.c.created_at, qualifications.c.id)
            .limit(limit)
        )
        # Most looks find nothing: they need no writer's turn.
        if await self._database.read(lambda connection: connection.execute(waiting.limit(1)).first()) is None:
            return []
        until = timestamp(now + lease)

        def claimed(connection: Connection) -> list[ClaimedQualification]:
            found = []
            for row in connection.execute(waiting.with_for_update(skip_locked=True)).all():
                kind, document = QualificationKind(row.kind), {**row.document, "state": IN_PROGRESS}
                taken = {"state": IN_PROGRESS, "document": document, "claimed_until": until}
                connection.execute(update(qualifications).where(_is(kind, row.id)).values(**taken))
                if row.state != IN_PROGRESS:
                    append(connection, qualification_events(kind, STATE, document, now))
                found.append(ClaimedQualification(kind, row.id, document, row.created_at))
            return found

        return await self._database.write(claimed)

    async def release(self, kind: QualificationKind, qualification_id: str, until: datetime) -> None:
        """Leave a claimed qualification to whoever comes first from a time on.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        released = update(qualifications).where(_is(kind, qualification_id), qualifications.c.finished.is_(false()))
        freed = released.values(claimed_until=timestamp(until))
        await self._database.write(lambda connection: connection.execute(freed))

    async def finish(self, kind: QualificationKind, qualification_id: str, answer: Document) -> bool:
        """Write a qualification's answer, whose `state` is its last; return False where it has one already.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        found = select(qualifications.c.document, qualifications.c.finished).where(_is(kind, qualification_id))

        def finished(connection: Connection) -> bool:
            row = connection.execute(found.with_for_update()).one_or_none()
            if row is None or row.finished:
                return False
            document = {**row.document, **storable(answer)}
            ended = {"state": document["state"], "finished": True, "claimed_until": None, "document": document}
            connection.execute(update(qualifications).where(_is(kind, qualification_id)).values(**ended))
            append(connection, qualification_events(kind, STATE, document, datetime.now(UTC)))
            return True

        return await self._database.write(finished)

    async def change(
        self, kind: QualificationKind, qualification_id: str, changed: Callable[[Document], Document]
    ) -> Document | None:
        """Write what `changed` makes of a document, and return it; None where there is none. The state stays.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        if not is_storable(qualification_id):
            return None
        found = select(qualifications.c.document).where(_is(kind, qualification_id)).with_for_update()

        def written(connection: Connection) -> Document | None:
            before: Document | None = connection.scalar(found)
            if before is None:
                return None
            after: Document = storable({**changed(before), "state": before["state"]})
            connection.execute(update(qualifications).where(_is(kind, qualification_id)).values(document=after))
            append(connection, qualification_events(kind, CHANGE, after, datetime.now(UTC)))
            return after

        return await self._database.write(written)

    async def delete(self, kind: QualificationKind, qualification_id: str) -> Document | None:
        """Delete a qualification and return what it was; None where there is none.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        if not is_storable(qualification_id):
            return None
        found = select(qualifications.c.document).where(_is(kind, qualification_id)).with_for_update()

        def deleted(connection: Connection) -> Document | None:
            document: Document | None = connection.scalar(found)
            connection.execute(delete(qualifications).where(_is(kind, qualification_id)))
            if document is not None:
                append(connection, qualification_events(kind, DELETE, document, datetime.now(UTC)))
            return document

        return await self._database.write(deleted)

    async def forget(self, before: datetime, limit: int = 1000) -> int:
        """Delete finished qualifications that were asked before a time; return how many, at most `limit`.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        old = (
            select(qualifications.c.kind, qualifications.c.id)
            .where(qualifications.c.finished.is_(true()), qualifications.c.created_at < timestamp(before))
            .order_by(qualifications.c.created_at)
            .limit(limit)
        )
        rows = await self._database.read(lambda connection: connection.execute(old).all())

        def forgotten(connection: Connection) -> None:
            for row in rows:
                connection.execute(delete(qualifications).where(_is(QualificationKind(row.kind), row.id)))

        if rows:
            await self._database.write(forgotten)
        return len(rows)


def _is(kind: QualificationKind, qualification_id: str) -> ColumnElement[bool]:
    return and_(qualifications.c.kind == kind.value, qualifications.c.id == qualification_id)
