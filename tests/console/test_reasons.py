"""Whoever follows an order into a file, or sees a refusal, is told why."""

from __future__ import annotations

import io

import httpx2
import pytest
from rich.console import Console

from console.commands.plan import show_plan
from console.commands.task import tasks_table
from console.gateway import Gateway
from console.order_tree import OrderTree, changes
from console.views.tables import orders_table
from console.watch import watch
from tests.console.documents import product_order, resource_order, service_order
from tmf.bodies import Document

NO_TV = {"code": "notFeasible", "message": "TV is not possible at HAM-1"}
TASK = {"id": "vmhossiscv:1.2:home-network!1", "kind": "manual", "state": "open", "createdAt": "2026-03-01T10:00:00Z"}


def console(width: int = 120) -> tuple[Console, io.StringIO]:
    file = io.StringIO()
    return Console(file=file, width=width, markup=False, emoji=False, highlight=False), file


@pytest.mark.anyio
async def test_an_order_that_is_rejected_is_followed_to_its_reason() -> None:
    order = product_order("rejected", orderRelationship=[], productOrderErrorMessage=[NO_TV])
    transport = httpx2.MockTransport(lambda _request: httpx2.Response(200, json=order))
    out, file = console()
    async with Gateway("http://gateway.test", transport=transport) as client:
        await watch(client, ["abc"], out)
    assert file.getvalue().splitlines() == [
        "order abc: rejected",
        "item 1: rejected",
        "item 1.tv: rejected",
        "order abc: TV is not possible at HAM-1",
    ]


def test_every_reason_is_told_once_by_whose_it_is() -> None:
    running = OrderTree(product_order())
    failed = OrderTree(
        product_order("failed", residue=[{"target": "port-7", "system": "inventory"}]),
        {"abc:1.tv:tv": service_order("abc:1.tv:tv", "failed", "failed", errorMessage=[{"reason": "no light"}])},
        {
            "abc:1.tv:tv:box": resource_order("abc:1.tv:tv:box", "failed", None)
            | {"errorMessage": [{"code": "poolEmpty"}]}
        },
    )
    told = changes(running, failed)
    assert told[-3:] == [
        "service order 1.tv:tv: no light",
        "resource order 1.tv:tv:box: poolEmpty",
        "order abc: left behind: port-7 in inventory",
    ]
    assert changes(failed, failed) == []


def test_a_cancelled_order_says_why() -> None:
    cancelled = OrderTree(product_order("cancelled", cancellationReason="The customer moves"))
    assert changes(None, cancelled)[-1] == "order abc: to be cancelled: The customer moves"


@pytest.mark.anyio
async def test_an_order_that_breaks_rules_is_not_shown_as_if_it_would_be_done() -> None:
    violation = {"path": "productOrderItem[0]", "message": "TV is not possible at HAM-1"}

    async def source(_document: Document) -> Document:
        return {"plan": {"not": "read"}, "order": product_order(orderTotalPrice=[]), "violations": [violation]}

    out, file = console()
    assert not await show_plan(source, {}, out, False)
    assert file.getvalue() == (
        "productOrderItem[0]: TV is not possible at HAM-1\nthe order would be rejected: nothing of it would be done\n"
    )


@pytest.mark.parametrize("width", [40, 80])
def test_the_id_is_whole_in_the_narrowest_terminal(width: int) -> None:
    out, file = console(width)
    out.print(tasks_table([TASK | {"what": "Technician visit by people", "dueAt": "2026-03-02T10:00:00Z"}], 1))
    out.print(orders_table([product_order() | {"id": "vmhossiscv"}], 1))
    assert TASK["id"] in file.getvalue()
    assert " vmhossiscv " in file.getvalue()
