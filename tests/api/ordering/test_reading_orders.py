"""GET of product, service and resource orders: lists, filters, fields, pages, and the links between the three."""

from __future__ import annotations

from typing import Any

import pytest

from orders.lifecycle.states import OrderKind
from orders.plan.orchestration_plan import OrchestrationPlan
from tests.api.conftest import BASE_URL, MINIMAL, PRODUCT_ORDERS, RESOURCE_ORDERS, SERVICE_ORDERS, Bench
from tests.api.fakes import CATALOG

pytestmark = pytest.mark.anyio


async def _tree(bench: Bench) -> str:
    """Take in an order that has made a service order, which has made a resource order; return the first one's id."""
    order_id: str = (await bench.post({**MINIMAL, "externalId": "tree"})).json()["id"]
    service, resource = f"{order_id}:1%2Fa:internet", f"{order_id}:1%2Fa:internet:access"
    common = {"state": "inProgress", "orderDate": "2026-11-23T09:00:00.000Z"}
    await bench.orders.open(
        OrderKind.SERVICE,
        service,
        {
            **common,
            "id": service,
            "orderRelationship": [{"id": order_id, "relationshipType": "parent", "@referredType": "ProductOrder"}],
            "serviceOrderItem": [{"id": "service", "action": "add", "service": {}}],
        },
        order_id,
        order_id,
        1,
    )
    await bench.orders.open(
        OrderKind.RESOURCE,
        resource,
        {
            **common,
            "id": resource,
            "orderRelationship": [{"id": service, "relationshipType": "parent", "@referredType": "ServiceOrder"}],
            "orderItem": [{"id": "port", "action": "add", "state": "acknowledged", "resource": {}}],
        },
        service,
        order_id,
        1,
    )
    return order_id


def _links(document: dict[str, Any]) -> dict[str, str]:
    return {each["relationshipType"]: each["href"] for each in document["orderRelationship"]}


async def test_the_three_orders_lead_to_each_other_by_their_links(bench: Bench) -> None:
    order_id = await _tree(bench)
    product = (await bench.client.get(f"{PRODUCT_ORDERS}/{order_id}")).json()
    service = (await bench.client.get(_links(product)["child"])).json()
    resource = (await bench.client.get(_links(service)["child"])).json()
    assert service["id"] == f"{order_id}:1%2Fa:internet"
    assert service["href"] == f"{BASE_URL}{SERVICE_ORDERS}/{order_id}:1%252Fa:internet" == _links(resource)["parent"]
    assert resource["href"] == f"{BASE_URL}{RESOURCE_ORDERS}/{order_id}:1%252Fa:internet:access"
    assert _links(service)["parent"] == product["href"]
    assert product["orderRelationship"][0]["@referredType"] == "ServiceOrder"
    assert service["orderRelationship"][1]["@referredType"] == "ResourceOrder"


async def test_lists_have_links_to_parents_too(bench: Bench) -> None:
    order_id = await _tree(bench)
    for collection, parent in ((SERVICE_ORDERS, PRODUCT_ORDERS), (RESOURCE_ORDERS, SERVICE_ORDERS)):
        answer = await bench.client.get(collection)
        assert answer.status_code == 200
        (document,) = answer.json()
        assert document["href"].startswith(f"{BASE_URL}{collection}/{order_id}:")
        assert _links(document)["parent"].startswith(f"{BASE_URL}{parent}/{order_id}")


async def test_fields_leave_id_and_href(bench: Bench) -> None:
    order_id = await _tree(bench)
    single = (await bench.client.get(f"{PRODUCT_ORDERS}/{order_id}", params={"fields": "state,unknown"})).json()
    assert single == {"id": order_id, "href": f"{BASE_URL}{PRODUCT_ORDERS}/{order_id}", "state": "acknowledged"}
    listed = (await bench.client.get(PRODUCT_ORDERS, params={"fields": "externalId"})).json()
    assert listed == [{"id": order_id, "href": f"{BASE_URL}{PRODUCT_ORDERS}/{order_id}", "externalId": "tree"}]


async def test_fields_may_ask_for_the_relations(bench: Bench) -> None:
    order_id = await _tree(bench)
    answer = await bench.client.get(f"{PRODUCT_ORDERS}/{order_id}", params={"fields": "orderRelationship"})
    assert answer.json()["orderRelationship"][0]["relationshipType"] == "child"


async def test_a_relation_that_the_client_sent_stays_as_it_is(bench: Bench) -> None:
    for sent in ("free text", [{"id": "x", "href": "http://crm/x", "@referredType": "ProductOrder"}], [7]):
        order = (await bench.post({**MINIMAL, "orderRelationship": sent})).json()
        assert order["orderRelationship"] == sent
        assert (await bench.client.get(order["href"])).json() == order


async def _post_orders(bench: Bench) -> list[str]:
    bodies = [
        {**MINIMAL, "category": category, "relatedParty": [{"id": f"C-{n % 2}", "role": "Customer"}]}
        for n, category in enumerate(["home", "home", "business, large"])
    ]
    return [(await bench.post(body)).json()["id"] for body in bodies]


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"category": "home"}, [1, 0]),
        ({"category": "home", "relatedParty.id": "C-1"}, [1]),
        ({"category": '"business, large"'}, [2]),
        ({"productOrderItem.action": "add"}, [2, 1, 0]),
        ({"productOrderItem.action": "delete"}, []),
        ({"state": "acknowledged,held", "category": "home"}, [1, 0]),
        ({"orderDate.gte": "2020-01-01", "category.regex": "^ho", "priority.ne": "1"}, [1, 0]),
    ],
)
async def test_filters_are_anded(bench: Bench, params: dict[str, str], expected: list[int]) -> None:
    ids = await _post_orders(bench)
    answer = await bench.client.get(PRODUCT_ORDERS, params={**params, "sort": "-orderDate"})
    assert answer.status_code == 200
    assert sorted(each["id"] for each in answer.json()) == sorted(ids[n] for n in expected)
    assert answer.headers["X-Total-Count"] == answer.headers["X-Result-Count"] == str(len(expected))


async def test_an_order_date_in_quotes_filters_by_that_date(bench: Bench) -> None:
    order = (await bench.post(MINIMAL)).json()
    answer = await bench.client.get(PRODUCT_ORDERS, params={"orderDate": f'"{order["orderDate"]}"'})
    assert [each["id"] for each in answer.json()] == [order["id"]]


async def test_a_truncated_page_is_206_with_both_counts(bench: Bench) -> None:
    await _post_orders(bench)
    first = await bench.client.get(PRODUCT_ORDERS, params={"limit": "2"})
    last = await bench.client.get(PRODUCT_ORDERS, params={"limit": "2", "offset": "2"})
    whole = await bench.client.get(PRODUCT_ORDERS, params={"limit": "3"})
    assert (first.status_code, last.status_code, whole.status_code) == (206, 206, 200)
    assert [first.headers["X-Result-Count"], last.headers["X-Result-Count"]] == ["2", "1"]
    assert {answer.headers["X-Total-Count"] for answer in (first, last, whole)} == {"3"}
    assert first.json() + last.json() == whole.json()


@pytest.mark.parametrize(
    "params",
    [
        {"limit": "many"},
        {"limit": "0"},
        {"limit": "-1"},
        {"offset": "-1"},
        {"offset": "9" * 30},
        {"sort": "colour"},
        {"nothing.like.it": "x"},
        {"productOrderItem.produkt": "x"},
        {"category.regex": "(a"},
        {"a..b": "x"},
        {"state": '"open'},
        {"state": "a\0b"},
    ],
)
async def test_a_query_that_makes_no_sense_is_refused_naming_its_parameter(
    bench: Bench, params: dict[str, str]
) -> None:
    answer = await bench.client.get(PRODUCT_ORDERS, params=params)
    assert answer.status_code == 400
    assert answer.json()["message"].startswith(f"{next(iter(params))}: ")


@pytest.mark.parametrize("collection", [PRODUCT_ORDERS, SERVICE_ORDERS, RESOURCE_ORDERS])
@pytest.mark.parametrize("order_id", ["nothing", "a:b", "%00", "%FF", "%F0%9F%98%80", "..%2F", "x" * 3000])
async def test_an_unknown_id_is_404(bench: Bench, collection: str, order_id: str) -> None:
    answer = await bench.client.get(f"{collection}/{order_id}")
    assert answer.status_code == 404
    assert answer.json()["@type"] == "Error"
    assert answer.json()["status"] == "404"


async def test_a_plan_is_given_once_there_is_one(bench: Bench) -> None:
    order_id = (await bench.post(MINIMAL)).json()["id"]
    early = await bench.client.get(f"{PRODUCT_ORDERS}/{order_id}/plan")
    assert early.status_code == 404
    assert early.json()["message"] == f"productOrder '{order_id}' has no plan; the order is acknowledged"

    plan = OrchestrationPlan(order_id=order_id, catalog=CATALOG)
    await bench.plans.save(plan)
    answer = await bench.client.get(f"{PRODUCT_ORDERS}/{order_id}/plan")
    assert answer.status_code == 200
    assert OrchestrationPlan.model_validate(answer.json()) == plan
    assert answer.json()["orderId"] == order_id
    assert (await bench.client.get(f"{PRODUCT_ORDERS}/unknown/plan")).status_code == 404


async def test_reads_need_no_engine(bench: Bench) -> None:
    order_id = await _tree(bench)
    bench.engine.away = True
    asked = len(bench.engine.attempts)
    for path in (PRODUCT_ORDERS, f"{PRODUCT_ORDERS}/{order_id}", SERVICE_ORDERS, RESOURCE_ORDERS):
        assert (await bench.client.get(path)).status_code == 200
    assert len(bench.engine.attempts) == asked
