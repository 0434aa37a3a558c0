"""TMF622 v5: the orders of v4 in another shape, taken in, found, amended, cancelled and deleted alike."""

from __future__ import annotations

import json
from typing import Any

import pytest

from api.schemas.v5 import PRODUCT_ORDER_V5_EXAMPLE
from orders.events.links import BASE_PATHS, cancellation_name
from orders.lifecycle.states import OrderKind, OrderState
from tests.api.conftest import ADMIN_TOKEN, BASE_URL, MINIMAL, PRODUCT_ORDERS, SERVICE_ORDERS, Bench
from tests.api.ordering.test_direct_orders import each_kind
from tests.orders.model.test_v5 import PUBLISHED, faults_of
from tmf.paths import TMF622_V5
from workflows.contracts.payloads import Amend, Cancel

pytestmark = pytest.mark.anyio

ORDERS = f"{TMF622_V5}/productOrder"
CANCELLATIONS = f"{TMF622_V5}/cancelProductOrder"
HUB = f"{TMF622_V5}/hub"
ADMIN = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
MERGE_PATCH = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"

PARTY = {
    "@type": "RelatedPartyRefOrPartyRoleRef",
    "role": "customer",
    "partyOrPartyRole": {"@type": "PartyRef", "@referredType": "Party", "id": "ada"},
}


def order(**more: Any) -> dict[str, Any]:
    item = {"@type": "ProductOrderItem", "id": "1", "action": "add"}
    return {"@type": "ProductOrder", "productOrderItem": [item], **more}


def identified(*ids: str) -> list[dict[str, Any]]:
    return [{"@type": "ExternalIdentifier", "id": each} for each in ids]


def assert_fits(answer: Any, schema: str) -> None:
    """Where the published file is at hand, look whether an answer fits it; its types are there in any case."""
    assert answer["@type"]
    if PUBLISHED.is_file():
        assert faults_of(answer, schema) == []


async def placed(bench: Bench, state: OrderState = OrderState.IN_PROGRESS, **more: Any) -> str:
    answer = await bench.client.post(ORDERS, json=order(**more))
    assert answer.status_code == 201, answer.text
    order_id = str(answer.json()["id"])
    await bench.become(order_id, state)
    return order_id


async def patch(bench: Bench, order_id: str, body: Any, media_type: str = MERGE_PATCH) -> Any:
    headers = {"Content-Type": media_type}
    return await bench.client.patch(f"{ORDERS}/{order_id}", content=json.dumps(body), headers=headers)


async def proposed(bench: Bench, order_id: str) -> dict[str, Any]:
    """Return what the latest revision of an order sets."""
    return (await bench.revisions.list(order_id))[-1].document


async def test_an_order_is_taken_in_and_shown_by_both_versions(bench: Bench) -> None:
    answer = await bench.client.post(ORDERS, json=order(externalId=identified("CRM-7"), relatedParty=[PARTY]))

    made = answer.json()
    assert answer.status_code == 201
    assert made["href"] == answer.headers["Location"] == f"{BASE_URL}{ORDERS}/{made['id']}"
    assert (made["@type"], made["state"]) == ("ProductOrder", "acknowledged")
    assert made["externalId"] == identified("CRM-7")
    assert made["relatedParty"] == [PARTY]
    assert (await bench.client.get(made["href"])).json() == made
    assert_fits(made, "ProductOrder")
    in_v4 = (await bench.client.get(f"{PRODUCT_ORDERS}/{made['id']}")).json()
    assert in_v4["href"] == f"{BASE_URL}{PRODUCT_ORDERS}/{made['id']}"
    assert (in_v4["externalId"], in_v4["orderDate"]) == ("CRM-7", made["creationDate"])
    assert [(each["id"], each["role"]) for each in in_v4["relatedParty"]] == [("ada", "customer")]
    assert bench.engine.running == [made["id"]]


@each_kind
async def test_orders_and_cancellations_of_other_kinds_are_not_among_those_of_version_5(
    bench: Bench, kind: OrderKind, orders: str, body: Any, prefix: str
) -> None:
    product_id = await placed(bench)
    other_id = (await bench.client.post(orders, json=body)).json()["id"]
    cancel = f"{BASE_PATHS[kind]}/{cancellation_name(kind)}"
    asked = (await bench.client.post(cancel, json={kind.value: {"id": other_id}})).json()

    listed = await bench.client.get(ORDERS)
    assert ([each["id"] for each in listed.json()], listed.headers["X-Total-Count"]) == ([product_id], "1")
    assert (await bench.client.get(ORDERS, params={"id": other_id})).json() == []
    assert (await bench.client.get(CANCELLATIONS)).json() == []
    for path in (f"{ORDERS}/{other_id}", f"{CANCELLATIONS}/{asked['id']}"):
        assert (await bench.client.get(path)).status_code == 404
    assert (await patch(bench, other_id, {"description": "new"})).status_code == 404
    refused = await bench.client.post(CANCELLATIONS, json={"productOrder": {"id": other_id}})
    assert (refused.status_code, other_id in refused.json()["message"]) == (404, True)


async def test_the_example_fits_the_published_schema_and_so_does_an_order_of_version_4(bench: Bench) -> None:
    for path, body in ((ORDERS, PRODUCT_ORDER_V5_EXAMPLE), (PRODUCT_ORDERS, {**MINIMAL, "externalId": "CRM-8"})):
        made = (await bench.client.post(path, json=body)).json()
        assert_fits((await bench.client.get(f"{ORDERS}/{made['id']}")).json(), "ProductOrder")
    for listed in (await bench.client.get(ORDERS)).json():
        assert_fits(listed, "ProductOrder")


async def test_types_may_be_left_out_and_what_the_orchestrator_sets_is_ignored(bench: Bench) -> None:
    answer = await bench.client.post(
        ORDERS,
        json={
            "creationDate": 7,
            "state": "acknowledged",
            "productOrderMilestone": "x",
            "requestedInitialState": "acknowledged",
            "relatedParty": [{"role": "customer", "partyOrPartyRole": {"id": "ada"}}],
            "ours": {"x": 1},
            **MINIMAL,
        },
    )
    made = answer.json()
    assert answer.status_code == 201
    assert made["state"] == "acknowledged"
    assert made["ours"] == {"x": 1}
    assert "productOrderMilestone" not in made
    assert_fits(made, "ProductOrder")


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ([], "must be a JSON object"),
        ({"@type": "ProductOrder"}, "productOrderItem: "),
        (order(requestedInitialState="draft"), "requestedInitialState: must be acknowledged, or left out"),
        (order(state="draft"), "state: must be acknowledged, or left out"),
        (order(state="inProgress.accepted"), "state: must be acknowledged, or left out"),
        (order(priority="urgent"), 'priority: must be a digit in quotes, from "0", the highest, to "4"'),
        (order(allOrNothing="true"), "allOrNothing: must be true or false, without quotes"),
        (order(requestedStartDate="20261224"), "requestedStartDate: «20261224» is no date and time"),
        ({"orderItem": [{"id": "1", "action": "add"}]}, "orderItem: is not read here"),
        (order(externalId="CRM-7"), "externalId: "),
        (order(relatedParty=[{"id": "ada"}]), "relatedParty[0].partyOrPartyRole: "),
        (order(relatedParty=[{"partyOrPartyRole": {"name": "Ada"}}]), "relatedParty[0].partyOrPartyRole.id: "),
        (order(productOrderItem=[{"id": "1", "action": "make"}]), "productOrderItem[0].action: "),
        (order(productOrderItem=[{"id": "1", "action": "add"}] * 2), "productOrderItem[1].id: "),
    ],
)
async def test_what_does_not_fit_is_refused_by_its_path(bench: Bench, body: Any, named: str) -> None:
    answer = await bench.client.post(ORDERS, json=body)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalidRequest")
    assert named in answer.json()["message"]
    assert await bench.stored() == 0


async def test_a_repeat_gives_the_same_order_and_the_same_name_for_another_is_refused(bench: Bench) -> None:
    body = order(externalId=identified("CRM-7", "CRM-8"))
    first, again = [(await bench.client.post(ORDERS, json=body)).json() for _ in range(2)]
    assert first == again
    assert first["externalId"] == identified("CRM-7", "CRM-8")
    in_v4 = await bench.post({**MINIMAL, "externalId": "CRM-7"})
    assert (in_v4.status_code, in_v4.json()["code"]) == (409, "idempotencyConflict")
    assert await bench.stored() == 1


async def test_orders_that_an_order_has_made_keep_their_addresses(bench: Bench) -> None:
    order_id = await placed(bench)
    child_id = f"{order_id}:1:tv"
    child = {"id": child_id, "state": "held", "serviceOrderItem": []}
    await bench.orders.open(OrderKind.SERVICE, child_id, child, order_id, order_id, 1)
    shown = (await bench.client.get(f"{ORDERS}/{order_id}")).json()
    (relation,) = shown["orderRelationship"]
    assert relation["href"] == f"{BASE_URL}{SERVICE_ORDERS}/{child_id}"
    assert_fits(shown, "ProductOrder")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("externalId.id=CRM-1", [0]),
        ("externalId.owner=CRM", [1]),
        ("relatedParty.partyOrPartyRole.id=ada", [0]),
        ("relatedParty.partyOrPartyRole.id.ne=ada", [1]),
        ("creationDate.gte=2020-01-01T00:00:00Z&sort=externalId.id", [0, 1]),
        ("creationDate>2100-01-01T00:00:00Z", []),
        ("sort=-externalId.id", [1, 0]),
        ("state=acknowledged,held", [1]),
    ],
)
async def test_lists_are_filtered_and_sorted_by_the_paths_of_version_5(
    bench: Bench, query: str, found: list[int]
) -> None:
    ids = [
        await placed(bench, externalId=identified("CRM-1"), relatedParty=[PARTY]),
        await placed(bench, OrderState.ACKNOWLEDGED, externalId=[{"id": "CRM-2", "owner": "CRM"}]),
    ]
    answer = await bench.client.get(f"{ORDERS}?{query}")
    assert answer.status_code == 200, answer.text
    assert [each["id"] for each in answer.json()] == [ids[each] for each in found]


@pytest.mark.parametrize("query", ["orderDate=2026", "sort=orderDate", "relatedParty.id=ada", "externalId.name=x"])
async def test_an_attribute_that_version_5_does_not_have_is_refused(bench: Bench, query: str) -> None:
    answer = await bench.client.get(f"{ORDERS}?{query}")
    assert answer.status_code == 400
    assert "has no attribute" in answer.json()["message"]


async def test_lists_are_paged_and_cut_down_to_fields_of_version_5(bench: Bench) -> None:
    for number in range(3):
        await placed(bench, externalId=identified(f"CRM-{number}"))
    answer = await bench.client.get(f"{ORDERS}?fields=externalId,creationDate&limit=1&offset=1&sort=externalId.id")
    (shown,) = answer.json()
    assert answer.status_code == 206
    assert (answer.headers["X-Total-Count"], answer.headers["X-Result-Count"]) == ("3", "1")
    assert shown.keys() == {"@type", "id", "href", "externalId", "creationDate"}
    assert shown["externalId"] == identified("CRM-1")
    single = await bench.client.get(f"{shown['href']}?fields=state")
    assert single.json().keys() == {"@type", "id", "href", "state"}


@pytest.mark.parametrize(
    ("media_type", "body"),
    [
        ("application/json", {"@type": "ProductOrder", "description": "new", "externalId": identified("A", "B")}),
        (MERGE_PATCH, {"description": "new", "externalId": identified("A", "B")}),
        (
            JSON_PATCH,
            [
                {"op": "add", "path": "/description", "value": "new"},
                {"op": "add", "path": "/externalId/-", "value": identified("B")[0]},
            ],
        ),
    ],
)
async def test_a_patch_is_proposed_to_the_order_in_the_words_of_version_4(
    bench: Bench, media_type: str, body: Any
) -> None:
    order_id = await placed(bench, externalId=identified("A"), relatedParty=[PARTY])
    answer = await patch(bench, order_id, body, media_type)
    assert answer.status_code == 200
    assert answer.json() == (await bench.client.get(f"{ORDERS}/{order_id}")).json()
    assert bench.engine.asked == [(f"po:{order_id}", "amend", Amend(revision=2, by="anonymous"))]
    assert await proposed(bench, order_id) == {"description": "new", "externalIdentifier": identified("A", "B")}


async def test_an_order_of_version_4_sent_back_as_it_was_read_changes_only_what_was_changed(bench: Bench) -> None:
    body = {**MINIMAL, "externalId": "A", "relatedParty": [{"id": "ada", "role": "customer"}]}
    order_id = await bench.ordered(body, OrderState.IN_PROGRESS)
    read = (await bench.client.get(f"{ORDERS}/{order_id}")).json()
    read["productOrderItem"][0]["state"] = "completed"
    assert (await patch(bench, order_id, read)).status_code == 200
    assert bench.engine.asked == []
    assert (await patch(bench, order_id, {**read, "priority": "1"})).status_code == 200
    assert await proposed(bench, order_id) == {"priority": "1"}


@pytest.mark.parametrize("sent", [None, [], identified("B"), identified("B", "A"), [{"owner": "CRM", "id": "a"}]])
async def test_the_first_external_identifier_is_the_key_and_stays(bench: Bench, sent: Any) -> None:
    order_id = await placed(bench, externalId=[{"id": "A", "owner": "CRM"}, {"id": "B"}])
    answer = await patch(bench, order_id, {"externalId": sent})
    assert answer.status_code == 400
    assert "externalId: names the order to whoever sent it" in answer.json()["message"]
    assert bench.engine.asked == []


async def test_fewer_external_identifiers_leave_nothing_of_the_others(bench: Bench) -> None:
    order_id = await placed(bench, externalId=[{"id": "A", "owner": "CRM"}, {"id": "B"}])
    assert (await patch(bench, order_id, {"externalId": [{"id": "A"}]})).status_code == 200
    assert await proposed(bench, order_id) == {"externalIdentifier": None}


@pytest.mark.parametrize(
    ("body", "media_type", "named"),
    [
        ({"state": "completed"}, MERGE_PATCH, "state: is set by the orchestrator"),
        ({"creationDate": None}, MERGE_PATCH, "creationDate: is set by the orchestrator"),
        ({"productOrderMilestone": []}, MERGE_PATCH, "productOrderMilestone: is set by the orchestrator"),
        ([{"op": "replace", "path": "/href", "value": "x"}], JSON_PATCH, "href: "),
        ([{"op": "replace", "path": "", "value": []}], JSON_PATCH, "must be a JSON object"),
        ({"productOrderItem": []}, MERGE_PATCH, "productOrderItem: "),
        ({"productOrderItem": ["x"]}, MERGE_PATCH, "productOrderItem[0]: "),
        ({"productOrderItem": None}, MERGE_PATCH, "productOrderItem: "),
        ({"relatedParty": [{"id": "ada"}]}, MERGE_PATCH, "relatedParty[0].partyOrPartyRole: "),
        ([], MERGE_PATCH, "must be a JSON object"),
    ],
)
async def test_a_bad_patch_is_refused_and_changes_nothing(bench: Bench, body: Any, media_type: str, named: str) -> None:
    order_id = await placed(bench)
    answer = await patch(bench, order_id, body, media_type)
    assert answer.status_code == 400
    assert named in answer.json()["message"]
    assert bench.engine.asked == []
    assert len(await bench.revisions.list(order_id)) == 1


async def test_a_closed_order_is_not_amended(bench: Bench) -> None:
    order_id = await placed(bench, OrderState.COMPLETED)
    assert (await patch(bench, order_id, {"description": "new"})).status_code == 409
    assert (await patch(bench, "nowhere", {"description": "new"})).status_code == 404


async def test_the_date_of_a_cancellation_is_kept_in_the_one_form_or_refused(bench: Bench) -> None:
    order_id = await placed(bench)
    wish = {"productOrder": {"id": order_id}, "requestedCancellationDate": "2036-12-24t10:00:00+01:00"}
    made = await bench.client.post(CANCELLATIONS, json=wish)
    assert made.json()["requestedCancellationDate"] == "2036-12-24T09:00:00.000Z"
    refused = await bench.client.post(CANCELLATIONS, json={**wish, "requestedCancellationDate": "-1"})
    assert refused.status_code == 400
    assert "requestedCancellationDate: «-1» is no date and time" in refused.json()["message"]


async def test_a_cancellation_is_kept_and_the_order_told(bench: Bench) -> None:
    order_id = await placed(bench)
    wish = {"@type": "CancelProductOrder", "productOrder": {"id": order_id}, "cancellationReason": "moves"}
    body = {**wish, "state": 7, "creationDate": "2020-01-01T00:00:00.000Z"}
    answer = await bench.client.post(CANCELLATIONS, json=body)
    made = answer.json()
    assert answer.status_code == 201
    assert made["href"] == answer.headers["Location"] == f"{BASE_URL}{CANCELLATIONS}/{made['id']}"
    assert made["productOrder"] == {
        "@type": "ProductOrderRef",
        "id": order_id,
        "href": f"{BASE_URL}{ORDERS}/{order_id}",
    }
    assert made["state"] == "acknowledged"
    assert made["creationDate"] > "2026"
    assert_fits(made, "CancelProductOrder")
    assert bench.engine.told == [(f"po:{order_id}", Cancel(task=made["id"], by="anonymous", reason="moves"))]
    assert (await bench.client.get(made["href"])).json() == made
    assert (await bench.client.get(f"{CANCELLATIONS}?productOrder.id={order_id}")).json() == [made]
    assert (await bench.client.get(f"{CANCELLATIONS}?productOrder.id=other")).json() == []
    assert (await bench.client.get(f"{CANCELLATIONS}?creationDate={made['creationDate']}")).json() == [made]
    listed = (await bench.client.get(f"{CANCELLATIONS}?fields=state")).json()
    assert listed[0].keys() == {"@type", "id", "href", "state"}
    assert (await bench.client.get(f"{CANCELLATIONS}?orderDate=x")).status_code == 400
    assert (await bench.client.get(f"{CANCELLATIONS}/nothing")).status_code == 404


@pytest.mark.parametrize(
    ("body", "status", "named"),
    [
        ([], 400, "must be a JSON object"),
        ({}, 400, "productOrder: "),
        ({"productOrder": {"id": 7}}, 400, "productOrder.id: "),
        ({"productOrder": {"id": "nowhere"}}, 404, "'nowhere'"),
    ],
)
async def test_a_cancellation_of_nothing_is_refused(bench: Bench, body: Any, status: int, named: str) -> None:
    answer = await bench.client.post(CANCELLATIONS, json=body)
    assert answer.status_code == status
    assert named in answer.json()["message"]


async def test_administrators_delete_closed_orders(bench: Bench) -> None:
    order_id = await placed(bench, OrderState.COMPLETED)
    assert (await bench.client.delete(f"{ORDERS}/{order_id}")).status_code == 401
    assert (await bench.client.delete(f"{ORDERS}/{order_id}", headers=ADMIN)).status_code == 409
    bench.engine.end(order_id)
    answer = await bench.client.delete(f"{ORDERS}/{order_id}", headers=ADMIN)
    assert (answer.status_code, answer.content) == (204, b"")
    assert (await bench.client.get(f"{ORDERS}/{order_id}")).status_code == 404
    assert await bench.stored() == 0


async def test_listeners_of_version_5_are_registered_at_its_own_hub(bench: Bench) -> None:
    body = {"@type": "Hub", "callback": "http://192.0.2.1/hook", "query": "eventType=ProductOrderMilestoneEvent"}
    answer = await bench.client.post(HUB, json=body)
    made = answer.json()
    assert answer.status_code == 201, answer.text
    assert made["href"] == answer.headers["Location"] == f"{BASE_URL}{HUB}/{made['id']}"
    assert_fits(made, "Hub")
    assert [each["id"] for each in (await bench.client.get(HUB)).json()] == [made["id"]]
    in_v4 = HUB.replace("v5", "v4")
    assert (await bench.client.get(in_v4)).json() == []
    assert (await bench.client.post(in_v4, json=body)).status_code == 400
    assert (await bench.client.delete(f"{HUB}/{made['id']}")).status_code == 204


async def test_the_document_is_that_of_version_5(bench: Bench) -> None:
    document = (await bench.client.get(f"{TMF622_V5}/openapi.json")).json()
    assert (document["info"]["title"], document["info"]["version"]) == ("TMF622 Product Ordering v5", "5.0.0")
    assert "creationDate" in document["components"]["schemas"]["ProductOrder"]["properties"]
    assert "orderDate" not in document["components"]["schemas"]["ProductOrder"]["properties"]
