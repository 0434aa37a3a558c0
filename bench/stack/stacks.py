"""Embedded stacks to measure: on free ports, in folders that are gone afterwards."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import httpx2
from temporalio.client import Client

from bench.stack.proxy import Proxies, proxied
from embedded.errors import StackError
from embedded.layout import Layout, isolated_layout, leave_out
from embedded.parts import temporal_client
from embedded.ports import Ports
from embedded.stack import running
from embedded.supervisor import Supervisor
from settings import SYSTEMS

T = TypeVar("T")

TIMEOUT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Stack:
    """A stack that runs."""

    layout: Layout
    supervisor: Supervisor
    temporal: Client
    http: httpx2.AsyncClient

    @property
    def pids(self) -> Mapping[str, int]:
        """Process id of each part that runs now."""
        return self.supervisor.pids

    @property
    def systems(self) -> Mapping[str, str]:
        """Base URL of each system, as the worker is told it."""
        return self.layout.systems


@asynccontextmanager
async def running_stack(left_out: Iterable[str] = ()) -> AsyncIterator[Stack]:
    """Run a stack without some parts, for the length of the block.

    Raises:
        StackError: when it does not come up.
    """
    async with _up(lambda: _alone(left_out)) as stack:
        yield stack


@asynccontextmanager
async def watched_stack() -> AsyncIterator[tuple[Stack, Proxies]]:
    """Run a whole stack that reaches the systems through proxies.

    Raises:
        StackError: when it does not come up.
    """
    async with _up(_watched) as stack_and_proxies:
        yield stack_and_proxies


@asynccontextmanager
async def _up(make: Callable[[], AbstractAsyncContextManager[T]]) -> AsyncIterator[T]:
    """Try again where a port that was free has been taken meanwhile, as others that measure or test may do."""
    async with AsyncExitStack() as entered:
        for last in (False, False, True):
            try:
                made = await entered.enter_async_context(make())
            except (StackError, OSError):
                if last:
                    raise
            else:
                break
        yield made


@asynccontextmanager
async def _alone(left_out: Iterable[str]) -> AsyncIterator[Stack]:
    async with _laid_out() as layout, run(leave_out(layout, left_out)) as stack:
        yield stack


@asynccontextmanager
async def _watched() -> AsyncIterator[tuple[Stack, Proxies]]:
    ports = Ports.free()
    async with _laid_out() as layout:
        at = {name: getattr(ports, f"{name}_port") for name in SYSTEMS}
        async with (
            proxied(layout.systems, at) as proxies,
            run(replace(layout, systems=proxies.urls)) as stack,
        ):
            yield stack, proxies


@asynccontextmanager
async def _laid_out() -> AsyncIterator[Layout]:
    with tempfile.TemporaryDirectory(prefix="ordersaga-bench-", ignore_cleanup_errors=True) as folder:
        yield isolated_layout(Path(folder), {})


@asynccontextmanager
async def run(layout: Layout) -> AsyncIterator[Stack]:
    """Run the stack of a layout, for the length of the block.

    Raises:
        StackError: when it does not come up.
    """
    async with (
        running(layout, print) as supervisor,
        httpx2.AsyncClient(timeout=TIMEOUT_SECONDS, trust_env=False) as http,
    ):
        yield Stack(layout, supervisor, await temporal_client(layout), http)
