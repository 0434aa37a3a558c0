"""Planning holds nothing up: small orders are planned at once, large ones apart, with a bound to what they take."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from application import bounded_planning
from application.bounded_planning import BoundedPlanning, PlanningAllowance, PlanningBusyError
from application.http import DownstreamError
from catalogs.model.catalog_set import CatalogSet
from catalogs.planning import Planned, plan_posted
from orders.bounds import OrderLimits
from orders.lifecycle.states import ITEM_LISTS, OrderKind
from orders.model.installed import InstalledBase
from orders.model.posted import PostedOrder, posted_order
from orders.model.product_orders import ProductOrder
from tests.application.conftest import example
from tests.application.test_planning import broken
from tests.stage import eventually

pytestmark = pytest.mark.anyio

ON = datetime(2026, 11, 1, tzinfo=UTC)
NOTHING = InstalledBase()


def fibre() -> ProductOrder:
    return ProductOrder.model_validate(example("fibre-bundle"))


def mobile(quantity: int) -> ProductOrder:
    document = example("mobile")
    [item] = document["productOrderItem"]
    return ProductOrder.model_validate({**document, "productOrderItem": [{**item, "quantity": quantity}]})


@pytest.fixture
def apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """Has every order planned by a process of its own."""
    monkeypatch.setattr(bounded_planning, "_AT_ONCE", replace(bounded_planning._AT_ONCE, asked=0))
    monkeypatch.setattr(bounded_planning, "_IN_A_THREAD", replace(bounded_planning._IN_A_THREAD, asked=0))


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[asyncio.subprocess.Process]]:
    """The processes that were started."""
    started: list[asyncio.subprocess.Process] = []
    start = asyncio.create_subprocess_exec

    async def starting(*arguments: Any, **more: Any) -> asyncio.subprocess.Process:
        started.append(await start(*arguments, **more))
        return started[-1]

    monkeypatch.setattr(asyncio, "create_subprocess_exec", starting)
    yield started
    assert all(each.returncode is not None for each in started)


async def plan(
    catalogs: CatalogSet,
    order: PostedOrder,
    limits: OrderLimits | None = None,
    allowance: PlanningAllowance | None = None,
) -> Planned:
    return await BoundedPlanning(catalogs, limits, allowance).plan(order, NOTHING, 1, ON)


def told(planned: Planned) -> str:
    """Return the only reason that an order is rejected for, which is that it is too large."""
    [violation] = planned.violations
    assert (planned.plan, violation.code, violation.item_id) == (None, "orderTooLarge", None)
    assert violation.path == ITEM_LISTS[planned.order.kind]
    assert violation.message.endswith("; make it several orders")
    return violation.message


async def test_an_order_of_common_size_needs_no_process(
    catalogs: CatalogSet, processes: list[asyncio.subprocess.Process]
) -> None:
    for order in (fibre(), mobile(30)):
        assert await plan(catalogs, order) == plan_posted(order, catalogs, NOTHING, 1, ON)
    assert processes == []


async def test_a_process_of_its_own_plans_an_order_like_any_other(
    catalogs: CatalogSet, apart: None, processes: list[asyncio.subprocess.Process]
) -> None:
    orders = [fibre(), *(posted_order(kind, broken(kind)) for kind in OrderKind)]
    for order in orders:
        assert await plan(catalogs, order) == plan_posted(order, catalogs, NOTHING, 1, ON)
    assert len(processes) == len(orders)


async def test_few_words_that_come_down_to_a_lot_are_planned_apart(
    catalogs: CatalogSet, processes: list[asyncio.subprocess.Process], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounded_planning, "_AT_ONCE", replace(bounded_planning._AT_ONCE, parts=10))
    assert (await plan(catalogs, fibre())).plan
    assert len(processes) == 1


async def test_an_order_that_comes_down_to_more_than_it_may_is_told_so_wherever_it_is_planned(
    catalogs: CatalogSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = OrderLimits(parts=20)
    at_once = told(await plan(catalogs, fibre(), limits))
    monkeypatch.setattr(bounded_planning, "_AT_ONCE", replace(bounded_planning._AT_ONCE, asked=0))
    in_a_thread = told(await plan(catalogs, fibre(), limits))
    monkeypatch.setattr(bounded_planning, "_IN_A_THREAD", replace(bounded_planning._IN_A_THREAD, asked=0))
    apart = told(await plan(catalogs, fibre(), limits))
    assert at_once == in_a_thread == apart
    assert at_once.startswith("the order comes down to more than 20 products, services and resources")


async def test_an_order_that_takes_too_much_memory_is_too_large(catalogs: CatalogSet, apart: None) -> None:
    assert "takes more than 60 seconds or 1 MiB" in told(
        await plan(catalogs, fibre(), allowance=PlanningAllowance(memory=1024 * 1024))
    )


async def test_an_order_that_takes_too_much_cpu_time_is_too_large(catalogs: CatalogSet) -> None:
    limits = OrderLimits(quantity=50_000, instances=50_000, parts=500_000, nodes=500_000)
    allowance = PlanningAllowance(memory=4 * 1024**3, cpu_time=timedelta(seconds=1))
    assert "takes more than 1 seconds or 4096 MiB" in told(await plan(catalogs, mobile(50_000), limits, allowance))


async def test_while_as_many_are_planned_as_may_be_another_one_is_told_to_come_again(
    catalogs: CatalogSet, apart: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    planning = BoundedPlanning(catalogs, allowance=PlanningAllowance(patience=timedelta(0)))
    begun, go_on = asyncio.Event(), asyncio.Event()
    run = BoundedPlanning._run

    async def slow(self: BoundedPlanning, asked: bytes) -> tuple[int, bytes, str]:
        begun.set()
        await go_on.wait()
        return await run(self, asked)

    monkeypatch.setattr(BoundedPlanning, "_run", slow)
    first = asyncio.create_task(planning.plan(fibre(), NOTHING, 1, ON))
    await begun.wait()
    with pytest.raises(PlanningBusyError, match="as many as may be at a time") as busy:
        await planning.plan(fibre(), NOTHING, 1, ON)
    assert busy.value.retryable
    go_on.set()
    assert (await first).plan
    assert (await planning.plan(fibre(), NOTHING, 1, ON)).plan


async def test_planning_that_nobody_waits_for_any_more_ends_with_its_process(
    catalogs: CatalogSet, processes: list[asyncio.subprocess.Process]
) -> None:
    task = asyncio.create_task(plan(catalogs, mobile(1000)))

    async def begun() -> bool:
        return bool(processes)

    await eventually(begun)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert processes[0].returncode == -9


async def test_a_process_that_was_ended_from_outside_says_nothing_of_the_order(
    catalogs: CatalogSet, apart: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def ended(*_: Any) -> tuple[int, bytes, str]:
        return -15, b"", ""

    monkeypatch.setattr(BoundedPlanning, "_run", ended)
    with pytest.raises(DownstreamError, match="was ended") as caught:
        await plan(catalogs, fibre())
    assert caught.value.retryable


async def test_what_fails_in_the_process_is_told_here(
    catalogs: CatalogSet, apart: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BoundedPlanning, "_pickled_catalogs", b"no pickle")
    with pytest.raises(RuntimeError, match="UnpicklingError"):
        await plan(catalogs, fibre())
