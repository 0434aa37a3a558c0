"""The command `ordersaga plan`: what an order would come down to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from console.exits import REFUSED, finish
from console.gateway import Gateway
from console.options import GatewayOption, JsonOption, OrderFile, gateway_address, read_order
from console.printing import print_json
from console.terminal import terminal
from console.views.plan_tree import plan_tree
from console.views.tables import prices_table
from orders.plan.orchestration_plan import OrchestrationPlan
from tmf.bodies import Document

PlanSource = Callable[[Document], Awaitable[Document]]
"""Gives for an order what it comes down to: `order`, `plan` and `violations`."""


def plan(
    file: OrderFile,
    offline: Annotated[
        bool, typer.Option("--offline", help="Plan from the catalogs alone, without a gateway; for add items only.")
    ] = False,
    gateway: GatewayOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what an order comes down to, without doing any of it.

    Examples: `ordersaga plan order.json` · `ordersaga plan --offline order.json --json`
    """
    from console.offline import chosen_catalogs, offline_plans

    document = read_order(file)
    source = offline_plans(chosen_catalogs()) if offline else online(gateway_address(gateway))
    raise typer.Exit(0 if finish(show_plan(source, document, terminal(), as_json)) else REFUSED)


def online(address: str) -> PlanSource:
    """Plan at the gateway, which knows what customers have."""

    async def preview(document: Document) -> Document:
        async with Gateway(address) as gateway:
            return await gateway.preview(document)

    return preview


async def show_plan(source: PlanSource, document: Document, console: Console, as_json: bool) -> bool:
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
