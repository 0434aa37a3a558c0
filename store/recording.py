"""Recording of changes: many of them, of many orders, in a handful of statements."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from enum import Enum
from itertools import groupby, islice
from typing import Any

from sqlalchemy import Connection, bindparam, delete, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite

from orders.events import order_events as events
from orders.events.order_events import Event
from orders.lifecycle.change import OrderChange, OrderEntries, OrderUpdate
from orders.lifecycle.states import TERMINAL, OrderKind, OrderState
from store.documents import (
    apply_change,
    apply_entries,
    changed_columns,
    changes_references,
    indexed_columns,
    references,
)
from store.order_entries import (
    Stored,
    apart,
    item_list,
    partly,
    remove_entries,
    some_entries,
    stored,
    stored_changes,
    whole,
    write_entries,
)
from store.outbox import append
from store.recovery import EPOCH
from store.sql.tables import order_references, orders
from tmf.bodies import Document
from tmf.instants import timestamp


class Recorded(Enum):
    """What became of a change that was told."""

    APPLIED = "applied"
    OUTDATED = "outdated"
    """A later one was told before, or this very one."""
    ENDED = "ended"
    """The order has ended by what a workflow task has told that was lost since; its repeat comes to the end, too."""
    UNKNOWN = "unknown"
    """The store does not hold the order."""


@dataclass(frozen=True, slots=True)
class Opening:
    """An order that a running order has made; the document holds nothing that no database keeps."""

    kind: OrderKind
    id: str
    document: Document
    parent_id: str
    root_id: str
    revision: int


@dataclass(frozen=True, slots=True)
class Told:
    """What one caller has to be recorded."""

    updates: Sequence[OrderUpdate]
    opening: Opening | None = None


@dataclass(frozen=True, slots=True)
class _Row:
    kind: str
    id: str
    root_id: str
    version: int
    revision: int
    order_date: str
    document: Document
    entries_size: int | None
    epoch: int
    now: int
    """The epoch of the store."""
    partial: Sequence[str] = ()
    """The lists that have rows, of whose entries the document has those that are to change, and no others."""
    refers_anew: bool = False
    """Whether what it refers to may be something else."""

    @property
    def key(self) -> tuple[str, str]:
        return self.kind, self.id


_OF_ENDED = frozenset({"completionDate", "cancellationDate", "cancellationReason"})
"""Attributes that only an order has which has ended."""

_STORED = [field.name for field in fields(_Row) if field.name not in ("now", "partial", "refers_anew")]
# Locks are taken in the order of the keys, so that two batches never wait for each other.
_LOCKED = (
    select(*(orders.c[name] for name in _STORED), EPOCH)
    .where(tuple_(orders.c.kind, orders.c.id).in_(bindparam("keys", expanding=True)))
    .order_by(orders.c.kind, orders.c.id)
    .with_for_update()
)
_CHANGED = update(orders).where(orders.c.kind == bindparam("its_kind"), orders.c.id == bindparam("its_id"))
_UNREFERRED = delete(order_references).where(
    order_references.c.kind == bindparam("its_kind"), order_references.c.order_id == bindparam("its_id")
)
_REFERRED = {
    "sqlite": sqlite.insert(order_references).on_conflict_do_nothing(),
    "postgresql": postgresql.insert(order_references).on_conflict_do_nothing(),
}
_INSERTED = {
    "sqlite": sqlite.insert(orders).on_conflict_do_nothing().returning(orders.c.kind, orders.c.id),
    "postgresql": postgresql.insert(orders).on_conflict_do_nothing().returning(orders.c.kind, orders.c.id),
}


def record(connection: Connection, told: Sequence[Told]) -> list[list[Recorded]]:
    """Open the orders that are told of, then apply the changes one after another; return what became of each."""
    now = datetime.now(UTC)
    openings = [each.opening for each in told if each.opening is not None]
    new = insert_orders(connection, [_opened(opening, now) for opening in openings])
    known = [opening for opening, is_new in zip(openings, new, strict=True) if not is_new]
    made = [
        events.created(opening.kind, opening.document, opening.root_id, now)
        for opening, is_new in zip(openings, new, strict=True)
        if is_new
    ]
    outcomes = iter(_apply_all(connection, known, [update for each in told for update in each.updates], made, now))
    append(connection, made)
    return [list(islice(outcomes, len(each.updates))) for each in told]


def insert_orders(connection: Connection, rows: Sequence[dict[str, Any]]) -> list[bool]:
    """Keep orders, by rows of the same columns; return of each whether it is new rather than known by its id."""
    if not rows:
        return []
    kept = {(row["kind"], row["id"]): stored(row["kind"], row["id"], row["document"]) for row in reversed(rows)}
    written = [{**row, **kept[row["kind"], row["id"]].columns} for row in rows]
    new = {(kind, order_id) for kind, order_id in connection.execute(_INSERTED[connection.dialect.name], written)}
    write_entries(connection, [kept[key] for key in sorted(new)])
    are_new = []
    for row in rows:
        key = row["kind"], row["id"]
        are_new.append(key in new)
        # Of several by one id it was the first.
        new.discard(key)
    _refer(connection, [row for row, is_new in zip(rows, are_new, strict=True) if is_new])
    return are_new


def row_of(kind: OrderKind, order_id: str, document: Document, now: datetime, **columns: Any) -> dict[str, Any]:
    """Return the row of a new order, with those columns that do not follow from its document."""
    mirrored = indexed_columns(document)
    row = {"kind": kind.value, "id": order_id, "version": 0, "document": document, "updated_at": timestamp(now)}
    return {**row, **mirrored, "order_date": mirrored["order_date"] or timestamp(now), **columns}


def _opened(opening: Opening, now: datetime) -> dict[str, Any]:
    above = {"parent_id": opening.parent_id, "root_id": opening.root_id, "revision": opening.revision}
    return row_of(opening.kind, opening.id, opening.document, now, started=True, **above)


def _apply_all(
    connection: Connection,
    known: Sequence[Opening],
    updates: Sequence[OrderUpdate],
    made: list[Event],
    now: datetime,
) -> list[Recorded]:
    if not updates and not known:
        return []
    keys = sorted({*map(_key, updates), *((opening.kind.value, opening.id) for opening in known)})
    before = {row.key: row for row in (_Row(*found) for found in connection.execute(_LOCKED, {"keys": keys}))}
    before |= _with_entries(connection, [row for row in before.values() if row.entries_size is not None], updates)
    rows = dict(before)
    for opening in known:
        _open_again(rows, opening, made, now)
    outcomes = [_applied(rows, update, made, now) for update in updates]
    changes = [(before[row.key], row) for row in rows.values() if row is not before[row.key]]
    _write(connection, changes, now)
    _refer_anew(connection, changes)
    return outcomes


def _with_entries(
    connection: Connection, rows: Sequence[_Row], updates: Sequence[OrderUpdate]
) -> dict[tuple[str, str], _Row]:
    """Return orders whose lists have rows with those entries that the updates are about, or with all of them."""
    partial = {row.key: apart(row.kind, row.document) for row in rows}
    wanted: dict[tuple[str, str], dict[str, set[str]]] = {key: defaultdict(set) for key in partial}
    replaced = set()
    for each in updates:
        if (key := _key(each)) not in partial:
            continue
        if _is_about_all(each, partial[key]):
            replaced.add(key)
            continue
        for name in each.appended.keys() & set(partial[key]):
            wanted[key][name].update(str(entry["id"]) for entry in each.appended[name])
        if isinstance(each, OrderChange):
            wanted[key][item_list(each.kind)].update(each.items)
    found = some_entries(connection, {key: named for key, named in wanted.items() if key not in replaced})
    filled = {}
    for row in rows:
        if row.key in replaced:
            document = whole(connection, row.kind, row.id, row.document, row.entries_size)
            filled[row.key] = replace(row, document=document)
        else:
            document = partly(row.kind, row.document, found.get(row.key, {}))
            filled[row.key] = replace(row, document=document, partial=partial[row.key])
    return filled


def _is_about_all(update: OrderUpdate, partial: Collection[str]) -> bool:
    """Return whether an update replaces a list that has rows, or adds what has no id to one."""
    added = [entry for name in partial for entry in update.appended.get(name, ())]
    nameless = any(not isinstance(entry.get("id"), str) for entry in added)
    return nameless or (isinstance(update, OrderChange) and not update.attributes.keys().isdisjoint(partial))


def _refer_anew(connection: Connection, changes: Sequence[tuple[_Row, _Row]]) -> None:
    """Keep what orders refer to now, where that is something else than before."""
    anew, more = [], []
    for before, row in changes:
        if not row.refers_anew:
            continue
        new, old = references(row.document), references(before.document)
        told = {"kind": row.kind, "id": row.id, "order_date": row.order_date, "document": row.document}
        if row.partial and old <= new:
            more.append(told)
        elif old != new:
            # What one item does not refer to any more another may.
            size = row.entries_size if row.partial else None
            header = {name: value for name, value in row.document.items() if name not in row.partial}
            anew.append({**told, "document": whole(connection, row.kind, row.id, header, size)})
    if anew:
        connection.execute(_UNREFERRED, [{"its_kind": row["kind"], "its_id": row["id"]} for row in anew])
    _refer(connection, [*anew, *more])


def _applied(rows: dict[tuple[str, str], _Row], update: OrderUpdate, made: list[Event], now: datetime) -> Recorded:
    """Apply what is told to its row, where it is new, and add the events that it makes."""
    row = rows.get(_key(update))
    if row is None:
        return Recorded.UNKNOWN
    refers_anew = row.refers_anew or changes_references(update)
    if isinstance(update, OrderEntries):
        document = apply_entries(row.document, update)
        if document is row.document:
            return Recorded.OUTDATED
        rows[row.key] = replace(row, document=document, refers_anew=refers_anew)
        made += events.extended(update, row.document, document, row.root_id, now, partial=row.partial)
        return Recorded.APPLIED
    if (stays := _stays(row, update)) is not None:
        return stays
    version = update.version
    if update.again or (version <= row.version and row.epoch == row.now):
        version = max(version, row.version + 1)
        # Its events have ids by the version, and must not have those of others.
        update = update.from_state(row.document["state"]).model_copy(update={"version": version})
    revision = row.revision if update.revision is None else update.revision
    document = apply_change(_reopened(row, update), update)
    told = replace(row, version=version, revision=revision, epoch=row.now, document=document)
    rows[row.key] = replace(told, refers_anew=refers_anew)
    made += events.changed(update, row.document, document, row.root_id, now, epoch=row.now, partial=row.partial)
    return Recorded.APPLIED


def _stays(row: _Row, update: OrderChange) -> Recorded | None:
    """Return why an order stays as it is, whatever it is told; None where it does not.

    An order ends under whatever version, and comes to a new revision. A workflow task that was lost may have told the
    same in more changes than the one that repeats it, so that the number of the change is lower than what is stored.
    """
    if row.epoch != row.now:
        return None
    known, ends = update.version <= row.version, update.state in TERMINAL
    if row.document.get("state") in TERMINAL:
        return (Recorded.OUTDATED if ends else Recorded.ENDED) if known or update.again else None
    is_amended = update.revision is not None and update.revision > row.revision
    return Recorded.OUTDATED if known and not (ends or is_amended) else None


def _open_again(rows: dict[tuple[str, str], _Row], opening: Opening, made: list[Event], now: datetime) -> None:
    """Have an order begin anew that was known before a restore: what it had come to by then, its workflow has not."""
    row = rows[opening.kind.value, opening.id]
    if row.epoch == row.now:
        return
    again = OrderChange(kind=opening.kind, order_id=opening.id, version=0, state=OrderState(opening.document["state"]))
    told = replace(row, version=0, revision=opening.revision, epoch=row.now, document=opening.document)
    rows[row.key] = replace(told, partial=(), refers_anew=True)
    made += events.changed(again, row.document, opening.document, row.root_id, now, epoch=row.now, partial=row.partial)


def _reopened(row: _Row, update: OrderChange) -> Document:
    """Return the document to be changed: of an order that had ended and goes on, without what told of its end."""
    if row.document.get("state") not in TERMINAL or update.state in TERMINAL:
        return row.document
    return {name: value for name, value in row.document.items() if name not in _OF_ENDED}


def _write(connection: Connection, changes: Sequence[tuple[_Row, _Row]], now: datetime) -> None:
    """Write rows as they are now, where they were others before; of the columns with indexes those that changed."""
    kept = [_stored(connection, before, row) for before, row in changes]
    write_entries(connection, kept)
    written = [
        {
            "its_kind": row.kind,
            "its_id": row.id,
            "version": row.version,
            "revision": row.revision,
            "epoch": row.epoch,
            "updated_at": timestamp(now),
            **each.columns,
            **changed_columns(before.document, row.document),
        }
        for (before, row), each in zip(changes, kept, strict=True)
    ]
    for _, same in groupby(sorted(written, key=_names), key=_names):
        connection.execute(_CHANGED, list(same))


def _stored(connection: Connection, before: _Row, row: _Row) -> Stored:
    if row.partial:
        size = row.entries_size or 0
        return stored_changes(connection, row.kind, row.id, size, before.document, row.document, row.partial)
    if row.entries_size is not None:
        remove_entries(connection, row.kind, row.id)
    return stored(row.kind, row.id, row.document)


def _names(values: dict[str, Any]) -> list[str]:
    return sorted(values)


def _refer(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Keep what orders refer to, by their rows."""
    referring = [
        {"kind": row["kind"], "order_id": row["id"], "order_date": row["order_date"], "name": name, "key": key}
        for row in rows
        for name, key in sorted(references(row["document"]))
    ]
    if referring:
        connection.execute(_REFERRED[connection.dialect.name], referring)


def _key(update: OrderUpdate) -> tuple[str, str]:
    return update.kind.value, update.order_id
