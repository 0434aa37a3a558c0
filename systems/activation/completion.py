"""Accepted changes are carried out when they are due, also those from before a restart."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from sqlalchemy import Row, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from systems.activation.changes import Change
from systems.activation.kinds import KINDS
from systems.activation.monitors import read_row, response_of, tell_of
from systems.activation.tables import monitor, monitor_address
from systems.common import events, log
from systems.common.addresses import reached_by
from systems.common.database import Database
from systems.common.deliveries import Deliveries
from systems.common.effects import Answer
from systems.common.errors import Refusal
from systems.common.queries import Document

# Also finds what a sibling process accepted and did not live to complete.
LONGEST_PAUSE_SECONDS = 5.0
PAUSE_AFTER_FAULT_SECONDS = 1.0

logger = logging.getLogger(__name__)


class Completions:
    """Completes what is due; ``look`` tells it that something new may be."""

    def __init__(self, database: Database, deliveries: Deliveries) -> None:
        self.database = database
        self._deliveries = deliveries
        self._news = asyncio.Event()

    def look(self) -> None:
        """Look for due changes now."""
        self._news.set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Complete due changes as long as the block runs."""
        running = asyncio.create_task(self._run())
        try:
            yield
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running

    async def _run(self) -> None:
        while True:
            self._news.clear()
            try:
                pause = await self._complete_due()
            except Exception:
                logger.exception("completing accepted changes")
                pause = PAUSE_AFTER_FAULT_SECONDS
            # Not wait_for: before Python 3.12 it can lose a cancellation that comes together with news.
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._news.wait()

    async def _complete_due(self) -> float:
        """Complete what is due and return the seconds until something will be."""
        async with self.database.reading() as connection:
            pending = select(monitor.c.id).where(monitor.c.state == "InProgress", monitor.c.due <= time.time())
            due = list(await connection.scalars(pending.order_by(monitor.c.due)))
        for monitor_id in due:
            await self._complete(monitor_id)
        async with self.database.reading() as connection:
            next_due = await connection.scalar(select(func.min(monitor.c.due)).where(monitor.c.state == "InProgress"))
        return min(max((next_due or float("inf")) - time.time(), 0), LONGEST_PAUSE_SECONDS)

    async def _complete(self, monitor_id: str) -> None:
        async with self.database.writing() as connection:
            row = await _claim(connection, monitor_id)
            if row is None:
                return
            change = Change(KINDS[row.kind], row.method, row.target, row.body, row.key, monitored=True)
            asked = select(monitor_address.c.address).where(monitor_address.c.id == monitor_id)
            with reached_by(await connection.scalar(asked) or ""):
                error = await _end(connection, row, change)
                await _tell_the_end(connection, row, change, error)
        self._deliveries.look()


async def _end(connection: AsyncConnection, row: Row[Any], change: Change) -> Document | None:
    """Carry the change out, and note how it ended; return the error where it failed."""
    try:
        if row.failure is not None:
            raise Refusal(500, "activationFailed", row.failure)
        answer = await _carry_out(connection, change)
    except Refusal as refusal:
        await _note(connection, row, "Failed", refusal.status, refusal.body())
        return {"code": refusal.code, "reason": refusal.reason}
    await _note(connection, row, "Completed", answer.status, answer.body)
    return None


async def _tell_the_end(connection: AsyncConnection, row: Row[Any], change: Change, error: Document | None) -> None:
    """Tell that the change is over: always as a change of state, that who asked for it need not know what to expect."""
    await tell_of(connection, await read_row(connection, row.id), "StateChange")
    title = f"{change.operation} {'completed' if error is None else 'failed'}"
    told = events.Change("StateChange", row.key, title, error=error)
    await change.kind.events.tell(connection, told, await _state_of(connection, change))


async def _claim(connection: AsyncConnection, monitor_id: str) -> Row[Any] | None:
    """The monitor, no longer in progress, so that nobody else completes it; None when somebody did."""
    claimed = await connection.execute(
        update(monitor).where(monitor.c.id == monitor_id, monitor.c.state == "InProgress").values(state="Completed")
    )
    if claimed.rowcount == 0:
        return None
    return await read_row(connection, monitor_id)


async def _carry_out(connection: AsyncConnection, change: Change) -> Answer:
    async with connection.begin_nested():
        return await change.carry_out(connection)


async def _note(connection: AsyncConnection, row: Row[Any], state: str, status: int, body: Document | None) -> None:
    await connection.execute(
        update(monitor).where(monitor.c.id == row.id).values(state=state, response=response_of(status, body))
    )
    await log.record(
        connection,
        "done" if state == "Completed" else "refused",
        key=row.key,
        operation=row.operation,
        target=row.target,
        status=status,
        reason=None if state == "Completed" else (body or {}).get("reason"),
    )


async def _state_of(connection: AsyncConnection, change: Change) -> Document:
    """What is configured now, or what the listener should know of what is not."""
    current = await change.kind.documents.find(connection, change.target)
    gone = "terminated" if change.method == "DELETE" else "inactive"
    return current or {"id": change.target, "href": change.kind.documents.href(change.target), "state": gone}
