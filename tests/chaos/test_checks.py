"""The checks of a run find what they are there for, by facts that were made up, and nothing where all is well."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chaos.checks import events, orders, systems
from chaos.checks.every import CHECKS, Check, violations
from chaos.facts import EffectFact, Facts, PlacedFact, ReceivedFact, WorkflowFact
from tests.chaos.made_up import CHILD, ORDER, OTHERS, event, received, sound_facts

SOUND = sound_facts()


def order(**other: Any) -> dict[str, Any]:
    """Return the orders, the posted one with something else in it."""
    return {**SOUND.orders, ORDER: {**SOUND.orders[ORDER], **other}}


def product(**other: Any) -> list[Any]:
    return [{**SOUND.products[0], **other}, OTHERS]


def outbox(*changed: Any) -> dict[str, Any]:
    """Return an outbox that the listener has got as it is."""
    return {"outbox": list(changed), "received": received(list(changed))}


E = SOUND.outbox

WRONG: list[tuple[Check, str, dict[str, Any]]] = [
    (orders.every_order_ends_or_waits_for_a_person, "is not there", {"orders": {}}),
    (orders.every_order_ends_or_waits_for_a_person, "nobody is asked", {"orders": order(state="inProgress")}),
    (orders.every_transition_is_legal, "from acknowledged to completed", outbox(E[0], E[5])),
    (orders.every_transition_is_legal, "begins with", outbox(*E[1:])),
    (orders.every_transition_is_legal, "its last event says inProgress", outbox(*E[:5])),
    (orders.every_transition_is_legal, f"order {CHILD} has no event", outbox(E[0], E[1], E[5])),
    (orders.documents_equal_outcomes, "its workflow ended completed", {"orders": order(state="cancelled")}),
    (orders.documents_equal_outcomes, "no workflow says so", {"workflows": []}),
    (orders.documents_equal_outcomes, "its item 1 is completed", {"orders": order(state="failed")}),
    (orders.documents_equal_outcomes, "residue", {"orders": order(residue=[{"system": "inventory"}])}),
    (
        orders.documents_equal_outcomes,
        "below one that is completed",
        {"orders": {**SOUND.orders, CHILD: {"id": CHILD, "state": "inProgress"}}},
    ),
    (
        orders.nothing_runs_on_in_silence,
        "runs on",
        {"workflows": [*SOUND.workflows, WorkflowFact("po:abc:so:1:tv", "RUNNING")]},
    ),
    (orders.nothing_runs_on_in_silence, "is TERMINATED", {"workflows": [WorkflowFact("po:abc", "TERMINATED")]}),
    (
        orders.nothing_runs_on_in_silence,
        "fails unseen: reserve",
        {"workflows": [WorkflowFact("po:abc", "RUNNING", failing=["reserve"])], "orders": order(state="inProgress")},
    ),
    (orders.nothing_runs_on_in_silence, "p1 is locked by order abc", {"locks": [("p1", ORDER)]}),
    (events.the_outbox_has_no_gap, "no event at 2", outbox(E[0], *E[2:])),
    (events.the_outbox_has_no_gap, "have no position", outbox(*E, replace(E[5], position=None, id="e7"))),
    (events.the_outbox_has_no_gap, "2 times", outbox(*E, replace(E[5], position=7))),
    (events.every_event_arrives, "event 6", {"received": SOUND.received[:5]}),
    (
        events.every_event_arrives,
        "bad signature",
        {"received": [*SOUND.received, ReceivedFact("productOrder", "e6", ORDER, "not that of this message")]},
    ),
    (
        events.every_event_arrives,
        "is not in the outbox",
        {"received": [*SOUND.received, ReceivedFact("productOrder", "e9", ORDER)]},
    ),
    (
        events.events_arrive_in_order,
        "event 2 of abc arrived after event 6",
        {"received": [SOUND.received[0], SOUND.received[5], *SOUND.received[1:5]]},
    ),
    (systems.each_effect_is_done_once, "has done reserve 2 times", {"effects": SOUND.effects * 2}),
    (systems.what_was_ordered_is_there, "p1 of order abc is not there", {"products": [OTHERS]}),
    (systems.what_was_ordered_is_there, "is terminated", {"products": product(status="terminated")}),
    (
        systems.what_was_ordered_is_there,
        "has dataVolumeGb 5",
        {"products": product(productCharacteristic=[{"name": "dataVolumeGb", "value": 5}])},
    ),
    (systems.nothing_else_is_there, "no order that completed", {"orders": order(state="failed")}),
    (systems.services_are_exact, "is named, and is not there", {"services": []}),
    (systems.services_are_exact, "realises nothing", {"products": product(realizingService=[])}),
    (systems.services_are_exact, "is designed", {"services": [{**SOUND.services[0], "state": "designed"}]}),
    (systems.resources_are_exact, "is in service, and is free", {"resources": []}),
    (
        systems.resources_are_exact,
        "held for nothing, by po:abc",
        {"services": [{**SOUND.services[0], "supportingResource": []}]},
    ),
    (systems.the_network_is_exact, "is not in service", {"services": []}),
    (
        systems.the_network_is_exact,
        "does not work in the network",
        {"services": [*SOUND.services, {**SOUND.services[0], "id": "s2"}]},
    ),
    (systems.billing_is_exact, "is charged []", {"charges": []}),
    (systems.billing_is_exact, "[['monthly'], ['monthly']]", {"charges": SOUND.charges * 2}),
    (systems.billing_is_exact, "is not active", {"products": [OTHERS]}),
    (systems.others_are_left_alone, "deleted", {"foreign": {"product p-other": (OTHERS, None)}}),
    (systems.others_are_left_alone, "changed", {"foreign": {"product p-other": (OTHERS, {**OTHERS, "status": "x"})}}),
]


def test_facts_of_a_run_in_which_all_went_well_pass_every_check() -> None:
    assert violations(SOUND) == {}


@pytest.mark.parametrize(
    ("check", "says", "wrong"), WRONG, ids=[f"{check.__name__}-{says}" for check, says, _ in WRONG]
)
def test_each_check_finds_what_it_is_there_for(check: Check, says: str, wrong: dict[str, Any]) -> None:
    found = violations(sound_facts(**wrong), [check])
    assert any(says in sentence for sentence in found.get(check.__name__, [])), found


def test_every_check_is_tried() -> None:
    assert {check for check, _, _ in WRONG} | {systems.changes_are_made} == set(CHECKS)


def test_an_order_that_waits_for_a_person_who_is_told_may_be_open() -> None:
    facts = sound_facts(orders=order(state="held"), open_tasks=[{"id": "abc!1", "rootId": ORDER}])
    assert violations(facts, [orders.every_order_ends_or_waits_for_a_person]) == {}


def test_a_product_that_an_order_changes_must_have_what_that_one_asks_for() -> None:
    def changed(volume: int) -> Facts:
        asked = {"id": "p1", "productCharacteristic": [{"name": "dataVolumeGb", "value": 50}]}
        item = {"id": "1", "action": "modify", "state": "completed", "product": asked}
        change = {"id": "xyz", "state": "completed", "productOrderItem": [item]}
        return sound_facts(
            placed=[*SOUND.placed, PlacedFact("xyz", "productOrder", "modify", "c1", product="p1")],
            orders={**SOUND.orders, "xyz": change},
            products=product(productCharacteristic=[{"name": "dataVolumeGb", "value": volume}]),
        )

    checks = [systems.changes_are_made, systems.what_was_ordered_is_there]
    assert violations(changed(50), checks) == {}
    (sentence,) = violations(changed(20), checks)["changes_are_made"]
    assert "has dataVolumeGb 20, and not 50" in sentence


def test_a_product_that_an_order_ends_is_there_no_more() -> None:
    def ended(status: str) -> Facts:
        item = {"id": "1", "action": "delete", "state": "completed", "product": {"id": "p1"}}
        return sound_facts(
            placed=[*SOUND.placed, PlacedFact("xyz", "productOrder", "delete", "c1", product="p1")],
            orders={**SOUND.orders, "xyz": {"id": "xyz", "state": "completed", "productOrderItem": [item]}},
            products=product(status=status),
        )

    assert violations(ended("terminated"), [systems.what_was_ordered_is_there]) == {}
    (sentence,) = violations(ended("active"), [systems.what_was_ordered_is_there])["what_was_ordered_is_there"]
    assert "was to end, and is active" in sentence


def test_events_that_the_hub_does_not_tell_of_need_not_arrive() -> None:
    quiet = event(7, ORDER, "completed", "Milestone", told=False)
    assert violations(sound_facts(outbox=[*E, quiet]), [events.every_event_arrives]) == {}


def test_a_system_that_forgot_keys_may_do_twice_what_it_was_asked_twice() -> None:
    twice = [EffectFact("inventory", "key", "reserve", "r1", "done")] * 2
    assert violations(sound_facts(effects=twice, keys_forgotten=True), [systems.each_effect_is_done_once]) == {}
