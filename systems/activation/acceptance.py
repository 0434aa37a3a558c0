"""A change that is put off: accepted now, with a monitor, and carried out when it is due."""

from uuid import uuid4

from sqlalchemy import Connection, insert

from systems.activation.changes import Change
from systems.activation.monitors import as_document, read_row, tell_of
from systems.activation.tables import monitor, monitor_address
from systems.common.addresses import here
from systems.common.database import notify
from systems.common.effects import Answer

ACCEPTED = "accepted"
"""The channel by which it is known that a change was accepted."""


def accept(connection: Connection, change: Change, *, due: float, failure: str | None) -> Answer:
    """Put the change off until ``due`` (seconds since 1970), to fail then if there is a reason ``failure``."""
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
    row = read_row(connection, monitor_id)
    tell_of(connection, row, "Create")
    notify(connection, ACCEPTED)
    document = as_document(row)
    return Answer(202, document, change.target, {"Location": document["href"]}, accepted_only=True)
