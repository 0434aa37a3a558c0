"""cancelProductOrder and its like: what is taken, what the workflow is told and when, what is refused."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from api.engine import EngineRefusedError
from orders.lifecycle.states import TERMINAL, OrderKind, OrderState
from store.errors import StoreUnavailableError
from store.setbacks import Work
from tests.api.conftest import BASE_URL, NOW, Bench
from workflows.contracts.payloads import Cancel

pytestmark = pytest.mark.anyio

CANCEL_PRODUCT = "/tmf-api/productOrderingManagement/v4/cancelProductOrder"
CANCEL_SERVICE = "/tmf-api/serviceOrdering/v4/cancelServiceOrder"
CANCEL_RESOURCE = "/tmf-api/resourceOrdering/v4/cancelResourceOrder"

CHILDREN = {
    OrderKind.SERVICE: (CANCEL_SERVICE, "abcdefghij:1:internet", "accepted"),
    OrderKind.RESOURCE: (CANCEL_RESOURCE, "abcdefghij:1:internet:access", "acknowledged"),
}


def of(order_id: str, **more: Any) -> dict[str, Any]:
    return {"productOrder": {"id": order_id}, **more}


async def test_a_cancellation_is_kept_and_the_order_told(bench: Bench) -> None:
    order_id = await bench.ordered()
    answer = await bench.client.post(
        CANCEL_PRODUCT, json=of(order_id, cancellationReason="moves", author="ada", x={"y": 1})
    )
    made = answer.json()
    assert answer.status_code == 201
    assert made["href"] == answer.headers["Location"] == f"{BASE_URL}{CANCEL_PRODUCT}/{made['id']}"
    assert made["state"] == "acknowledged"
    assert made["x"] == {"y": 1}
    assert made["productOrder"]["href"].endswith(f"/productOrder/{order_id}")
    told = Cancel(task=made["id"], by="ada", reason="moves")
    assert bench.engine.told == [(f"po:{order_id}", told)]
    assert (await bench.client.get(made["href"])).json() == made
    assert await bench.cancellations.unsent() == []


@pytest.mark.parametrize("sent", ["2027-01-01T10:00:00+01:00", "2027-01-01t09:00:00z", "2027-01-01 09:00:00.0001"])
async def test_a_date_to_cancel_at_goes_with_it(bench: Bench, sent: str) -> None:
    order_id = await bench.ordered()
    answer = await bench.client.post(CANCEL_PRODUCT, json=of(order_id, requestedCancellationDate=sent))
    assert answer.status_code == 201
    assert answer.json()["requestedCancellationDate"] == "2027-01-01T09:00:00.000Z"
    assert bench.engine.told[0][1].at == datetime(2027, 1, 1, 9, tzinfo=UTC)


@pytest.mark.parametrize("kind", CHILDREN)
async def test_service_and_resource_orders_have_theirs(bench: Bench, kind: OrderKind) -> None:
    path, order_id, first = CHILDREN[kind]
    workflow_id = await bench.child(kind, order_id)
    answer = await bench.client.post(path, json={kind.value: {"id": order_id}})
    assert answer.status_code == 201
    assert answer.json()["state"] == first
    assert answer.json()[kind.value]["href"].endswith(f"/{kind.value}/{order_id}")
    assert [to for to, _ in bench.engine.told] == [workflow_id]
    assert (await bench.client.get(CANCEL_PRODUCT)).json() == []


async def test_cancelling_twice_makes_two_that_the_order_is_told_of(bench: Bench) -> None:
    order_id = await bench.ordered()
    first, second = [(await bench.client.post(CANCEL_PRODUCT, json=of(order_id))).json()["id"] for _ in range(2)]
    assert first != second
    assert [cancel.task for _, cancel in bench.engine.told] == [first, second]


async def test_what_only_the_orchestrator_sets_is_ignored(bench: Bench) -> None:
    order_id = await bench.ordered()
    forged = of(order_id, id="mine", href="x", state="done", effectiveCancellationDate=5)
    made = (await bench.client.post(CANCEL_PRODUCT, json=forged)).json()
    assert made["id"] != "mine"
    assert made["state"] == "acknowledged"
    assert "effectiveCancellationDate" not in made


BAD: dict[str, tuple[Any, str]] = {
    "no order": ({}, "productOrder: "),
    "an order without id": ({"productOrder": {}}, "productOrder.id: "),
    "an empty id": (of(""), "productOrder.id: "),
    "an id that is a number": ({"productOrder": {"id": 1}}, "productOrder.id: "),
    "another kind of order": (
        {"serviceOrder": {"id": "1"}},
        "serviceOrder: is not read here: name it productOrder; productOrder: ",
    ),
    "a reason that is no text": (of("x", cancellationReason=1), "cancellationReason: "),
    "a date that is none": (of("x", requestedCancellationDate="soon"), "requestedCancellationDate: "),
    "a date of digits": (
        of("x", requestedCancellationDate="-1"),
        "requestedCancellationDate: «-1» is no date and time",
    ),
    "a list": ([], ""),
}


@pytest.mark.parametrize("name", BAD)
async def test_a_bad_body_is_refused_naming_the_attribute(bench: Bench, name: str) -> None:
    body, named = BAD[name]
    answer = await bench.client.post(CANCEL_PRODUCT, json=body)
    assert answer.status_code == 400
    assert answer.json()["message"].startswith(named)
    assert (await bench.client.get(CANCEL_PRODUCT)).json() == []


async def test_an_order_that_is_not_there_cannot_be_cancelled(bench: Bench) -> None:
    answer = await bench.client.post(CANCEL_PRODUCT, json=of("unknown"))
    assert answer.status_code == 404
    assert answer.json()["message"] == "there is no productOrder 'unknown'"


@pytest.mark.parametrize("state", sorted(TERMINAL))
async def test_an_order_that_has_ended_cannot_be_cancelled(bench: Bench, state: OrderState) -> None:
    order_id = await bench.ordered(state=state)
    answer = await bench.client.post(CANCEL_PRODUCT, json=of(order_id))
    assert answer.status_code == 409
    assert f"is {state} cannot be cancelled" in answer.json()["message"]
    assert (await bench.client.get(CANCEL_PRODUCT)).json() == []
    assert bench.engine.told == []


async def test_cancellations_are_listed_filtered_and_paged(bench: Bench) -> None:
    ids = [await bench.ordered() for _ in range(3)]
    for order_id in ids:
        await bench.client.post(CANCEL_PRODUCT, json=of(order_id))
    listed = await bench.client.get(CANCEL_PRODUCT, params={"productOrder.id": ids[1], "fields": "state"})
    assert [each.keys() for each in listed.json()] == [{"id", "href", "state"}]
    page = await bench.client.get(CANCEL_PRODUCT, params={"limit": "2", "state": "acknowledged"})
    assert page.status_code == 206
    assert (page.headers["X-Total-Count"], page.headers["X-Result-Count"]) == ("3", "2")
    assert (await bench.client.get(CANCEL_PRODUCT, params={"sort": "orderDate"})).status_code == 400
    assert (await bench.client.get(f"{CANCEL_PRODUCT}/unknown")).status_code == 404


async def test_while_the_engine_is_away_a_cancellation_waits_for_the_sweep(bench: Bench) -> None:
    order_id = await bench.ordered()
    bench.engine.away = True
    answer = await bench.client.post(CANCEL_PRODUCT, json=of(order_id, cancellationReason="moves"))
    assert answer.status_code == 201
    bench.engine.away = False
    assert bench.engine.told == []
    assert await bench.canceller.sweep() == 1
    assert [cancel.task for _, cancel in bench.engine.told] == [answer.json()["id"]]
    assert await bench.canceller.sweep() == 0


async def test_an_order_that_waits_for_its_start_is_started_before_it_is_cancelled(bench: Bench) -> None:
    bench.engine.away = True
    order_id = await bench.ordered()
    await bench.client.post(CANCEL_PRODUCT, json=of(order_id))
    bench.engine.away = False
    bench.clock.now += 5
    assert await bench.canceller.sweep() == 1
    assert bench.engine.running == [order_id]
    assert bench.engine.told[-1][0] == f"po:{order_id}"
    await bench.starter.note()
    assert await bench.orders.unstarted() == []


async def test_a_cancellation_whose_order_the_engine_refuses_waits_on(bench: Bench) -> None:
    bench.engine.refused = {"bad"}
    order_id = await bench.ordered({"externalId": "bad", "productOrderItem": [{"id": "1", "action": "add"}]})
    assert (await bench.client.post(CANCEL_PRODUCT, json=of(order_id))).status_code == 201
    assert await bench.canceller.sweep() == 0
    assert await resting(bench) == [order_id]


async def kept(bench: Bench, order_id: str, **wish: Any) -> str:
    """Keep a cancellation of which nobody has been told; return its address."""
    document = {"id": "unread", "state": "acknowledged", **of(order_id, **wish)}
    await bench.cancellations.open(OrderKind.PRODUCT, "unread", order_id, document, NOW)
    return f"{CANCEL_PRODUCT}/unread"


@pytest.mark.parametrize(
    ("state", "code"),
    [(OrderState.IN_PROGRESS, "refused"), (OrderState.COMPLETED, "ended"), (OrderState.FAILED, "ended")],
)
async def test_a_cancellation_that_cannot_be_read_ends_with_its_reason(
    bench: Bench, state: OrderState, code: str
) -> None:
    order_id = await bench.ordered(state=state)
    href = await kept(bench, order_id, requestedCancellationDate="-1")
    assert await bench.canceller.sweep() == 1
    shown = (await bench.client.get(href)).json()
    assert (shown["state"], shown["errorMessage"]["code"]) == ("terminatedWithError", code)
    assert "«-1» is no date and time" in shown["errorMessage"]["message"]
    assert await bench.cancellations.unsent() == []


async def test_a_cancellation_that_the_engine_does_not_take_ends_with_its_reason(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    order_id = await bench.ordered(state=OrderState.IN_PROGRESS)

    async def refuse(workflow_id: str, name: str, argument: Any = None) -> bool:
        raise EngineRefusedError("Temporal answered INVALID_ARGUMENT: too many signals")

    monkeypatch.setattr(bench.engine, "signal", refuse)
    made = (await bench.client.post(CANCEL_PRODUCT, json=of(order_id))).json()
    shown = (await bench.client.get(made["href"])).json()
    assert shown["state"] == "terminatedWithError"
    assert "too many signals" in shown["errorMessage"]["message"]
    assert await bench.canceller.sweep() == 0


async def test_an_unforeseen_error_of_one_cancellation_holds_up_no_other(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.engine.away = True
    ids = [await bench.ordered() for _ in range(3)]
    for order_id in ids:
        await bench.client.post(CANCEL_PRODUCT, json=of(order_id))
    bench.engine.away = False
    signal = bench.engine.signal

    async def stumble(workflow_id: str, name: str, argument: Any = None) -> bool:
        if workflow_id == f"po:{ids[0]}":
            raise KeyError("bug")
        return await signal(workflow_id, name, argument)

    monkeypatch.setattr(bench.engine, "signal", stumble)
    bench.clock.now += 5
    await bench.starter.sweep()
    assert await bench.canceller.sweep() == 2
    assert await resting(bench) == [ids[0]]


@pytest.mark.parametrize(
    ("ended", "state"), [(OrderState.CANCELLED, "done"), (OrderState.COMPLETED, "terminatedWithError")]
)
async def test_a_cancellation_that_comes_too_late_ends_as_its_order(
    bench: Bench, ended: OrderState, state: str
) -> None:
    order_id = await bench.ordered()
    bench.engine.away = True
    made = (await bench.client.post(CANCEL_PRODUCT, json=of(order_id))).json()
    bench.engine.away = False
    bench.engine.end(order_id)
    await bench.become(order_id, ended)
    assert await bench.canceller.sweep() == 1
    settled = (await bench.client.get(made["href"])).json()
    assert settled["state"] == state
    if ended == OrderState.COMPLETED:
        assert "is completed" in settled["errorMessage"]["message"]


async def test_a_cancellation_that_was_told_and_not_noted_is_told_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    order_id = await bench.ordered()

    async def fail(kind: OrderKind, cancel_id: str) -> None:
        raise StoreUnavailableError("gone")

    monkeypatch.setattr(bench.cancellations, "mark_sent", fail)
    made = (await bench.client.post(CANCEL_PRODUCT, json=of(order_id))).json()
    monkeypatch.undo()
    assert await bench.canceller.sweep() == 1
    assert [cancel.task for _, cancel in bench.engine.told] == [made["id"]] * 2


async def resting(bench: Bench) -> list[str | None]:
    """Return the orders whose cancellation could not be passed on, and is to be tried again."""
    assert await bench.cancellations.unsent() == []
    found, _ = await bench.setbacks.standing(1, 100)
    return [each.tried.order_id for each in found if each.tried.work == Work.CANCELLATION]
