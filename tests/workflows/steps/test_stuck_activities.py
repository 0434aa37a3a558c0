"""Activities that fail again and again are seen, local ones too, and are told of until they succeed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from temporalio.common import RetryPolicy

from store.errors import StoreUnavailableError
from store.orders import OrderStore
from store.plans import PlanStore
from tests.stage import Stage, eventually
from tests.workflows.steering.test_while_it_is_planned import mobile
from workflows.contracts import policies
from workflows.contracts.ids import root_workflow

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what fails be tried again at once, and so often that it is noted."""
    often = RetryPolicy(initial_interval=timedelta(milliseconds=10), maximum_interval=timedelta(milliseconds=20))
    for name in ("LOCAL", "PLANNING"):
        monkeypatch.setattr(policies, name, {**getattr(policies, name), "retry_policy": often})


async def stuck(stage: Stage, order_id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await stage.gateway.get("/fallout/v1/stuck")).json()
    return [each for each in found if each.get("orderId") == order_id]


async def test_a_local_activity_that_never_succeeds_is_told_until_it_does(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: Any) -> None:
        raise KeyError("a defect of the order store")

    with monkeypatch.context() as patched:
        patched.setattr(OrderStore, "record", fail)
        patched.setattr(OrderStore, "open", fail)
        order_id = await stage.submit(mobile(20))
        await eventually(lambda: stuck(stage, order_id), lambda: "nothing is told")
        [told] = await stuck(stage, order_id)
    assert (told["kind"], told["workflowId"].split(":so:")[0]) == ("activity", root_workflow(order_id))
    assert "a defect of the order store" in told["error"]
    assert told["attempts"] >= 10
    assert (await stage.ended(order_id))["state"] == "completed"
    assert await stuck(stage, order_id) == []


async def test_planning_that_waits_for_the_store_is_told_until_it_succeeds(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: Any) -> None:
        raise StoreUnavailableError("the order store cannot serve")

    with monkeypatch.context() as patched:
        patched.setattr(PlanStore, "save", fail)
        order_id = await stage.submit(mobile(20))
        await eventually(lambda: stuck(stage, order_id), lambda: "nothing is told")
        [told] = await stuck(stage, order_id)
    assert (told["what"], told["error"]) == ("plan order", "the order store cannot serve")
    assert (await stage.ended(order_id))["state"] == "completed"
    assert await stuck(stage, order_id) == []
