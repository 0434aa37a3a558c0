"""Items of large orders, in rows of their own: a change of one of thousands writes that one and no other.

An order is one document until that is larger than what an event carries of it whole. From then on its document has all
but the items, and `items_size` says how many bytes these have. What is here is given whole documents and makes rows of
them, or some items of a document, or puts whole documents together again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Table, bindparam, delete, func, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite

from orders.events.snapshots import MAX_SNAPSHOT
from orders.lifecycle.states import ITEM_LISTS, OrderKind
from store.documents import WrittenJson, as_key, write_json
from store.sql.tables import order_item_parts, order_items
from tmf.bodies import Document

SPLIT_ABOVE = MAX_SNAPSHOT
"""Bytes of the largest document whose items stay in it."""

Key = tuple[str, str]
"""The kind and id of an order."""

_AT_ONCE = 1000
"""How many keys one statement names."""

_OF = order_items.c
_ALL = select(_OF.kind, _OF.order_id, _OF.item_id, _OF.position, _OF.document).where(
    tuple_(_OF.kind, _OF.order_id).in_(bindparam("keys", expanding=True))
)
_SOME = select(_OF.kind, _OF.order_id, _OF.item_id, _OF.position, _OF.document).where(
    tuple_(_OF.kind, _OF.order_id, _OF.item_id).in_(bindparam("keys", expanding=True))
)
_AROUND = select(order_item_parts).where(
    tuple_(order_item_parts.c.kind, order_item_parts.c.order_id, order_item_parts.c.part_id).in_(
        bindparam("keys", expanding=True)
    )
)
_LAST = select(func.max(_OF.position)).where(_OF.kind == bindparam("kind"), _OF.order_id == bindparam("order_id"))


def _upsert(dialect: Any, table: Table, column: str) -> Any:
    statement = dialect.insert(table)
    return statement.on_conflict_do_update(
        index_elements=list(table.primary_key), set_={column: statement.excluded[column]}
    )


_DIALECTS = {"sqlite": sqlite, "postgresql": postgresql}
_WRITTEN = {name: _upsert(dialect, order_items, "document") for name, dialect in _DIALECTS.items()}
_NESTED = {name: _upsert(dialect, order_item_parts, "item_id") for name, dialect in _DIALECTS.items()}


@dataclass(frozen=True, slots=True)
class Stored:
    """What is to be written of an order: the columns of its own row, and rows of items."""

    columns: Document
    items: list[Document] = field(default_factory=list)
    parts: list[Document] = field(default_factory=list)
    """Which item each nested one is in."""


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
    rows = [_row(kind, order_id, item, position) for position, item in enumerate(items)]
    parts = [part for item in items for part in _parts(kind, order_id, item)]
    return Stored(_columns(document, name, sum(len(row["document"].encode()) for row in rows)), rows, parts)


def stored_changes(
    connection: Connection, kind: str, order_id: str, items_size: int, before: Sequence[Document], after: Document
) -> Stored:
    """Return what is to be written of an order with rows of items, of which the document has some.

    Args:
        before: those items as they were; what `after` has beyond them is new, and comes behind all that there are.
    """
    name = item_list(kind)
    known = {str(item["id"]): item for item in before}
    changed = [item for item in after.get(name) or [] if known.get(str(item["id"])) != item]
    new = [item for item in changed if str(item["id"]) not in known]
    places = {}
    if new:
        last = connection.scalar(_LAST, {"kind": kind, "order_id": order_id})
        places = {str(item["id"]): (-1 if last is None else last) + 1 + index for index, item in enumerate(new)}
    # The place of one that is there already stays as it is.
    rows = [_row(kind, order_id, item, places.get(str(item["id"]), 0)) for item in changed]
    grown = sum(len(row["document"].encode()) for row in rows)
    grown -= sum(len(write_json(known[str(item["id"])]).encode()) for item in changed if str(item["id"]) in known)
    parts = [part for item in changed for part in _parts(kind, order_id, item)]
    return Stored(_columns(after, name, items_size + grown), rows, parts)


def write_items(connection: Connection, kept: Iterable[Stored]) -> None:
    """Write rows of items, over those that are there of the same items."""
    items, parts = [], []
    for each in kept:
        items += each.items
        parts += each.parts
    if items:
        connection.execute(_WRITTEN[connection.dialect.name], items)
    if parts:
        connection.execute(_NESTED[connection.dialect.name], parts)


def remove_items(connection: Connection, kind: str, order_id: str) -> None:
    """Remove the rows of an order's items."""
    for table in (order_item_parts, order_items):
        connection.execute(delete(table).where(table.c.kind == kind, table.c.order_id == order_id))


def some_items(connection: Connection, wanted: Mapping[Key, Collection[str]]) -> dict[Key, list[Document]]:
    """Return of orders those items that have an id that is asked for, or have one nested in them that has it."""
    keys = {(*order, as_key(item_id)) for order, ids in wanted.items() for item_id in ids}
    found = {(row.kind, row.order_id, row.item_id): row for row in _read(connection, _SOME, keys)}
    around = {(row.kind, row.order_id, row.item_id) for row in _read(connection, _AROUND, keys - found.keys())}
    found |= {(row.kind, row.order_id, row.item_id): row for row in _read(connection, _SOME, around - found.keys())}
    by_order: dict[Key, list[Document]] = defaultdict(list)
    for row in sorted(found.values(), key=lambda row: row.position):
        by_order[row.kind, row.order_id].append(row.document)
    return by_order


def with_items(connection: Connection, kind: str, found: Mapping[str, Document]) -> dict[str, Document]:
    """Return documents of orders by their ids, each with the items that it has in rows."""
    by_order: dict[str, list[Document]] = defaultdict(list)
    rows = _read(connection, _ALL, {(kind, order_id) for order_id in found})
    for row in sorted(rows, key=lambda row: row.position):
        by_order[row.order_id].append(row.document)
    name = item_list(kind)
    return {order_id: {**document, name: by_order[order_id]} for order_id, document in found.items()}


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


def _row(kind: str, order_id: str, item: Document, position: int) -> Document:
    own = {"kind": kind, "order_id": order_id, "item_id": as_key(str(item["id"]))}
    return {**own, "position": position, "document": WrittenJson(write_json(item))}


def _parts(kind: str, order_id: str, item: Document) -> list[Document]:
    own = {"kind": kind, "order_id": order_id, "item_id": as_key(str(item["id"]))}
    return [{**own, "part_id": as_key(part_id)} for part_id in _nested(item, item_list(kind))]


def _nested(item: Document, name: str) -> Iterator[str]:
    for each in item.get(name) or []:
        yield str(each.get("id"))
        yield from _nested(each, name)


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
