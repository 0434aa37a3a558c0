"""What does not get on is told: by the health of the gateway, by a list, and in the terminal."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rich.console import Console

from api.engine import TroubledWorkflow
from console.commands import status
from store.setbacks import Tried, Work
from tests.api.conftest import BASE_URL, MINIMAL, Bench

pytestmark = pytest.mark.anyio

STUCK = "/fallout/v1/stuck"
AT = datetime(2026, 11, 23, 9, tzinfo=UTC)


async def stuck(bench: Bench) -> list[dict[str, Any]]:
    answer = await bench.client.get(STUCK)
    found: list[dict[str, Any]] = answer.json()
    assert answer.headers["X-Total-Count"] == str(len(found))
    return found


async def progress(bench: Bench) -> dict[str, Any]:
    """Return what the gateway's health says of how orders get on, after its sweep has looked."""
    await bench.gateway.stuck.look()
    answer = await bench.client.get("/health/ready")
    assert answer.status_code == 200
    part: dict[str, Any] = answer.json()["parts"]["progress"]
    assert answer.json()["status"] == ("degraded" if part["status"] == "down" else "up")
    return part


async def test_where_all_gets_on_nothing_is_told(bench: Bench) -> None:
    await bench.post(MINIMAL)
    assert await stuck(bench) == []
    assert (await progress(bench))["status"] == "up"


async def test_an_order_that_is_not_started_for_minutes_is_told_with_the_error(bench: Bench) -> None:
    bench.engine.refused = {"bad"}
    order_id = (await bench.post({**MINIMAL, "externalId": "bad"})).json()["id"]
    await bench.starter.sweep()
    assert await stuck(bench) == [], "it may wait a moment"
    bench.clock.now += 121
    [told] = await stuck(bench)
    assert (told["kind"], told["id"], told["workflowId"]) == ("order", order_id, f"po:{order_id}")
    assert (told["error"], told["attempts"]) == ("Temporal answered INVALID_ARGUMENT", 1)
    assert "tried every few minutes" in told["advice"]
    message = (await progress(bench))["message"]
    assert message.startswith(f"1 order is not started; the first is order {order_id}, since ")
    assert "INVALID_ARGUMENT" in message


async def test_orders_that_wait_for_temporal_alone_are_told_so(bench: Bench) -> None:
    bench.engine.away = True
    ids = [(await bench.post(MINIMAL)).json()["id"] for _ in range(3)]
    bench.clock.now += 121
    told = await stuck(bench)
    assert [each["id"] for each in told] == ids
    assert all("error" not in each for each in told)
    assert {each["advice"] for each in told} == {
        "it is started by itself once Temporal answers; see what `GET /health/ready` says of it"
    }


async def test_what_fails_again_and_again_is_told_until_it_succeeds_or_is_tried_no_more(bench: Bench) -> None:
    tried = Tried(Work.ACTIVITY, "po:a!x", "record", "a", "po:a:so:1:tv")
    await bench.setbacks.note(tried, "no such table", attempts=10, pause=timedelta(minutes=1))
    other = Tried(Work.CANCELLATION, "c-1", "cancel the order", "b", "po:b")
    await bench.setbacks.note(other, "once is nothing")
    [told] = await stuck(bench)
    assert (told["kind"], told["id"], told["orderId"], told["attempts"]) == ("activity", "po:a:so:1:tv", "a", 10)
    assert (await progress(bench))["message"].startswith("1 activity fails again and again; ")
    await bench.setbacks.over(Work.ACTIVITY, ["po:a!x"])
    assert await stuck(bench) == []

    await bench.setbacks.note(tried, "no such table", attempts=10, pause=timedelta(minutes=1))
    bench.clock.now += 361
    assert await bench.setbacks.forget_past() == 2


async def test_workflows_that_cannot_go_on_are_told(bench: Bench) -> None:
    bench.engine.in_trouble = [
        TroubledWorkflow("po:abc:so:1:tv", "ServiceOrder", ("NonDeterministicError",), AT),
        TroubledWorkflow("hub:x", "EventSubscription", (), AT),
    ]
    order, listener = await stuck(bench)
    assert (order["kind"], order["orderId"], order["error"]) == ("workflow", "abc", "NonDeterministicError")
    assert "orderId" not in listener
    assert "2 workflows cannot go on" in (await progress(bench))["message"]


async def test_a_queue_without_a_worker_is_told(bench: Bench) -> None:
    bench.engine.without_workers = ["billing"]
    [told] = await stuck(bench)
    assert (told["kind"], told["id"]) == ("queue", "billing")
    assert told["advice"].endswith("`ordersaga worker --queue billing`")
    assert (await progress(bench))["message"].startswith("1 queue has no worker; the first is queue billing: ")


async def test_of_many_the_oldest_are_told_and_all_are_counted(bench: Bench) -> None:
    bench.engine.in_trouble = [TroubledWorkflow(f"po:o{number}", "ProductOrder", (), AT) for number in range(130)]
    answer = await bench.client.get(STUCK)
    assert (answer.status_code, len(answer.json()), answer.headers["X-Total-Count"]) == (206, 100, "130")
    assert "130 workflows cannot go on" in (await progress(bench))["message"]


async def test_that_nobody_looks_any_more_is_told(bench: Bench) -> None:
    assert (await progress(bench))["status"] == "up"
    bench.clock.now += 301
    answer = (await bench.client.get("/health/ready")).json()
    assert "it could not be seen what is stuck" in answer["parts"]["progress"]["message"]


@pytest.fixture
def console() -> Console:
    return Console(file=io.StringIO(), width=200, markup=False, emoji=False, highlight=False)


@pytest.fixture
def printed(console: Console, connect: Callable[..., None]) -> Callable[[], str]:
    connect(status)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue


async def test_the_terminal_shows_the_parts_and_that_all_is_well(
    bench: Bench, console: Console, printed: Callable[[], str]
) -> None:
    assert await status.show_status(BASE_URL, console, as_json=False)
    assert "engine" in printed()
    assert "nothing is stuck" in printed()


async def test_the_terminal_shows_what_is_stuck_with_its_error_and_what_to_do(
    bench: Bench, console: Console, printed: Callable[[], str]
) -> None:
    bench.engine.refused = {"bad"}
    bench.engine.without_workers = ["billing"]
    order_id = (await bench.post({**MINIMAL, "externalId": "bad"})).json()["id"]
    await bench.starter.sweep()
    bench.clock.now += 121
    assert not await status.show_status(BASE_URL, console, as_json=False)
    for told in (
        order_id,
        "start the order",
        "Temporal answered INVALID_ARGUMENT",
        "mend what the error says",
        "queue",
    ):
        assert told in printed()
    assert await status.show_status(BASE_URL, console, as_json=True) is False
