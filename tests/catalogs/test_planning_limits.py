"""An order that asks for, or comes down to, more than one may is told so before the memory for it is spent."""

from __future__ import annotations

import pickle
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from catalogs.model.catalog_set import CatalogSet
from catalogs.planning import Planned, PlanningJob, plan_posted, planned
from orders.bounds import OrderLimits
from orders.lifecycle.states import ITEM_LISTS, OrderKind
from orders.model.installed import InstalledBase
from orders.model.posted import posted_order
from tests.stage import example

ON = datetime(2026, 11, 1, tzinfo=UTC)
LIMITS = OrderLimits()


def plan(catalogs: CatalogSet, document: dict[str, Any], limits: OrderLimits, kind: OrderKind) -> Planned:
    return planned(PlanningJob(posted_order(kind, document), InstalledBase(), 1, ON, limits), catalogs)


def reasons(catalogs: CatalogSet, document: dict[str, Any], limits: OrderLimits) -> list[tuple[str, str, str]]:
    kind = next(kind for kind, name in ITEM_LISTS.items() if name in document)
    done = plan(catalogs, document, limits, kind)
    assert done.plan is None
    return [(each.code, each.path, each.message) for each in done.violations]


def mobiles(*quantities: int) -> dict[str, Any]:
    document = example("mobile")
    [item] = document["productOrderItem"]
    items = [{**item, "id": str(number), "quantity": each} for number, each in enumerate(quantities)]
    return {**document, "productOrderItem": items}


def chain(length: int) -> dict[str, Any]:
    """Return an order of items each of which bundles the next by a relation."""
    items: list[dict[str, Any]] = [{"id": str(n), "action": "add"} for n in range(length)]
    for number, each in enumerate(items[:-1]):
        each["productOrderItemRelationship"] = [{"id": str(number + 1), "relationshipType": "bundles"}]
    return {"productOrderItem": items}


def test_what_came_in_under_other_limits_is_rejected_by_those_of_today(shipped: CatalogSet) -> None:
    [(code, path, message)] = reasons(shipped, mobiles(1, 1, 1), replace(LIMITS, items=2))
    assert (code, path) == ("orderTooLarge", "productOrderItem")
    assert message == "the order has 3 items, nested ones counted; at most 2; make it several orders"
    [(code, _, message)] = reasons(shipped, mobiles(4, 4), replace(LIMITS, instances=7))
    assert (code, message[:40]) == ("orderTooLarge", "the items order 8 products by their quan")


def test_items_that_bundle_each_other_by_relations_are_as_deep_as_nested_ones(shipped: CatalogSet) -> None:
    [(code, _, message)] = reasons(shipped, chain(5), replace(LIMITS, depth=4))
    assert (code, message) == ("orderTooLarge", "items are nested 5 levels deep; at most 4; make it several orders")
    assert all(code != "orderTooLarge" for code, _, _ in reasons(shipped, chain(5), replace(LIMITS, depth=5)))
    assert reasons(shipped, chain(LIMITS.items), LIMITS)[0][0] == "orderTooLarge"


@pytest.mark.parametrize("name", ["fibre-bundle", "mobile", "vpn-8-sites", "service-order-mobile"])
def test_products_services_and_resources_are_counted_together(shipped: CatalogSet, name: str) -> None:
    document = example(name)
    kind = next(kind for kind, items in ITEM_LISTS.items() if items in document)
    whole = plan(shipped, document, LIMITS, kind).plan
    assert whole is not None
    parts = whole.parts()
    assert plan(shipped, document, replace(LIMITS, parts=parts), kind).plan == whole
    [(code, _, message)] = reasons(shipped, document, replace(LIMITS, parts=parts - 1))
    assert code == "orderTooLarge"
    assert message.startswith(f"the order comes down to more than {parts - 1} products, services and resources")


def test_no_workflow_is_given_more_to_run_than_its_history_takes(shipped: CatalogSet) -> None:
    document = example("fibre-bundle")
    whole = plan(shipped, document, LIMITS, OrderKind.PRODUCT).plan
    assert whole is not None
    nodes = len(whole.graph().nodes)
    assert whole.widest() == nodes
    assert plan(shipped, document, replace(LIMITS, nodes=nodes), OrderKind.PRODUCT).plan == whole
    [(code, _, message)] = reasons(shipped, document, replace(LIMITS, nodes=nodes - 1))
    assert code == "orderTooLarge"
    assert message.startswith(f"the order comes down to {nodes} parts that run side by side; at most {nodes - 1}")


def test_a_service_order_below_counts_as_well(shipped: CatalogSet) -> None:
    whole = plan(shipped, example("fibre-bundle"), LIMITS, OrderKind.PRODUCT).plan
    assert whole is not None
    order = max(whole.service_orders, key=lambda each: len(each.items))
    alone = whole.model_copy(update={"service_orders": [order], "products": [], "deliveries": []})
    resources = max(len(item.resources) for item in order.items)
    assert alone.widest() == max(len(order.items), resources) > 1


def test_catalogs_go_to_another_process_as_they_are(shipped: CatalogSet) -> None:
    there: CatalogSet = pickle.loads(pickle.dumps(shipped))
    assert there.version == shipped.version
    for name in ("fibre-bundle", "mobile", "vpn-8-sites"):
        order = posted_order(OrderKind.PRODUCT, example(name))
        here = plan_posted(order, shipped, InstalledBase(), 1, ON)
        assert here.plan
        assert plan_posted(order, there, InstalledBase(), 1, ON) == here
