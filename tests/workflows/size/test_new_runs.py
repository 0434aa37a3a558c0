"""Orders whose workflows go on in new runs all the time, while children run: they do what orders of one run do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from unittest.mock import patch

import pytest
from temporalio.client import Client
from temporalio.worker import Replayer

from bench.actions import runs_of
from tests.stage import PATIENCE, Stage, customer_of, eventually, example, histories_of, late, stalled
from tests.staging import staged
from tests.workflows.saga import test_fallout
from tests.workflows.saga.test_failure_and_undo import nothing_is_left
from tests.workflows.saga.test_fallout import settle, small_vpn
from tests.workflows.steering import test_amendment
from tests.workflows.steering.amending import exact
from tests.workflows.steering.test_amendment import key_of_any
from tests.workflows.test_straight_way import states_of_items
from worker import WORKFLOWS
from workflows.connection import DATA_CONVERTER, sandbox
from workflows.contracts import ids, policies

pytestmark = [pytest.mark.anyio, pytest.mark.long]

LONGEST = 60
"""Events after which an order goes on in a new run here."""
AT_MOST = 600
"""Events of a run: the first begins with all sites at once."""
SITES = ("core", "hub", "1", "2", "3", "4", "5", "6", "7")
SOLD = ["business-vpn", "vpn-core", "vpn-hub-site", *["vpn-spoke-site"] * 7]


@pytest.fixture(autouse=True)
def short_runs() -> Iterator[None]:
    with (
        patch.object(policies, "LONGEST_HISTORY", LONGEST),
        patch.object(policies, "PATIENCE_BEFORE_NEW_RUN", timedelta(seconds=1)),
    ):
        yield


async def runs(stage: Stage, order_id: str) -> int:
    """Return how many runs an order's workflow has had so far."""
    return len(await runs_of(stage.client, ids.root_workflow(order_id)))


async def in_several_runs(stage: Stage, order_id: str) -> None:
    """Check that an order went on in new runs, that none is long, and that all of it can be replayed."""
    of_root = await runs_of(stage.client, ids.root_workflow(order_id))
    assert len(of_root) > 1
    assert max(len(each.events) for each in of_root) < AT_MOST
    replayer = Replayer(workflows=WORKFLOWS, data_converter=DATA_CONVERTER, workflow_runner=sandbox())
    for history in await histories_of(stage, order_id):
        await replayer.replay_workflow(history)


async def in_the_middle(stage: Stage, held_up: str) -> tuple[str, str]:
    """Bring a VPN to where all is done but what is held up, in a later run; return the order and its customer."""
    document = example("vpn-8-sites")
    customer = customer_of(document)
    order_id = await stage.submit(document)
    done = {f"1.{site}:access": "done" for site in SITES[1:] if site != held_up}
    await stage.reached(order_id, done)

    async def went_on() -> bool:
        return await runs(stage, order_id) > 1

    await eventually(went_on)
    return order_id, customer


async def test_a_vpn_is_done_exactly(stage: Stage) -> None:
    document = example("vpn-8-sites")
    customer = customer_of(document)

    order = await stage.done(document)

    assert states_of_items(order) == {"completed"}
    await exact(stage, order["id"], customer, SOLD)
    await in_several_runs(stage, order["id"])


async def test_an_order_that_is_cancelled_in_a_later_run_undoes_what_earlier_ones_did(stage: Stage) -> None:
    with stalled(stage.activation, ":so:1.6:access") as go_on:
        order_id, customer = await in_the_middle(stage, "6")
        await stage.tell(ids.root_workflow(order_id), "cancel", reason="the customer has moved on")
        go_on.set()
        order = await stage.ended(order_id)

    assert order["state"] == "cancelled"
    assert "residue" not in order
    await nothing_is_left(stage, order_id, customer)
    await in_several_runs(stage, order_id)


async def test_an_order_that_is_held_in_a_later_run_begins_nothing_until_it_is_resumed(stage: Stage) -> None:
    with stalled(stage.activation, ":so:1.6:access") as go_on:
        order_id, customer = await in_the_middle(stage, "6")
        await stage.tell(ids.root_workflow(order_id), "hold")
        await stage.until(lambda order: order["state"] == "held", order_id)
        before = await runs(stage, order_id)
        # As many messages as make a run long: the order goes on in new runs while it is held.
        for _ in range(20):
            await stage.tell(ids.root_workflow(order_id), "hold", item="1.6")
        go_on.set()

        async def went_on() -> bool:
            return await runs(stage, order_id) > before

        await eventually(went_on)
        assert (await stage.order(order_id))["state"] == "held"
        await stage.tell(ids.root_workflow(order_id), "resume")
        order = await stage.ended(order_id)

    assert order["state"] == "completed"
    await exact(stage, order_id, customer, SOLD)
    await in_several_runs(stage, order_id)


async def test_a_site_that_is_moved_in_flight_is_all_that_is_touched(stage: Stage) -> None:
    await test_amendment.test_a_vpn_that_grows_and_moves_a_site_in_flight_touches_those_sites_only(stage)
    await in_several_runs(stage, stage.submitted[-1])


async def test_what_falls_out_is_settled_in_a_later_run(stage: Stage) -> None:
    await test_fallout.test_a_task_that_is_tried_again_after_the_repair_lets_the_order_complete(stage)
    await in_several_runs(stage, stage.submitted[-1])


async def test_a_product_that_waits_for_a_person_is_found_by_the_same_task(stage: Stage) -> None:
    await stage.fault(stage.billing, match={"operation": "startCharge"}, kind="permanent")
    document = example("vpn-8-sites")
    customer = customer_of(document)
    order_id = await stage.submit(document)
    task = await stage.task(order_id)
    before = await runs(stage, order_id)
    for _ in range(10):
        await stage.tell(ids.root_workflow(order_id), "hold", item="1.6")
        await stage.tell(ids.root_workflow(order_id), "resume", item="1.6")

    async def went_on() -> bool:
        return await runs(stage, order_id) > before

    await eventually(went_on)
    assert task["id"] in {each["id"] for each in await stage.tasks(order_id)}
    await stage.heal()

    async def settled() -> bool:
        for each in await stage.tasks(order_id):
            await settle(stage, each, "retry")
        return str((await stage.order(order_id))["state"]) == "completed"

    await eventually(settled)
    await exact(stage, order_id, customer, SOLD)
    await in_several_runs(stage, order_id)


async def test_what_comes_late_is_undone_in_a_later_run(stage: Stage) -> None:
    document = small_vpn(3)
    customer = customer_of(document)
    with (
        patch.object(policies, "settle_after", lambda policy: timedelta(seconds=8)),
        late(stage.billing, "POST /charge 1.2 bill/add", "GET /charge?") as made,
    ):
        order_id = await stage.submit(document)
        await settle(stage, await stage.task(order_id), "rollback")
        await asyncio.wait_for(made.wait(), PATIENCE)
        before = await runs(stage, order_id)
        order = await stage.ended(order_id)

    assert order["state"] == "failed"
    assert "residue" not in order
    assert await runs(stage, order_id) > before
    await nothing_is_left(stage, order_id, customer)
    await in_several_runs(stage, order_id)


@pytest.fixture
async def stage_of_its_own(engine: Client, tmp_path: Path) -> AsyncIterator[Stage]:
    """A stage for what leaves behind what no other test should meet: nobody undoes what was terminated."""
    async with staged(engine, tmp_path) as stage:
        yield stage


async def test_a_child_that_is_terminated_after_it_was_adopted_fails_its_part(stage_of_its_own: Stage) -> None:
    stage = stage_of_its_own
    with (
        patch("workflows.parts.children._LOOKS", timedelta(seconds=1)),
        stalled(stage.activation, ":so:1.6:access") as go_on,
    ):
        order_id, _ = await in_the_middle(stage, "6")
        child = ids.service_order_workflow(ids.root_workflow(order_id), "1.6:access")
        await stage.client.get_workflow_handle(child).terminate("by an operator")
        go_on.set()
        order = await stage.ended(order_id)

    assert order["state"] == "failed"
    assert "1.6:access" in str(order["residue"])
    await in_several_runs(stage, order_id)


async def test_what_runs_below_an_order_that_was_terminated_is_cancelled_by_the_sweep(stage: Stage) -> None:
    with stalled(stage.activation, ":so:1.6:access") as go_on:
        order_id, _ = await in_the_middle(stage, "6")
        await stage.client.get_workflow_handle(ids.root_workflow(order_id)).terminate("by an operator")
        child = stage.client.get_workflow_handle(ids.service_order_workflow(ids.root_workflow(order_id), "1.6:access"))

        async def cancelled() -> bool:
            await stage.orphans.sweep()
            description = await child.describe()
            return description.status is not None and description.status.name == "CANCELED"

        go_on.set()
        await eventually(cancelled)
    assert not [each for each in await stage.taken_resources(order_id) if key_of_any(str(each), ["6"])]
