"""The saga log: what the nodes of a long order did, kept from one run of its workflow to the next."""

from __future__ import annotations

from typing import Any

from temporalio import activity

from store.begun_calls import BegunCalls
from store.saga_log import SagaLog
from tmf.model import Model


class WriteSagaLog(Model):
    order_id: str
    steps: dict[str, list[dict[str, Any]]]
    """Key of a node → what it did, first to last."""


class ReadSagaLog(Model):
    order_id: str
    keys: list[str]


class SagaLogActivities:
    """What workflows write into their saga log, and read from it."""

    def __init__(self, log: SagaLog, begun: BegunCalls) -> None:
        self._log = log
        self._begun = begun

    @activity.defn
    async def write_saga_log(self, request: WriteSagaLog) -> None:
        """Keep what nodes have done, in place of what was known of them."""
        await self._log.write(request.order_id, request.steps)

    @activity.defn
    async def read_saga_log(self, request: ReadSagaLog) -> dict[str, list[dict[str, Any]]]:
        """Return what nodes have done."""
        return await self._log.read(request.order_id, request.keys)

    @activity.defn
    async def forget_begun_calls(self, workflow_id: str) -> None:
        """Forget which effects earlier runs of a workflow may have had: each knew all of its own when it ended."""
        await self._begun.forget(workflow_id)
