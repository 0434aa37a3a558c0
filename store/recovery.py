"""Recovery: whether sweeps only report, and how often something was restored from a backup, which is the store's epoch.

Workflows number the changes of their order, and one that runs again from an older moment numbers them anew. So versions
count within an epoch: the first change of an order in a new one is taken whatever its version, and those after it by
theirs. An epoch begins whenever recovery is switched on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from sqlalchemy import Connection, func, insert, select, update

from store.documents import storable
from store.sql.database import Database
from store.sql.tables import recovery
from tmf.instants import read_instant, timestamp

_ROW = 1
_THIS = recovery.c.id == _ROW

EPOCH = func.coalesce(select(recovery.c.epoch).where(_THIS).scalar_subquery(), 0).label("now")
"""The epoch of the store, as a column: it costs the statement that it is part of next to nothing."""


@dataclass(frozen=True, slots=True)
class RecoveryState:
    """Whether sweeps only report, since when, who said so, and why."""

    is_on: bool = False
    epoch: int = 0
    compared: int = 0
    """The epoch up to which all orders that run were compared with their workflows."""
    since: datetime | None = None
    who: str = ""
    why: str = ""


class RecoveryStore:
    """The switch that all gateways see."""

    def __init__(self, database: Database, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._database = database
        self._now = now

    async def state(self) -> RecoveryState:
        """Return how it stands.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        return await self._database.read(_state)

    async def switch_on(self, who: str, why: str) -> RecoveryState:
        """Have sweeps only report from now on, and begin a new epoch; where they do already, nothing changes.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """

        def switched(connection: Connection) -> RecoveryState:
            before = _state(connection, lock=True)
            anew = replace(before, epoch=before.epoch + 1)
            return before if before.is_on else self._put(connection, anew, is_on=True, who=who, why=why)

        return await self._database.write(switched)

    async def switch_off(self, who: str, why: str) -> RecoveryState:
        """Have sweeps act again; where they do already, nothing changes.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """

        def switched(connection: Connection) -> RecoveryState:
            before = _state(connection, lock=True)
            return self._put(connection, before, is_on=False, who=who, why=why) if before.is_on else before

        return await self._database.write(switched)

    async def begin_epoch(self, who: str, why: str) -> RecoveryState:
        """Begin a new epoch; whether sweeps only report, since when and why, stays as it is.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """

        def begun(connection: Connection) -> RecoveryState:
            before = _state(connection, lock=True)
            if before.since is None:
                return self._put(connection, replace(before, epoch=1), is_on=False, who=who, why=why)
            connection.execute(update(recovery).where(_THIS).values(epoch=before.epoch + 1))
            return _state(connection)

        return await self._database.write(begun)

    async def note_compared(self, epoch: int) -> None:
        """Note that all orders that run were compared with their workflows, in that epoch.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        noted = update(recovery).where(_THIS, recovery.c.compared < epoch).values(compared=epoch)
        await self._database.write(lambda connection: connection.execute(noted))

    def _put(self, connection: Connection, before: RecoveryState, *, is_on: bool, who: str, why: str) -> RecoveryState:
        said = storable({"who": who, "why": why})
        values = {"epoch": before.epoch, "is_on": is_on, "since": timestamp(self._now()), **said}
        if before.since is None:
            connection.execute(insert(recovery).values(id=_ROW, compared=0, **values))
        else:
            connection.execute(update(recovery).where(_THIS).values(**values))
        return _state(connection)


def _state(connection: Connection, *, lock: bool = False) -> RecoveryState:
    this = select(recovery).where(_THIS)
    row = connection.execute(this.with_for_update() if lock else this).one_or_none()
    if row is None:
        return RecoveryState()
    return RecoveryState(row.is_on, row.epoch, row.compared, read_instant(row.since), row.who, row.why)
