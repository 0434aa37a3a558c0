"""Brings the order store's tables up to this release, while processes of the release before go on with them.

On PostgreSQL one process at a time migrates, each migration in a transaction of its own, and none waits long for a
lock: whoever comes after waits behind it. A schema that is newer than this release stays, where it still has what this
one needs.
"""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, exc, select

from store.errors import SchemaTooNewError
from store.sql.database import unavailability
from store.sql.engines import Patience, transactions
from store.sql.tables import schema_support

_SCRIPTS = Path(__file__).parents[1] / "migrations"
_LOCK = 3
"""Seconds to wait for a lock of a table."""
_PATIENCE = timedelta(minutes=10)
"""How long a lock is tried for, again and again."""
_PAUSE = timedelta(seconds=1)
"""How long others have the table for themselves between two tries."""
_LOCK_NOT_AVAILABLE = "55P03"


async def migrate(url: str) -> None:
    """Bring the database's tables up to this release, or leave those of a newer one that this one can work with.

    It is safe when several processes do so at once.

    Raises:
        UnsupportedDatabaseError: as `open_database`.
        SchemaTooNewError: when this release cannot work with the tables any more.
        StoreUnavailableError: when the database cannot serve.
    """
    engine = transactions(url, Patience(statement=None, lock=_LOCK))
    end = time.monotonic() + _PATIENCE.total_seconds()
    try:
        with unavailability():
            await engine.prepare()
            while True:
                try:
                    return await engine.migrate(_upgrade)
                except exc.DBAPIError as error:
                    if getattr(error.orig, "sqlstate", None) != _LOCK_NOT_AVAILABLE or time.monotonic() > end:
                        raise
                await asyncio.sleep(_PAUSE.total_seconds())
    finally:
        await engine.close()


def _upgrade(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = connection
    if not _is_newer(connection, ScriptDirectory.from_config(config)):
        command.upgrade(config, "head")


def _is_newer(connection: Connection, scripts: ScriptDirectory) -> bool:
    """Return whether the tables are those of a newer release.

    Raises:
        SchemaTooNewError: when they lack what this one needs.
    """
    begun = connection.in_transaction()
    try:
        current = MigrationContext.configure(connection).get_current_revision()
        known = {each.revision for each in scripts.walk_revisions()}
        if current is None or current in known:
            return False
        oldest = connection.scalar(select(schema_support.c.oldest))
    finally:
        if not begun:
            connection.rollback()
    if oldest not in known:
        raise SchemaTooNewError(current, oldest, scripts.get_current_head())
    return True
