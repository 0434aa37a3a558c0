"""The order store's repository of saga logs: what nodes of long orders did in runs of their workflows that are over.

A run writes what its nodes have done before the next one begins, which reads what it needs to go on, change or undo.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import select

from store.sql.database import Database
from store.sql.tables import saga_log
from tmf.bodies import Document


class SagaLog:
    """What nodes of orders did: for each its steps, first to last, as their workflow wrote them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def write(self, order_id: str, steps: Mapping[str, Sequence[Document]]) -> None:
        """Write all that nodes have done (key → steps), in place of what was known of them.

        Raises:
            StoreUnavailableError: when the database cannot serve; nothing is written then.
        """
        rows = [{"order_id": order_id, "key": key, "steps": list(each)} for key, each in sorted(steps.items())]
        if rows:
            written = self._database.insert_or_update(saga_log)
            await self._database.write(lambda connection: connection.execute(written, rows))

    async def read(self, order_id: str, keys: Collection[str]) -> dict[str, list[Document]]:
        """Return what nodes have done; those that are not known are left out.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        wanted = select(saga_log.c.key, saga_log.c.steps).where(
            saga_log.c.order_id == order_id, saga_log.c.key.in_(sorted(keys))
        )
        return await self._database.read(lambda connection: {row.key: row.steps for row in connection.execute(wanted)})
