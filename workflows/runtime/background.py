"""Work on the side of a workflow, such as signals to others: the workflow does not end before it is done."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

from temporalio import workflow
from temporalio.exceptions import FailureError


class Background:
    """What a workflow has begun on the side."""

    def __init__(self) -> None:
        self._running: set[asyncio.Future[Any]] = set()

    def start(self, work: Awaitable[Any]) -> None:
        """Begin something on the side; that it fails is noted only."""
        running = asyncio.ensure_future(_without_fail(work))
        self._running.add(running)
        running.add_done_callback(self._running.discard)

    @property
    def idle(self) -> bool:
        """Whether all that was begun is done."""
        return not self._running

    async def settled(self) -> None:
        """Wait until all that was begun is done, and no message is being handled."""
        while self._running:
            await asyncio.gather(*self._running)
        if not workflow.all_handlers_finished():
            await workflow.wait_condition(workflow.all_handlers_finished)
            await self.settled()


async def _without_fail(work: Awaitable[Any]) -> None:
    """Do what may come too late: whoever it is for may have ended."""
    try:
        await work
    except FailureError as error:
        workflow.logger.info("nobody to tell", extra={"reason": error.message})
