"""Services that have failed by themselves: what is ordered about it, how often, and when people are asked."""

from __future__ import annotations

import json
from typing import Any

import pytest

from orders.lifecycle.states import OrderKind, OrderState
from store.failures import Outcome
from tests.api.conftest import SERVICE_ORDERS, Bench
from tests.api.events.test_callbacks import SERVICE, WORKFLOW, signed
from tmf.bodies import Document

pytestmark = pytest.mark.anyio

WHOLE, ACCESS, ROUTER = "s-internet", "s-access", "s-router"
DARK = {"state": "inactive", "hasStarted": True, "isServiceEnabled": False}
WORKING = {"state": "active", "hasStarted": True, "isServiceEnabled": True}
NO_LIGHT = {"code": "serviceFailed", "reason": "no light"}


def recorded(service_id: str, specification: str, *supported_by: str, state: str = "active") -> Document:
    return {
        "id": service_id,
        "name": specification.upper(),
        "state": state,
        "serviceSpecification": {"id": specification},
        "supportingService": [{"id": each} for each in supported_by],
        "relatedParty": [{"id": "C-1", "role": "customer"}],
    }


@pytest.fixture(autouse=True)
def installed(bench: Bench) -> None:
    """Let inventory have an internet access with what supports it, and a router of which the catalog says nothing."""
    bench.services.recorded = {
        WHOLE: recorded(WHOLE, "cfs-internet", ACCESS),
        ACCESS: recorded(ACCESS, "rfs-gpon-access"),
        ROUTER: recorded(ROUTER, "cfs-home-network"),
    }


def event(event_id: str | None = "e-1", service: str = ACCESS, **subject: Any) -> Document:
    told: Document = {
        "eventType": "ServiceStateChangeEvent",
        "event": {"service": {"id": service, **(subject or DARK)}},
    }
    told["event"]["error"] = NO_LIGHT
    return told | ({"eventId": event_id} if event_id else {})


async def tell(bench: Bench, told: Document, status: int = 204) -> None:
    """Tell the gateway of a failure, and let it see to that."""
    raw = json.dumps(told).encode()
    assert (await bench.client.post(SERVICE, content=raw, headers=signed(raw))).status_code == status
    await bench.gateway.assurance.sweep()


async def orders(bench: Bench) -> list[Document]:
    """Return the orders that assurance has made, the first one first, as a client finds them."""
    found: list[Document] = (
        await bench.client.get(SERVICE_ORDERS, params={"category": "assurance", "sort": "orderDate"})
    ).json()
    return found


async def ends(bench: Bench, state: OrderState, order: int = -1) -> None:
    """Let an order of assurance end, and assurance look."""
    await bench.become((await orders(bench))[order]["id"], state, OrderKind.SERVICE)
    await bench.gateway.assurance.sweep()


async def actions(bench: Bench) -> list[str]:
    return [each["serviceOrderItem"][0]["assurance"]["action"] for each in await orders(bench)]


async def test_a_failure_makes_a_service_order_that_says_what_it_is_for(bench: Bench) -> None:
    await tell(bench, event())
    (order,) = await orders(bench)
    assert order["externalId"] == "e-1"
    assert order["description"] == "Repair RFS-GPON-ACCESS (service s-access): serviceFailed: no light"
    assert order["relatedParty"][0]["id"] == "C-1"
    assert "Event e-1 said that service s-access has failed" in order["note"][0]["text"]
    (item,) = order["serviceOrderItem"]
    assert (item["action"], item["service"]["id"]) == ("modify", WHOLE), "what reads its values follows"
    assert item["assurance"] == {"action": "repair", "service": {"id": ACCESS}, "reason": "serviceFailed: no light"}
    assert bench.engine.running == [order["id"]], "it is started as any other"


async def test_what_relies_on_a_failed_service_beside_it_is_not_taken_for_the_whole(bench: Bench) -> None:
    bench.services.recorded["s-session"] = recorded("s-session", "rfs-internet-session", ACCESS)
    bench.services.recorded[WHOLE] = recorded(WHOLE, "cfs-internet", ACCESS, "s-session")
    await tell(bench, event())
    assert [each["serviceOrderItem"][0]["service"]["id"] for each in await orders(bench)] == [WHOLE]


async def test_a_repair_that_is_done_ends_it(bench: Bench) -> None:
    await tell(bench, event())
    await ends(bench, OrderState.COMPLETED)
    assert await actions(bench) == ["repair"]
    assert await bench.failures.outcome_of("e-1") == Outcome.REPAIRED


async def test_what_a_repair_does_not_mend_is_replaced_and_then_left_to_people(bench: Bench) -> None:
    await tell(bench, event())
    await ends(bench, OrderState.FAILED)
    assert await actions(bench) == ["repair", "replace"]
    await ends(bench, OrderState.FAILED)
    assert await actions(bench) == ["repair", "replace", "manual"]
    assert await bench.failures.outcome_of("e-1") is None
    await ends(bench, OrderState.COMPLETED)
    assert await bench.failures.outcome_of("e-1") == Outcome.SETTLED
    assert len({each["id"] for each in await orders(bench)}) == 3


async def test_a_replacement_that_is_done_ends_it(bench: Bench) -> None:
    await tell(bench, event())
    await ends(bench, OrderState.FAILED)
    await ends(bench, OrderState.COMPLETED)
    assert await bench.failures.outcome_of("e-1") == Outcome.REPLACED


async def test_what_the_catalog_cannot_replace_is_left_to_people(bench: Bench) -> None:
    await tell(bench, event(service=WHOLE))
    await ends(bench, OrderState.FAILED)
    assert await actions(bench) == ["repair", "manual"]


async def test_what_people_could_not_mend_either_is_over(bench: Bench) -> None:
    await tell(bench, event(service=WHOLE))
    await ends(bench, OrderState.FAILED)
    await ends(bench, OrderState.FAILED)
    await bench.gateway.assurance.sweep()
    assert await actions(bench) == ["repair", "manual"]
    assert await bench.failures.outcome_of("e-1") == Outcome.FAILED


@pytest.mark.parametrize("event_id", ["e-1", None, "\u00fc " * 200])
async def test_the_same_event_makes_one_order_however_often_it_comes(bench: Bench, event_id: str | None) -> None:
    for _ in range(3):
        await tell(bench, event(event_id))
    assert len(await orders(bench)) == 1
    await ends(bench, OrderState.COMPLETED)
    await tell(bench, event(event_id))
    assert len(await orders(bench)) == 1


async def test_the_same_failure_under_another_event_waits_and_is_covered_where_the_service_works(bench: Bench) -> None:
    await tell(bench, event("e-1"))
    await tell(bench, event("e-2"))
    assert len(await orders(bench)) == 1
    bench.services.set_up[ACCESS] = {"id": ACCESS, **WORKING}
    await ends(bench, OrderState.COMPLETED)
    await bench.gateway.assurance.sweep()
    assert len(await orders(bench)) == 1
    assert await bench.failures.outcome_of("e-2") == Outcome.COVERED


async def test_a_failure_during_a_repair_that_stands_after_it_is_repaired_anew(bench: Bench) -> None:
    await tell(bench, event("e-1"))
    await tell(bench, event("e-2"))
    bench.services.set_up[ACCESS] = {"id": ACCESS, **DARK}
    await ends(bench, OrderState.COMPLETED)
    await bench.gateway.assurance.sweep()
    assert await actions(bench) == ["repair", "repair"]


async def test_what_fails_again_and_again_is_left_to_people_after_three_orders_a_day(bench: Bench) -> None:
    for number in range(1, 4):
        await tell(bench, event(f"e-{number}"))
        await ends(bench, OrderState.COMPLETED)
    assert await actions(bench) == ["repair"] * 3
    await tell(bench, event("e-4"))
    assert await actions(bench) == ["repair"] * 3 + ["manual"]
    await tell(bench, event("e-5"))
    assert len(await orders(bench)) == 4, "people are asked once"
    await tell(bench, event("w-1", WHOLE))
    assert await actions(bench) == ["repair"] * 3 + ["manual", "repair"], "another service is another matter"


async def test_a_day_later_it_is_repaired_by_itself_again(bench: Bench) -> None:
    for number in range(1, 4):
        await tell(bench, event(f"e-{number}"))
        await ends(bench, OrderState.COMPLETED)
    bench.clock.now += 25 * 3600
    await tell(bench, event("e-4"))
    assert await actions(bench) == ["repair"] * 4


async def test_a_replacement_counts_as_the_repair_before_it_does(bench: Bench) -> None:
    await tell(bench, event("e-1"))
    await ends(bench, OrderState.FAILED)
    await ends(bench, OrderState.COMPLETED)
    await tell(bench, event("e-2"))
    await ends(bench, OrderState.FAILED)
    assert await actions(bench) == ["repair", "replace", "repair", "manual"]


@pytest.mark.parametrize("service", [ROUTER, "s-unknown", "s-gone"])
async def test_without_a_policy_or_an_active_service_nothing_is_done(bench: Bench, service: str) -> None:
    bench.services.recorded["s-gone"] = recorded("s-gone", "rfs-gpon-access", state="terminated")
    await tell(bench, event("e-1", service))
    assert await orders(bench) == []
    assert await bench.failures.outcome_of("e-1") == Outcome.NOTED


@pytest.mark.parametrize(
    ("subject", "seen"),
    [
        (DARK, True),
        ({"state": "active", "operatingStatus": "failed"}, True),
        ({"state": "failed"}, True),
        ({"state": "inactive"}, False),
        ({"state": "inactive", "hasStarted": False, "isServiceEnabled": False}, False),
        (WORKING, False),
        ({"state": "terminated"}, False),
    ],
)
async def test_only_what_has_failed_by_the_words_of_the_standard_is_a_failure(
    bench: Bench, subject: Document, seen: bool
) -> None:
    await tell(bench, event(**subject))
    assert bool(await orders(bench)) is seen


async def test_what_an_order_waits_for_is_its_own_matter(bench: Bench) -> None:
    bench.engine.waiting = {WORKFLOW}
    told = event() | {"correlationId": f"{WORKFLOW}/service/activate"}
    await tell(bench, told)
    assert [workflow for workflow, _ in bench.engine.told] == [WORKFLOW]
    assert await bench.failures.outcome_of("e-1") is None
    assert await orders(bench) == []
    bench.engine.waiting = set()
    await tell(bench, told)
    assert len(await orders(bench)) == 1, "once the order has ended, nobody else sees to it"


async def test_while_inventory_is_away_a_failure_waits_and_is_not_lost(bench: Bench) -> None:
    bench.services.away = {"inventory"}
    await tell(bench, event())
    assert await orders(bench) == []
    bench.services.away = set()
    await bench.gateway.assurance.sweep()
    assert await orders(bench) == [], "it rests after a setback"
    bench.clock.now += 60
    await bench.gateway.assurance.sweep()
    assert await actions(bench) == ["repair"]


async def test_while_the_order_that_made_the_service_runs_nothing_else_touches_that(bench: Bench) -> None:
    made_by = await bench.ordered(state=OrderState.IN_PROGRESS)
    reference = {"serviceOrderId": f"{made_by}:1:internet", "itemId": "access"}
    bench.services.recorded[ACCESS]["serviceOrderItem"] = [reference]
    await tell(bench, event())
    assert await orders(bench) == []
    await bench.become(made_by, OrderState.COMPLETED)
    bench.clock.now += 60
    await bench.gateway.assurance.sweep()
    assert await actions(bench) == ["repair"]


async def test_listeners_are_told_of_such_an_order_as_of_any(bench: Bench) -> None:
    await tell(bench, event())
    await ends(bench, OrderState.COMPLETED)
    told = [each.event for each in await bench.gateway.outbox.read(0, 10)]
    kinds = [each.type for each in told]
    assert kinds == ["ServiceOrderCreateEvent", "ServiceOrderStateChangeEvent"]


async def test_while_recovery_is_on_a_failure_is_kept_and_seen_to_afterwards(bench: Bench) -> None:
    recovery = bench.gateway.recovery
    await recovery.switch("ada", "restored", on=True)
    await tell(bench, event())
    assert await orders(bench) == []
    await recovery.switch("ada", "compared", on=False)
    await bench.gateway.assurance.sweep()
    assert await actions(bench) == ["repair"]


async def test_an_order_that_was_noted_and_not_made_for_a_crash_is_made(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def crash(_order: Any) -> Any:
        raise RuntimeError("killed")

    with monkeypatch.context() as patched:
        patched.setattr(bench.orders, "accept", crash)
        await tell(bench, event())
    assert await orders(bench) == []
    bench.clock.now += 60
    await bench.gateway.assurance.sweep()
    assert await actions(bench) == ["repair"]


async def test_two_gateways_that_see_the_same_failure_make_one_order(bench: Bench) -> None:
    raw = json.dumps(event()).encode()
    await bench.client.post(SERVICE, content=raw, headers=signed(raw))
    seen = await bench.failures.to_see_to()
    await bench.gateway.assurance.sweep()
    for each in seen:
        await bench.gateway.assurance._see_to(each)
    assert len(await orders(bench)) == 1


@pytest.mark.parametrize(
    ("state", "outcome"), [(OrderState.CANCELLED, Outcome.CANCELLED), (OrderState.REJECTED, Outcome.REJECTED)]
)
async def test_an_order_that_was_cancelled_or_rejected_is_not_made_again(
    bench: Bench, state: OrderState, outcome: Outcome
) -> None:
    await tell(bench, event())
    await ends(bench, state)
    assert await actions(bench) == ["repair"]
    assert await bench.failures.outcome_of("e-1") == outcome


async def test_failures_of_resources_are_no_failures_of_services(bench: Bench) -> None:
    path = "/tmf-api/ResourceActivationAndConfiguration/v4/listener/resourceStateChangeEvent"
    raw = json.dumps({"eventId": "e-1", "event": {"resource": {"id": ACCESS, **DARK}}}).encode()
    assert (await bench.client.post(path, content=raw, headers=signed(raw))).status_code == 204
    await bench.gateway.assurance.sweep()
    assert await orders(bench) == []
