"""Planning that fails again and again becomes a matter of people; what only is away is waited for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from temporalio.common import RetryPolicy

from application.feasibility import FeasibilityCheck
from store.errors import StoreUnavailableError
from store.plans import PlanStore
from tests.stage import Stage, outage, path_of
from tests.workflows.steering.test_while_it_is_planned import mobile
from tests.workflows.test_direct_resource_orders import ports as resource_order
from tmf.instants import timestamp
from workflows.contracts import policies

pytestmark = pytest.mark.anyio

Break = Callable[[Exception], Callable[[], int]]


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let planning fail for good after two attempts, and what is away be tried at once."""
    twice = RetryPolicy(initial_interval=timedelta(milliseconds=10), maximum_attempts=2)
    for name in ("PLANNING", "PLANNING_LATER"):
        monkeypatch.setattr(policies, name, {**getattr(policies, name), "retry_policy": twice})
    often = RetryPolicy(initial_interval=timedelta(milliseconds=10), maximum_attempts=4)
    monkeypatch.setattr(policies, "PLANNING_WHILE_AWAY", {**policies.PLANNING_WHILE_AWAY, "retry_policy": often})


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> Break:
    """Lets plans not be kept, for an error, until the test is over or undoes it; gives what counts how often."""

    def let(error: Exception) -> Callable[[], int]:
        tried: list[Any] = []

        async def fail(_self: PlanStore, plan: Any, *_: Any) -> None:
            tried.append(plan)
            raise error

        monkeypatch.setattr(PlanStore, "save", fail)
        return lambda: len(tried)

    return let


async def settled(stage: Stage, task: dict[str, Any], action: str) -> None:
    answer = await stage.gateway.post(
        f"/fallout/v1/task/{task['id'].replace('!', '%21')}/resolution", json={"action": action, "author": "ada"}
    )
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("order", [lambda: mobile(20), resource_order])
async def test_planning_that_fails_for_good_waits_for_a_person_and_is_tried_again(
    stage: Stage, broken: Break, monkeypatch: pytest.MonkeyPatch, order: Callable[[], dict[str, Any]]
) -> None:
    tried = broken(KeyError("a defect"))
    order_id = await stage.submit(order())
    task = await stage.task(order_id, "fallout")
    assert (task["step"], task["actions"], task["attempts"]) == ("plan", ["retry", "fail"], 2)
    assert "a defect" in task["error"]
    assert tried() == 2
    assert (await stage.order(order_id))["state"] == "acknowledged"

    await settled(stage, task, "retry")
    again = await stage.task(order_id, "fallout", after=task["id"])
    assert tried() == 4
    monkeypatch.undo()
    await settled(stage, again, "retry")
    assert (await stage.ended(order_id))["state"] == "completed"


async def test_an_order_whose_day_has_come_waits_for_a_person_where_it_cannot_be_checked_again(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = timestamp(datetime.now(UTC) + timedelta(days=30))
    order_id = await stage.submit(mobile(20) | {"requestedStartDate": later})
    await stage.until(lambda order: order["state"] == "pending", order_id)

    async def fail(*_: Any, **__: Any) -> None:
        raise KeyError("a defect")

    monkeypatch.setattr(FeasibilityCheck, "infeasible", fail)
    answer = await stage.amend(order_id, requestedStartDate=timestamp(datetime.now(UTC)))
    assert answer.status_code == 200, answer.text
    task = await stage.task(order_id, "fallout")
    assert task["what"] == "check feasibility"
    assert (await stage.order(order_id))["state"] == "inProgress"
    monkeypatch.undo()
    await settled(stage, task, "retry")
    assert (await stage.ended(order_id))["state"] == "completed"


async def test_an_order_that_a_person_gives_up_fails_with_what_went_wrong(stage: Stage, broken: Break) -> None:
    broken(KeyError("a defect"))
    order_id = await stage.submit(mobile(20))
    await settled(stage, await stage.task(order_id, "fallout"), "fail")
    order = await stage.ended(order_id)
    assert order["state"] == "failed"
    assert "a defect" in order["productOrderErrorMessage"][0]["reason"]


async def test_an_order_that_is_cancelled_meanwhile_needs_nobody_any_more(stage: Stage, broken: Break) -> None:
    broken(KeyError("a defect"))
    order_id = await stage.submit(mobile(20))
    task = await stage.task(order_id, "fallout")
    await stage.tell(task["workflowId"], "cancel", reason="it takes too long")
    assert (await stage.ended(order_id))["state"] == "cancelled"
    [withdrawn] = await stage.tasks(order_id, "withdrawn")
    assert withdrawn["id"] == task["id"]


async def test_an_order_that_is_amended_meanwhile_is_planned_anew(
    stage: Stage, broken: Break, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken(KeyError("a defect"))
    order_id = await stage.submit(mobile(20))
    task = await stage.task(order_id, "fallout")
    monkeypatch.undo()
    answer = await stage.amend(order_id, productOrderItem=mobile(5)["productOrderItem"])
    assert answer.status_code == 200, answer.text
    assert (await stage.ended(order_id))["state"] == "completed"
    assert [each["id"] for each in await stage.tasks(order_id, "withdrawn")] == [task["id"]]


async def test_while_the_store_is_away_nobody_is_asked(
    stage: Stage, broken: Break, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = broken(StoreUnavailableError("the order store cannot be reached"))
    order_id = await stage.submit(mobile(20))
    await stage.until(lambda _: tried() > 6, order_id)
    assert await stage.tasks(order_id) == []
    monkeypatch.undo()
    assert (await stage.ended(order_id))["state"] == "completed"
    assert await stage.tasks(order_id, "resolved") == []


async def test_a_system_that_stays_away_is_a_matter_of_people_in_the_end(stage: Stage) -> None:
    with outage(stage.inventory):
        order_id = await stage.submit(mobile(20))
        task = await stage.task(order_id, "fallout")
    assert (task["system"], task["errorCode"]) == ("inventory", "DownstreamError")
    assert task["attempts"] == 4, "it is waited for as long as outages are"
    assert (await stage.gateway.get(path_of(order_id))).json()["state"] == "acknowledged"
    await settled(stage, task, "retry")
    assert (await stage.ended(order_id))["state"] == "completed"
