"""The demonstration's audit, on what systems could say."""

from __future__ import annotations

from dataclasses import replace

from embedded.audit import Check, Holdings, audit, differences, sites
from orders.lifecycle.states import OrderState
from tmf.bodies import Document


def resource(id_: str, order_id: str) -> Document:
    return {
        "id": id_,
        "value": f"value-{id_}",
        "specification": "vlan",
        "usageState": "active",
        "requestedBy": f"po:{order_id}:so:1:internet:ro:access/vlan/reserve/1",
    }


EXACT = Holdings(
    inventory={"resources": [resource("r1", "good")], "leaked": [], "dangling": [], "consistent": True},
    activation={"active": [{"id": "s1", "kind": "service", "specification": "rfs"}]},
    billing={"charges": [{"id": "c1", "product": "p1", "state": "active"}]},
    products=[
        {"id": "p1", "status": "active", "productOrderItem": [{"productOrderId": "good"}]},
        {"id": "p2", "status": "terminated", "productOrderItem": [{"productOrderId": "bad"}]},
    ],
    services=[
        {"id": "s1", "state": "active", "serviceOrderItem": [{"serviceOrderId": "good:1:internet"}]},
        {"id": "s2", "state": "terminated", "serviceOrderItem": [{"serviceOrderId": "bad:1:internet"}]},
    ],
)


def wrong(held: Holdings, undone: list[str]) -> dict[str, list[str]]:
    return {check.question: check.wrong for check in audit(held, undone) if check.wrong}


def test_exact_holdings_pass_every_check() -> None:
    assert wrong(EXACT, ["bad"]) == {}
    assert Check("active in the network, but not in inventory", 1, []) in audit(EXACT, [])


def test_a_leaked_resource_is_named() -> None:
    held = replace(EXACT, inventory=EXACT.inventory | {"leaked": [resource("r9", "good")]})
    assert wrong(held, []) == {"resources held by no active service": ["vlan value-r9"]}


def test_all_that_is_left_of_an_undone_order_is_named() -> None:
    held = Holdings(
        inventory=EXACT.inventory | {"resources": [resource("r2", "bad")]},
        activation={"active": [{"id": "s2", "kind": "service", "specification": "rfs"}]},
        billing={"charges": [{"id": "c2", "product": "p2", "state": "active"}]},
        products=[{"id": "p2", "status": "active", "productOrderItem": [{"productOrderId": "bad"}]}],
        services=[{"id": "s2", "state": "active", "serviceOrderItem": [{"serviceOrderId": "bad:1:internet"}]}],
    )
    assert wrong(held, ["bad"]) == {
        "left of order bad": ["resource vlan value-r2", "service s2", "product p2", "active service s2", "charge c2"]
    }


def test_an_order_whose_id_starts_like_anothers_is_not_taken_for_it() -> None:
    assert wrong(EXACT, ["goo"]) == {}


def test_what_is_active_in_the_network_must_be_in_inventory() -> None:
    held = replace(EXACT, activation={"active": [{"id": "s7", "kind": "service", "specification": "rfs"}]})
    assert wrong(held, []) == {"active in the network, but not in inventory": ["service s7"]}


def test_a_charge_needs_a_product_that_is_active() -> None:
    held = replace(EXACT, billing={"charges": [{"id": "c2", "product": "p2", "state": "active"}]})
    assert wrong(held, []) == {"charged, but not an active product": ["charge c2"]}
    ended = replace(EXACT, billing={"charges": [{"id": "c2", "product": "p2", "state": "ended"}]})
    assert wrong(ended, []) == {}


def test_orders_that_ended_otherwise_than_expected_are_named() -> None:
    expected = {"bundle": OrderState.COMPLETED, "broken": OrderState.FAILED, "later": OrderState.COMPLETED}
    assert differences(expected, {"bundle": "completed", "broken": "partial"}) == [
        "broken is partial, not failed",
        "later is not there, not completed",
    ]


def test_places_that_an_order_should_not_have_or_lacks_are_named() -> None:
    product = {"id": "p1", "status": "active", "productOrderItem": [{"productOrderId": "vpn"}], "place": [{"id": "A"}]}
    gone = {**product, "id": "p2", "status": "terminated", "place": [{"id": "C"}]}
    held = replace(EXACT, products=[product, gone])
    assert sites(held, "vpn", {"A"}).wrong == []
    assert sites(held, "vpn", {"B"}).wrong == ["A", "B"]


def test_a_resource_that_was_ordered_by_itself_needs_no_service() -> None:
    ordered = resource("r9", "good") | {"requestedBy": "ro:r-good:ro:1/1/reserve/add/1", "usageState": "active"}
    held = replace(EXACT, inventory=EXACT.inventory | {"leaked": [ordered]})
    assert [check.wrong for check in audit(held, [])] == [check.wrong for check in audit(EXACT, [])]
    only_reserved = replace(EXACT, inventory=EXACT.inventory | {"leaked": [ordered | {"usageState": "idle"}]})
    assert any(check.wrong for check in audit(only_reserved, []))
