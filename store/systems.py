"""The order store's repository of downstream systems: which are away, and which operators have paused, for all to see.

A system without a row is there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, select, update

from store.documents import storable
from store.sql.database import Database
from store.sql.operation_tables import systems
from tmf.instants import read_instant, timestamp

_LONGEST_ERROR = 2000


@dataclass(frozen=True, slots=True)
class Pause:
    """That operators have paused a system: since when, until when, why, and who it was."""

    since: datetime
    until: datetime | None = None
    reason: str | None = None
    author: str | None = None

    def __str__(self) -> str:
        until = f" until {self.until:%Y-%m-%d %H:%M} UTC" if self.until else ""
        return f"is paused{until}{f': {self.reason}' if self.reason else ''}"


@dataclass(frozen=True, slots=True)
class SystemState:
    """How a system stands."""

    name: str
    away_since: datetime | None = None
    """Since when it has given no answer; None while it does."""
    error: str | None = None
    """What went wrong last."""
    probes: int = 0
    """How often it was tried since."""
    probe_at: datetime | None = None
    """When it is tried again."""
    back_at: datetime | None = None
    """When it was there again, or resumed, the last time."""
    pause: Pause | None = None

    def paused(self, now: datetime) -> Pause | None:
        """Return the pause that holds now."""
        return self.pause if self.pause and (self.pause.until is None or now < self.pause.until) else None


class SystemStates:
    """How the systems stand, as all gateways and workers know it."""

    def __init__(self, database: Database, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._database = database
        self._now = now

    async def all(self) -> dict[str, SystemState]:
        """Return how those systems stand that were ever away or paused, by name.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        return await self._database.read(
            lambda connection: {row.name: _state(row) for row in connection.execute(select(systems))}
        )

    async def away(self, name: str, error: str, probe_at: datetime) -> bool:
        """Note that a system gives no answer; return whether that is news.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        values = {"error": error[:_LONGEST_ERROR]}
        opened = {**values, "away_since": timestamp(self._now()), "probes": 0, "probe_at": timestamp(probe_at)}

        def noted(connection: Connection) -> bool:
            self._add(connection, name)
            here = update(systems).where(systems.c.name == name, systems.c.away_since.is_(None))
            if connection.execute(here.values(storable(opened))).rowcount:
                return True
            connection.execute(update(systems).where(systems.c.name == name).values(storable(values)))
            return False

        return await self._database.write(noted, durable=False)

    async def take_probe(self, name: str, next_at: datetime) -> bool:
        """Return whether the caller is the one that tries a system that is away; the next one may `next_at`.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        due = systems.c.name == name, systems.c.away_since.is_not(None), systems.c.probe_at <= timestamp(self._now())
        taken = update(systems).where(*due).values(probe_at=timestamp(next_at), probes=systems.c.probes + 1)
        return await self._database.write(lambda connection: connection.execute(taken).rowcount == 1, durable=False)

    async def back(self, name: str) -> bool:
        """Note that a system gives answers again; return whether that is news.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        away = update(systems).where(systems.c.name == name, systems.c.away_since.is_not(None))
        closed = away.values(away_since=None, error=None, probe_at=None, probes=0, back_at=timestamp(self._now()))
        return await self._database.write(lambda connection: connection.execute(closed).rowcount == 1, durable=False)

    async def pause(self, name: str, until: datetime | None, reason: str | None, author: str | None) -> SystemState:
        """Pause a system, or pause it anew; return how it stands.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        values = {
            "paused_since": timestamp(self._now()),
            "paused_until": timestamp(until) if until else None,
            "pause_reason": reason,
            "paused_by": author,
        }
        return await self._set(name, values)

    async def resume(self, name: str) -> SystemState:
        """Let calls of a system go on, whether it was paused or away; return how it stands.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        nothing = dict.fromkeys(("away_since", "error", "probe_at", "paused_since", "paused_until", "pause_reason"))
        return await self._set(name, {**nothing, "paused_by": None, "probes": 0, "back_at": timestamp(self._now())})

    async def _set(self, name: str, values: dict[str, Any]) -> SystemState:
        def written(connection: Connection) -> SystemState:
            self._add(connection, name)
            connection.execute(update(systems).where(systems.c.name == name).values(storable(values)))
            return _state(connection.execute(select(systems).where(systems.c.name == name)).one())

        return await self._database.write(written)

    def _add(self, connection: Connection, name: str) -> None:
        connection.execute(self._database.insert_if_absent(systems).values(name=name, probes=0))


def _state(row: Any) -> SystemState:
    since = _moment(row.paused_since)
    return SystemState(
        name=row.name,
        away_since=_moment(row.away_since),
        error=row.error,
        probes=row.probes,
        probe_at=_moment(row.probe_at),
        back_at=_moment(row.back_at),
        pause=Pause(since, _moment(row.paused_until), row.pause_reason, row.paused_by) if since else None,
    )


def _moment(written: str | None) -> datetime | None:
    return read_instant(written) if written else None
