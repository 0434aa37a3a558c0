"""A system that test after test begins with as new: to make its routes and to stock it takes longer than a test."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
from fastapi import FastAPI

from tests.systems.conftest import running, sqlite


@dataclass(frozen=True)
class ReusableSystem:
    """An application on an SQLite file, and a copy of that file as it was when the system had started first."""

    app: FastAPI
    database: Path
    untouched: Path

    @asynccontextmanager
    async def as_new(self) -> AsyncIterator[httpx2.AsyncClient]:
        """Run it, with nothing in it but its stock, and give a client of it."""
        # Another file and not another content: a connection may still be about to close.
        for left in self.database.parent.glob(f"{self.database.name}*"):
            left.unlink()
        shutil.copy(self.untouched, self.database)
        async with running(self.app) as client:
            yield client


async def reusable(folder: Path, create: Callable[[str], FastAPI]) -> ReusableSystem:
    """Make a system, by `create` from the URL of a database in `folder`, and start it once."""
    system = ReusableSystem(create(sqlite(folder, "system")), folder / "system.db", folder / "untouched.db")
    async with running(system.app):
        pass
    system.database.rename(system.untouched)
    return system
