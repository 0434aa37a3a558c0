"""What the demonstration shows of what people do to its orders, and what it says when that does not come about."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from console.gateway import Gateway
from console.order_tree import OrderTree
from console.views.board import Row, board, stories
from embedded import demo_orders
from embedded.demo_events import EventMissedError, People
from orders.lifecycle.states import OrderState

pytestmark = pytest.mark.anyio

COMPLETED = OrderTree({"id": "o1", "state": "completed"})


def shown(*tables: Any) -> str:
    console = Console(width=120, file=io.StringIO())
    with console.capture() as capture:
        for table in tables:
            console.print(table)
    return capture.get()


def people(told: list[str]) -> People:
    return People(Gateway("http://nowhere.invalid"), "http://nowhere.invalid", told.append)


async def test_an_order_that_ends_before_it_could_be_changed_is_said_to_be_so() -> None:
    told: list[str] = []
    row = Row("VPN", OrderState.COMPLETED, COMPLETED)
    with pytest.raises(EventMissedError, match="it was completed before"):
        await people(told).cancel(row)
    with pytest.raises(EventMissedError, match="it was completed before"):
        await people(told).amend(row, demo_orders.grown_vpn("c"))
    assert told == []


def test_an_order_that_missed_what_was_to_happen_to_it_did_not_end_as_expected() -> None:
    amended = Row("VPN", OrderState.COMPLETED, COMPLETED, way="amended", story=["revision 2"])
    missed = Row("other VPN", OrderState.COMPLETED, COMPLETED, way="after fallout", missed=True)
    text = shown(board([amended, missed], ended=True), stories([amended, missed]))
    assert "amended ✔" in text
    assert "after fallout ✘" in text
    assert "revision 2" in text


def test_the_amended_vpn_has_more_sites_and_one_elsewhere() -> None:
    before = demo_orders.places(demo_orders.business_vpn("c"))
    after = demo_orders.places(demo_orders.grown_vpn("c"))
    assert before - after == {demo_orders.MOVED_FROM}
    assert demo_orders.MOVED_TO in after - before
    assert (len(before), len(after)) == (demo_orders.VPN_SITES, demo_orders.MORE_VPN_SITES)
