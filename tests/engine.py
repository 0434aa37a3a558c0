"""A Temporal server of the tests' own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from embedded.temporal_server import DYNAMIC_CONFIG, binary
from workflows.connection import DATA_CONVERTER
from workflows.contracts.search_attributes import KEYS

LONG_HISTORY = "limit.historyCount.suggestContinueAsNew"
"""The server's setting for the number of events from which on a run is asked to go on in a new one."""


@asynccontextmanager
async def started_engine(**settings: int) -> AsyncIterator[Client]:
    """Start the server that the embedded stack uses, with other settings where given, and give a client of it."""
    known = {name: str(value) for name, value in {**DYNAMIC_CONFIG, **settings}.items()}
    environment = await WorkflowEnvironment.start_local(
        data_converter=DATA_CONVERTER,
        dev_server_existing_path=str(binary()),
        dev_server_extra_args=[word for each in known.items() for word in ("--dynamic-config-value", "=".join(each))],
        search_attributes=KEYS,
        ui=False,
    )
    async with environment:
        yield environment.client
