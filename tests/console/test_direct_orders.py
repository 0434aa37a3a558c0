"""Service and resource orders that were posted, in a terminal: where they are, and how they look."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest

from console.gateway import Gateway, order_path
from console.order_tree import OrderTree, kind_of
from console.views.order_view import order_view
from console.views.plan_tree import plan_tree
from console.views.tables import what
from orders.lifecycle.states import OrderKind
from orders.model.product_orders import Action
from orders.plan.orchestration_plan import CatalogVersion, OrchestrationPlan
from orders.plan.parts import ResourceItem, ResourcePlan, Specification
from tests.console.documents import resource_order, service_order
from tests.console.test_trees import text
from tmf.bodies import Document

pytestmark = pytest.mark.anyio

SERVICE = "s-abc"
RESOURCE = "r-abc"


def services(state: str = "completed") -> Document:
    service = {"serviceSpecification": {"id": "cfs-mobile"}}
    nested = {"id": "1.1", "action": "add", "state": state, "service": service}
    item = {"id": "1", "action": "noChange", "state": state, "service": {}, "serviceOrderItem": [nested]}
    children = [{"id": f"{SERVICE}:1.1:service", "relationshipType": "child", "@referredType": "ServiceOrder"}]
    return {"id": SERVICE, "state": state, "orderRelationship": children, "serviceOrderItem": [item]}


def resources(state: str = "completed") -> Document:
    item = {"id": "1", "action": "add", "state": state, "resource": {"resourceSpecification": {"id": "port"}}}
    children = [{"id": f"{RESOURCE}:1", "relationshipType": "child", "@referredType": "ResourceOrder"}]
    return {"id": RESOURCE, "state": state, "orderRelationship": children, "orderItem": [item]}


@pytest.mark.parametrize(
    ("order_id", "collection"),
    [
        ("abc", "productOrder"),
        ("abc:1:tv", "serviceOrder"),
        ("abc:1:tv:undo", "serviceOrder"),
        ("abc:1:tv:box", "resourceOrder"),
        ("abc:1:tv:undo:box:undo", "resourceOrder"),
        ("s-abc", "serviceOrder"),
        ("s-abc:1:service", "serviceOrder"),
        ("s-abc:1:service:box", "resourceOrder"),
        ("r-abc", "resourceOrder"),
        ("r-abc:1", "resourceOrder"),
        ("r-abc:1:undo", "resourceOrder"),
    ],
)
def test_an_order_of_any_kind_is_found_by_its_id(order_id: str, collection: str) -> None:
    assert order_path(order_id).endswith(f"/{collection}/{order_id}")


def test_what_kind_of_order_it_is_is_told_by_its_items() -> None:
    assert [kind_of({"productOrderItem": []}), kind_of(services()), kind_of(resources())] == list(OrderKind)


@pytest.mark.parametrize(("document", "collection"), [(services(), "serviceOrder"), (resources(), "resourceOrder")])
async def test_an_order_is_submitted_and_previewed_where_its_kind_is_taken(document: Document, collection: str) -> None:
    asked: list[str] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(request.url.path)
        assert json.loads(request.content) == document
        return httpx2.Response(201, json=document)

    async with Gateway("http://gateway.test", transport=httpx2.MockTransport(answer)) as client:
        await client.submit(document)
        await client.preview(document)
    assert [path.split("/v4/")[1] for path in asked] == [collection, f"{collection}/preview"]


async def test_the_trees_of_posted_orders_are_read_whole() -> None:
    known: dict[str, Any] = {
        SERVICE: services(),
        f"{SERVICE}:1.1:service": service_order(f"{SERVICE}:1.1:service", "completed", "completed"),
        f"{SERVICE}:1.1:service:stream": resource_order(f"{SERVICE}:1.1:service:stream", "completed", "SN-1"),
        RESOURCE: resources(),
        f"{RESOURCE}:1": resource_order(f"{RESOURCE}:1", "completed", "pe-1"),
    }

    def answer(request: httpx2.Request) -> httpx2.Response:
        if wanted := request.url.params.get("id"):
            ids = [each.strip('"') for each in wanted.split(",")]
            return httpx2.Response(200, json=[known[each] for each in ids if each in known])
        return httpx2.Response(200, json=known[request.url.path.rpartition("/")[2]])

    async with Gateway("http://gateway.test", transport=httpx2.MockTransport(answer)) as client:
        shown = [text(order_view(await client.order_tree(each))) for each in (SERVICE, RESOURCE)]
    assert shown[0].startswith(f"service order {SERVICE}")
    for part in ("1.1 add cfs-mobile", "add stream  TV stream", "SN-1"):
        assert part in shown[0]
    assert shown[1].startswith(f"resource order {RESOURCE}")
    for part in ("1 add port", "pe-1"):
        assert part in shown[1]


def test_an_order_without_a_description_is_about_its_first_item() -> None:
    assert what(resources()) == "add port"
    assert OrderTree(services()).kind == OrderKind.SERVICE


def test_the_plan_of_resources_has_a_line_for_each() -> None:
    specification = Specification(id="port", name="Access port")
    item = ResourceItem(key="1", action=Action.ADD, specification=specification)
    single = ResourcePlan(key="1", item_id="1", unit="1", action=Action.ADD, depends_on=["2"], resource=item)
    version = CatalogVersion(digest="d", label="l")
    shown = text(plan_tree(OrchestrationPlan(order_id=RESOURCE, catalog=version, resource_orders=[single])))
    assert "0 products, 0 service orders, 1 resource" in shown
    assert "resource order add 1  Access port  after 2" in shown
