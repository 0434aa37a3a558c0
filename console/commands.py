"""What the commands that talk to a gateway do and print."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping

from rich.console import Console
from rich.text import Text

from console.gateway import Gateway
from console.order_tree import OrderTree
from console.views.order_view import order_view
from console.views.plan_tree import plan_tree
from console.views.tables import facts_panel, orders_table, prices_table
from console.watch import watch
from orders.lifecycle.states import OrderKind, OrderState, in_words
from orders.plan.orchestration_plan import OrchestrationPlan
from tmf.bodies import Document

PlanSource = Callable[[Document], Awaitable[Document]]
"""Gives for an order what it comes down to: `order`, `plan` and `violations`."""


async def submit(
    address: str, document: Document, idempotency_key: str | None, console: Console, watched: bool, as_json: bool
) -> bool:
    """Submit an order and say its id, or follow it; return False when it was followed and did not complete.

    Raises:
        CommandError: when it is refused or the gateway cannot be reached.
    """
    async with Gateway(address) as gateway:
        accepted = await gateway.submit(document, idempotency_key)
        if as_json:
            print_json(console, accepted)
        else:
            console.print(f"order {accepted['id']} is {accepted.get('state')}")
        if not watched:
            return True
        return _completed((await watch(gateway, [str(accepted["id"])], console))[0])


async def follow(address: str, order_id: str, console: Console) -> bool:
    """Show an order until it has ended; return whether it completed.

    Raises:
        CommandError: when there is no such order or the gateway cannot be reached.
    """
    async with Gateway(address) as gateway:
        return _completed((await watch(gateway, [order_id], console))[0])


def online(address: str) -> PlanSource:
    """Plan at the gateway, which knows what customers have."""

    async def preview(document: Document) -> Document:
        async with Gateway(address) as gateway:
            return await gateway.preview(document)

    return preview


async def plan(source: PlanSource, document: Document, console: Console, as_json: bool) -> bool:
    """Show what an order comes down to; return False when it breaks rules, which are then shown.

    Raises:
        CommandError: when the gateway refuses or cannot be reached.
    """
    planned = await source(document)
    violations = planned.get("violations") or []
    if as_json:
        print_json(console, planned)
        return not violations
    for violation in violations:
        console.print(Text(f"{violation['path']}: {violation['message']}", style="red"))
    if violations:
        console.print("the order would be rejected: nothing of it would be done")
    elif planned.get("plan"):
        console.print(plan_tree(OrchestrationPlan.model_validate(planned["plan"])))
        if (planned.get("order") or {}).get("orderTotalPrice"):
            console.print(prices_table(planned["order"]))
    return not violations


async def order_list(
    address: str, kind: OrderKind, filters: Mapping[str, str], console: Console, as_json: bool
) -> None:
    """List orders of a kind.

    Raises:
        CommandError: when a filter is refused or the gateway cannot be reached.
    """
    async with Gateway(address) as gateway:
        orders, total = await gateway.orders(filters, kind)
    if as_json:
        print_json(console, orders)
    elif orders:
        console.print(orders_table(orders, total))
    else:
        console.print("no orders")


async def order_show(address: str, order_id: str, console: Console, as_json: bool) -> None:
    """Show an order with all that it came down to.

    Raises:
        CommandError: when there is no such order or the gateway cannot be reached.
    """
    async with Gateway(address) as gateway:
        if as_json:
            print_json(console, await gateway.order(order_id))
            return
        tree = await gateway.order_tree(order_id)
    console.print(facts_panel(f"{in_words(tree.kind).capitalize()} {order_id}", order_facts(tree.order)))
    console.print(order_view(tree))
    if tree.order.get("orderTotalPrice"):
        console.print(prices_table(tree.order))


def order_facts(order: Document) -> list[tuple[str, str]]:
    """Return the attributes of an order that stand at its head, as far as it has them."""
    names = {
        "State": "state",
        "External id": "externalId",
        "Category": "category",
        "Description": "description",
        "Priority": "priority",
        "Ordered": "orderDate",
        "Starts": "requestedStartDate",
        "Wanted by": "requestedCompletionDate",
        "Expected by": "expectedCompletionDate",
        "Completed": "completionDate",
        "Cancelled": "cancellationDate",
        "To be cancelled": "cancellationReason",
    }
    return [(name, str(order[attribute])) for name, attribute in names.items() if order.get(attribute)]


def print_json(console: Console, document: object) -> None:
    """Print a document as JSON: coloured in a terminal, plain elsewhere."""
    text = json.dumps(document, indent=2, ensure_ascii=False)
    if console.is_terminal:
        console.print_json(text)
    else:
        console.print(text, soft_wrap=True)


def say(document: object, sentence: str, console: Console, as_json: bool) -> None:
    """Print what came of a command: in one sentence, or the document as JSON."""
    if as_json:
        print_json(console, document)
    else:
        console.print(sentence, soft_wrap=True)


def _completed(tree: OrderTree) -> bool:
    return tree.state == OrderState.COMPLETED
