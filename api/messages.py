"""Messages to orders that run: admitted by the order's state, then put to the workflow that runs it."""

from __future__ import annotations

from typing import Any

import structlog
from pydantic import BaseModel, Field

from api.dependencies import Gateway
from api.engine import EngineUnavailableError, WorkflowEndedError
from api.http.errors import NotAllowedError, UnavailableError
from api.workflow_ids import workflow_of
from orders.lifecycle.admission import Message, refusal
from orders.lifecycle.states import TERMINAL, OrderKind, OrderState
from orders.model.order_ids import is_root, root_id
from tmf.bodies import Document
from tmf.model import StrictModel

_log = structlog.get_logger(__name__)


class Words(StrictModel):
    """What a request of a person may say beside what it asks for."""

    reason: str | None = Field(default=None, max_length=2000, description="Why; it stays on the order.")
    author: str | None = Field(
        default=None, min_length=1, max_length=200, description="Who asks for it; else the client that is known."
    )


def admit(kind: OrderKind, document: Document, message: Message) -> None:
    """Let a message pass that the order's state allows.

    Raises:
        NotAllowedError: when it does not.
    """
    order_id = str(document["id"])
    made_by = None if is_root(order_id) else root_id(order_id)
    if told := refusal(kind, OrderState(document["state"]), message, made_by):
        raise NotAllowedError(f"{kind.value} {order_id!r}: {told}")


async def ask(
    gateway: Gateway, kind: OrderKind, document: Document, name: str, argument: BaseModel, update_id: str | None = None
) -> Any:
    """Ask the workflow of an order for something and return its answer; an order that waits for its start is started.

    Raises:
        MessageRefusedError: when the workflow refuses.
        NotAllowedError: when the order has ended.
        UnavailableError: when Temporal cannot say whether it was done.
    """
    order_id = str(document["id"])
    workflow_id = workflow_of(kind, order_id)
    try:
        return await _request(gateway, workflow_id, name, argument, update_id)
    except WorkflowEndedError:
        if not is_root(order_id) or document["state"] in TERMINAL:
            raise NotAllowedError(f"{kind.value} {order_id!r} has ended") from None
    if await _is_lost(gateway, kind, order_id):
        raise UnavailableError(f"{kind.value} {order_id!r} was started, and Temporal does not know its workflow")
    if not await gateway.starter.start(order_id, document):
        raise UnavailableError(f"{kind.value} {order_id!r} waits for Temporal to start it, and so must this")
    try:
        return await _request(gateway, workflow_id, name, argument, update_id)
    except WorkflowEndedError:
        raise NotAllowedError(f"{kind.value} {order_id!r} has ended") from None


async def _is_lost(gateway: Gateway, kind: OrderKind, order_id: str) -> bool:
    try:
        return await gateway.starter.has_lost(kind, order_id)
    except EngineUnavailableError as error:
        raise UnavailableError(f"Temporal does not say where {workflow_of(kind, order_id)} is: {error}") from error


async def request(gateway: Gateway, workflow_id: str, name: str, argument: BaseModel) -> Any:
    """Ask a workflow for something and return its answer.

    Raises:
        MessageRefusedError: when the workflow refuses.
        NotAllowedError: when the workflow has ended.
        UnavailableError: when Temporal cannot say whether it was done.
    """
    try:
        return await _request(gateway, workflow_id, name, argument)
    except WorkflowEndedError as error:
        raise NotAllowedError(f"the order has ended: {error}") from error


async def _request(
    gateway: Gateway, workflow_id: str, name: str, argument: BaseModel, update_id: str | None = None
) -> Any:
    try:
        return await gateway.engine.request(workflow_id, name, argument, update_id)
    except EngineUnavailableError as error:
        _log.warning("message not answered", workflow=workflow_id, message=name, reason=str(error))
        raise UnavailableError(
            f"{error}; it may be done all the same: see how it stands before you repeat it"
        ) from error
