"""How it is told that a change which was accepted is over; oddly, where a fault says so."""

from typing import Any

from sqlalchemy import Connection, Row, select

from systems.activation.changes import Change
from systems.activation.monitors import read_row, tell_of
from systems.activation.tables import monitor_fault
from systems.common import events
from tmf.bodies import Document

ON_THE_WAY = {"POST": ("designed", "reserved", "inactive"), "PATCH": ("inactive",), "DELETE": ("inactive",)}
"""The states that a thing goes through before the change is over, by the method that asked for it."""


def tell_the_end(connection: Connection, row: Row[Any], change: Change, error: Document | None) -> None:
    """Tell that the change is over: always as a change of state, that who asked for it need not know what to expect."""
    tell_of(connection, read_row(connection, row.id), "StateChange")
    title = f"{change.operation} {'completed' if error is None else 'failed'}"
    end = events.Change("StateChange", row.key, title, error=error)
    current = _state_of(connection, change)
    fault = connection.scalar(select(monitor_fault.c.kind).where(monitor_fault.c.id == row.id))
    source = change.kind.events
    told = [source.event(end, current)]
    if fault == "eventTwice":
        told *= 2
    elif fault is not None:
        way = [current | {"state": state} for state in ON_THE_WAY[change.method]]
        told = [*(source.event(events.Change("StateChange", row.key), document) for document in way), *told]
    source.send(connection, change.target, told[::-1] if fault == "eventsOutOfOrder" else told)


def _state_of(connection: Connection, change: Change) -> Document:
    """What is configured now, or what the listener should know of what is not."""
    current = change.kind.documents.find(connection, change.target)
    gone = "terminated" if change.method == "DELETE" else "inactive"
    return current or {"id": change.target, "href": change.kind.documents.href(change.target), "state": gone}
