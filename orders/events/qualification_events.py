"""Events of qualifications. Source: the notifications of TMF679 v4.0 and TMF645 v4.0."""

from __future__ import annotations

from datetime import datetime

from orders.events.order_events import Event, event_id
from orders.qualification.results import QualificationKind
from tmf.bodies import Document

OFFERING_API = "productOfferingQualification"
SERVICE_API = "serviceQualification"

APIS = {
    QualificationKind.OFFERING: OFFERING_API,
    QualificationKind.SERVICE_CHECK: SERVICE_API,
    QualificationKind.SERVICE_QUERY: SERVICE_API,
}
"""Whose listeners are told of which kind."""

CREATE, CHANGE, STATE, DELETE = "Create", "AttributeValueChange", "StateChange", "Delete"

_KNOWN = {
    QualificationKind.OFFERING: (CREATE, CHANGE, STATE, DELETE, "InformationRequired"),
    QualificationKind.SERVICE_CHECK: (CREATE, CHANGE, STATE, DELETE, "InformationRequired"),
    QualificationKind.SERVICE_QUERY: (CREATE, STATE, DELETE),
}


def qualification_event_types(api: str) -> list[str]:
    """Return the types of events of a qualification API."""
    return [_type(kind, what) for kind, whats in _KNOWN.items() if APIS[kind] == api for what in whats]


def qualification_events(kind: QualificationKind, what: str, document: Document, at: datetime) -> list[Event]:
    """Return the event of a change to a qualification, where its API has one."""
    if what not in _KNOWN[kind]:
        return []
    return [
        Event(
            id=event_id(kind, document["id"], what, document["state"], at.isoformat()),
            type=_type(kind, what),
            api=APIS[kind],
            resource=kind.value,
            subject_id=document["id"],
            root_id=document["id"],
            at=at,
            title=f"{kind} {document['id']}: {document['state']}",
            document=document,
        )
    ]


def _type(kind: QualificationKind, what: str) -> str:
    return f"{kind[0].upper()}{kind[1:]}{what}Event"
