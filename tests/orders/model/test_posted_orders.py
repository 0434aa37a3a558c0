"""The form of posted service and resource orders, what they start as, and their ids."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from orders.intake import accept, check_order, derived_id, order_id_from
from orders.lifecycle.states import OrderKind
from orders.model.order_ids import is_root, root_id, root_kind
from orders.model.posted import names_of_items, posted_order
from orders.model.server_set import SERVER_SET
from tmf.bodies import InvalidBodyError

SERVICE, RESOURCE = OrderKind.SERVICE, OrderKind.RESOURCE
AT = datetime(2026, 11, 23, 9, tzinfo=UTC)


def faults(kind: OrderKind, body: Any) -> list[tuple[str, str]]:
    with pytest.raises(InvalidBodyError) as refused:
        check_order(kind, body)
    return [(fault.path, fault.message) for fault in refused.value.faults]


def related(item_id: str, to: str, **more: Any) -> dict[str, Any]:
    return {
        "id": item_id,
        "action": "add",
        "service": {},
        "serviceOrderItemRelationship": [{"relationshipType": "dependency", "orderItem": {"itemId": to, **more}}],
    }


def test_the_least_that_a_service_order_has_is_taken() -> None:
    body = {"serviceOrderItem": [{"id": "1", "action": "add", "service": {}}]}
    assert check_order(SERVICE, body) == body


def test_the_least_that_a_resource_order_has_is_taken() -> None:
    body = {"orderItem": [{"id": "1", "action": "add", "resource": {}}], "priority": 3}
    assert check_order(RESOURCE, body) == body


@pytest.mark.parametrize(
    ("kind", "body", "paths"),
    [
        (SERVICE, {}, ["serviceOrderItem"]),
        (SERVICE, {"serviceOrderItem": []}, ["serviceOrderItem"]),
        (SERVICE, {"serviceOrderItem": [{"id": "1"}]}, ["serviceOrderItem[0].action", "serviceOrderItem[0].service"]),
        (SERVICE, {"serviceOrderItem": [related("1", "1")], "priority": 1}, ["priority"]),
        (RESOURCE, {"orderItem": [{"action": "grow", "resource": {}}]}, ["orderItem[0].id", "orderItem[0].action"]),
        (RESOURCE, {"orderItem": [{"id": "1", "action": "add"}]}, ["orderItem[0].resource"]),
        (RESOURCE, {"orderItem": [{"id": "1", "action": "add", "resource": {}}], "priority": "1"}, ["priority"]),
        (RESOURCE, {"serviceOrderItem": []}, ["serviceOrderItem", "orderItem"]),
    ],
)
def test_what_does_not_fit_the_form_is_named_by_its_path(kind: OrderKind, body: Any, paths: list[str]) -> None:
    assert [path for path, _ in faults(kind, body)] == paths


def test_relations_lead_to_items_of_the_order_on_any_level() -> None:
    outer = {**related("1", "2.1"), "serviceOrderItem": []}
    body = {"serviceOrderItem": [outer, {**related("2", "1"), "serviceOrderItem": [related("2.1", "2")]}]}
    assert check_order(SERVICE, body) == body
    assert faults(SERVICE, {"serviceOrderItem": [related("1", "9")]}) == [
        ("serviceOrderItem[0].serviceOrderItemRelationship[0].orderItem.itemId", 'the order has no item "9"')
    ]


def test_a_relation_to_an_item_of_another_order_is_kept() -> None:
    body = {"serviceOrderItem": [related("1", "9", serviceOrderId="s-other")]}
    assert check_order(SERVICE, body) == body


def test_an_id_that_is_taken_is_named_on_any_level() -> None:
    nested = {"id": "1", "action": "noChange", "service": {}, "serviceOrderItem": [related("1", "1")]}
    assert ("serviceOrderItem[0].serviceOrderItem[0].id", '"1" is the id of serviceOrderItem[0] already') in faults(
        SERVICE, {"serviceOrderItem": [nested]}
    )


@pytest.mark.parametrize(("kind", "items"), [(SERVICE, "serviceOrderItem"), (RESOURCE, "orderItem")])
def test_what_only_the_orchestrator_writes_is_ignored_and_the_rest_kept(kind: OrderKind, items: str) -> None:
    subject = "service" if kind == SERVICE else "resource"
    item = {"id": "1", "action": "add", subject: {"x": 1}, "state": "completed", "y": 2}
    body = {items: [item], "z": 3, **dict.fromkeys(SERVER_SET[kind], "mine")}
    assert check_order(kind, body) == {items: [{name: each for name, each in item.items() if name != "state"}], "z": 3}


def test_an_order_starts_as_acknowledged_with_all_its_items() -> None:
    nested = {"id": "1.1", "action": "add", "service": {}}
    body = {"serviceOrderItem": [{"id": "1", "action": "noChange", "service": {}, "serviceOrderItem": [nested]}]}
    order = accept(body, "s-1", AT, SERVICE)
    assert (order["id"], order["state"], order["orderDate"]) == ("s-1", "acknowledged", "2026-11-23T09:00:00.000Z")
    (item,) = order["serviceOrderItem"]
    assert [item["state"], item["serviceOrderItem"][0]["state"]] == ["acknowledged"] * 2


def test_the_same_key_gives_each_kind_of_order_an_id_of_its_own() -> None:
    ids = {kind: derived_id("client", "externalId", "X-1", kind) for kind in OrderKind}
    assert len(set(ids.values())) == 3
    assert ids[OrderKind.PRODUCT] == derived_id("client", "externalId", "X-1")
    assert ids == {kind: derived_id("client", "externalId", "X-1", kind) for kind in OrderKind}


@pytest.mark.parametrize("kind", OrderKind)
def test_the_kind_of_an_order_tree_is_told_from_any_id_in_it(kind: OrderKind) -> None:
    order_id = order_id_from(b"\0" * 10, kind)
    for each in (order_id, f"{order_id}:1:service", f"{order_id}:1:service:access:undo"):
        assert (root_kind(each), root_id(each)) == (kind, order_id)
    assert is_root(order_id)
    assert not is_root(f"{order_id}:1")


def test_items_are_named_by_what_they_are_about() -> None:
    specification = {"id": "cfs-mobile", "name": "Mobile"}
    items = [
        {"id": "1", "action": "add", "service": {"serviceSpecification": specification}},
        {"id": "2", "action": "delete", "service": {"id": "svc-1"}},
        {"id": "3", "action": "noChange", "service": {}},
    ]
    order = posted_order(SERVICE, {"serviceOrderItem": items})
    assert names_of_items(order) == {"1": "Mobile", "2": "svc-1", "3": ""}
    resource = {"id": "1", "action": "add", "resource": {}, "resourceSpecification": {"id": "port"}}
    assert names_of_items(posted_order(RESOURCE, {"orderItem": [resource]})) == {"1": "port"}
