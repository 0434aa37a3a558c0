"""Events of a TM Forum API, put on their way in the transaction of what they tell of."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import parse_qsl
from uuid import uuid4

from pydantic import BaseModel, create_model
from sqlalchemy import Connection, bindparam, insert, select

from systems.common import tables, tmf
from systems.common.clock import timestamp
from systems.common.database import notify
from systems.common.errors import Refusal
from systems.common.queries import admits, read_filters
from tmf.bodies import Document
from tmf.query.query import QueryError
from tmf.resources import Extensible

DELIVERIES = "deliveries"
"""The channel by which it is known that events are to be delivered."""
LISTENERS = select(tables.subscription).where(tables.subscription.c.hub == bindparam("of_hub"))
DELIVER = insert(tables.delivery).inline()
CHANGES = ("Create", "AttributeValueChange", "StateChange", "Delete")
"""What the standards have events of."""


class EventError(Extensible):
    """Why what an event tells of failed."""

    code: str
    reason: str


@dataclass(frozen=True)
class Change:
    """What an event tells: ``what`` happened (``StateChange``), by the request with ``key``, and why it failed if so.

    ``fields`` are the attributes that have changed.
    """

    what: str
    key: str
    title: str = ""
    fields: Sequence[str] = ()
    error: Document | None = None


@dataclass(frozen=True)
class EventSource:
    """The resources of one ``noun`` (``service``) whose events the hub at ``base`` gives out."""

    base: str
    noun: str
    domain: str

    def tell(self, connection: Connection, change: Change, document: Document) -> None:
        """Put the event on its way to every listener that wants it, when the transaction commits."""
        self.send(connection, document["id"], [self.event(change, document)])

    def send(self, connection: Connection, document_id: str, told: Sequence[Document]) -> None:
        """Put events of one document on their way, in this order."""
        rows = connection.execute(LISTENERS, {"of_hub": self.base}).all()
        now = time.time()
        deliveries = [
            {
                "subscription": row.id,
                "lane": f"{self.noun}/{document_id}",
                "event_id": event["eventId"],
                "event_type": event["eventType"],
                "body": json.dumps(event, ensure_ascii=False, separators=(",", ":")),
                "made": now,
                "due": now,
                "attempts": 0,
            }
            for event in told
            for row in rows
            if admits(read_filters(_parameters(row.query)), event)
        ]
        if deliveries:
            connection.execute(DELIVER, deliveries)
            notify(connection, DELIVERIES)

    def event(self, change: Change, document: Document) -> Document:
        """The TM Forum envelope; ``timeOcurred`` is the standard's own spelling."""
        moment = timestamp()
        capitalised = self.noun[0].upper() + self.noun[1:]
        event = {
            "eventId": str(uuid4()),
            "eventTime": moment,
            "timeOcurred": moment,
            "eventType": f"{capitalised}{change.what}Event",
            "correlationId": change.key,
            "domain": self.domain,
            "title": change.title or f"{capitalised} {document['id']}: {change.what}",
            "event": {self.noun: document} | ({} if change.error is None else {"error": change.error}),
        }
        return event | {"fieldPath": ",".join(change.fields)} if change.fields else event

    def tell_of_change(
        self, connection: Connection, key: str, before: Document, after: Document, states: Sequence[str]
    ) -> None:
        """Tell how a document was changed: in attributes other than its ``states``, in these, or in both."""
        changed = [name for name in {**before, **after} if before.get(name) != after.get(name)]
        attributes = [name for name in changed if name not in states]
        if attributes:
            self.tell(connection, Change("AttributeValueChange", key, fields=attributes), after)
        if len(attributes) < len(changed):
            self.tell(connection, Change("StateChange", key), after)


def event_model(resources: Mapping[str, type[BaseModel]]) -> type[BaseModel]:
    """What an event of these resources, noun → model, is: what a listener's query is checked by."""
    types: Any = Literal[tuple(f"{noun[0].upper()}{noun[1:]}{what}Event" for noun in resources for what in CHANGES)]
    optional: dict[str, Any] = {noun: (model | None, None) for noun, model in resources.items()}
    payload = create_model("EventPayload", **optional, error=(EventError | None, None))
    texts: dict[str, Any] = dict.fromkeys(("eventId", "correlationId", "domain", "title", "fieldPath"), (str, ...))
    moments: dict[str, Any] = dict.fromkeys(("eventTime", "timeOcurred"), (tmf.Moment, ...))
    return create_model("Event", **texts, **moments, eventType=(types, ...), event=(payload, ...))


def check_query(query: str | None, model: type[BaseModel]) -> None:
    """Raises Refusal 400 for a registration's ``query`` that no event, as ``model`` has them, could match."""
    # An event, what it tells of, and the attributes of that.
    try:
        read_filters(_parameters(query), model, levels=3)
    except QueryError as error:
        raise Refusal(400, "invalidQuery", f"query: {error}") from None


def _parameters(query: str | None) -> list[tuple[str, str]]:
    """What a registration's ``query`` says, such as ``eventType=…&event.service.state=active``."""
    return parse_qsl(query or "", keep_blank_values=True)
