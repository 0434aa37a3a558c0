"""Snapshots in events: a small order whole, of a large one what has changed, and never above a bound."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic_core import to_json

from orders.lifecycle.states import ITEM_LISTS, OrderKind
from tmf.bodies import Document

MAX_SNAPSHOT = 256 * 1024
"""Bytes of JSON that an event carries of an order at most."""

_MAX_HEADER = MAX_SNAPSHOT // 2
"""What of it all attributes but the items may take."""
_KEPT = frozenset({"id", "state"})
"""Attributes that are told however large the others are: the store's own, and short."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """An order as an event carries it."""

    document: Document
    omitted: tuple[str, ...] = ()
    """The attributes of which something is left out, by name."""


def of_new(kind: OrderKind, document: Document) -> Snapshot:
    """Return what is told of an order that is told for the first time: all of it is new."""
    return of_changed(kind, {}, document)


def of_changed(kind: OrderKind, before: Document, after: Document, *, partial: Collection[str] = ()) -> Snapshot:
    """Return what is told of an order that was another before: of a large one, those items that have changed.

    Args:
        partial: lists of which the documents have some entries, the changed ones among them; only a large order's may.
    """
    if not partial and _fits(after, ITEM_LISTS[kind]):
        return Snapshot(after)
    return _bounded(kind, before, after, _changed(before, after, ITEM_LISTS[kind]), partial)


def of_asking(kind: OrderKind, document: Document, item_id: str | None, *, partial: Collection[str] = ()) -> Snapshot:
    """Return what is told of an order that waits for people: of a large one, the item that it waits for.

    Args:
        partial: lists of which the document has some entries, the item among them; only a large order's may.
    """
    name = ITEM_LISTS[kind]
    if not partial and _fits(document, name):
        return Snapshot(document)
    asking = [each for each in _objects(document, name) if _has(each, item_id, name)]
    return _bounded(kind, document, document, asking, partial)


def of_deleted(kind: OrderKind, document: Document) -> Snapshot:
    """Return what is told of an order that is no more: what the standard asks of every order."""
    name = ITEM_LISTS[kind]
    asked: Document = {
        attribute: document[attribute] for attribute in ("id", "state", "@type") if attribute in document
    }
    header, omitted = _header({}, asked)
    told = _first_that_fits(_in_short(kind, _objects(document, name)), MAX_SNAPSHOT - _size(header))
    return Snapshot({**header, name: list(told or [])}, tuple(omitted if told is not None else [*omitted, name]))


def _bounded(
    kind: OrderKind, before: Document, after: Document, changed: Sequence[Document], partial: Collection[str]
) -> Snapshot:
    """Return an order with no other items than those that have changed, in short where they take too much."""
    name = ITEM_LISTS[kind]
    news = {key: _changed(before, after, key) for key in partial if key != name}
    told_of = {key: news.get(key, value) for key, value in after.items() if key != name and news.get(key, True)}
    header, omitted = _header(before, told_of)
    told = _first_that_fits([changed, *_in_short(kind, changed)], MAX_SNAPSHOT - _size(header))
    if told is not changed or changed != _objects(after, name):
        omitted = [*omitted, name]
    # In the place that it has in the order.
    document = {key: list(told or []) if key == name else header[key] for key in after if key == name or key in header}
    return Snapshot(document, tuple(sorted({*omitted, *partial})))


def _header(before: Document, header: Document) -> tuple[Document, list[str]]:
    """Return what is told beside the items, and which attributes lack something: the largest, of lists what is old."""
    sizes = {name: _size({name: value}) for name, value in header.items()}
    shown, omitted, total = dict(header), [], sum(sizes.values())
    for name in sorted(sizes.keys() - _KEPT, key=lambda name: (-sizes[name], name)):
        if total <= _MAX_HEADER:
            break
        omitted.append(name)
        total -= sizes[name]
        del shown[name]
        new = _new_entries(before.get(name), header[name])
        if new and (size := _size({name: new})) <= _MAX_HEADER - total:
            shown[name] = new
            total += size
    return {name: shown[name] for name in header if name in shown}, omitted


def _new_entries(before: Any, after: Any) -> list[Any]:
    """Return what a list has that it did not have before; entries are added at its end."""
    if not isinstance(before, list) or not isinstance(after, list) or after[: len(before)] != before:
        return []
    return after[len(before) :]


def _changed(before: Document, after: Document, name: str) -> list[Document]:
    """Return the entries of a list that were not there before, or were others, and of those nested in them such alone.

    Those that stayed are mostly the same objects.
    """
    known = {str(each.get("id")): each for each in _objects(before, name)}
    found = []
    for each in _objects(after, name):
        if (old := known.get(str(each.get("id")))) != each:
            nested = _changed(old, each, name) if old is not None and each.get(name) else None
            found.append(each if nested is None else {**each, name: nested})
    return found


def _has(item: Document, item_id: str | None, name: str) -> bool:
    """Return whether an item is that with an id, or has it among those that are nested in it."""
    return item_id is not None and (
        item.get("id") == item_id or any(_has(x, item_id, name) for x in _objects(item, name))
    )


def _in_short(kind: OrderKind, items: Sequence[Document]) -> list[list[Document]]:
    """Return items in short, with those that are nested in them, and without."""
    return [[_bare(kind, each, nested=nested) for each in items] for nested in (True, False)]


def _bare(kind: OrderKind, item: Document, *, nested: bool) -> Document:
    """Return what an item is, how it stands, and what it is about by its id alone."""
    bare: Document = {name: item[name] for name in ("id", "@type", "action", "state") if name in item}
    about = item.get(subject := kind.value.removesuffix("Order"))
    if isinstance(about, dict):
        bare[subject] = {name: about[name] for name in ("id", "href", "@type") if name in about}
    if nested and (parts := _objects(item, ITEM_LISTS[kind])):
        bare[ITEM_LISTS[kind]] = [_bare(kind, each, nested=True) for each in parts]
    return bare


def _fits(document: Document, name: str) -> bool:
    """Return whether an order can be told whole; of a large one only as much is measured as tells that it is."""
    left = MAX_SNAPSHOT
    for part in _parts(document, name):
        left -= _size(part)
        if left < 0:
            return False
    return True


def _parts(document: Document, name: str) -> Iterator[Any]:
    items = document.get(name)
    if not isinstance(items, list):
        yield document
        return
    yield {key: value for key, value in document.items() if key != name}
    yield from items


def _first_that_fits(forms: Collection[Sequence[Document]], left: int) -> Sequence[Document] | None:
    return next((form for form in forms if _size(form) <= left), None)


def _objects(document: Document, name: str) -> list[Document]:
    value = document.get(name)
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _size(value: Any) -> int:
    """Return the bytes that a JSON value takes."""
    return len(to_json(value, inf_nan_mode="strings"))
