"""Events of orders: which of them a change makes, and what they look like on their way to a listener.

Source of the types: the notifications of TMF622 v4.0 and v5.0, TMF641 v4.1 and TMF652 v4.0.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime

from pydantic import Field

from orders.events import snapshots
from orders.events.links import cancellation_name, linked
from orders.events.snapshots import Snapshot
from orders.lifecycle.change import OrderChange, OrderEntries
from orders.lifecycle.states import ITEM_LISTS, OrderKind, resource_name
from tmf.bodies import Document
from tmf.instants import UtcDatetime, timestamp
from tmf.model import Model

_NAMESPACE = uuid.UUID("6f2d6c8e-3a55-5c0a-9f0e-0d5a0f3b7c11")
_COMMON = ("Create", "AttributeValueChange", "StateChange", "Delete", "InformationRequired")
_OF_CANCELLATIONS = ("Create", "StateChange", "InformationRequired")
_MARKS: dict[OrderKind, dict[str, str]] = {
    OrderKind.PRODUCT: {
        "milestone": "Milestone",
        "jeopardyAlert": "JeopardyAlert",
        "productOrderErrorMessage": "ErrorMessage",
    },
    OrderKind.SERVICE: {"milestone": "Milestone", "jeopardyAlert": "Jeopardy"},
    OrderKind.RESOURCE: {},
}
"""Attributes whose change has an event of its own, and what that is called; those of TMF622 came with v5."""


class Event(Model):
    """Something that happened to a resource, as it is kept until every listener has it."""

    id: str
    """The same however often it is delivered."""
    type: str
    """As in `ProductOrderStateChangeEvent`."""
    api: str
    """Whose listeners it is for: that of an order kind, such as `productOrder`, or of another API."""
    resource: str
    """The name of the resource in the event's payload, such as `cancelProductOrder`."""
    subject_id: str
    root_id: str
    """The root of the order tree; the events of a tree are delivered in their order."""
    at: UtcDatetime
    title: str
    field_path: str | None = None
    omitted_path: str | None = None
    """The attributes of which the document lacks something, since the resource is too large to be told whole."""
    document: Document = Field(default_factory=dict)
    """The resource as it was then, without `href`: the address is that of whoever delivers."""


def event_types(kind: OrderKind, *, marks: bool = True) -> list[str]:
    """Return the types of events of an order API; `marks`: with milestones, alerts and the like, where it has them."""
    name = resource_name(kind)
    own = [*_COMMON, *(_MARKS[kind].values() if marks else ())]
    return [*(f"{name}{each}Event" for each in own), *(f"Cancel{name}{each}Event" for each in _OF_CANCELLATIONS)]


def created(kind: OrderKind, document: Document, root_id: str, at: datetime) -> Event:
    """Return the event of an order that was taken in, or made by another one."""
    return _of_order(kind, "Create", snapshots.of_new(kind, document), root_id, "0", at)


def deleted(kind: OrderKind, document: Document, root_id: str, at: datetime) -> Event:
    """Return the event of an order that was deleted; of it only what the standard asks of every order is told."""
    return _of_order(kind, "Delete", snapshots.of_deleted(kind, document), root_id, "end", at)


def information_required(
    kind: OrderKind,
    document: Document,
    root_id: str,
    task_id: str,
    item: str | None,
    at: datetime,
    *,
    partial: Collection[str] = (),
) -> Event:
    """Return the event of an order that waits for what people are to tell or to do; `item` is whose step it is.

    Args:
        partial: lists of which the document has some entries, the item whose step it is among them.
    """
    path = f"{ITEM_LISTS[kind]}[id={item}]" if item else ITEM_LISTS[kind]
    asking = snapshots.of_asking(kind, document, item, partial=partial)
    return _of_order(kind, "InformationRequired", asking, root_id, task_id, at, path)


def changed(
    change: OrderChange,
    before: Document,
    after: Document,
    root_id: str,
    at: datetime,
    *,
    epoch: int = 0,
    partial: Collection[str] = (),
) -> list[Event]:
    """Return the events of a change: of its state, or else of its attributes, and of what has events of its own.

    Args:
        epoch: within which the change's version counts: in another one the same version is another change.
        partial: lists of which the documents have those entries alone that the change is about.
    """
    kind, version = change.kind, f"{change.version}@{epoch}" if epoch else str(change.version)
    states: list[Event] = []
    state = before.get("state")
    snapshot = snapshots.of_changed(kind, before, after, partial=partial)
    for index, each in enumerate([*change.passed, change.state]):
        if each != state:
            shown = replace(snapshot, document={**snapshot.document, "state": each.value})
            states.append(_of_order(kind, "StateChange", shown, root_id, f"{version}.{index}", at))
        state = each
    own = _MARKS[kind].keys()
    touched = {name for name in {*before, *after} if before.get(name) != after.get(name)}
    touched -= {name for name in own if not after.get(name)}
    return states + _of_attributes(kind, touched & own if states else touched, snapshot, root_id, version, at)


def extended(
    entries: OrderEntries,
    before: Document,
    after: Document,
    root_id: str,
    at: datetime,
    *,
    partial: Collection[str] = (),
) -> list[Event]:
    """Return the events of entries that were added to lists of an order; `partial` is as in `changed`."""
    touched = {name for name in entries.appended if before.get(name) != after.get(name)}
    told = sorted(f"{name}/{entry['id']}" for name in touched for entry in entries.appended[name])
    snapshot = snapshots.of_changed(entries.kind, before, after, partial=partial)
    return _of_attributes(entries.kind, touched, snapshot, root_id, "+".join(told), at)


def cancellation_created(kind: OrderKind, document: Document, root_id: str, at: datetime) -> Event:
    """Return the event of a request to cancel that was taken in."""
    return _of_cancellation(kind, "Create", document, root_id, at)


def cancellation_changed(kind: OrderKind, document: Document, root_id: str, at: datetime) -> Event:
    """Return the event of a request to cancel that is further on."""
    return _of_cancellation(kind, "StateChange", document, root_id, at)


def envelope(event: Event, base_url: str) -> Document:
    """Return an event as TMF622, TMF641 and TMF652 v4 send it; `timeOcurred` is the standard's own spelling."""
    resource = linked(base_url, event.resource, event.document)
    at = timestamp(event.at)
    paths = {"fieldPath": event.field_path, "omittedPath": event.omitted_path}
    href = {"href": resource["href"]} if "href" in resource else {}
    return {
        "id": event.subject_id,
        **href,
        "eventId": event.id,
        "eventTime": at,
        "eventType": event.type,
        "correlationId": event.root_id,
        "domain": event.api,
        "title": event.title,
        "description": f"{event.type} of {event.subject_id}",
        "priority": str(event.document.get("priority") or "4"),
        "timeOcurred": at,
        **{name: path for name, path in paths.items() if path},
        "event": {event.resource: resource},
    }


def listener_path(event_type: str) -> str:
    """Return where below a callback a listener takes events of a type: `listener/productOrderCreateEvent`."""
    return f"listener/{event_type[0].lower()}{event_type[1:]}"


def event_id(*parts: str) -> str:
    """Return the id of the event that these tell from all others."""
    return str(uuid.uuid5(_NAMESPACE, "\0".join(parts)))


def _of_order(
    kind: OrderKind,
    what: str,
    snapshot: Snapshot,
    root_id: str,
    version: str,
    at: datetime,
    field_path: str | None = None,
) -> Event:
    name = resource_name(kind)
    document = snapshot.document
    order_id = str(document["id"])
    return Event(
        id=event_id(kind, order_id, version, what),
        type=f"{name}{what}Event",
        api=kind.value,
        resource=kind.value,
        subject_id=order_id,
        root_id=root_id,
        at=at,
        title=f"{name} {order_id}: {document.get('state')}",
        field_path=field_path,
        omitted_path=",".join(snapshot.omitted) or None,
        document=document,
    )


def _of_attributes(
    kind: OrderKind, touched: set[str], snapshot: Snapshot, root_id: str, version: str, at: datetime
) -> list[Event]:
    """Return the events of attributes that have another value: one of all, and one of each that has its own."""
    own = _MARKS[kind]
    found = []
    if paths := sorted(touched - own.keys()):
        found.append(_of_order(kind, "AttributeValueChange", snapshot, root_id, version, at, ",".join(paths)))
    return found + [
        _of_order(kind, own[name], snapshot, root_id, version, at, name) for name in sorted(touched & own.keys())
    ]


def _of_cancellation(kind: OrderKind, what: str, document: Document, root_id: str, at: datetime) -> Event:
    resource = cancellation_name(kind)
    return Event(
        id=event_id(resource, document["id"], document["state"], what),
        type=f"Cancel{resource_name(kind)}{what}Event",
        api=kind.value,
        resource=resource,
        subject_id=document["id"],
        root_id=root_id,
        at=at,
        title=f"cancellation {document['id']} of {document[kind.value]['id']}: {document['state']}",
        document=document,
    )
