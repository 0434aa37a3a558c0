"""Orders: each ends, or waits for a person who is told; by legal steps; and as its workflow says."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise

from chaos.facts import EventFact, Facts, WorkflowFact
from orders.lifecycle.states import ITEM_LISTS, TERMINAL, TRANSITIONS, OrderKind, OrderState
from orders.model.order_ids import root_id, root_of_workflow
from tmf.bodies import Document

_CLOSED_WELL = "COMPLETED"
_RUNNING = "RUNNING"
_ITEMS_AT_THE_END = {
    OrderState.COMPLETED: {OrderState.COMPLETED},
    OrderState.CANCELLED: {OrderState.CANCELLED},
    OrderState.REJECTED: {OrderState.REJECTED},
    OrderState.FAILED: {OrderState.FAILED},
    OrderState.PARTIAL: {OrderState.COMPLETED, OrderState.FAILED, OrderState.PARTIAL},
}


def every_order_ends_or_waits_for_a_person(facts: Facts) -> Iterator[str]:
    """An order that was taken in is there, and has ended, or has an open task that people see."""
    waiting = {str(task["rootId"]) for task in facts.open_tasks}
    for placed in facts.placed:
        order = facts.orders.get(placed.id)
        if order is None:
            yield f"order {placed.id} ({placed.story}) was answered 201, and is not there"
        elif order["state"] not in TERMINAL and placed.id not in waiting:
            yield f"order {placed.id} ({placed.story}) is {order['state']}, and nobody is asked about it"


def every_transition_is_legal(facts: Facts) -> Iterator[str]:
    """By its events each order, children too, goes from acknowledged by edges of its life cycle to where it is now."""
    for subject, events in _by_subject(facts).items():
        kind = OrderKind(events[0].api)
        states = [OrderState(each.state) for each in events if each.state]
        if not events[0].type.endswith("CreateEvent") or states[0] != OrderState.ACKNOWLEDGED:
            yield f"{kind} {subject} begins with {events[0].type}: {states[0]}"
        for before, after in pairwise(states):
            if after != before and after not in TRANSITIONS[kind][before]:
                yield f"{kind} {subject} went from {before} to {after}"
        order = facts.orders.get(subject)
        if order is not None and order["state"] != states[-1]:
            yield f"{kind} {subject} is {order['state']}, and its last event says {states[-1]}"
    for order_id in sorted(facts.orders.keys() - _by_subject(facts).keys()):
        yield f"order {order_id} has no event"


def documents_equal_outcomes(facts: Facts) -> Iterator[str]:
    """The stored order is what its workflow came to, down to the items and to the orders below it."""
    outcomes = {root_of_workflow(each.id): each for each in facts.workflows if each.outcome is not None}
    for placed in facts.placed:
        order = facts.orders.get(placed.id)
        if order is None or order["state"] not in TERMINAL:
            continue
        workflow = outcomes.get(placed.id)
        if workflow is None:
            yield f"order {placed.id} is {order['state']}, and no workflow says so"
        elif workflow.outcome != order["state"]:
            yield f"order {placed.id} is {order['state']}, and its workflow ended {workflow.outcome}"
        yield from _items_that_differ(OrderKind(placed.kind), order)
        if order.get("residue"):
            yield f"order {placed.id} has left a residue: {order['residue']}"
    for order_id, order in facts.orders.items():
        root = facts.orders.get(root_id(order_id), order)
        if root["state"] in TERMINAL and order["state"] not in TERMINAL:
            yield f"order {order_id} is {order['state']}, below one that is {root['state']}"


def nothing_runs_on_in_silence(facts: Facts) -> Iterator[str]:
    """No workflow is open below a closed one, or ended badly; what fails again is told; no lock outlives its order."""
    told = {str(each.get("workflowId")) for each in facts.stuck}
    for workflow in facts.workflows:
        root = facts.orders.get(root_of_workflow(workflow.id))
        over = root is not None and root["state"] in TERMINAL
        if workflow.status == _RUNNING and over:
            yield f"workflow {workflow.id} runs on, though its order has ended"
        elif workflow.status not in (_RUNNING, _CLOSED_WELL) and not _as_its_order(workflow):
            yield f"workflow {workflow.id} is {workflow.status}"
        if workflow.failing and workflow.id not in told:
            yield f"workflow {workflow.id} fails unseen: {', '.join(workflow.failing)}"
    for subject, order_id in facts.locks:
        if facts.orders.get(order_id, {"state": OrderState.COMPLETED})["state"] in TERMINAL:
            yield f"{subject} is locked by order {order_id}, which has ended"


def _as_its_order(workflow: WorkflowFact) -> bool:
    """Tell whether a workflow closed as that of an order does that failed or was cancelled.

    What it came to is compared of posted orders; one below is watched by the order above it.
    """
    below = ":" in workflow.id.split(":", 1)[1]
    return workflow.status in ("FAILED", "CANCELED") and (below or workflow.outcome is not None)


def _items_that_differ(kind: OrderKind, order: Document) -> Iterator[str]:
    allowed = _ITEMS_AT_THE_END[OrderState(order["state"])]
    for item in order.get(ITEM_LISTS[kind], []):
        if item.get("state") not in allowed:
            yield f"order {order['id']} is {order['state']}, and its item {item['id']} is {item.get('state')}"


def _by_subject(facts: Facts) -> dict[str, list[EventFact]]:
    """Return the events of each order that say its state; those of cancellations are none of them."""
    found: dict[str, list[EventFact]] = defaultdict(list)
    for event in facts.outbox:
        of_order = event.type.lower().startswith(event.api.lower())
        if of_order and event.type.endswith(("CreateEvent", "StateChangeEvent")):
            found[event.subject].append(event)
    return found
