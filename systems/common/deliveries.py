"""Delivers events to listeners: tried again until they are taken, in order for each resource, also after a restart."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any

import httpx2
from sqlalchemy import Connection, Row, delete, func, select, update

from systems.common.database import Database
from systems.common.events import DELIVERIES
from systems.common.tables import delivery, subscription
from tmf.signatures import sign

TIMEOUT_SECONDS = 5.0
# Longer than an attempt takes: only then may another process take it over.
LEASE_SECONDS = 15.0
FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 60.0
GIVEN_UP_AFTER_SECONDS = 24 * 3600.0
AT_ONCE_TO_ONE_LISTENER = 8
LOOKED_AT_ONCE = 200
# Also finds what a sibling process put on its way and did not live to deliver.
LONGEST_REST_SECONDS = 5.0
# What a listener says of an event that it will never take; any other refusal may be mended.
NEVER_TAKEN = frozenset({400, 404, 405, 406, 410, 413, 415, 422, 501})

_FIRST = select(func.min(delivery.c.sequence)).group_by(delivery.c.subscription, delivery.c.lane)
HEADS = (
    select(delivery)
    .where(delivery.c.sequence.in_(_FIRST))
    .order_by(delivery.c.due, delivery.c.sequence)
    .limit(LOOKED_AT_ONCE)
)

logger = logging.getLogger(__name__)


class Deliveries:
    """What is on its way to the listeners; ``transport`` carries the requests (the network by default)."""

    def __init__(self, database: Database, transport: httpx2.AsyncBaseTransport | None = None) -> None:
        self._database = database
        self._transport = transport
        self._news = database.listen(DELIVERIES)
        self._under_way: dict[tuple[str, str], asyncio.Task[None]] = {}

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Deliver as long as the block runs."""
        async with httpx2.AsyncClient(transport=self._transport, timeout=TIMEOUT_SECONDS, trust_env=False) as client:
            running = asyncio.create_task(self._run(client))
            try:
                yield
            finally:
                tasks = [running, *self._under_way.values()]
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, client: httpx2.AsyncClient) -> None:
        while True:
            self._news.clear()
            try:
                pause = await self._begin_due(client)
            except Exception:
                logger.exception("looking for events to deliver")
                pause = 1.0
            # Not wait_for: before Python 3.12 it can lose a cancellation that comes together with news.
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._news.wait()

    async def _begin_due(self, client: httpx2.AsyncClient) -> float:
        """Begin to deliver what is due and return the seconds until something will be."""
        rows = await self._database.reading(_heads)
        busy = Counter(listener for listener, _ in self._under_way)
        now = time.time()
        for row in rows:
            lane = (row.subscription, row.lane)
            if row.due > now or lane in self._under_way or busy[row.subscription] >= AT_ONCE_TO_ONE_LISTENER:
                continue
            busy[row.subscription] += 1
            task = asyncio.create_task(self._deliver(client, row))
            self._under_way[lane] = task
            task.add_done_callback(lambda _, lane=lane: self._ended(lane))  # type: ignore[misc]
        later: list[float] = [row.due - now for row in rows if row.due > now]
        return min([*later, LONGEST_REST_SECONDS])

    def _ended(self, lane: tuple[str, str]) -> None:
        del self._under_way[lane]
        self._news.set()

    async def _deliver(self, client: httpx2.AsyncClient, row: Row[Any]) -> None:
        try:
            listener = await self._database.writing(_claimed, row)
            if listener is not None:
                await self._database.writing(_settle, row, *await _attempt(client, listener, row))
        except Exception:
            logger.exception("delivering event %s", row.event_id)


def _heads(connection: Connection) -> Sequence[Row[Any]]:
    """The first event of each lane: those that were put off least come first."""
    return connection.execute(HEADS).all()


def _claimed(connection: Connection, row: Row[Any]) -> Row[Any] | None:
    """The listener, if the attempt is ours; None when it is another process's, or the listener has gone."""
    mine = (delivery.c.sequence == row.sequence, delivery.c.due == row.due)
    claimed = connection.execute(
        update(delivery).where(*mine).values(due=time.time() + LEASE_SECONDS, attempts=row.attempts + 1)
    )
    if claimed.rowcount == 0:
        return None
    listener = connection.execute(select(subscription).where(subscription.c.id == row.subscription)).first()
    if listener is None:
        connection.execute(delete(delivery).where(delivery.c.sequence == row.sequence))
    return listener


def _settle(connection: Connection, row: Row[Any], taken: bool, lasting: bool) -> None:
    """Forget the event when it is taken, or never will be; else try again later."""
    mine = delivery.c.sequence == row.sequence
    over = taken or lasting or time.time() - row.made > GIVEN_UP_AFTER_SECONDS
    pause = min(FIRST_PAUSE_SECONDS * 2 ** min(row.attempts, 20), LONGEST_PAUSE_SECONDS)
    if over:
        connection.execute(delete(delivery).where(mine))
    else:
        connection.execute(update(delivery).where(mine).values(due=time.time() + pause))
    if over and not taken:
        logger.warning("event %s (%s) is given up", row.event_id, row.event_type)


async def _attempt(client: httpx2.AsyncClient, listener: Row[Any], row: Row[Any]) -> tuple[bool, bool]:
    """Whether the listener took the event, and whether it never will."""
    body = row.body.encode()
    headers = {"Content-Type": "application/json"}
    if listener.secret is not None:
        headers |= sign(listener.secret, row.event_id, datetime.now(UTC), body)
    name = row.event_type[0].lower() + row.event_type[1:]
    url = f"{listener.callback.rstrip('/')}/listener/{name}"
    try:
        status = (await client.post(url, content=body, headers=headers)).status_code
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        logger.warning("event %s to %s: %r", row.event_id, url, error)
        return False, isinstance(error, httpx2.InvalidURL)
    if httpx2.codes.is_success(status):
        return True, False
    logger.warning("event %s to %s: %s", row.event_id, url, status)
    return False, status in NEVER_TAKEN
