"""Resources: reserved, set up, given back, however often a step is repeated and whatever answer is lost."""

from __future__ import annotations

import pytest

from activities.inventory import InventoryActivities, ReleaseResource, ReserveResource, SetUpResource
from application.http import DownstreamError
from orders.plan.outcome import AssignedResource
from orders.plan.parts import Demand
from tests.application.conftest import Reference, perform

pytestmark = pytest.mark.anyio

RESOURCE = "/tmf-api/resourceInventoryManagement/v4/resource"
KEY = "po:x:so:1:internet:ro:access/port/reserve/add/1"


def port(place: str = "BER-1", key: str = KEY, **demand: str) -> ReserveResource:
    return ReserveResource(key=key, specification="gpon-port", demand=Demand(place=place, **demand))


async def reserve(inventory: Reference, request: ReserveResource) -> AssignedResource:
    return await perform(InventoryActivities(inventory.system).reserve_resource, request)


async def release(inventory: Reference, request: ReleaseResource) -> None:
    await perform(InventoryActivities(inventory.system).release_resource, request)


async def status(inventory: Reference, resource_id: str) -> str:
    return str((await inventory.get(f"{RESOURCE}/{resource_id}"))["resourceStatus"])


async def test_a_resource_is_reserved_at_its_place_under_the_key_of_its_reservation(inventory: Reference) -> None:
    resource = await reserve(inventory, port("HAM-1"))
    assert (resource.value, resource.name) == ("olt-ham1/1/1/1", "Ports HAM-1 olt-ham1/1/1/1")
    document = await inventory.get(f"{RESOURCE}/{resource.id}")
    assert (document["resourceStatus"], document["reservation"]["requestedBy"]) == ("reserved", KEY)


async def test_a_repeat_gives_the_same_resource_and_takes_no_other(inventory: Reference) -> None:
    assert await reserve(inventory, port()) == await reserve(inventory, port())
    assert await inventory.effects() == [("reserve", "done"), ("reserve", "absorbed")]


async def test_criteria_and_a_chosen_value_are_met(inventory: Reference) -> None:
    gold = ReserveResource(key="a", specification="msisdn", demand=Demand(pool="msisdn", criteria={"category": "gold"}))
    assert (await reserve(inventory, gold)).characteristics == {"category": "gold"}
    chosen = ReserveResource(key="b", specification="msisdn", demand=Demand(value="+4915020100007"))
    assert (await reserve(inventory, chosen)).value == "+4915020100007"


async def test_an_exhausted_pool_and_a_number_that_is_taken_are_final_and_say_so(inventory: Reference) -> None:
    for number in range(3):
        await reserve(inventory, port(key=f"k{number}"))
    with pytest.raises(DownstreamError, match=r"inventory answered 409 to POST .*none free: gpon-port at BER-1") as no:
        await reserve(inventory, port(key="k3"))
    with pytest.raises(DownstreamError, match=r"inventory answered 409 .*not free: gpon-port.*olt-ber1/1/1/1") as taken:
        await reserve(inventory, port(key="k4", value="olt-ber1/1/1/1"))
    assert (no.value.retryable, taken.value.retryable) == (False, False)


async def test_a_passing_fault_is_tried_again_and_leaves_one_reservation(inventory: Reference) -> None:
    await inventory.fault("transient", operation="reserve")
    with pytest.raises(DownstreamError, match="503") as caught:
        await reserve(inventory, port())
    assert caught.value.retryable
    await reserve(inventory, port())
    assert await inventory.effects() == [("reserve", "refused"), ("reserve", "done")]


async def test_rubbish_is_final_and_reserves_nothing(inventory: Reference) -> None:
    await inventory.fault("rubbish", operation="reserve")
    with pytest.raises(DownstreamError, match=r"not JSON.*It works!") as caught:
        await reserve(inventory, port())
    assert not caught.value.retryable
    assert await inventory.effects() == [("reserve", "refused")]


async def test_after_a_lost_answer_a_repeat_learns_what_was_reserved(inventory: Reference) -> None:
    await inventory.fault("lostAnswer", operation="reserve")
    with pytest.raises(DownstreamError, match="the answer was lost") as caught:
        await reserve(inventory, port())
    assert caught.value.retryable
    resource = await reserve(inventory, port())
    assert (await inventory.get(f"{RESOURCE}/{resource.id}"))["reservation"]["requestedBy"] == KEY
    assert await inventory.effects() == [("reserve", "done"), ("reserve", "absorbed")]


async def test_a_resource_is_given_back_once(inventory: Reference) -> None:
    resource = await reserve(inventory, port())
    for _ in range(2):
        await release(inventory, ReleaseResource(key="r", resource_id=resource.id))
    assert await status(inventory, resource.id) == "available"
    assert (await inventory.effects())[1:] == [("release", "done"), ("release", "absorbed")]


async def test_a_resource_whose_id_was_lost_is_given_back_by_the_key_of_its_reservation(inventory: Reference) -> None:
    other = await reserve(inventory, port(key="somebody else"))
    await inventory.fault("lostAnswer", operation="reserve")
    with pytest.raises(DownstreamError):
        await reserve(inventory, port())
    await release(inventory, ReleaseResource(key="r", reserved_by=KEY))
    held = [each["requestedBy"] for each in (await inventory.get("/audit"))["resources"]]
    assert held == ["somebody else"]
    assert await status(inventory, other.id) == "reserved"


async def test_giving_back_what_was_never_reserved_is_nothing(inventory: Reference) -> None:
    await release(inventory, ReleaseResource(key="r", reserved_by=KEY))
    await release(inventory, ReleaseResource(key="r", resource_id="no-such-resource"))
    assert [operation for operation, outcome in await inventory.effects() if outcome == "done"] == []


async def test_taking_back_what_was_never_released_leaves_it_where_it_is(inventory: Reference) -> None:
    resource = await reserve(inventory, port())
    again = port(key="undo", value=resource.value or "").model_copy(update={"resource_id": resource.id, "held_by": KEY})
    assert await reserve(inventory, again) == resource
    held = [each["requestedBy"] for each in (await inventory.get("/audit"))["resources"]]
    assert held == [KEY]


async def test_taking_back_what_was_released_reserves_the_very_same(inventory: Reference) -> None:
    resource = await reserve(inventory, port())
    await release(inventory, ReleaseResource(key="r", resource_id=resource.id))
    again = port(key="undo", value=resource.value or "").model_copy(update={"resource_id": resource.id, "held_by": KEY})
    assert (await reserve(inventory, again)).id == resource.id
    assert (await inventory.get(f"{RESOURCE}/{resource.id}"))["reservation"]["requestedBy"] == "undo"


async def test_taking_back_what_somebody_else_holds_by_now_is_refused(inventory: Reference) -> None:
    resource = await reserve(inventory, port())
    await release(inventory, ReleaseResource(key="r", resource_id=resource.id))
    await reserve(inventory, port(key="somebody else", value=resource.value or ""))
    for resource_id in (resource.id, "no-such-resource", None):
        again = port(key=f"undo {resource_id}", value=resource.value or "").model_copy(
            update={"resource_id": resource_id, "held_by": KEY}
        )
        with pytest.raises(DownstreamError, match="409") as caught:
            await reserve(inventory, again)
        assert not caught.value.retryable


async def test_a_resource_is_put_into_use_and_out_of_it(inventory: Reference) -> None:
    resource = await reserve(inventory, port())
    activities = InventoryActivities(inventory.system)
    values = {"priority": 3, "node": "olt-ber1"}
    await perform(
        activities.set_up_resource, SetUpResource(key="i", resource_id=resource.id, in_use=True, characteristics=values)
    )
    used = await inventory.get(f"{RESOURCE}/{resource.id}")
    assert (used["usageState"], used["operationalState"]) == ("active", "enable")
    assert {each["name"]: each["value"] for each in used["resourceCharacteristic"]} == values
    await perform(activities.set_up_resource, SetUpResource(key="u", resource_id=resource.id, in_use=False))
    idle = await inventory.get(f"{RESOURCE}/{resource.id}")
    assert (idle["usageState"], idle["operationalState"], idle["resourceCharacteristic"]) == ("idle", "disable", [])


async def test_setting_up_what_is_not_there_is_final(inventory: Reference) -> None:
    request = SetUpResource(key="i", resource_id="no/such resource", in_use=True)
    with pytest.raises(DownstreamError, match=r"inventory answered 404 to PATCH .*no%2Fsuch%20resource") as caught:
        await perform(InventoryActivities(inventory.system).set_up_resource, request)
    assert not caught.value.retryable
