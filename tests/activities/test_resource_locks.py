"""Resource locks: what an order locks, from its document and from its plan, and who is told when it gives that up."""

from __future__ import annotations

from typing import Any

import pytest

from activities.resource_locks import is_installed, named_subjects, planned_subjects
from orders.lifecycle.states import OrderKind
from orders.model.posted import posted_order
from orders.model.product_orders import Action, ProductOrder
from orders.plan.orchestration_plan import CatalogVersion, OrchestrationPlan
from orders.plan.parts import (
    Demand,
    ProductPlan,
    ResourceItem,
    ResourcePlan,
    ServiceItem,
    ServiceOrderPlan,
    Specification,
)
from store.begun_calls import BegunCalls
from store.resource_locks import ResourceLocks
from store.sql.database import Database
from tests.application.conftest import accept, example

pytestmark = pytest.mark.anyio


def about(item_id: str, product_id: str | None, **attributes: Any) -> dict[str, Any]:
    product = {"product": {"id": product_id}} if product_id else {}
    return {"id": item_id, "action": "modify" if product_id else "add", **product, **attributes}


def resource(key: str, action: Action, value: str | None) -> ResourceItem:
    specification = Specification(id="msisdn", name="Mobile number")
    return ResourceItem(key=key, action=action, specification=specification, demand=Demand(value=value))


def product(key: str, action: Action, product_id: str | None) -> ProductPlan:
    return ProductPlan(key=key, item_id=key, unit=key, action=action, name="Mobile", product_id=product_id)


def plan(order_id: str, *resources: ResourceItem, products: tuple[ProductPlan, ...] = ()) -> OrchestrationPlan:
    specification = Specification(id="cfs-mobile", name="Mobile")
    item = ServiceItem(key="service", action=Action.ADD, specification=specification, resources=list(resources))
    mobile = ServiceOrderPlan(
        key="1:mobile", item_id="1", unit="1", action=Action.ADD, specification=specification, items=[item]
    )
    version = CatalogVersion(digest="d", label="l")
    return OrchestrationPlan(order_id=order_id, catalog=version, service_orders=[mobile], products=list(products))


def test_an_order_names_the_installed_products_of_its_items_nested_ones_too() -> None:
    items = [about("1", "p-1", productOrderItem=[about("1.1", "p-2"), about("1.2", None)]), about("2", None)]
    order = ProductOrder.model_validate(example("mobile", productOrderItem=items))
    assert list(named_subjects(order)) == ["product:p-1", "product:p-2"]


def test_a_plan_touches_products_that_it_changes_and_numbers_that_it_takes_or_gives_back() -> None:
    planned = plan(
        "o1",
        resource("old", Action.DELETE, "+4915020100000"),
        resource("chosen", Action.ADD, "+4915020100001"),
        resource("any", Action.ADD, None),
        resource("kept", Action.NO_CHANGE, "+4915020100002"),
        resource("changed", Action.MODIFY, "+4915020100003"),
        products=(
            product("1", Action.ADD, None),
            product("2", Action.DELETE, "p-2"),
            product("3", Action.NO_CHANGE, "p-3"),
            product("4", Action.MODIFY, "p-4"),
        ),
    )
    assert list(planned_subjects(planned)) == [
        "product:p-2",
        "product:p-4",
        "resource:msisdn:+4915020100000",
        "resource:msisdn:+4915020100001",
    ]


async def test_who_waits_for_what_an_order_gives_up_is_named(database: Database) -> None:
    locks = ResourceLocks(database)
    for order_id, at in (("o1", "2026-06-01T10:00:00.000Z"), ("o2", "2026-06-01T11:00:00.000Z")):
        await accept(database, example("mobile", id=order_id, orderDate=at, productOrderItem=[about("1", "p-1")]))
    assert await locks.acquire("o1", "2026-06-01T10:00:00.000Z", ["product:p-1"]) == []
    assert await locks.acquire("o2", "2026-06-01T11:00:00.000Z", ["product:p-1"]) == ["o1"]

    assert await locks.release("o1") == ["o2"]
    assert await locks.acquire("o2", "2026-06-01T11:00:00.000Z", ["product:p-1"]) == []


async def test_what_has_begun_is_forgotten_with_what_an_order_gives_up(database: Database) -> None:
    begun = BegunCalls(database)
    for workflow_id in ("po:o1", "po:o1:so:1:internet", "po:o2"):
        await begun.note(workflow_id, "an-effect")
    assert await ResourceLocks(database).release("o1") == []
    assert await begun.of("po:o1") == await begun.of("po:o1:so:1:internet") == []
    assert await begun.of("po:o2") == ["an-effect"]


def test_service_and_resource_orders_name_what_their_items_are_about() -> None:
    nested = {"id": "1.1", "action": "delete", "service": {"id": "s-2"}}
    item = {"id": "1", "action": "modify", "service": {"id": "s-1"}, "serviceOrderItem": [nested]}
    services = posted_order(OrderKind.SERVICE, {"serviceOrderItem": [item, {**nested, "id": "2", "service": {}}]})
    assert list(named_subjects(services)) == ["service:s-1", "service:s-2"]
    resources = posted_order(
        OrderKind.RESOURCE, {"orderItem": [{"id": "1", "action": "delete", "resource": {"id": "r"}}]}
    )
    assert list(named_subjects(resources)) == ["installedResource:r"]
    assert all(is_installed(each) for each in (*named_subjects(services), *named_subjects(resources)))


def test_what_is_changed_by_itself_is_touched_with_all_that_needs_it() -> None:
    single = ResourcePlan(
        key="1", item_id="1", unit="1", action=Action.DELETE, resource=resource("1", Action.DELETE, "+49")
    )
    planned = OrchestrationPlan(
        order_id="r-1",
        catalog=CatalogVersion(digest="d", label="l"),
        resource_orders=[single],
        belongs_to=["service:s-1", "product:p-1"],
    )
    assert list(planned_subjects(planned)) == ["service:s-1", "product:p-1", "resource:msisdn:+49"]
    assert not is_installed("resource:msisdn:+49")
