"""What the store reads from and writes into an order's document: pure functions, no database."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator
from typing import Any

from pydantic_core import from_json, to_json

from orders.lifecycle.change import OrderChange, OrderEntries, OrderUpdate
from orders.lifecycle.states import ITEM_LISTS
from tmf.bodies import UNSTORABLE, Document, is_storable
from tmf.query.values import as_instant, as_text, values_at

DATES = {
    "orderDate": "order_date",
    "requestedStartDate": "requested_start_date",
    "requestedCompletionDate": "requested_completion_date",
    "expectedCompletionDate": "expected_completion_date",
    "completionDate": "completion_date",
}
"""Dates that have a column of their own."""

TEXTS = {"state": "state", "externalId": "external_id", "category": "category", "priority": "priority"}
"""Other attributes that have a column of their own."""

REFERENCES = {
    "relatedParty.id": "relatedParty",
    "productOrderItem.product.id": "product",
    "productOrderItem.productOffering.id": "productOffering",
    "serviceOrderItem.service.id": "service",
    "orderItem.resource.id": "resource",
    "orderRelationship.id": "orderRelationship",
}
"""Paths of what an order may refer to several times, with its name among the rows of `order_references`."""

_REFERRING = {name for path in REFERENCES for name in path.split(".")} - {"id"}
_LONGEST_KEY = 1000


class WrittenJson(str):
    """A JSON value as the store writes it."""


def write_json(value: Any) -> str:
    """Return a JSON value as the store writes it; of NaN and infinity, which JSON does not have, the names."""
    return value if isinstance(value, WrittenJson) else to_json(value, inf_nan_mode="strings").decode()


def read_json(text: str | bytes) -> Any:
    """Return the JSON value that the store has written."""
    try:
        return from_json(text)
    except ValueError:
        # What nests deeper than that reads: an event of an order that nests as deep as a body may.
        return json.loads(text)


def apply_change(document: Document, change: OrderChange) -> Document:
    """Return the document as it is after `change`: its state, attributes, lists and items; None removes an attribute.

    An item that the document does not have is added behind the others. An entry of another list takes the place of the
    one that has its id. What no database keeps is replaced (`storable`).
    """
    changed = _merged(document, storable(change.attributes))
    for name, entries in storable(change.appended).items():
        changed[name] = _with_added(_entries(changed, name), entries)
    changed |= {"id": change.order_id, "state": change.state.value}
    if change.items:
        name = ITEM_LISTS[change.kind]
        pending = storable(change.items)
        items = _merge_items(changed.get(name) or [], name, pending)
        changed[name] = [*items, *(_merged({"id": item_id}, rest) for item_id, rest in pending.items())]
    return changed


def apply_entries(document: Document, entries: OrderEntries) -> Document:
    """Return the document with those entries that its lists do not have yet; itself, where they have them all."""
    added = {}
    for name, told in storable(entries.appended).items():
        kept = _entries(document, name)
        known = {each.get("id") for each in kept if isinstance(each, dict)}
        if new := [each for each in told if each["id"] not in known]:
            added[name] = [*kept, *new]
    return document | added if added else document


def _entries(document: Document, name: str) -> list[Any]:
    """Return a list of a document; a client may have sent something else under the name of one that we keep."""
    kept = document.get(name)
    return kept if isinstance(kept, list) else []


def _with_added(kept: list[Any], entries: list[Any]) -> list[Any]:
    """Return a list with each entry in the place of the one that has its id, or else behind all."""
    places = {each.get("id"): place for place, each in enumerate(kept) if isinstance(each, dict)}
    added = list(kept)
    for each in entries:
        place = len(added) if each.get("id") is None else places.setdefault(each["id"], len(added))
        added[place : place + 1] = [each]
    return added


def _merge_items(items: list[Document], name: str, pending: dict[str, Document]) -> list[Document]:
    """Merge into `items`, and those nested under `name`, what is pending for them, taking it out of `pending`."""
    merged = []
    for item in items:
        if changes := pending.pop(str(item.get("id")), None):
            item = _merged(item, _over(item, changes))
        if pending and item.get(name):
            item = {**item, name: _merge_items(item[name], name, pending)}
        merged.append(item)
    return merged


def _merged(attributes: Document, changes: Document) -> Document:
    return {name: value for name, value in (attributes | changes).items() if name not in changes or value is not None}


def _over(item: Document, changes: Document) -> Document:
    """Return changes of an item with what its service or resource has already and they do not say."""
    return {
        name: _merged(item[name], value) if isinstance(value, dict) and isinstance(item.get(name), dict) else value
        for name, value in changes.items()
    }


def indexed_columns(document: Document) -> dict[str, str | None]:
    """Return the values of the columns that mirror attributes of the document."""
    return {column: _key(document.get(name)) for name, column in TEXTS.items()} | {
        column: as_instant(as_text(document.get(name)) or "") for name, column in DATES.items()
    }


def changed_columns(before: Document, after: Document) -> dict[str, str | None]:
    """Return the columns that mirror attributes which a change gave other values; an order's date never changes."""
    changed = {name for name in (*TEXTS, *DATES) if before.get(name) != after.get(name)} - {"orderDate"}
    mirrored = indexed_columns({name: after[name] for name in changed if name in after})
    return {(TEXTS | DATES)[name]: mirrored[(TEXTS | DATES)[name]] for name in changed}


def references(document: Document) -> set[tuple[str, str]]:
    """Return what the document refers to, of all that has rows of its own: its name in `REFERENCES`, and its key."""
    found = ((name, _key(value)) for path, name in REFERENCES.items() for value in values_at(document, path.split(".")))
    return {(name, key) for name, key in found if key is not None}


def changes_references(change: OrderUpdate) -> bool:
    """Return whether a change may make a document refer to something else."""
    if isinstance(change, OrderEntries):
        return not _REFERRING.isdisjoint(change.appended)
    named = (change.attributes, change.appended, *change.items.values())
    return any(not _REFERRING.isdisjoint(names) for names in named)


def as_key(text: str) -> str:
    """Return `text` as it stands in indexed columns: one that is too long for an index ends in its digest."""
    raw = text.encode()
    return text if len(raw) <= _LONGEST_KEY else f"{text[:100]}#{hashlib.sha256(raw).hexdigest()}"


def _key(value: Any) -> str | None:
    text = as_text(value)
    return None if text is None else as_key(text)


def storable(value: Any) -> Any:
    """Return a JSON value with all that no database keeps replaced: characters by U+FFFD, NaN by its name."""
    match value:
        case str():
            return UNSTORABLE.sub("\ufffd", value)
        case float():
            return value if math.isfinite(value) else str(value)
        case dict():
            return {storable(name): storable(each) for name, each in value.items()}
        case list() | tuple():
            return [storable(each) for each in value]
        case _:
            return value


def unstorable_paths(value: Any, path: str = "") -> Iterator[str]:
    """Yield the path of each string, name or number that no database keeps."""
    match value:
        case dict():
            for name, each in value.items():
                if not is_storable(name):
                    yield path or "the document"
                yield from unstorable_paths(each, f"{path}.{name}" if path else name)
        case list():
            for index, each in enumerate(value):
                yield from unstorable_paths(each, f"{path}[{index}]")
        case str() if not is_storable(value):
            yield path
        case float() if not math.isfinite(value):
            yield path
