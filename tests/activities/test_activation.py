"""Activation: set up, change and tear down in the network, at once or later, and test what was set up."""

from __future__ import annotations

from typing import Any

import anyio
import anyio.lowlevel
import httpx2
import pytest
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from activities.activation import (
    ActivationActivities,
    ActivationAnswer,
    ActivationRequest,
    AwaitedCompletion,
    Operation,
    ServiceTest,
    Target,
)
from activities.expectations import Expectation, Kind
from application.http import DownstreamError
from tests.application.conftest import Reference, perform, scripted

pytestmark = pytest.mark.anyio

SERVICE = "/tmf-api/ServiceActivationAndConfiguration/v4/service"
RESOURCE = "/tmf-api/ResourceActivationAndConfiguration/v4/resource"


def awaited(target: Target, monitor: str) -> AwaitedCompletion:
    return AwaitedCompletion(target=target, monitor=monitor)


def asked(
    operation: Operation = Operation.ACTIVATE, target: Target = Target.SERVICE, **fields: Any
) -> ActivationRequest:
    values = {"key": f"k/{operation}", "id": "s-1", "specification": "rfs-access", **fields}
    return ActivationRequest(operation=operation, target=target, **values)


async def activate(activation: Reference, request: ActivationRequest) -> ActivationAnswer:
    return await perform(ActivationActivities(activation.system).activate, request)


@pytest.mark.parametrize(
    ("target", "path", "noun"), [(Target.SERVICE, SERVICE, "service"), (Target.RESOURCE, RESOURCE, "resource")]
)
async def test_services_and_resources_are_set_up_changed_and_torn_down(
    activation: Reference, target: Target, path: str, noun: str
) -> None:
    first = asked(target=target, characteristics={"downloadSpeed": 500})
    assert await activate(activation, first) == ActivationAnswer(monitor=None)
    there = await activation.get(f"{path}/s-1")
    assert (there["state"], there[f"{noun}Specification"]) == ("active", {"id": "rfs-access"})
    assert there[f"{noun}Characteristic"] == [{"name": "downloadSpeed", "value": 500}]
    await activate(activation, asked(Operation.MODIFY, target, characteristics={"downloadSpeed": 1000}))
    assert (await activation.get(f"{path}/s-1"))[f"{noun}Characteristic"] == [{"name": "downloadSpeed", "value": 1000}]
    await activate(activation, asked(Operation.DEACTIVATE, target))
    assert await activation.get(f"{path}/s-1") == 404


async def test_the_network_is_told_where_a_service_is_and_where_it_moves_to(activation: Reference) -> None:
    await activate(activation, asked(place="BER-1"))
    await activate(activation, asked(Operation.MODIFY, characteristics={"downloadSpeed": 500}))
    assert (await activation.get(f"{SERVICE}/s-1"))["place"] == [{"id": "BER-1", "role": "installation"}]
    await activate(activation, asked(Operation.MODIFY, key="moved", place="HAM-1"))
    assert (await activation.get(f"{SERVICE}/s-1"))["place"] == [{"id": "HAM-1", "role": "installation"}]


async def test_what_is_set_up_elsewhere_is_not_what_was_asked_for(activation: Reference) -> None:
    await activate(activation, asked(place="BER-1"))
    assert await activate(activation, asked(key="again", place="BER-1")) == ActivationAnswer()
    with pytest.raises(DownstreamError, match="active already"):
        await activate(activation, asked(key="elsewhere", place="HAM-1"))


async def test_every_step_can_be_repeated_without_effect(activation: Reference) -> None:
    for operation in (Operation.ACTIVATE, Operation.MODIFY, Operation.DEACTIVATE):
        for _ in range(2):
            await activate(activation, asked(operation))
    assert await activation.effects() == [
        (operation, outcome) for operation in ("activate", "modify", "deactivate") for outcome in ("done", "absorbed")
    ]


async def test_tearing_down_what_is_not_there_is_done_already(activation: Reference) -> None:
    assert await activate(activation, asked(Operation.DEACTIVATE)) == ActivationAnswer()


async def test_changing_what_is_not_there_is_final(activation: Reference) -> None:
    with pytest.raises(DownstreamError, match=r"activation answered 404 to PATCH") as caught:
        await activate(activation, asked(Operation.MODIFY))
    assert not caught.value.retryable


async def test_changing_back_what_is_not_there_is_done_already(activation: Reference) -> None:
    assert await activate(activation, asked(Operation.MODIFY, undo=True)) == ActivationAnswer()


async def test_setting_up_again_what_was_never_torn_down_is_done_already(activation: Reference) -> None:
    await activate(activation, asked(characteristics={"downloadSpeed": 500, "vlan": "2043"}))
    await activation.fault("permanent", operation="deactivate")
    with pytest.raises(DownstreamError, match="422"):
        await activate(activation, asked(Operation.DEACTIVATE))
    undo = asked(key="undo", characteristics={"vlan": "2043", "downloadSpeed": 500})
    assert await activate(activation, undo) == ActivationAnswer()
    assert [outcome for operation, outcome in await activation.effects() if operation == "activate"] == [
        "done",
        "refused",
    ]


async def test_setting_up_what_is_set_up_otherwise_is_refused(activation: Reference) -> None:
    await activate(activation, asked(characteristics={"downloadSpeed": 500}))
    with pytest.raises(DownstreamError, match=r"activation answered 409 to POST .* is active already") as caught:
        await activate(activation, asked(key="another", characteristics={"downloadSpeed": 1000}))
    assert not caught.value.retryable


async def test_a_refusal_with_409_of_what_is_not_set_up_stays_one(activation: Reference) -> None:
    await activation.fault("permanent", operation="activate", status=409, message="no licence left")
    with pytest.raises(DownstreamError, match="no licence left"):
        await activate(activation, asked())


@pytest.mark.parametrize(
    ("kind", "said", "retryable"),
    [
        ("permanent", r"activation answered 422 to POST .*: activate of s-1", False),
        ("transient", r"activation answered 503 to POST .*", True),
        ("rubbish", r"activation answered 200 to POST .* not JSON: .<html>", False),
        ("lostAnswer", r"activation answered 500 to POST .*: the answer was lost", True),
    ],
)
async def test_a_fault_of_the_network_says_so_and_whether_another_try_may_help(
    activation: Reference, kind: str, said: str, retryable: bool
) -> None:
    await activation.fault(kind, operation="activate")
    with pytest.raises(DownstreamError, match=said) as caught:
        await activate(activation, asked())
    assert caught.value.retryable is retryable


async def ended(activation: Reference, monitor: str | None) -> ApplicationError | None:
    """Look at a monitor until it has ended, and return the error that it ended with."""
    activities = ActivationActivities(activation.system)
    assert monitor is not None
    with anyio.fail_after(5):
        while True:
            try:
                await perform(activities.await_completion, awaited(Target.SERVICE, monitor))
            except ApplicationError as error:
                if error.type != "NotYet":
                    return error
                await anyio.lowlevel.checkpoint()
            else:
                return None


async def test_what_takes_its_time_is_accepted_with_a_monitor_and_looked_at_until_it_is_complete(
    activation: Reference,
) -> None:
    await activation.client.post("/settings", json={"specifications": {"rfs-access": {"mode": "async"}}})
    answer = await activate(activation, asked())
    assert answer.monitor
    assert await ended(activation, answer.monitor) is None
    assert (await activation.get(f"{SERVICE}/s-1"))["state"] == "active"


async def test_what_is_not_complete_is_worth_another_look_and_no_alarm() -> None:
    system, _ = scripted(httpx2.Response(200, json={"id": "m-1", "state": "InProgress"}), name="activation")
    with pytest.raises(ApplicationError, match="monitor m-1 is InProgress") as caught:
        await perform(ActivationActivities(system).await_completion, awaited(Target.SERVICE, "m-1"))
    assert (caught.value.type, caught.value.non_retryable) == ("NotYet", False)
    assert caught.value.category == ApplicationErrorCategory.BENIGN


async def test_a_callback_is_asked_for_with_the_request(activation: Reference) -> None:
    answer = await activate(activation, asked(callback=True))
    monitors = await activation.get("/tmf-api/ServiceActivationAndConfiguration/v4/monitor")
    assert [monitor["id"] for monitor in monitors] == [answer.monitor]


async def test_a_repeat_of_what_was_accepted_gives_the_same_monitor(activation: Reference) -> None:
    assert await activate(activation, asked(callback=True)) == await activate(activation, asked(callback=True))


async def test_what_fails_later_fails_for_good_and_says_why(activation: Reference) -> None:
    await activation.fault("asyncFailure", operation="activate", message="no light at the port")
    answer = await activate(activation, asked())
    error = await ended(activation, answer.monitor)
    assert isinstance(error, DownstreamError)
    assert not error.retryable
    assert error.message == f"activation of {answer.monitor} failed: no light at the port"


@pytest.mark.parametrize("body", [None, {}, {"state": "InProgress"}, {"id": ""}, ["m-1"], "m-1"])
async def test_an_acceptance_without_a_monitor_makes_no_sense(body: Any) -> None:
    content = {"json": body} if body is not None else {}
    system, _ = scripted(httpx2.Response(202, **content), name="activation")
    with pytest.raises(DownstreamError, match=r"activation answered 202 to POST .*makes no sense") as caught:
        await perform(ActivationActivities(system).activate, asked())
    assert not caught.value.retryable


@pytest.mark.parametrize(
    ("monitor", "why"),
    [
        ({"state": "Failed", "response": {"body": {"reason": "no light"}}}, "no light"),
        ({"state": "Failed", "response": {"body": '{"reason": "no light"}'}}, "no light"),
        ({"state": "Failed", "response": {"body": {"message": "no light"}}}, "no light"),
        ({"state": "Failed", "response": {"body": "<html>"}}, "no reason given"),
        ({"state": "Failed", "response": {"body": None}}, "no reason given"),
        ({"state": "Failed", "response": None}, "no reason given"),
        ({"state": "Failed"}, "no reason given"),
    ],
)
async def test_a_failed_monitor_is_read_as_far_as_it_says_something(monitor: dict[str, Any], why: str) -> None:
    system, _ = scripted(httpx2.Response(200, json=monitor), name="activation")
    with pytest.raises(DownstreamError, match=f"activation of m-1 failed: {why}"):
        await perform(ActivationActivities(system).await_completion, awaited(Target.RESOURCE, "m-1"))


async def test_a_monitor_of_another_shape_or_that_is_not_there_is_final() -> None:
    for answer, said in ((httpx2.Response(200, json=[]), "makes no sense"), (httpx2.Response(404), "answered 404")):
        system, script = scripted(answer, name="activation")
        with pytest.raises(DownstreamError, match=said) as caught:
            await perform(ActivationActivities(system).await_completion, awaited(Target.RESOURCE, "m/1"))
        assert not caught.value.retryable
        assert script.asked[0].url.raw_path == b"/tmf-api/ResourceActivationAndConfiguration/v4/monitor/m%2F1"


async def test_a_service_passes_its_test_once_it_is_active(activation: Reference) -> None:
    activities = ActivationActivities(activation.system)
    with pytest.raises(DownstreamError, match="s-1 did not pass test-light: the service is not configured") as caught:
        await perform(activities.test_service, ServiceTest(key="t1", service_id="s-1", test="test-light"))
    assert not caught.value.retryable
    await activate(activation, asked())
    await perform(activities.test_service, ServiceTest(key="t2", service_id="s-1", test="test-light"))


async def test_a_failed_test_says_what_it_found(activation: Reference) -> None:
    await activate(activation, asked())
    await activation.fault("permanent", operation="test", message="-31 dBm")
    with pytest.raises(DownstreamError, match="service s-1 did not pass test-light: -31 dBm"):
        await perform(
            ActivationActivities(activation.system).test_service,
            ServiceTest(key="t", service_id="s-1", test="test-light"),
        )


async def test_a_test_without_a_result_makes_no_sense() -> None:
    system, _ = scripted(httpx2.Response(201, json={"id": "t-1", "state": "completed"}), name="activation")
    with pytest.raises(DownstreamError, match=r"makes no sense \(result"):
        await perform(
            ActivationActivities(system).test_service, ServiceTest(key="t", service_id="s-1", test="test-light")
        )


async def test_activation_is_asked_after_an_undo_what_is_set_up(activation: Reference) -> None:
    activities = ActivationActivities(activation.system)
    await perform(activities.activate, asked())

    def expected(target: str, state: str) -> Expectation:
        return Expectation(kind=Kind.SERVICE, id=target, states=[state], system="activation")

    right = [expected("s-1", "active"), expected("gone", "absent")]
    wrong = [expected("s-1", "absent"), expected("gone", "active")]

    residue = await perform(activities.read_network_back, [*right, *wrong])

    assert [(each.system, each.target, each.message) for each in residue] == [
        ("activation", "service s-1", "its set-up in the network is active where absent was expected after the undo"),
        ("activation", "service gone", "its set-up in the network is absent where active was expected after the undo"),
    ]


@pytest.mark.parametrize(("holder", "left"), [("another", 0), ("ours", 1), (None, 1)])
async def test_a_resource_that_another_order_has_by_now_may_be_set_up(holder: str | None, left: int) -> None:
    activation, _ = scripted(httpx2.Response(200, json={"id": "ont-2", "state": "active"}), name="activation")
    held = {"id": "ont-2", "reservation": {"requestedBy": holder}} if holder else {"id": "ont-2"}
    inventory, _ = scripted(httpx2.Response(200, json=held), name="inventory")
    expected = Expectation(kind=Kind.RESOURCE, id="ont-2", states=["absent"], held_by="ours", system="activation")
    assert len(await perform(ActivationActivities(activation, inventory).read_network_back, [expected])) == left


@pytest.mark.parametrize("status", [405, 501])
async def test_an_activation_that_does_not_tell_what_is_set_up_leaves_nothing_to_say(status: int) -> None:
    system, _ = scripted(httpx2.Response(status), name="activation")
    expected = Expectation(kind=Kind.SERVICE, id="s-1", states=["absent"], system="activation")
    assert await perform(ActivationActivities(system).read_network_back, [expected]) == []


async def test_it_is_unclear_what_becomes_of_an_activation_whose_monitor_is_lost(activation: Reference) -> None:
    await_completion = ActivationActivities(activation.system).await_completion
    with pytest.raises(DownstreamError, match="404") as caught:
        await perform(await_completion, awaited(Target.SERVICE, "lost"))
    assert caught.value.unclear
