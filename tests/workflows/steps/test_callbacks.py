"""Events of systems reach the workflow that waits for them, whenever they come; any other is dropped harmlessly."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from temporalio.service import RPCError, RPCStatusCode

from tests.stage import CALLBACK_SECRET, Stage, customer_of, eventually, example, stalled
from tests.workflows.steering.test_cancel import tv_item
from workflows.contracts import ids

pytestmark = pytest.mark.anyio

SERVICE = "/tmf-api/ServiceActivationAndConfiguration/v4/listener/serviceStateChangeEvent"
RESOURCE = "/tmf-api/ResourceActivationAndConfiguration/v4/listener/resourceStateChangeEvent"
NO_SIGNAL = {"code": "noSignal", "reason": "the set-top box is dark"}


@pytest.fixture(autouse=True)
async def accepted_first(stage: Stage) -> AsyncIterator[None]:
    """Let the activation of TV be accepted first and told of later, by an event."""
    await stage.activation.post("/settings", json={"specifications": {"cfs-iptv": {"latencyMs": 200}}})
    yield
    await stage.activation.post("/settings", json={"specifications": {}})


async def tell(stage: Stage, key: str, path: str = SERVICE, state: str = "active", **payload: Any) -> None:
    """Tell the gateway of a state change, as the activation system would."""
    subject = "service" if path == SERVICE else "resource"
    event = {"correlationId": key, "event": {subject: {"id": "s-1", "state": state}, **payload}}
    bearer = {"Authorization": f"Bearer {CALLBACK_SECRET.get_secret_value()}"}
    assert (await stage.gateway.post(path, json=event, headers=bearer)).status_code == 204


async def tv_ordered(stage: Stage) -> tuple[str, str]:
    """Order a bundle with TV, whose activation is waited for by callback; return the ids of order and TV's workflow."""
    document = example("fibre-bundle")
    customer_of(document)
    order_id = await stage.submit(document)
    return order_id, ids.service_order_workflow(ids.root_workflow(order_id), f"{tv_item(document)}:tv")


def activation_of(workflow_id: str) -> str:
    """Return the key of the request by which a workflow has its TV activated."""
    return f"{workflow_id}/service/activate/add/1"


async def started(stage: Stage, workflow_id: str) -> None:
    """Wait until there is a workflow."""

    async def known() -> bool:
        try:
            await stage.client.get_workflow_handle(workflow_id).describe()
        except RPCError:
            return False
        return True

    await eventually(known, lambda: f"there is no {workflow_id}")


async def test_an_event_that_comes_before_it_is_waited_for_counts(stage: Stage) -> None:
    with stalled(stage.activation, ":tv/service/activate") as go_on:
        order_id, tv = await tv_ordered(stage)
        await started(stage, tv)
        # The system itself will say that it worked: only this event says otherwise.
        await tell(stage, activation_of(tv), error=NO_SIGNAL)
        go_on.set()
        order = await stage.ended(order_id)
    assert order["state"] == "failed"
    assert "the set-top box is dark" in str(order["productOrderErrorMessage"])


async def test_of_two_events_for_one_request_the_order_goes_on_once(stage: Stage) -> None:
    with stalled(stage.activation, ":tv/service/activate") as go_on:
        order_id, tv = await tv_ordered(stage)
        await started(stage, tv)
        for _ in range(2):
            await tell(stage, activation_of(tv))
        go_on.set()
        order = await stage.ended(order_id)
    assert order["state"] == "completed"
    asked = [each for each in await stage.log(stage.activation, order_id) if each["key"] == activation_of(tv)]
    assert [each["outcome"] for each in asked].count("done") == 1


async def test_states_on_the_way_do_not_end_a_step_and_the_failure_behind_them_does(stage: Stage) -> None:
    await stage.fault(stage.activation, match={"specification": "cfs-iptv"}, kind="asyncFailure", message="no light")
    with stalled(stage.activation, ":tv/service/activate") as go_on:
        order_id, tv = await tv_ordered(stage)
        await started(stage, tv)
        for state in ("designed", "reserved", "inactive"):
            await tell(stage, activation_of(tv), state=state)
        go_on.set()
        order = await stage.ended(order_id)
    await stage.heal()
    assert order["state"] == "failed", "none of those events is taken for the end"
    assert "no light" in str(order["productOrderErrorMessage"])


async def test_a_state_that_comes_behind_the_failure_does_not_hide_it(stage: Stage) -> None:
    with stalled(stage.activation, ":tv/service/activate") as go_on:
        order_id, tv = await tv_ordered(stage)
        await started(stage, tv)
        await tell(stage, activation_of(tv), error=NO_SIGNAL)
        await tell(stage, activation_of(tv), state="designed")
        go_on.set()
        order = await stage.ended(order_id)
    assert order["state"] == "failed"


@pytest.mark.parametrize("kind", ["eventEachState", "eventTwice", "eventsOutOfOrder"])
async def test_an_order_bears_with_each_state_with_repeats_and_with_any_order_of_events(
    stage: Stage, kind: str
) -> None:
    await stage.fault(stage.activation, match={"specification": "cfs-iptv"}, kind=kind)
    document = example("fibre-bundle")
    customer_of(document)
    order = await stage.done(document)
    await stage.heal()
    assert order["state"] == "completed"
    services = [each for each in await stage.services(order["relatedParty"][0]["id"]) if each["state"] != "active"]
    assert services == []


async def test_an_event_after_the_end_changes_nothing(stage: Stage) -> None:
    order_id, tv = await tv_ordered(stage)
    before = await stage.ended(order_id)
    await tell(stage, activation_of(tv), error=NO_SIGNAL)
    assert before["state"] == "completed"
    assert await stage.order(order_id) == before
    ended = await stage.client.get_workflow_handle(tv).describe()
    assert ended.close_time is not None


async def test_an_event_of_an_unknown_order_starts_nothing(stage: Stage) -> None:
    unknown = ids.service_order_workflow(ids.root_workflow("zzzzzzzzzz"), "1:tv")
    await tell(stage, activation_of(unknown))
    with pytest.raises(RPCError) as missing:
        await stage.client.get_workflow_handle(unknown).describe()
    assert missing.value.status == RPCStatusCode.NOT_FOUND


async def test_an_event_for_a_workflow_of_another_kind_or_for_another_request_does_no_harm(stage: Stage) -> None:
    with stalled(stage.activation, ":tv/service/activate") as go_on:
        order_id, tv = await tv_ordered(stage)
        await started(stage, tv)
        await tell(stage, activation_of(ids.root_workflow(order_id)), error=NO_SIGNAL)
        await tell(stage, activation_of(tv), RESOURCE, error=NO_SIGNAL)
        await tell(stage, f"{activation_of(tv)}/other", error=NO_SIGNAL)
        go_on.set()
        order = await stage.ended(order_id)
    assert order["state"] == "completed"
