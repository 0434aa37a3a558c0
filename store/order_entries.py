"""Entries of large orders' lists, in rows of their own: a change of one of thousands writes that one and no other.

An order is one document until that is larger than what an event carries of it whole. From then on the entries of its
lists are rows: items, each that is nested in another too, milestones, alerts and notes. Its document has the rest, and
`entries_size` says how many bytes they have. What is here is given whole documents and makes rows of them, or some
entries of a document, or puts whole documents together again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite

from orders.events.snapshots import MAX_SNAPSHOT
from orders.lifecycle.states import ITEM_LISTS, OrderKind
from store.documents import WrittenJson, as_key, write_json
from store.sql.tables import order_entries
from tmf.bodies import Document

SPLIT_ABOVE = MAX_SNAPSHOT
"""Bytes of the largest document whose lists stay in it whole."""
GROWING = ("milestone", "jeopardyAlert", "note")
"""Lists that get entries while an order runs."""

Key = tuple[str, str]
"""The kind and id of an order."""

_AT_ONCE = 1000
"""How many keys one statement names."""

_OF = order_entries.c
_ROWS = select(_OF.kind, _OF.order_id, _OF.name, _OF.entry_id, _OF.parent_id, _OF.position, _OF.document)
_ALL = _ROWS.where(tuple_(_OF.kind, _OF.order_id, _OF.name).in_(bindparam("keys", expanding=True)))
_SOME = _ROWS.where(tuple_(_OF.kind, _OF.order_id, _OF.name, _OF.entry_id).in_(bindparam("keys", expanding=True)))
_LAST = select(func.max(_OF.position)).where(_OF.kind == bindparam("kind"), _OF.order_id == bindparam("order_id"))


def _upsert(dialect: Any) -> Any:
    statement = dialect.insert(order_entries)
    return statement.on_conflict_do_update(
        index_elements=list(order_entries.primary_key), set_={"document": statement.excluded["document"]}
    )


_WRITTEN = {name: _upsert(dialect) for name, dialect in {"sqlite": sqlite, "postgresql": postgresql}.items()}


@dataclass(frozen=True, slots=True)
class Stored:
    """What is to be written of an order: the columns of its own row, and rows of entries."""

    columns: Document
    entries: list[Document] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Entry:
    """An entry of a list without those that are nested in it, and where it is."""

    name: str
    """The attribute that has the list."""
    id: str
    document: Document
    parent_id: str | None
    depth: int


def item_list(kind: str) -> str:
    """Return the name of the attribute that holds the items of orders of a kind."""
    return ITEM_LISTS[OrderKind(kind)]


def lists(kind: str) -> tuple[str, ...]:
    """Return the names of the attributes of orders of a kind whose entries may have rows."""
    return (item_list(kind), *GROWING)


def apart(kind: str, header: Document) -> list[str]:
    """Return the lists whose entries have rows, where an order has any: a list that its document has is whole there."""
    return [name for name in lists(kind) if name not in header]


def stored(kind: str, order_id: str, document: Document) -> Stored:
    """Return a whole document as it is kept: large ones without the entries of their lists."""
    written = WrittenJson(write_json(document))
    size, split = len(written.encode()), list[str]()
    if size > SPLIT_ABOVE:
        split = [name for name in lists(kind) if document.get(name) and _have_ids(document[name], name)]
    if item_list(kind) not in split:
        return Stored({"document": written, "size": size, "entries_size": None})
    entries = (entry for name in split for entry in _entries(document[name], name))
    rows = [_row(kind, order_id, entry, position) for position, entry in enumerate(entries)]
    return Stored(_columns(document, split, sum(len(row["document"].encode()) for row in rows)), rows)


def stored_changes(
    connection: Connection,
    kind: str,
    order_id: str,
    entries_size: int,
    before: Document,
    after: Document,
    partial: Collection[str],
) -> Stored:
    """Return what is to be written of an order with rows of entries.

    Args:
        partial: the lists that have rows, of whose entries the documents have some; what `after` has there beyond
            `before` is new, and comes behind all that there are.
    """
    known = {(entry.name, entry.id): entry.document for entry in _entries_of(before, partial)}
    # A list that was in the document goes over to rows with the first entry that it gets.
    grown_lists = [name for name in GROWING if name not in partial and after.get(name) != before.get(name)]
    split = [*partial, *(name for name in grown_lists if after.get(name) and _have_ids(after[name], name))]
    changed = [entry for entry in _entries_of(after, split) if known.get((entry.name, entry.id)) != entry.document]
    behind = 0
    if any((entry.name, entry.id) not in known for entry in changed):
        last = connection.scalar(_LAST, {"kind": kind, "order_id": order_id})
        behind = 0 if last is None else last + 1
    # The place of one that is there already stays as it is.
    rows = [_row(kind, order_id, entry, behind + index) for index, entry in enumerate(changed)]
    before_that = (known[entry.name, entry.id] for entry in changed if (entry.name, entry.id) in known)
    grown = sum(len(row["document"].encode()) for row in rows)
    grown -= sum(len(write_json(each).encode()) for each in before_that)
    return Stored(_columns(after, split, entries_size + grown), rows)


def write_entries(connection: Connection, kept: Iterable[Stored]) -> None:
    """Write rows of entries, over those that are there of the same entries."""
    if rows := [row for each in kept for row in each.entries]:
        connection.execute(_WRITTEN[connection.dialect.name], rows)


def remove_entries(connection: Connection, kind: str, order_id: str) -> None:
    """Remove the rows of an order's entries."""
    connection.execute(delete(order_entries).where(_OF.kind == kind, _OF.order_id == order_id))


def some_entries(
    connection: Connection, wanted: Mapping[Key, Mapping[str, Collection[str]]]
) -> dict[Key, dict[str, list[Document]]]:
    """Return of lists of orders those entries that have an id that is asked for, each in those that it is nested in."""
    found: dict[tuple[str, str, str, str], Any] = {}
    missing = {
        (*order, name, as_key(entry_id))
        for order, named in wanted.items()
        for name, ids in named.items()
        for entry_id in ids
    }
    while missing:
        rows = list(_read(connection, _SOME, missing))
        found |= {(row.kind, row.order_id, row.name, row.entry_id): row for row in rows}
        missing = {(row.kind, row.order_id, row.name, row.parent_id) for row in rows if row.parent_id} - found.keys()
    return _by_order(found.values())


def with_entries(
    connection: Connection, kind: str, found: Mapping[str, Document], names: Collection[str] | None = None
) -> dict[str, Document]:
    """Return documents of orders by their ids, each with the entries that it has in rows.

    Args:
        names: the lists that are wanted; all of them, where it is left out.
    """
    wanted = lists(kind) if names is None else names
    keys = {(kind, order_id, name) for order_id, header in found.items() for name in wanted if name not in header}
    rows = _by_order(_read(connection, _ALL, keys))
    empty: dict[str, list[Document]] = {item_list(kind): []} if item_list(kind) in wanted else {}
    return {order_id: {**header, **empty, **rows.get((kind, order_id), {})} for order_id, header in found.items()}


def partly(kind: str, header: Document, found: Mapping[str, list[Document]]) -> Document:
    """Return an order's document with those entries of its lists that were found, and no others."""
    return {**header, item_list(kind): [], **found}


def whole(connection: Connection, kind: str, order_id: str, document: Document, entries_size: int | None) -> Document:
    """Return an order's whole document, by that of its row."""
    return document if entries_size is None else with_entries(connection, kind, {order_id: document})[order_id]


def _read(connection: Connection, statement: Any, keys: Collection[tuple[str, ...]]) -> Iterator[Any]:
    listed = sorted(keys)
    for start in range(0, len(listed), _AT_ONCE):
        yield from connection.execute(statement, {"keys": listed[start : start + _AT_ONCE]})


def _columns(document: Document, without: Collection[str], entries_size: int) -> Document:
    header = WrittenJson(write_json({key: value for key, value in document.items() if key not in without}))
    return {"document": header, "size": len(header.encode()), "entries_size": entries_size}


def _by_order(rows: Iterable[Any]) -> dict[Key, dict[str, list[Document]]]:
    """Return the lists that rows make, by their orders and names."""
    found: dict[Key, dict[str, list[Any]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        found[row.kind, row.order_id][row.name].append(row)
    return {order: {name: _nested(each, name) for name, each in named.items()} for order, named in found.items()}


def _row(kind: str, order_id: str, entry: _Entry, position: int) -> Document:
    return {
        "kind": kind,
        "order_id": order_id,
        "name": entry.name,
        "entry_id": entry.id,
        "parent_id": entry.parent_id,
        "depth": entry.depth,
        "position": position,
        "document": WrittenJson(write_json(entry.document)),
    }


def _entries_of(document: Document, names: Collection[str]) -> Iterator[_Entry]:
    for name in names:
        yield from _entries(document.get(name) or [], name)


def _entries(entries: Iterable[Document], name: str, parent_id: str | None = None, depth: int = 0) -> Iterator[_Entry]:
    """Yield each entry of a list, and of items before those that are nested in it."""
    for entry in entries:
        entry_id, nested = as_key(str(entry["id"])), None if name in GROWING else entry.get(name)
        document = {key: value for key, value in entry.items() if key != name} if nested else entry
        yield _Entry(name, entry_id, document, parent_id, depth)
        yield from _entries(nested or [], name, entry_id, depth + 1)


def _nested(rows: Collection[Any], name: str) -> list[Document]:
    """Return the outermost entries, with all others in those that they are nested in."""
    documents: dict[str | None, Document] = {row.entry_id: dict(row.document) for row in rows}
    outermost: Document = {name: []}
    for row in sorted(rows, key=lambda row: row.position):
        documents.get(row.parent_id, outermost).setdefault(name, []).append(documents[row.entry_id])
    entries: list[Document] = outermost[name]
    return entries


def _have_ids(entries: Any, name: str) -> bool:
    """Return whether each entry, nested items too, has an id of its own, by which its row is found again."""
    seen: set[str] = set()
    pending = [entries]
    while pending:
        some = pending.pop()
        if not isinstance(some, list):
            return False
        for entry in some:
            if not isinstance(entry, dict) or not isinstance(entry.get("id"), str) or as_key(entry["id"]) in seen:
                return False
            seen.add(as_key(entry["id"]))
            if name not in GROWING and entry.get(name):
                pending.append(entry[name])
    return True
