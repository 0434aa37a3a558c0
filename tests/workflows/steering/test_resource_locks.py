"""Orders that touch the same product or number run one after the other, in order of acceptance."""

from __future__ import annotations

from typing import Any

import pytest

from tests.stage import Stage, customer_of, eventually, example, stalled
from tests.workflows.steering.amending import charged, service_of, value
from tmf.bodies import Document
from workflows.contracts import ids

pytestmark = pytest.mark.anyio


async def mobile_plan(stage: Stage, number: str | None = None) -> tuple[str, str]:
    """Install a mobile plan; return its customer and the product's id."""
    document = example("mobile")
    customer = customer_of(document)
    if number:
        choose(document, number)
    assert (await stage.done(document))["state"] == "completed"
    return customer, await product_of(stage, customer)


async def product_of(stage: Stage, customer: str) -> str:
    return next(str(each["id"]) for each in await stage.products(customer) if each["status"] == "active")


def choose(document: Document, number: str) -> None:
    document["productOrderItem"][0]["product"]["productCharacteristic"].append({"name": "msisdn", "value": number})


def change(customer: str, *products: str, **values: Any) -> Document:
    """Return an order that changes installed mobile plans."""
    characteristics = [{"name": name, "value": value} for name, value in values.items()]
    document: Document = {
        "productOrderItem": [
            {"id": str(number), "action": "modify", "product": {"id": each, "productCharacteristic": characteristics}}
            for number, each in enumerate(products, 1)
        ]
    }
    customer_of(document, customer)
    return document


def end(customer: str, product: str) -> Document:
    document = example("delete-mobile", PRODUCT=product)
    customer_of(document, customer)
    return document


async def waits_for(stage: Stage, order_id: str, *ahead: str) -> None:
    """Wait until an order waits for these others, and has done nothing yet."""
    handle = stage.client.get_workflow_handle(ids.root_workflow(order_id))
    view: dict[str, Any] = {}

    async def waits() -> bool:
        nonlocal view
        view = await handle.query("order")
        return bool(view["waitingFor"] == [f"order {', '.join(ahead)}, which goes first"])

    await eventually(waits, lambda: str(view))
    assert (await stage.order(order_id))["state"] == "acknowledged"
    for system in (stage.inventory, stage.activation, stage.billing):
        assert await stage.log(system, order_id) == []


async def test_orders_that_change_the_same_product_run_in_order_of_acceptance(stage: Stage) -> None:
    customer, product = await mobile_plan(stage)
    with stalled(stage.activation, ":so:1:mobile/") as go_on:
        first = await stage.submit(change(customer, product, dataVolumeGb=50))
        await stage.reached(first, {"1:mobile": "running"})
        second = await stage.submit(change(customer, product, roaming="none"))
        await waits_for(stage, second, first)
        third = await stage.submit(change(customer, product, dataVolumeGb=50))
        await waits_for(stage, third, first, second)
        go_on.set()
        ended = [await stage.ended(each) for each in (first, second, third)]

    assert [each["state"] for each in ended] == ["completed"] * 3
    completed = [each["completionDate"] for each in ended]
    assert completed == sorted(completed)
    service = await service_of(stage, customer, "cfs-mobile")
    assert (value(service, "dataVolumeGb"), value(service, "roaming")) == (50, "none")
    # The third wants what the first has made: by its plan, made against that, there is nothing left to do.
    assert await stage.log(stage.activation, third) == []
    names = (await charged(stage, customer))[product]
    assert "Mobile Plan 50 GB, monthly" in names
    assert "World roaming, monthly" not in names


async def test_a_waiting_order_that_is_cancelled_lets_the_next_go_on(stage: Stage) -> None:
    customer, product = await mobile_plan(stage)
    with stalled(stage.activation, ":so:1:mobile/") as go_on:
        first = await stage.submit(change(customer, product, dataVolumeGb=50))
        await stage.reached(first, {"1:mobile": "running"})
        second = await stage.submit(change(customer, product, dataVolumeGb=5))
        await waits_for(stage, second, first)
        third = await stage.submit(change(customer, product, roaming="none"))
        await waits_for(stage, third, first, second)
        await stage.tell(ids.root_workflow(second), "cancel")
        assert (await stage.ended(second))["state"] == "cancelled"
        await waits_for(stage, third, first)
        go_on.set()
        assert [(await stage.ended(each))["state"] for each in (first, third)] == ["completed"] * 2

    service = await service_of(stage, customer, "cfs-mobile")
    assert (value(service, "dataVolumeGb"), value(service, "roaming")) == (50, "none")


@pytest.mark.parametrize("end_of_first", ["cancelled", "failed"])
async def test_the_next_order_goes_on_when_the_one_before_it_comes_to_nothing(stage: Stage, end_of_first: str) -> None:
    customer, product = await mobile_plan(stage)
    with stalled(stage.activation, ":so:1:mobile/") as go_on:
        first = await stage.submit(change(customer, product, dataVolumeGb=50))
        await stage.reached(first, {"1:mobile": "running"})
        second = await stage.submit(change(customer, product, roaming="none"))
        await waits_for(stage, second, first)
        if end_of_first == "cancelled":
            await stage.tell(ids.root_workflow(first), "cancel")
        else:
            await stage.fault(stage.billing, match={"order": first}, kind="permanent", times=1)
        go_on.set()
        assert (await stage.ended(first))["state"] == end_of_first
        assert (await stage.ended(second))["state"] == "completed"

    service = await service_of(stage, customer, "cfs-mobile")
    assert (value(service, "dataVolumeGb"), value(service, "roaming")) == (20, "none")


async def test_the_next_order_goes_on_when_the_one_before_it_was_terminated_and_its_parts_are_undone(
    stage: Stage,
) -> None:
    customer, product = await mobile_plan(stage)
    with stalled(stage.activation, ":so:1:mobile/") as go_on:
        first = await stage.submit(change(customer, product, dataVolumeGb=50))
        await stage.reached(first, {"1:mobile": "running"})
        second = await stage.submit(change(customer, product, roaming="none"))
        await waits_for(stage, second, first)
        assert await stage.lock_releaser.sweep() == 0
        below = ids.service_order_workflow(ids.root_workflow(first), "1:mobile")
        await stage.found(f"WorkflowId = '{below}' AND ExecutionStatus = 'Running'", below)
        await stage.client.get_workflow_handle(ids.root_workflow(first)).terminate()
        assert await stage.lock_releaser.sweep() == 0
        await waits_for(stage, second, first)
        go_on.set()
        await eventually(stage.lock_releaser.sweep)
        assert (await stage.ended(second))["state"] == "completed"

    assert await stage.lock_releaser.sweep() == 0
    service = await service_of(stage, customer, "cfs-mobile")
    assert (value(service, "dataVolumeGb"), value(service, "roaming")) == (20, "none")


async def test_a_deleted_product_rejects_the_order_that_waited_to_change_it(stage: Stage) -> None:
    customer, product = await mobile_plan(stage)
    with stalled(stage.activation, ":so:1:mobile/") as go_on:
        first = await stage.submit(end(customer, product))
        await stage.reached(first, {"1:mobile": "running"})
        second = await stage.submit(change(customer, product, dataVolumeGb=50))
        await waits_for(stage, second, first)
        go_on.set()
        assert (await stage.ended(first))["state"] == "completed"
        order = await stage.ended(second)

    assert order["state"] == "rejected"
    assert product in order["productOrderErrorMessage"][0]["reason"]


async def test_a_number_moves_to_another_customer_once_it_is_released(stage: Stage) -> None:
    number = "+4915020100555"
    giver, product = await mobile_plan(stage, number)
    with stalled(stage.activation, ":so:1:mobile") as go_on:
        release = await stage.submit(end(giver, product))
        await stage.reached(release, {"1:mobile": "running"})
        document = example("mobile")
        taker = customer_of(document)
        choose(document, number)
        moved = await stage.submit(document)
        await waits_for(stage, moved, release)
        go_on.set()
        assert [(await stage.ended(each))["state"] for each in (release, moved)] == ["completed"] * 2

    assert value(await service_of(stage, taker, "cfs-mobile"), "msisdn") == number
    held = [each["value"] for each in await stage.taken_resources(moved)]
    assert number in held
    assert await stage.taken_resources(release) == []


async def test_orders_that_cross_each_other_both_come_to_their_end(stage: Stage) -> None:
    document = example("mobile")
    document["productOrderItem"].append(document["productOrderItem"][0] | {"id": "2"})
    customer = customer_of(document)
    assert (await stage.done(document))["state"] == "completed"
    one, other = (str(each["id"]) for each in await stage.products(customer))
    orders = [
        change(customer, one, other, dataVolumeGb=50),
        change(customer, other, one, dataVolumeGb=5),
        change(customer, one, other, roaming="none"),
    ]

    submitted = [await stage.submit(each) for each in orders]
    ended = [await stage.ended(each) for each in submitted]

    assert [each["state"] for each in ended] == ["completed"] * 3
    services = [each for each in await stage.services(customer) if each["category"] == "CFS"]
    assert {(value(each, "dataVolumeGb"), value(each, "roaming")) for each in services} == {(5, "none")}


async def test_an_amendment_does_not_wait_for_others_but_is_refused_until_they_have_ended(stage: Stage) -> None:
    customer, product = await mobile_plan(stage)
    document = example("mobile")
    customer_of(document, customer)
    with stalled(stage.activation, ":so:1:mobile/") as go_on:
        first = await stage.submit(change(customer, product, dataVolumeGb=50))
        await stage.reached(first, {"1:mobile": "running"})
        second = await stage.submit(document)
        await stage.reached(second, {"1:mobile": "running"})
        more = change(customer, product, roaming="none")["productOrderItem"][0] | {"id": "2"}
        items = [*document["productOrderItem"], more]
        refused = await stage.amend(second, productOrderItem=items)
        assert refused.status_code == 422
        assert f"order {first} must end first" in refused.text
        await stage.tell(ids.root_workflow(first), "cancel")
        go_on.set()
        # What the refused amendment would have touched is not kept from others.
        assert (await stage.ended(first))["state"] == "cancelled"
    with stalled(stage.billing, f"{second}/1/bill") as go_on:
        third = await stage.done(change(customer, product, roaming="eu"))
        go_on.set()
        assert (third["state"], (await stage.ended(second))["state"]) == ("completed", "completed")


async def test_an_amendment_that_touches_more_makes_later_orders_wait(stage: Stage) -> None:
    customer, product = await mobile_plan(stage)
    document = example("mobile")
    customer_of(document, customer)
    with stalled(stage.activation, ":so:1:mobile/") as go_on:
        first = await stage.submit(document)
        await stage.reached(first, {"1:mobile": "running"})
        more = change(customer, product, roaming="none")["productOrderItem"][0] | {"id": "2"}
        assert (await stage.amend(first, productOrderItem=[*document["productOrderItem"], more])).status_code == 200
        second = await stage.submit(change(customer, product, dataVolumeGb=50))
        await waits_for(stage, second, first)
        go_on.set()
        assert [(await stage.ended(each))["state"] for each in (first, second)] == ["completed"] * 2

    changed = next(each for each in await stage.products(customer) if each["id"] == product)
    values = {each["name"]: each["value"] for each in changed["productCharacteristic"]}
    assert (values["roaming"], values["dataVolumeGb"]) == ("none", 50)
