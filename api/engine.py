"""The engine as the gateway needs it: to start an order, to pass on a system's word, to say whether it is there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Protocol

from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from orders.tmf import ProductOrder
from workflows import search_attributes
from workflows.connection import start_product_order
from workflows.messages import SystemEvent

SYSTEM_EVENT_SIGNAL = "system_event"

_REFUSALS = frozenset({RPCStatusCode.INVALID_ARGUMENT, RPCStatusCode.FAILED_PRECONDITION, RPCStatusCode.UNIMPLEMENTED})


class EngineUnavailableError(Exception):
    """The engine gave no answer in time, or cannot serve anyone just now."""


class EngineRefusedError(Exception):
    """The engine answered, and does not take this request as it is."""


class Engine(Protocol):
    """What the gateway asks of the engine. Each call ends within seconds, whether the engine is there or not.

    All raise EngineUnavailableError or EngineRefusedError.
    """

    async def start(self, order: ProductOrder) -> bool:
        """Start the workflow of an accepted order; return False when it runs already, or has run."""

    async def tell(self, workflow_id: str, event: SystemEvent) -> bool:
        """Pass a system's word on to the workflow that waits for it; return False when there is none, or it is over."""

    async def check(self) -> None:
        """Return when the engine serves."""

    async def missing_search_attributes(self) -> list[str]:
        """Return the search attributes that orders need and the engine does not know."""


class TemporalEngine:
    """Temporal, through a client that `connect` makes at the first call."""

    def __init__(
        self,
        connect: Callable[[], Awaitable[Client]],
        task_queue: str,
        timeout: timedelta = timedelta(seconds=2),
    ) -> None:
        self._connect = connect
        self._task_queue = task_queue
        self._timeout = timeout
        self._client: Client | None = None

    async def start(self, order: ProductOrder) -> bool:
        async with self._answering() as client:
            return await start_product_order(client, order, self._task_queue)

    async def tell(self, workflow_id: str, event: SystemEvent) -> bool:
        async with self._answering() as client:
            try:
                await client.get_workflow_handle(workflow_id).signal(SYSTEM_EVENT_SIGNAL, event)
            except RPCError as error:
                if error.status == RPCStatusCode.NOT_FOUND:
                    return False
                raise
        return True

    async def check(self) -> None:
        async with self._answering() as client:
            await client.service_client.check_health()

    async def missing_search_attributes(self) -> list[str]:
        async with self._answering() as client:
            known = await client.operator_service.list_search_attributes(
                ListSearchAttributesRequest(namespace=client.namespace)
            )
        return sorted(search_attributes.TYPES.keys() - set(known.custom_attributes))

    @asynccontextmanager
    async def _answering(self) -> AsyncIterator[Client]:
        """Give the client, and turn what goes wrong with it into one of the two errors, in bounded time."""
        engine = "the engine"
        seconds = self._timeout.total_seconds()
        try:
            async with asyncio.timeout(seconds):
                if self._client is None:
                    self._client = await self._connect()
                engine = f"the engine at {self._client.service_client.config.target_host}"
                yield self._client
        except TimeoutError as error:
            raise EngineUnavailableError(f"{engine} gave no answer within {seconds:g} s") from error
        except RPCError as error:
            kind = EngineRefusedError if error.status in _REFUSALS else EngineUnavailableError
            raise kind(f"{engine} answered {error.status.name}: {error.message}") from error
        except RuntimeError as error:
            raise EngineUnavailableError(f"{engine} cannot be reached") from error
