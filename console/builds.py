"""Builds of the workers as the terminal shows and changes them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from datetime import timedelta

from rich.console import Console
from rich.table import Table
from temporalio.service import RPCError

from console.errors import CommandError, UnreachableError
from console.printing import print_list
from settings import Settings
from workflows.connection import connect
from workflows.deployments import Build, Deployment, DeploymentError, NotReadyError
from workflows.versioning import own_build

_LOOK_AGAIN = timedelta(seconds=0.5)


async def list_builds(console: Console, as_json: bool) -> None:
    """Print all builds, the newest first."""
    async with _deployment() as deployment:
        builds = await deployment.builds()
    documents = [{**asdict(each), "first_seen": each.first_seen.isoformat()} for each in builds]
    print_list(documents, lambda: _table(builds), "build of a worker has been there", console, as_json)


async def promote(build: str | None, ramp: float | None, first: bool, within: float, console: Console) -> None:
    """Have a build take the orders, once its workers are there; with `first` only where none does yet."""
    async with _deployment() as deployment:
        if first and any(each.takes_orders for each in await deployment.builds()):
            console.print("a build takes the orders already", soft_wrap=True)
            return
        build, end = build or Settings().build_id or own_build(), time.monotonic() + within
        while True:
            try:
                told = await deployment.promote(build, ramp)
                break
            except NotReadyError:
                if time.monotonic() > end:
                    raise
            await asyncio.sleep(_LOOK_AGAIN.total_seconds())
    console.print(told, soft_wrap=True)


async def drain(build: str | None, wait: bool, console: Console) -> None:
    """Wait until nothing needs a build, or all old ones; say what does."""
    async with _deployment() as deployment:
        builds = await deployment.builds()
        chosen = [each for each in builds if (each.id == build if build else not each.takes_orders)]
        if build and not chosen:
            raise CommandError(f"no worker of the build {build} has been there")
        if not chosen:
            console.print("no build is old", soft_wrap=True)
        for each in chosen:
            if each.takes_orders:
                raise CommandError(f"{each.id} takes orders: promote another build first")
            await _drained(deployment, each.id, wait, console)


async def _drained(deployment: Deployment, build: str, wait: bool, console: Console) -> None:
    told = -1
    while not await deployment.is_drained(build):
        number, ids = await deployment.needing(build)
        if number and number != told:
            console.print(f"{number} workflows end on {build} alone: {_some(ids, number)}", soft_wrap=True)
            told = number
        if not wait:
            raise CommandError(f"the workers of {build} must go on")
        await asyncio.sleep(_LOOK_AGAIN.total_seconds())
    console.print(f"nothing needs {build}: its workers can be stopped", soft_wrap=True)


def _some(ids: list[str], number: int) -> str:
    return f"{', '.join(ids)}{' and others' if number > len(ids) else ''}"


def _table(builds: list[Build]) -> Table:
    table = Table("build", "state", "orders", "first seen", "ends there alone", box=None)
    for each in builds:
        seen = each.first_seen.isoformat(" ", "seconds")[:19]
        table.add_row(each.id, each.state, f"{each.share:g} %", seen, str(each.pinned))
    return table


@asynccontextmanager
async def _deployment() -> AsyncIterator[Deployment]:
    """Give the deployment that the settings name.

    Raises:
        CommandError: when they name none, or Temporal refuses.
        UnreachableError: when Temporal cannot be reached.
    """
    settings = Settings()
    if not settings.deployment:
        raise CommandError("workers have no builds here: the setting ORDERSAGA_DEPLOYMENT names no deployment")
    try:
        client = await connect()
    except RuntimeError as error:
        raise UnreachableError(f"Temporal cannot be reached: {error}") from None
    try:
        yield Deployment(client, settings.deployment, settings.task_queue)
    except DeploymentError as error:
        raise CommandError(str(error)) from None
    except RPCError as error:
        raise CommandError(f"Temporal refuses: {error.message}") from None
