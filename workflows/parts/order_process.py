"""The process of an order's workflow: run to its end, whatever cancellations come meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from temporalio import workflow
from temporalio.exceptions import FailureError

from workflows.parts.cancellation import Cancellation
from workflows.runtime.context import OrderContext
from workflows.saga.saga import carried_out

T = TypeVar("T")


async def supervised(context: OrderContext, cancellation: Cancellation, process: Coroutine[Any, Any, T]) -> T:
    """Run the order's process to its end, and return what it came to.

    It is a task of its own, so that a cancellation by Temporal can be assessed: at the top as a person's is, below as
    the parent's decision. A process that a message has cancelled ends by `asyncio.CancelledError`, too.
    """
    running = asyncio.create_task(_begun(cancellation, process))
    while not running.done():
        try:
            await asyncio.shield(running)
        except asyncio.CancelledError:
            if not running.done():
                assessed = workflow.info().parent is None
                context.background.start(cancellation.requested_by_temporal(assessed=assessed))
        except (FailureError, workflow.ContinueAsNewError):
            break
    told = _tell_end(context)
    # What is done stays as it is told, whatever cancellation comes now.
    await carried_out(asyncio.create_task(_settled(context, told)), cancellable=False)
    return running.result()


def _tell_end(context: OrderContext) -> int:
    """Tell the order above of the end, where it has adopted this one; return how often it has."""
    if context.adoptions and (parent := workflow.info().parent):
        above = workflow.get_external_workflow_handle(parent.workflow_id)
        context.background.start(above.signal("child_ends", context.workflow_id))
    return context.adoptions


async def _settled(context: OrderContext, told: int) -> None:
    """Wait for what is done on the side.

    A run of the order above that adopts this one meanwhile knows nothing of what the run before it was told.
    """
    await context.background.settled()
    while context.adoptions > told and workflow.patched("each-adoption-is-told"):
        told = _tell_end(context)
        await context.background.settled()


async def _begun(cancellation: Cancellation, process: Coroutine[Any, Any, T]) -> T:
    """Run the process, which can be cancelled from here on: a task that never began would undo nothing."""
    cancellation.watch(asyncio.current_task())
    return await process
