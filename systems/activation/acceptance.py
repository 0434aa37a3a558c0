"""A change that is put off: accepted now, with a monitor, and carried out when it is due."""

from uuid import uuid4

from sqlalchemy import Connection, insert

from systems.activation.changes import Change
from systems.activation.monitors import as_document, read_row, tell_of
from systems.activation.tables import monitor, monitor_address, monitor_fault
from systems.common.addresses import here
from systems.common.database import notify
from systems.common.effects import Answer
from systems.common.faults import FaultRule

ACCEPTED = "accepted"
"""The channel by which it is known that a change was accepted."""


def accept(connection: Connection, change: Change, *, due: float, fault: FaultRule | None) -> Answer:
    """Put the change off until ``due`` (seconds since 1970), to fail then, or be told of oddly, if a fault says so."""
    fails = fault is not None and fault.kind == "asyncFailure"
    failure = (fault.message or f"{change.operation} failed in the network") if fault and fails else None
    monitor_id = uuid4().hex
    connection.execute(
        insert(monitor).values(
            id=monitor_id,
            kind=change.kind.name,
            target=change.target,
            state="InProgress",
            operation=change.operation,
            method=change.method,
            body=change.body,
            key=change.key,
            due=due,
            failure=failure,
        )
    )
    connection.execute(insert(monitor_address).values(id=monitor_id, address=here()))
    if fault is not None and not fails:
        connection.execute(insert(monitor_fault).values(id=monitor_id, kind=fault.kind))
    row = read_row(connection, monitor_id)
    tell_of(connection, row, "Create")
    notify(connection, ACCEPTED)
    document = as_document(row)
    return Answer(202, document, change.target, {"Location": document["href"]}, accepted_only=True)
