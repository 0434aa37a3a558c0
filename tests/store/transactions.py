"""Transactions that last as long as a test wants."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from sqlalchemy import Connection
from sqlalchemy.util import await_only

from store.sql.database import Database


@asynccontextmanager
async def writing(database: Database, work: Callable[[Connection], object]) -> AsyncIterator[None]:
    """Keep a transaction open, after it has done its work, until the end of the block; then it is committed."""
    loop, worked, over, over_in_thread = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event(), threading.Event()

    def hold(connection: Connection) -> None:
        work(connection)
        loop.call_soon_threadsafe(worked.set)
        if database.dialect == "sqlite":
            over_in_thread.wait()
        else:
            await_only(over.wait())

    held = asyncio.create_task(database.write(hold))
    await worked.wait()
    try:
        yield
    finally:
        over.set()
        over_in_thread.set()
        await held
