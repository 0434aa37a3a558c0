"""The order store's repository of begun calls: the effects that workflow tasks were about to have by themselves.

A call that is made within a workflow task is in no history before the task is through. Of one that was lost, these
notes tell what it may have done.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, Delete, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from orders.model.order_ids import root_of_workflow
from store.sql.database import Database
from store.sql.tables import begun_calls

END = "end"
"""The key by which it is noted that an order ends: it stays when the others are forgotten."""

_INSERTED = {
    "sqlite": sqlite.insert(begun_calls).on_conflict_do_nothing(),
    "postgresql": postgresql.insert(begun_calls).on_conflict_do_nothing(),
}


class BegunCalls:
    """Which effects the workflows of an order may have had by local calls, until the order ends."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def note(self, workflow_id: str, key: str) -> None:
        """Note that a workflow is about to have the effect that bears this key; noting it again changes nothing.

        Raises:
            StoreUnavailableError: when the database cannot serve; nothing is noted then.
        """
        await self._database.write_together(_note, (root_of_workflow(workflow_id), workflow_id, key), durable=False)

    async def of(self, workflow_id: str) -> list[str]:
        """Return the keys of the effects that a workflow may have had, sorted.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        its = select(begun_calls.c.key).where(
            begun_calls.c.root_id == root_of_workflow(workflow_id), begun_calls.c.workflow_id == workflow_id
        )
        ordered = its.order_by(begun_calls.c.key)
        return await self._database.read(lambda connection: list(connection.scalars(ordered)))

    async def forget(self, workflow_id: str) -> None:
        """Forget what a workflow has begun, but not that its order ends.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        its = forgotten(root_of_workflow(workflow_id)).where(begun_calls.c.workflow_id == workflow_id)
        await self._database.write(lambda connection: connection.execute(its))


def forgotten(order_id: str) -> Delete:
    """Return the statement by which a posted order's begun calls are forgotten, with those of all below it."""
    return delete(begun_calls).where(begun_calls.c.root_id == order_id, begun_calls.c.key != END)


def _note(connection: Connection, calls: Sequence[tuple[str, str, str]]) -> list[None]:
    # Sorted, so that two transactions which note the same never wait for each other.
    rows = [{"root_id": root, "workflow_id": workflow_id, "key": key} for root, workflow_id, key in sorted(calls)]
    connection.execute(_INSERTED[connection.dialect.name], rows)
    return [None] * len(calls)
