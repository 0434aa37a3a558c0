"""PATCH productOrder: what is proposed to the order, what comes of it, and its revisions."""

from __future__ import annotations

import json
from typing import Any

import pytest

from api.engine import EngineUnavailableError, MessageRefusedError
from orders.lifecycle.states import TERMINAL, OrderKind, OrderState
from orders.model.revision import Refusal, RevisionState
from orders.model.violation import Violation
from tests.api.conftest import MINIMAL, PRODUCT_ORDERS, Bench
from workflows.contracts.payloads import Amend
from workflows.contracts.refusals import OVERTAKEN

pytestmark = pytest.mark.anyio

MERGE_PATCH = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"


async def patch(bench: Bench, order_id: str, body: Any, media_type: str = MERGE_PATCH) -> Any:
    path = f"{PRODUCT_ORDERS}/{order_id}"
    return await bench.client.patch(path, content=json.dumps(body), headers={"Content-Type": media_type})


@pytest.mark.parametrize(
    ("media_type", "body"),
    [
        ("application/json", {"description": "new", "x": 1}),
        (f"{MERGE_PATCH}; charset=utf-8", {"description": "new", "x": 1}),
        (
            JSON_PATCH,
            [{"op": "add", "path": "/description", "value": "new"}, {"op": "add", "path": "/x", "value": 1}],
        ),
    ],
)
async def test_a_patch_is_proposed_as_a_revision_and_the_order_asked(bench: Bench, media_type: str, body: Any) -> None:
    order_id = await bench.ordered(state=OrderState.IN_PROGRESS)
    answer = await patch(bench, order_id, body, media_type)
    assert answer.status_code == 200
    assert answer.json() == (await bench.client.get(f"{PRODUCT_ORDERS}/{order_id}")).json()
    assert bench.engine.asked == [(f"po:{order_id}", "amend", Amend(revision=2, by="anonymous"))]
    listed = await bench.client.get(f"{PRODUCT_ORDERS}/{order_id}/revision")
    first, second = listed.json()
    assert listed.headers["X-Total-Count"] == "2"
    assert (first["number"], first["state"]) == (1, "applied")
    assert second["document"] == {"description": "new", "x": 1}
    assert second["author"] == "anonymous"
    assert (await bench.client.get(f"{PRODUCT_ORDERS}/{order_id}/revision/2")).json() == second
    found = await bench.client.get(f"{PRODUCT_ORDERS}/{order_id}/revision", params={"number.gt": "1"})
    assert found.json() == [second]
    cut_down = await bench.client.get(f"{PRODUCT_ORDERS}/{order_id}/revision", params={"fields": "state", "limit": "1"})
    assert cut_down.json() == [{"orderId": order_id, "number": 1, "state": "applied"}]
    refused = await bench.client.get(f"{PRODUCT_ORDERS}/{order_id}/revision", params={"state": "lost"})
    assert (refused.status_code, '"lost" is not one of proposed' in refused.json()["message"]) == (400, True)


async def test_a_patch_that_changes_nothing_makes_no_revision(bench: Bench) -> None:
    order_id = await bench.ordered({**MINIMAL, "description": "same"}, OrderState.IN_PROGRESS)
    assert (await patch(bench, order_id, {"description": "same", "none": None})).status_code == 200
    assert bench.engine.asked == []
    assert len(await bench.revisions.list(order_id)) == 1


async def test_an_order_may_be_sent_back_as_it_was_read_with_its_changes(bench: Bench) -> None:
    order_id = await bench.ordered(state=OrderState.IN_PROGRESS)
    child_id = f"{order_id}:1:tv"
    child = {"id": child_id, "state": "held", "serviceOrderItem": []}
    await bench.orders.open(OrderKind.SERVICE, child_id, child, order_id, order_id, 1)
    read = (await bench.client.get(f"{PRODUCT_ORDERS}/{order_id}")).json()
    assert read["orderRelationship"]
    assert (await patch(bench, order_id, {**read, "description": "new"})).status_code == 200
    assert (await bench.revisions.list(order_id))[1].document == {"description": "new"}


async def test_an_attribute_that_is_removed_is_kept_as_null(bench: Bench) -> None:
    order_id = await bench.ordered({**MINIMAL, "description": "old"}, OrderState.IN_PROGRESS)
    await patch(bench, order_id, {"description": None})
    shown = (await bench.client.get(f"{PRODUCT_ORDERS}/{order_id}/revision/2")).json()
    assert shown["document"] == {"description": None}


@pytest.mark.parametrize(
    ("body", "media_type", "status", "named"),
    [
        ({"state": "completed"}, MERGE_PATCH, 400, "state: is set by the orchestrator"),
        ({"productOrderItem": []}, MERGE_PATCH, 400, "productOrderItem: "),
        ([], MERGE_PATCH, 400, "must be a JSON object"),
        ({}, JSON_PATCH, 400, "must be a list of operations"),
        ([{"op": "remove", "path": "/none"}], JSON_PATCH, 400, "[0]: "),
        ([{"op": "replace", "path": "/href", "value": "x"}], JSON_PATCH, 400, "href: "),
        ({}, "text/plain", 415, "application/json-patch+json"),
        ({"description": "x" * 20_000}, MERGE_PATCH, 413, "10000 bytes"),
    ],
)
async def test_a_bad_patch_is_refused_and_changes_nothing(
    bench: Bench, body: Any, media_type: str, status: int, named: str
) -> None:
    order_id = await bench.ordered(state=OrderState.IN_PROGRESS)
    answer = await patch(bench, order_id, body, media_type)
    assert answer.status_code == status
    assert named in answer.json()["message"]
    assert bench.engine.asked == []
    assert len(await bench.revisions.list(order_id)) == 1


async def test_an_unknown_order_has_nothing_to_patch_or_list(bench: Bench) -> None:
    assert (await patch(bench, "unknown", {})).status_code == 404
    assert (await bench.client.get(f"{PRODUCT_ORDERS}/unknown/revision")).status_code == 404
    order_id = await bench.ordered()
    assert (await bench.client.get(f"{PRODUCT_ORDERS}/{order_id}/revision/2")).status_code == 404
    assert (await bench.client.get(f"{PRODUCT_ORDERS}/{order_id}/revision/two")).status_code == 400


@pytest.mark.parametrize("state", sorted(TERMINAL))
async def test_an_order_that_has_ended_cannot_be_amended(bench: Bench, state: OrderState) -> None:
    order_id = await bench.ordered(state=state)
    answer = await patch(bench, order_id, {"description": "new"})
    assert answer.status_code == 409
    assert f"is {state} cannot be amended" in answer.json()["message"]
    assert len(await bench.revisions.list(order_id)) == 1


async def test_items_that_do_not_allow_it_are_listed_and_the_revision_is_refused(bench: Bench) -> None:
    order_id = await bench.ordered(state=OrderState.IN_PROGRESS)
    refusals = [Refusal(item_id="1", key="1:tv", reason="TV cannot be changed any more: its activation has begun")]

    def refuse(_name: str, _argument: Any) -> None:
        raise MessageRefusedError("the amendment is refused", refusals, [])

    bench.engine.answer = refuse
    answer = await patch(bench, order_id, {"description": "new"})
    error = answer.json()
    assert answer.status_code == 409
    assert error["message"] == f"the amendment is refused: item 1: {refusals[0].reason}"
    assert error["refusals"] == [refusals[0].model_dump(mode="json")]
    kept = (await bench.revisions.list(order_id))[1]
    assert (kept.state, kept.refusals) == (RevisionState.REFUSED, refusals)


async def test_an_amendment_that_another_has_overtaken_is_proposed_anew_behind_it(bench: Bench) -> None:
    order_id = await bench.ordered(state=OrderState.IN_PROGRESS)
    came: list[int] = []

    def overtake(_name: str, argument: Any) -> None:
        came.append(argument.revision)
        if len(came) < 3:
            raise MessageRefusedError("another has been applied before it", [], [], kind=OVERTAKEN)

    bench.engine.answer = overtake
    assert (await patch(bench, order_id, {"description": "new"})).status_code == 200
    assert came == [2, 3, 4]
    revisions = await bench.revisions.list(order_id)
    assert [each.state for each in revisions[1:3]] == [RevisionState.REFUSED] * 2
    assert [each.document for each in revisions[1:]] == [{"description": "new"}] * 3


async def test_what_is_proposed_anew_changes_what_the_other_has_made(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    order_id = await bench.ordered(state=OrderState.IN_PROGRESS)
    ask, came = bench.engine.request, list[str]()

    async def overtaken(workflow_id: str, name: str, *argument: Any, **more: Any) -> Any:
        came.append(name)
        if len(came) > 1:
            return await ask(workflow_id, name, *argument, **more)
        await bench.become(order_id, OrderState.IN_PROGRESS, note=[{"id": "1", "text": "theirs"}])
        raise MessageRefusedError("another has been applied before it", [], [], kind=OVERTAKEN)

    await bench.become(order_id, OrderState.IN_PROGRESS, note=[])
    monkeypatch.setattr(bench.engine, "request", overtaken)
    operations = [{"op": "add", "path": "/note/-", "value": {"id": "2", "text": "mine"}}]
    assert (await patch(bench, order_id, operations, JSON_PATCH)).status_code == 200
    _, first, second = await bench.revisions.list(order_id)
    assert [each["text"] for each in first.document["note"]] == ["mine"]
    assert [each["text"] for each in second.document["note"]] == ["theirs", "mine"]


async def test_an_amendment_that_is_overtaken_again_and_again_is_to_be_sent_again(bench: Bench) -> None:
    order_id = await bench.ordered(state=OrderState.IN_PROGRESS)

    def overtake(_name: str, _argument: Any) -> None:
        raise MessageRefusedError("another has been applied before it", [], [], kind=OVERTAKEN)

    bench.engine.answer = overtake
    answer = await patch(bench, order_id, {"description": "new"})
    assert (answer.status_code, answer.json()["message"]) == (503, "another has been applied before it")
    assert {each.state for each in (await bench.revisions.list(order_id))[1:]} == {RevisionState.REFUSED}


async def test_rules_that_it_breaks_are_422_with_each_violation(bench: Bench) -> None:
    order_id = await bench.ordered(state=OrderState.IN_PROGRESS)
    broken = Violation(code="unknownOffering", path="productOrderItem[0].productOffering.id", message="no", item_id="1")

    def refuse(_name: str, _argument: Any) -> None:
        raise MessageRefusedError("the catalogs refuse it", [], [broken])

    bench.engine.answer = refuse
    answer = await patch(bench, order_id, {"description": "new"})
    assert answer.status_code == 422
    assert answer.json()["message"] == "productOrderItem[0].productOffering.id: no"
    assert answer.json()["violations"] == [broken.model_dump(mode="json")]
    kept = (await bench.revisions.list(order_id))[1]
    assert (kept.state, kept.refusals[0].item_id) == (RevisionState.REFUSED, "1")


async def test_an_order_whose_workflow_has_ended_meanwhile_is_409(bench: Bench) -> None:
    order_id = await bench.ordered(state=OrderState.IN_PROGRESS)
    bench.engine.end(order_id)
    answer = await patch(bench, order_id, {"description": "new"})
    assert answer.status_code == 409
    assert "has ended" in answer.json()["message"]
    assert (await bench.revisions.list(order_id))[1].state == RevisionState.REFUSED


async def test_without_an_answer_the_revision_stays_proposed(bench: Bench) -> None:
    order_id = await bench.ordered(state=OrderState.IN_PROGRESS)

    def stay_silent(_name: str, _argument: Any) -> None:
        raise EngineUnavailableError("Temporal gave no answer within 10 s")

    bench.engine.answer = stay_silent
    answer = await patch(bench, order_id, {"description": "new"})
    assert answer.status_code == 503
    assert (await bench.revisions.list(order_id))[1].state == RevisionState.PROPOSED
