"""Feasibility: which services are not possible, and which resources are too few, said item by item."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from application.feasibility import FeasibilityCheck
from application.http import DownstreamError, DownstreamSystem
from orders.model.product_orders import Action
from orders.model.violation import Violation
from orders.plan.keys import CUSTOMER_FACING
from orders.plan.orchestration_plan import CatalogVersion, OrchestrationPlan
from orders.plan.parts import Demand, ResourceItem, ServiceItem, ServiceOrderPlan, Specification
from tests.application.conftest import Reference, scripted

pytestmark = pytest.mark.anyio

PORT = Demand(place="BER-1")


def service_order(
    item_id: str,
    place: str | None = "BER-1",
    action: Action = Action.ADD,
    demands: tuple[Demand, ...] = (),
    of: Action = Action.ADD,
    **characteristics: Any,
) -> ServiceOrderPlan:
    """A service order of an internet service, with a port for each of the demands."""
    ports = [
        ResourceItem(
            key=f"port*{number}", action=of, specification=Specification(id="gpon-port", name="Port"), demand=demand
        )
        for number, demand in enumerate(demands)
    ]
    items = [
        ServiceItem(key="access", action=action, specification=Specification(id="rfs", name="Access"), resources=ports),
        ServiceItem(
            key=CUSTOMER_FACING,
            action=action,
            specification=Specification(id="cfs-internet", name="Internet"),
            characteristics=characteristics,
        ),
    ]
    return ServiceOrderPlan(
        key=f"{item_id}:internet",
        item_id=item_id,
        unit=item_id,
        action=action,
        specification=Specification(id="cfs-internet", name="Internet"),
        place=place,
        items=items,
    )


def moved(order: ServiceOrderPlan) -> ServiceOrderPlan:
    """The service order, of services that come from another place."""
    items = [each.model_copy(update={"previous_place": "MUC-1", "place": order.place}) for each in order.items]
    return order.model_copy(update={"items": items})


async def test_what_is_not_possible_at_a_new_place_leads_to_the_item_s_place(inventory: Reference) -> None:
    many = service_order("1", "HAM-1", action=Action.MODIFY, demands=(Demand(place="HAM-1"),) * 500)
    violations = await infeasible(inventory.system, moved(many))
    assert [(each.code, each.path) for each in violations] == [
        ("notFeasible", "productOrderItem[1].product.place"),
        ("noCapacity", "productOrderItem[1].product.place"),
    ]


async def infeasible(inventory: DownstreamSystem, *service_orders: ServiceOrderPlan) -> list[Violation]:
    plan = OrchestrationPlan(
        order_id="x", catalog=CatalogVersion(digest="d", label="l"), service_orders=list(service_orders)
    )
    paths = {each.item_id: f"productOrderItem[{each.item_id}].product" for each in service_orders}
    return await FeasibilityCheck(inventory).infeasible(plan, paths)


async def test_what_is_possible_is_no_violation(inventory: Reference) -> None:
    assert await infeasible(inventory.system, service_order("1", downloadSpeed=500, demands=(PORT,) * 3)) == []


async def test_thousands_of_services_are_asked_about_in_several_requests(inventory: Reference) -> None:
    places = {700: "HAM-1"}
    orders = [service_order(str(n), places.get(n, "BER-1"), demands=(Demand(value=f"P{n}"),)) for n in range(1200)]
    violations = await infeasible(inventory.system, *orders)
    assert [each.item_id for each in violations if each.code == "notFeasible"] == ["700"]
    assert {each.item_id for each in violations if each.code == "noCapacity"} == {str(n) for n in range(1200)}


async def test_what_is_not_possible_says_which_service_where_and_why(inventory: Reference) -> None:
    violations = await infeasible(
        inventory.system,
        service_order("1", "HAM-1", downloadSpeed=100),
        service_order("2", downloadSpeed=100),
        service_order("3", downloadSpeed=2000),
        service_order("4", None),
    )
    assert [(each.code, each.item_id, each.message) for each in violations] == [
        ("notFeasible", "1", "Internet is not possible at HAM-1: cfs-internet is not available at HAM-1"),
        ("notFeasible", "3", "Internet is not possible at BER-1: downloadSpeed 2000 is more than BER-1 offers"),
        (
            "placeMissing",
            "4",
            "Internet is not possible without a place, and the item names none: "
            "cfs-internet depends on the place, and none is given",
        ),
    ]
    assert [each.path for each in violations] == [
        "productOrderItem[1].product",
        "productOrderItem[3].product",
        "productOrderItem[4].product.place",
    ]


async def test_a_place_that_nobody_knows_is_told_once_and_its_lack_of_resources_not_at_all(
    inventory: Reference,
) -> None:
    there = Demand(place="NOWHERE")
    violations = await infeasible(
        inventory.system,
        service_order("1", "NOWHERE", demands=(there, there)),
        service_order("2", "NOWHERE", demands=(there,)),
        service_order("3", None, demands=(Demand(pool="no-such-pool"),)),
        service_order("4", downloadSpeed=2000, demands=(PORT,) * 5),
    )
    assert [(each.code, each.path) for each in violations] == [
        ("unknownPlace", "productOrderItem[1].product.place"),
        ("placeMissing", "productOrderItem[3].product.place"),
        ("notFeasible", "productOrderItem[4].product"),
        ("noCapacity", "productOrderItem[4].product"),
    ]
    assert violations[0].message == (
        "place NOWHERE is not known; give one that inventory knows, in the role installation"
    )


async def test_resources_that_several_items_want_together_are_too_few_for_each_of_them(inventory: Reference) -> None:
    violations = await infeasible(
        inventory.system,
        service_order("1", demands=(PORT, PORT)),
        service_order("2", demands=(PORT, PORT)),
        service_order("3", demands=(Demand(place="HAM-1"),)),
    )
    assert [(each.code, each.item_id, each.message) for each in violations] == [
        ("noCapacity", "1", "3 of 4 free: gpon-port at BER-1"),
        ("noCapacity", "2", "3 of 4 free: gpon-port at BER-1"),
    ]


async def test_a_number_that_is_wanted_twice_or_does_not_exist_is_too_few(inventory: Reference) -> None:
    twice = Demand(value="olt-ber1/1/1/1", place="BER-1")
    never = Demand(pool="no-such-pool")
    violations = await infeasible(
        inventory.system, service_order("1", demands=(twice, twice)), service_order("2", demands=(never,))
    )
    assert [each.message for each in violations] == [
        "1 of 2 free: gpon-port at BER-1, olt-ber1/1/1/1",
        "no pool no-such-pool of gpon-port",
    ]


async def test_asking_takes_nothing(inventory: Reference) -> None:
    await infeasible(inventory.system, service_order("1", demands=(PORT,)))
    assert await inventory.effects() == []


async def test_what_goes_or_stays_is_not_asked_for() -> None:
    system, script = scripted(httpx2.Response(500))
    gone = service_order("1", "HAM-1", Action.DELETE, demands=(PORT,), of=Action.DELETE)
    kept = service_order("2", "HAM-1", Action.NO_CHANGE, demands=(PORT,), of=Action.NO_CHANGE)
    assert await infeasible(system, gone, kept) == []
    assert script.asked == []


async def test_what_changes_is_asked_for_again(inventory: Reference) -> None:
    (violation,) = await infeasible(
        inventory.system, service_order("1", action=Action.MODIFY, downloadSpeed=2000, of=Action.MODIFY)
    )
    assert violation.message == "Internet is not possible at BER-1: downloadSpeed 2000 is more than BER-1 offers"


@pytest.mark.parametrize(
    ("reasons", "why"),
    [
        ([{"code": "c", "label": "too far"}, {"code": "noDuct"}], "too far; noDuct"),
        ([{}], "no reason given"),
        ([], "no reason given"),
        (None, "no reason given"),
    ],
)
async def test_a_refusal_is_told_as_far_as_it_says_something(reasons: Any, why: str) -> None:
    item = {"qualificationResult": "unqualified", "eligibilityUnavailabilityReason": reasons}
    system, _ = scripted(httpx2.Response(201, json={"serviceQualificationItem": [item]}))
    (violation,) = await infeasible(system, service_order("1"))
    assert violation.message == f"Internet is not possible at BER-1: {why}"


async def test_a_shortage_without_a_reason_says_what_was_asked_for_and_what_is_free() -> None:
    qualified = {"serviceQualificationItem": [{"qualificationResult": "qualified"}]}
    short = {"results": [{"available": False, "free": 1}]}
    system, _ = scripted(httpx2.Response(201, json=qualified), httpx2.Response(200, json=short))
    (violation,) = await infeasible(system, service_order("1", demands=(PORT, PORT)))
    assert violation.message == "2 asked for, 1 free"


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ([{}], "serviceQualificationItem"),
        ([[]], "the body"),
        ([{"serviceQualificationItem": []}], "0 answers to 1 questions"),
        ([{"serviceQualificationItem": [{"id": "0"}]}], r"serviceQualificationItem\.0\.qualificationResult"),
        ([None, {}], "results"),
        ([None, {"results": []}], "0 answers to 1 questions"),
        ([None, {"results": [{"free": 3}]}], r"results\.0\.available"),
    ],
)
async def test_an_answer_that_makes_no_sense_is_final_and_says_what_is_missing(answers: list[Any], said: str) -> None:
    good = {"serviceQualificationItem": [{"qualificationResult": "qualified"}]}
    system, _ = scripted(*(httpx2.Response(200, json=good if each is None else each) for each in answers))
    with pytest.raises(DownstreamError, match=rf"makes no sense \({said}") as caught:
        await infeasible(system, service_order("1", demands=(PORT,)))
    assert not caught.value.retryable
