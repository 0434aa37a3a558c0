"""Items of large orders, in rows of their own: a change of one of thousands writes that one and no other.

An order is one document until that is larger than what an event carries of it whole. From then on its document has all
but the items, and `items_size` says how many bytes these have. Each item is a row, and so is each that is nested in
another. What is here is given whole documents and makes rows of them, or some items of a document, or puts whole
documents together again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite

from orders.events.snapshots import MAX_SNAPSHOT
from orders.lifecycle.states import ITEM_LISTS, OrderKind
from store.documents import WrittenJson, as_key, write_json
from store.sql.tables import order_items
from tmf.bodies import Document

SPLIT_ABOVE = MAX_SNAPSHOT
"""Bytes of the largest document whose items stay in it."""

Key = tuple[str, str]
"""The kind and id of an order."""

_AT_ONCE = 1000
"""How many keys one statement names."""

_OF = order_items.c
_ROWS = select(_OF.kind, _OF.order_id, _OF.item_id, _OF.parent_id, _OF.position, _OF.document)
_ALL = _ROWS.where(tuple_(_OF.kind, _OF.order_id).in_(bindparam("keys", expanding=True)))
_SOME = _ROWS.where(tuple_(_OF.kind, _OF.order_id, _OF.item_id).in_(bindparam("keys", expanding=True)))
_LAST = select(func.max(_OF.position)).where(_OF.kind == bindparam("kind"), _OF.order_id == bindparam("order_id"))


def _upsert(dialect: Any) -> Any:
    statement = dialect.insert(order_items)
    return statement.on_conflict_do_update(
        index_elements=list(order_items.primary_key), set_={"document": statement.excluded["document"]}
    )


_WRITTEN = {name: _upsert(dialect) for name, dialect in {"sqlite": sqlite, "postgresql": postgresql}.items()}


@dataclass(frozen=True, slots=True)
class Stored:
    """What is to be written of an order: the columns of its own row, and rows of items."""

    columns: Document
    items: list[Document] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Item:
    """An item without those that are nested in it, and where it is."""

    id: str
    document: Document
    parent_id: str | None
    depth: int


def item_list(kind: str) -> str:
    """Return the name of the attribute that holds the items of orders of a kind."""
    return ITEM_LISTS[OrderKind(kind)]


def stored(kind: str, order_id: str, document: Document) -> Stored:
    """Return a whole document as it is kept: large ones without their items."""
    written = WrittenJson(write_json(document))
    size, name = len(written.encode()), item_list(kind)
    items = document.get(name)
    if size <= SPLIT_ABOVE or not isinstance(items, list) or not _have_ids(items, name):
        return Stored({"document": written, "size": size, "items_size": None})
    rows = [_row(kind, order_id, item, position) for position, item in enumerate(_apart(items, name))]
    return Stored(_columns(document, name, sum(len(row["document"].encode()) for row in rows)), rows)


def stored_changes(
    connection: Connection, kind: str, order_id: str, items_size: int, before: Sequence[Document], after: Document
) -> Stored:
    """Return what is to be written of an order with rows of items, of which the document has some.

    Args:
        before: those items as they were; what `after` has beyond them is new, and comes behind all that there are.
    """
    name = item_list(kind)
    known = {item.id: item.document for item in _apart(before, name)}
    changed = [item for item in _apart(after.get(name) or [], name) if known.get(item.id) != item.document]
    behind = 0
    if any(item.id not in known for item in changed):
        last = connection.scalar(_LAST, {"kind": kind, "order_id": order_id})
        behind = 0 if last is None else last + 1
    # The place of one that is there already stays as it is.
    rows = [_row(kind, order_id, item, behind + index) for index, item in enumerate(changed)]
    grown = sum(len(row["document"].encode()) for row in rows)
    grown -= sum(len(write_json(known[item.id]).encode()) for item in changed if item.id in known)
    return Stored(_columns(after, name, items_size + grown), rows)


def write_items(connection: Connection, kept: Iterable[Stored]) -> None:
    """Write rows of items, over those that are there of the same items."""
    if rows := [row for each in kept for row in each.items]:
        connection.execute(_WRITTEN[connection.dialect.name], rows)


def remove_items(connection: Connection, kind: str, order_id: str) -> None:
    """Remove the rows of an order's items."""
    connection.execute(delete(order_items).where(_OF.kind == kind, _OF.order_id == order_id))


def some_items(connection: Connection, wanted: Mapping[Key, Collection[str]]) -> dict[Key, list[Document]]:
    """Return of orders those items that have an id that is asked for, each in those that it is nested in."""
    found: dict[tuple[str, str, str], Any] = {}
    missing = {(*order, as_key(item_id)) for order, ids in wanted.items() for item_id in ids}
    while missing:
        rows = list(_read(connection, _SOME, missing))
        found |= {(row.kind, row.order_id, row.item_id): row for row in rows}
        missing = {(row.kind, row.order_id, row.parent_id) for row in rows if row.parent_id} - found.keys()
    return {order: _nested(rows, item_list(order[0])) for order, rows in _by_order(found.values()).items()}


def with_items(connection: Connection, kind: str, found: Mapping[str, Document]) -> dict[str, Document]:
    """Return documents of orders by their ids, each with the items that it has in rows."""
    name = item_list(kind)
    rows = _by_order(_read(connection, _ALL, {(kind, order_id) for order_id in found}))
    return {order_id: {**each, name: _nested(rows[kind, order_id], name)} for order_id, each in found.items()}


def whole(connection: Connection, kind: str, order_id: str, document: Document, items_size: int | None) -> Document:
    """Return an order's whole document, by that of its row."""
    return document if items_size is None else with_items(connection, kind, {order_id: document})[order_id]


def _read(connection: Connection, statement: Any, keys: Collection[tuple[str, ...]]) -> Iterator[Any]:
    listed = sorted(keys)
    for start in range(0, len(listed), _AT_ONCE):
        yield from connection.execute(statement, {"keys": listed[start : start + _AT_ONCE]})


def _columns(document: Document, name: str, items_size: int) -> Document:
    header = WrittenJson(write_json({key: value for key, value in document.items() if key != name}))
    return {"document": header, "size": len(header.encode()), "items_size": items_size}


def _by_order(rows: Iterable[Any]) -> dict[Key, list[Any]]:
    by_order: dict[Key, list[Any]] = defaultdict(list)
    for row in rows:
        by_order[row.kind, row.order_id].append(row)
    return by_order


def _row(kind: str, order_id: str, item: _Item, position: int) -> Document:
    return {
        "kind": kind,
        "order_id": order_id,
        "item_id": item.id,
        "parent_id": item.parent_id,
        "depth": item.depth,
        "position": position,
        "document": WrittenJson(write_json(item.document)),
    }


def _apart(items: Iterable[Document], name: str, parent_id: str | None = None, depth: int = 0) -> Iterator[_Item]:
    """Yield each item, before those that are nested in it."""
    for item in items:
        item_id, nested = as_key(str(item["id"])), item.get(name)
        document = {key: value for key, value in item.items() if key != name} if nested else item
        yield _Item(item_id, document, parent_id, depth)
        yield from _apart(nested or [], name, item_id, depth + 1)


def _nested(rows: Collection[Any], name: str) -> list[Document]:
    """Return the outermost items, with all others in those that they are nested in."""
    documents: dict[str | None, Document] = {row.item_id: dict(row.document) for row in rows}
    outermost: Document = {name: []}
    for row in sorted(rows, key=lambda row: row.position):
        documents.get(row.parent_id, outermost).setdefault(name, []).append(documents[row.item_id])
    items: list[Document] = outermost[name]
    return items


def _have_ids(items: Sequence[Any], name: str) -> bool:
    """Return whether each item, nested ones too, has an id of its own, by which its row is found again."""
    seen: set[str] = set()
    pending = list(items)
    while pending:
        item = pending.pop()
        if not isinstance(item, dict) or not isinstance(item.get("id"), str) or item["id"] in seen:
            return False
        seen.add(item["id"])
        nested = item.get(name) or []
        if not isinstance(nested, list):
            return False
        pending += nested
    return True
