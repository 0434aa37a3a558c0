"""Dates of orders that run: what is expected, what is in jeopardy, and what starts as late as it can."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import Client

from catalogs.loader import default_catalogs
from tests.stage import Stage, customer_of, example, stalled
from tests.staging import staged
from tests.workflows.saga.test_failure_and_undo import two_items
from tmf.instants import timestamp
from workflows.contracts import ids

pytestmark = pytest.mark.anyio

SERVICE_ORDER = "/tmf-api/serviceOrdering/v4/serviceOrder"


def in_days(days: float) -> str:
    return timestamp(datetime.now(UTC) + timedelta(days=days))


def in_seconds(seconds: float) -> str:
    return timestamp(datetime.now(UTC) + timedelta(seconds=seconds))


def alerts(order: dict[str, Any]) -> list[str]:
    """Return what an order's alerts are about: their ids, all different, without when each was given."""
    told = {each["id"]: each for each in order.get("jeopardyAlert", [])}
    assert len(told) == len(order.get("jeopardyAlert", []))
    return [alert_id.removesuffix(f":{each['alertDate']}") for alert_id, each in told.items()]


async def test_the_expected_completion_is_known_once_planned_and_moves_as_parts_are_done(stage: Stage) -> None:
    document = two_items()
    customer_of(document)
    with stalled(stage.inventory, ":so:2:internet/") as internet, stalled(stage.activation, ":so:1:mobile/") as mobile:
        order_id = await stage.submit(document)
        planned = (await stage.until(lambda order: "expectedCompletionDate" in order, order_id))[
            "expectedCompletionDate"
        ]
        assert planned > in_days(0)
        internet.set()
        await stage.reached(order_id, {"2": "done"})
        # The line takes longest: without it, the order is expected to be done earlier.
        moved = await stage.until(lambda order: order["expectedCompletionDate"] < planned, order_id)
        assert alerts(moved) == []
        mobile.set()
        order = await stage.ended(order_id)

    assert order["completionDate"] < moved["expectedCompletionDate"]


async def test_an_order_that_starts_later_is_expected_after_its_start(stage: Stage) -> None:
    document = example("mobile")
    customer_of(document)
    start = in_days(30)
    order_id = await stage.submit(document | {"requestedStartDate": start})
    order = await stage.until(lambda order: order["state"] == "pending" and "expectedCompletionDate" in order, order_id)
    assert order["expectedCompletionDate"] > start

    later = in_days(60)
    assert (await stage.amend(order_id, requestedStartDate=later)).status_code == 200
    await stage.until(lambda order: order["expectedCompletionDate"] > later, order_id)
    await stage.tell(ids.root_workflow(order_id), "cancel")
    assert (await stage.ended(order_id))["state"] == "cancelled"


async def test_an_order_that_will_be_late_carries_an_alert_and_one_more_each_time_it_becomes_late(stage: Stage) -> None:
    document = example("mobile")
    customer_of(document)
    with stalled(stage.activation, ":so:1:mobile/service") as go_on:
        order_id = await stage.submit(document | {"requestedCompletionDate": in_days(1 / 1440)})
        order = await stage.until(lambda order: bool(alerts(order)), order_id)
        assert alerts(order) == [f"{order_id}:order:late"]
        assert "later than requested" in order["jeopardyAlert"][0]["message"]
        assert order["expectedCompletionDate"] > order["requestedCompletionDate"]
        assert (await stage.amend(order_id, requestedCompletionDate=in_days(30))).status_code == 200
        assert len(alerts(await stage.order(order_id))) == 1
        assert (await stage.amend(order_id, requestedCompletionDate=in_days(0))).status_code == 200
        await stage.until(lambda order: len(alerts(order)) == 2, order_id)
        go_on.set()
        assert (await stage.ended(order_id))["state"] == "completed"


async def test_what_takes_longer_than_expected_is_told_on_its_order_and_those_above_it(
    engine: Client, tmp_path: Path
) -> None:
    catalogs = with_durations(tmp_path / "catalogs", "100ms")
    document = example("mobile")
    customer_of(document)
    async with staged(engine, tmp_path, catalogs) as stage:
        with stalled(stage.activation, ":so:1:mobile/profile/") as go_on:
            order_id = await stage.submit(document)
            overrun = f"{order_id}:1:mobile:profile:overrun"
            order = await stage.until(lambda order: overrun in alerts(order), order_id)
            service_order = (await stage.gateway.get(f"{SERVICE_ORDER}/{order_id}:1:mobile")).json()
            assert overrun in alerts(service_order)
            # By time alone, an order that has got its requested completion meanwhile becomes late.
            assert (await stage.amend(order_id, requestedCompletionDate=in_seconds(2))).status_code == 200
            await stage.until(lambda order: f"{order_id}:order:late" in alerts(order), order_id)
            told = next(each["message"] for each in order["jeopardyAlert"] if each["id"].startswith(overrun))
            assert "takes longer than the 0.1 seconds expected of it" in told
            go_on.set()
            assert (await stage.ended(order_id))["state"] == "completed"


def with_durations(folder: Path, expected: str) -> Path:
    """Write the shipped catalogs with this expected duration everywhere, and return where they are."""
    for path in default_catalogs().glob("*/*.yaml"):
        copy = folder / path.parent.name / path.name
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(re.sub(r"expectedDuration: \w+", f"expectedDuration: {expected}", path.read_text()))
    return folder


@pytest.mark.parametrize("other_wish", [{"requestedCompletionDate": in_days(0)}, {"scheduling": None}])
async def test_an_order_as_late_as_possible_begins_when_its_completion_date_makes_it(
    stage: Stage, other_wish: dict[str, Any]
) -> None:
    document = example("mobile")
    customer_of(document)
    wishes = {"requestedCompletionDate": in_days(30), "scheduling": "asLateAsPossible"}
    order_id = await stage.submit(document | wishes)
    order = await stage.until(lambda order: order["state"] == "inProgress", order_id)
    assert order["productOrderItem"][0]["state"] == "acknowledged"
    assert in_days(29) < order["expectedCompletionDate"] <= order["requestedCompletionDate"]
    for system in (stage.inventory, stage.activation, stage.billing):
        assert await stage.log(system, order_id) == []

    assert (await stage.amend(order_id, **other_wish)).status_code == 200

    assert (await stage.ended(order_id))["state"] == "completed"


async def test_milestones_are_stamped_on_the_order_that_reaches_them_and_those_above_it(stage: Stage) -> None:
    document = two_items()
    customer_of(document)

    order = await stage.done(document)

    names = sorted(each["name"] for each in order["milestone"])
    assert names == ["Access line installed", "Internet works", "Mobile service works"]
    assert {each["status"] for each in order["milestone"]} == {"completed"}
    assert all(order["orderDate"] <= each["milestoneDate"] <= order["completionDate"] for each in order["milestone"])
    internet = (await stage.gateway.get(f"{SERVICE_ORDER}/{order['id']}:2:internet")).json()
    assert [each["name"] for each in internet["milestone"]] == ["Access line installed", "Internet works"]
