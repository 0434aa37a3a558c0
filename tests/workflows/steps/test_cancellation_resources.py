"""TMF cancellation resources: each says what became of the request, and two requests are one cancellation."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from orders.lifecycle.states import ITEM_LISTS, OrderKind, resource_name
from tests.api.documents.test_published_specifications import SPECS, assert_fits
from tests.stage import Stage, eventually
from tests.workflows.saga.test_failure_and_undo import nothing_is_left
from tests.workflows.steering.test_hold import begun
from tests.workflows.steps.test_manual_work import visited
from tmf.instants import timestamp
from workflows.contracts import ids

pytestmark = pytest.mark.anyio

PRODUCT = "/tmf-api/productOrderingManagement/v4/cancelProductOrder"
SERVICE = "/tmf-api/serviceOrdering/v4/cancelServiceOrder"


async def asked(stage: Stage, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = await stage.gateway.post(path, json=body)
    assert answer.status_code == 201, answer.text
    document: dict[str, Any] = answer.json()
    assert answer.headers["location"] == document["href"]
    return document


async def settled(stage: Stage, path: str, cancellation: str) -> dict[str, Any]:
    document: dict[str, Any] = {}

    async def over() -> bool:
        nonlocal document
        document = (await stage.gateway.get(f"{path}/{cancellation}")).json()
        return document["state"] in ("done", "terminatedWithError")

    await eventually(over, lambda: str(document))
    return document


async def test_an_accepted_cancellation_is_done_when_the_order_is_undone(stage: Stage) -> None:
    order_id = await begun(stage)

    cancel = await asked(stage, PRODUCT, {"productOrder": {"id": order_id}, "cancellationReason": "moved away"})
    order = await stage.ended(order_id)
    done = await settled(stage, PRODUCT, cancel["id"])

    assert cancel["state"] in ("acknowledged", "inProgress")
    assert (order["state"], order["cancellationReason"]) == ("cancelled", "moved away")
    assert done["state"] == "done"
    assert done["effectiveCancellationDate"] <= order["cancellationDate"]
    assert done["productOrder"]["id"] == order_id
    await nothing_is_left(stage, order_id, order["relatedParty"][0]["id"])


async def test_two_requests_are_one_cancellation_and_both_are_done(stage: Stage) -> None:
    order_id = await begun(stage)

    first = await asked(stage, PRODUCT, {"productOrder": {"id": order_id}})
    second = await asked(stage, PRODUCT, {"productOrder": {"id": order_id}})
    await stage.ended(order_id)

    assert {(await settled(stage, PRODUCT, each["id"]))["state"] for each in (first, second)} == {"done"}
    late = await stage.gateway.post(PRODUCT, json={"productOrder": {"id": order_id}})
    assert late.status_code == 409


async def test_a_cancellation_can_be_asked_for_at_a_later_date(stage: Stage) -> None:
    order_id = await begun(stage)
    at = datetime.now(UTC) + timedelta(seconds=2)

    cancel = await asked(stage, PRODUCT, {"productOrder": {"id": order_id}, "requestedCancellationDate": timestamp(at)})
    order = await stage.ended(order_id)

    assert order["state"] == "cancelled"
    assert order["cancellationDate"] >= timestamp(at)
    assert (await settled(stage, PRODUCT, cancel["id"]))["state"] == "done"


async def test_a_later_cancellation_of_an_order_that_has_ended_before_ends_with_an_error(stage: Stage) -> None:
    order_id = await begun(stage)
    at = datetime.now(UTC) + timedelta(days=2)
    cancel = await asked(stage, PRODUCT, {"productOrder": {"id": order_id}, "requestedCancellationDate": timestamp(at)})
    await stage.heal()

    assert (await stage.ended(order_id))["state"] == "completed"
    ended = await settled(stage, PRODUCT, cancel["id"])
    assert ended["state"] == "terminatedWithError"
    assert "completed" in str(ended["errorMessage"])


@pytest.mark.parametrize(
    ("kind", "path", "below", "item", "file"),
    [
        (OrderKind.PRODUCT, PRODUCT, "", "1.2", "TMF622-v4.0.0.swagger.json"),
        (OrderKind.SERVICE, SERVICE, ":1.2:home-network", "visit", "TMF641-v4.1.0.swagger.json"),
    ],
)
async def test_a_denied_cancellation_says_why_and_names_the_items(
    stage: Stage, kind: OrderKind, path: str, below: str, item: str, file: str
) -> None:
    order_id, _, task = await visited(stage)

    cancel = await asked(stage, path, {kind.value: {"id": f"{order_id}{below}"}})
    denied = await settled(stage, path, cancel["id"])

    assert denied["state"] == "terminatedWithError"
    assert denied["errorMessage"]["code"] == "refused"
    assert "visit by people has begun" in denied["errorMessage"]["reason"]
    assert denied["errorMessage"][ITEM_LISTS[kind]] == [{"id": item}]
    if SPECS.is_dir():
        assert_fits(denied, file, f"Cancel{resource_name(kind)}")
    await stage.tell(ids.root_workflow(order_id), "complete", task=task["id"], values={"technician": "T-17"})
    assert (await stage.ended(order_id))["state"] == "completed"


async def test_a_service_order_is_cancelled_with_its_item_and_the_rest_goes_on(stage: Stage) -> None:
    order_id = await begun(stage)

    cancel = await asked(stage, SERVICE, {"serviceOrder": {"id": f"{order_id}:1:mobile"}})
    order = await stage.ended(order_id)

    assert order["state"] == "partial"
    assert {item["id"]: item["state"] for item in order["productOrderItem"]} == {"1": "failed", "2": "completed"}
    assert "cancelled" in str(order["productOrderErrorMessage"])
    assert (await settled(stage, SERVICE, cancel["id"]))["state"] == "done"
    service_order = await stage.gateway.get(f"/tmf-api/serviceOrdering/v4/serviceOrder/{order_id}:1:mobile")
    assert service_order.json()["state"] == "cancelled"


async def test_an_order_that_is_unknown_cannot_be_cancelled(stage: Stage) -> None:
    answer = await stage.gateway.post(PRODUCT, json={"productOrder": {"id": "nosuchorder"}})

    assert answer.status_code == 404
    assert "nosuchorder" in answer.json()["message"]
