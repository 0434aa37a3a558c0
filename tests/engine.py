"""A Temporal server of the tests' own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from embedded.temporal_server import DYNAMIC_CONFIG, binary
from workflows.connection import DATA_CONVERTER
from workflows.search_attributes import KEYS


@asynccontextmanager
async def started_engine() -> AsyncIterator[Client]:
    """Start the server that the embedded stack uses, and give a client of it."""
    environment = await WorkflowEnvironment.start_local(
        data_converter=DATA_CONVERTER,
        dev_server_existing_path=str(binary()),
        dev_server_extra_args=[
            word for name, value in DYNAMIC_CONFIG.items() for word in ("--dynamic-config-value", f"{name}={value}")
        ],
        search_attributes=KEYS,
        ui=False,
    )
    async with environment:
        yield environment.client
