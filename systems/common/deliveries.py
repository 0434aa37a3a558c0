"""Delivers events to listeners: tried again until they are taken, in order for each resource, also after a restart."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import httpx
from sqlalchemy import Row, delete, func, select, update

from systems.common.database import Database
from systems.common.signing import signed
from systems.common.tables import delivery, subscription

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

logger = logging.getLogger(__name__)


class Deliveries:
    """What is on its way to the listeners; ``look`` tells it that there may be something new.

    ``transport`` carries the requests (the network by default).
    """

    def __init__(self, database: Database, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._database = database
        self._transport = transport
        self._news = asyncio.Event()
        self._under_way: dict[tuple[str, str], asyncio.Task[None]] = {}

    def look(self) -> None:
        """Look for what is due now."""
        self._news.set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Deliver as long as the block runs."""
        async with httpx.AsyncClient(transport=self._transport, timeout=TIMEOUT_SECONDS, trust_env=False) as client:
            running = asyncio.create_task(self._run(client))
            try:
                yield
            finally:
                tasks = [running, *self._under_way.values()]
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, client: httpx.AsyncClient) -> None:
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

    async def _begin_due(self, client: httpx.AsyncClient) -> float:
        """Begin to deliver what is due and return the seconds until something will be."""
        first = select(func.min(delivery.c.sequence)).group_by(delivery.c.subscription, delivery.c.lane)
        heads = select(delivery).where(delivery.c.sequence.in_(first)).order_by(delivery.c.due, delivery.c.sequence)
        async with self._database.reading() as connection:
            rows = (await connection.execute(heads.limit(LOOKED_AT_ONCE))).all()
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
        self.look()

    async def _deliver(self, client: httpx.AsyncClient, row: Row[Any]) -> None:
        try:
            listener = await self._claimed(row)
            if listener is not None:
                await self._settle(row, *await _attempt(client, listener, row))
        except Exception:
            logger.exception("delivering event %s", row.event_id)

    async def _claimed(self, row: Row[Any]) -> Row[Any] | None:
        """The listener, if the attempt is ours; None when it is another process's, or the listener has gone."""
        mine = (delivery.c.sequence == row.sequence, delivery.c.due == row.due)
        async with self._database.writing() as connection:
            claimed = await connection.execute(
                update(delivery).where(*mine).values(due=time.time() + LEASE_SECONDS, attempts=row.attempts + 1)
            )
            if claimed.rowcount == 0:
                return None
            wanted = select(subscription).where(subscription.c.id == row.subscription)
            listener: Row[Any] | None = (await connection.execute(wanted)).first()
            if listener is None:
                await connection.execute(delete(delivery).where(delivery.c.sequence == row.sequence))
            return listener

    async def _settle(self, row: Row[Any], taken: bool, lasting: bool) -> None:
        """Forget the event when it is taken, or never will be; else try again later."""
        mine = delivery.c.sequence == row.sequence
        over = taken or lasting or time.time() - row.made > GIVEN_UP_AFTER_SECONDS
        pause = min(FIRST_PAUSE_SECONDS * 2 ** min(row.attempts, 20), LONGEST_PAUSE_SECONDS)
        async with self._database.writing() as connection:
            if over:
                await connection.execute(delete(delivery).where(mine))
            else:
                await connection.execute(update(delivery).where(mine).values(due=time.time() + pause))
        if over and not taken:
            logger.warning("event %s (%s) is given up", row.event_id, row.event_type)


async def _attempt(client: httpx.AsyncClient, listener: Row[Any], row: Row[Any]) -> tuple[bool, bool]:
    """Whether the listener took the event, and whether it never will."""
    body = row.body.encode()
    headers = {"Content-Type": "application/json"}
    if listener.secret is not None:
        headers |= signed(listener.secret, row.event_id, int(time.time()), body)
    name = row.event_type[0].lower() + row.event_type[1:]
    url = f"{listener.callback.rstrip('/')}/listener/{name}"
    try:
        status = (await client.post(url, content=body, headers=headers)).status_code
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        logger.warning("event %s to %s: %r", row.event_id, url, error)
        return False, isinstance(error, httpx.InvalidURL)
    if httpx.codes.is_success(status):
        return True, False
    logger.warning("event %s to %s: %s", row.event_id, url, status)
    return False, status in NEVER_TAKEN
