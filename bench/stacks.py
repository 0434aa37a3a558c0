"""Embedded stacks to measure: on free ports, in folders that are gone afterwards."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
from temporalio.client import Client

from bench.proxy import Proxies, proxied
from embedded.layout import Layout, isolated_layout, leave_out
from embedded.parts import engine_client
from embedded.ports import Ports
from embedded.stack import running
from settings import SYSTEMS

TIMEOUT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Stack:
    """A stack that runs."""

    layout: Layout
    pids: Mapping[str, int]
    """Process id of each part."""
    temporal: Client
    http: httpx.AsyncClient

    @property
    def systems(self) -> Mapping[str, str]:
        """Base URL of each system, as the worker is told it."""
        return self.layout.systems


@asynccontextmanager
async def running_stack(left_out: Iterable[str] = (), systems: Mapping[str, str] | None = None) -> AsyncIterator[Stack]:
    """Run a stack without some parts, for the length of the block.

    Args:
        systems: where gateway and worker are to find the systems, where that is not where they are.

    Raises:
        StackError: when it does not come up.
    """
    async with _laid_out() as layout, _run(layout, left_out, systems) as stack:
        yield stack


@asynccontextmanager
async def watched_stack() -> AsyncIterator[tuple[Stack, Proxies]]:
    """Run a whole stack whose worker reaches the systems through proxies.

    Raises:
        StackError: when it does not come up.
    """
    ports = Ports.free()
    async with _laid_out() as layout:
        at = {name: getattr(ports, f"{name}_port") for name in SYSTEMS}
        async with proxied(layout.systems, at) as proxies, _run(layout, (), proxies.urls) as stack:
            yield stack, proxies


@asynccontextmanager
async def _laid_out() -> AsyncIterator[Layout]:
    with tempfile.TemporaryDirectory(prefix="ordersaga-bench-", ignore_cleanup_errors=True) as folder:
        yield isolated_layout(Path(folder), {})


@asynccontextmanager
async def _run(layout: Layout, left_out: Iterable[str], systems: Mapping[str, str] | None) -> AsyncIterator[Stack]:
    layout = leave_out(replace(layout, systems=systems or layout.systems), left_out)
    async with (
        running(layout, print) as supervisor,
        httpx.AsyncClient(timeout=TIMEOUT_SECONDS, trust_env=False) as http,
    ):
        yield Stack(layout, supervisor.pids, await engine_client(layout), http)
