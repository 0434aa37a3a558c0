"""Accepted changes are carried out when they are due, also those from before a restart."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

from sqlalchemy import Connection, Row, func, select, update

from systems.activation.acceptance import ACCEPTED
from systems.activation.changes import Change
from systems.activation.kinds import KINDS
from systems.activation.monitors import read_row, response_of
from systems.activation.tables import monitor, monitor_address
from systems.activation.telling import tell_the_end
from systems.common import log
from systems.common.addresses import reached_by
from systems.common.database import Database
from systems.common.effects import Answer
from systems.common.errors import Refusal
from tmf.bodies import Document

# Also finds what a sibling process accepted and did not live to complete.
LONGEST_PAUSE_SECONDS = 5.0
PAUSE_AFTER_FAULT_SECONDS = 1.0

logger = logging.getLogger(__name__)


class Completions:
    """Completes what is due."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._news = database.listen(ACCEPTED)

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
        for monitor_id in await self._database.reading(_due):
            await self._database.writing(_complete, monitor_id)
        next_due = await self._database.reading(_next_due)
        return min(max(next_due - time.time(), 0), LONGEST_PAUSE_SECONDS)


def _due(connection: Connection) -> Sequence[str]:
    """The ids of the monitors that are due."""
    pending = select(monitor.c.id).where(monitor.c.state == "InProgress", monitor.c.due <= time.time())
    return connection.scalars(pending.order_by(monitor.c.due)).all()


def _next_due(connection: Connection) -> float:
    """When the next monitor is due, in seconds since 1970."""
    return connection.scalar(select(func.min(monitor.c.due)).where(monitor.c.state == "InProgress")) or float("inf")


def _complete(connection: Connection, monitor_id: str) -> None:
    row = _claim(connection, monitor_id)
    if row is None:
        return
    change = Change(KINDS[row.kind], row.method, row.target, row.body, row.key, monitored=True)
    asked = select(monitor_address.c.address).where(monitor_address.c.id == monitor_id)
    with reached_by(connection.scalar(asked) or ""):
        error = _end(connection, row, change)
        tell_the_end(connection, row, change, error)


def _end(connection: Connection, row: Row[Any], change: Change) -> Document | None:
    """Carry the change out, and note how it ended; return the error where it failed."""
    try:
        if row.failure is not None:
            raise Refusal(500, "activationFailed", row.failure)
        answer = _carry_out(connection, change)
    except Refusal as refusal:
        _note(connection, row, "Failed", refusal.status, refusal.body())
        return {"code": refusal.code, "reason": refusal.reason}
    _note(connection, row, "Completed", answer.status, answer.body)
    return None


def _claim(connection: Connection, monitor_id: str) -> Row[Any] | None:
    """The monitor, no longer in progress, so that nobody else completes it; None when somebody did."""
    claimed = connection.execute(
        update(monitor).where(monitor.c.id == monitor_id, monitor.c.state == "InProgress").values(state="Completed")
    )
    if claimed.rowcount == 0:
        return None
    return read_row(connection, monitor_id)


def _carry_out(connection: Connection, change: Change) -> Answer:
    with connection.begin_nested():
        return change.carry_out(connection)


def _note(connection: Connection, row: Row[Any], state: str, status: int, body: Document | None) -> None:
    connection.execute(
        update(monitor).where(monitor.c.id == row.id).values(state=state, response=response_of(status, body))
    )
    log.record(
        connection,
        "done" if state == "Completed" else "refused",
        key=row.key,
        operation=row.operation,
        target=row.target,
        status=status,
        reason=None if state == "Completed" else (body or {}).get("reason"),
    )
