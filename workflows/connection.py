"""The connection to Temporal: one data converter, one way to connect, one way to start an order.

The gateway, the worker, the tests and the replayer all take these from here.
"""

from __future__ import annotations

import hashlib
from typing import Any

from temporalio.client import Client
from temporalio.common import Priority, WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.contrib.pydantic import PydanticPayloadConverter
from temporalio.converter import CompositePayloadConverter, DataConverter
from temporalio.envconfig import ClientConfig
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from orders.events.subscription import Subscription
from orders.lifecycle.states import OrderKind, in_words
from orders.model.posted import PostedOrder
from workflows.compression import LargePayloadCodec
from workflows.contracts import ids, policies, search_attributes
from workflows.contracts.carried import RootOrderInput
from workflows.contracts.subscriptions import DeliveryPolicy, SubscriptionInput

_CONVERTERS = tuple(PydanticPayloadConverter().converters.values())


class _SharedConverter(CompositePayloadConverter):
    """The SDK makes a converter for each run of a workflow; what these have learnt of our models is kept."""

    def __init__(self) -> None:
        super().__init__(*_CONVERTERS)


DATA_CONVERTER = DataConverter(payload_converter_class=_SharedConverter, payload_codec=LargePayloadCodec())

PASSED_THROUGH = (
    "tmf",
    "orders",
    "catalogs",
    "store",
    "application",
    "activities",
    "workflows",
    "pydantic",
    "pydantic_core",
    "annotated_types",
)
"""Modules that the sandbox takes as they are: without it, each run would import its own copy of all models."""

_ITEMS_SHOWN = 50
_CUT = "…"
_LONGEST_LINE = 200
_LONGEST_FACT = 1_000
_LONGEST_DETAILS = 8_000
"""Bytes of what the Web UI shows: all of it is in the request to start the workflow, which has a largest size."""

WORKFLOW_TYPES = {
    OrderKind.PRODUCT: "ProductOrder",
    OrderKind.SERVICE: "DirectServiceOrder",
    OrderKind.RESOURCE: "DirectResourceOrder",
}
"""The type of the workflow that runs a posted order."""


async def connect(**overrides: Any) -> Client:
    """Connect to the Temporal that `TEMPORAL_*` variables or a Temporal profile name; `overrides` win over both.

    Raises:
        RuntimeError: when Temporal cannot be reached.
    """
    config: dict[str, Any] = dict(ClientConfig.load_client_connect_config())
    config.setdefault("target_host", "127.0.0.1:7233")
    return await Client.connect(**{**config, "data_converter": DATA_CONVERTER, **overrides})


def sandbox() -> SandboxedWorkflowRunner:
    """Return the workflow sandbox, with what is safe to share passed through."""
    return SandboxedWorkflowRunner(restrictions=SandboxRestrictions.default.with_passthrough_modules(*PASSED_THROUGH))


def describe(order: PostedOrder) -> tuple[str, str]:
    """Return the summary (a line) and details (Markdown) that the Web UI shows of an order from its start."""
    items = [item for item, _, _ in order.items()]
    more = f" and {len(items) - 1} more" if len(items) > 1 else ""
    summary = f"{items[0].action} {items[0].subject()}{more}"
    facts = {
        "External id": order.external_id,
        "Customer": order.customer_id(),
        "Category": order.category,
        "Priority": order.priority,
        "Description": order.description,
    }
    lines = [f"**{in_words(order.kind).capitalize()} {order.id}**", ""]
    lines += [f"- {name}: {value}" for name, value in facts.items() if value]
    lines += ["", *(f"- `{item.id}` {item.action} {item.subject()}" for item in items[:_ITEMS_SHOWN])]
    details = "\n".join(shortened(line, _LONGEST_FACT) for line in lines)
    return shortened(summary), shortened(details, _LONGEST_DETAILS)


def shortened(text: str, longest: int = _LONGEST_LINE) -> str:
    """Return a text, cut with a mark where it is longer than that many bytes."""
    raw = text.encode(errors="replace")
    if len(raw) <= longest:
        return text
    return f"{raw[: longest - len(_CUT.encode())].decode(errors='ignore')}{_CUT}"


def precedence(order: PostedOrder, *, fair: bool) -> Priority:
    """Return what an order's steps take precedence by: its priority, and, if `fair`, its customer's share among equals.

    The share counts where Temporal's matching has fairness on.
    """
    customer = hashlib.sha256((order.customer_id() or "").encode()).hexdigest()[:16] if fair else None
    return Priority(priority_key=search_attributes.priority_number(order.priority) + 1, fairness_key=customer)


async def start_order(
    client: Client,
    order: PostedOrder,
    task_queue: str,
    *,
    fair: bool = False,
    parts_at_once: int = policies.PARTS_AT_ONCE,
) -> bool:
    """Start the workflow of an accepted order; return False when it runs already, or has run.

    Raises:
        RPCError: when Temporal cannot be reached or refuses.
    """
    if order.id is None:
        raise ValueError("an order has its id before its workflow starts")
    summary, details = describe(order)
    try:
        await client.start_workflow(
            WORKFLOW_TYPES[order.kind],
            RootOrderInput(
                order_id=order.id,
                requested_start_date=order.requested_start_date,
                longest_history=policies.LONGEST_HISTORY,
                parts_at_once=parts_at_once,
            ),
            id=ids.root_workflow(order.id),
            task_queue=task_queue,
            id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            search_attributes=search_attributes.of_order(order),
            static_summary=summary,
            static_details=details,
            priority=precedence(order, fair=fair),
        )
    except WorkflowAlreadyStartedError:
        return False
    return True


async def start_subscription(
    client: Client, subscription: Subscription, task_queue: str, policy: DeliveryPolicy
) -> bool:
    """Start the workflow that tells a listener, from where its row says that it is; return False when it runs already.

    Raises:
        RPCError: when Temporal cannot be reached or refuses.
    """
    try:
        await client.start_workflow(
            "EventSubscription",
            SubscriptionInput(
                subscription_id=subscription.id,
                callback=subscription.callback,
                query=subscription.query,
                position=subscription.position,
                state=subscription.state.as_told,
                policy=policy,
                given_up=subscription.given_up,
                error=subscription.error,
            ),
            id=ids.subscription_workflow(subscription.id),
            task_queue=task_queue,
            id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
            # One that was terminated is begun again. What is begun for a listener that was taken off ends by itself.
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            static_summary=shortened(f"{subscription.api} events to {subscription.callback}"),
        )
    except WorkflowAlreadyStartedError:
        return False
    return True
