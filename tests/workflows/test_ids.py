"""Workflow ids: readable, parseable, each starting with its parent's."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orders.lifecycle.states import OrderKind
from orders.plan.keys import product_key, service_order_key
from workflows.contracts import ids

ORDER = "7f3k2a9d01"
PRODUCT = ids.root_workflow(ORDER)
SERVICE = ids.service_order_workflow(PRODUCT, "1:internet")
SERVICE_UNDO = ids.service_order_workflow(PRODUCT, "1:internet", undo=True)
TREE = {
    PRODUCT: ids.WorkflowId(ORDER, OrderKind.PRODUCT),
    SERVICE: ids.WorkflowId(ORDER, OrderKind.SERVICE, "1:internet"),
    SERVICE_UNDO: ids.WorkflowId(ORDER, OrderKind.SERVICE, "1:internet", undo=True),
    ids.resource_order_workflow(SERVICE, "access"): ids.WorkflowId(ORDER, OrderKind.RESOURCE, "1:internet", "access"),
    ids.resource_order_workflow(SERVICE, "access", undo=True): ids.WorkflowId(
        ORDER, OrderKind.RESOURCE, "1:internet", "access", undo=True
    ),
    ids.resource_order_workflow(SERVICE_UNDO, "access"): ids.WorkflowId(
        ORDER, OrderKind.RESOURCE, "1:internet", "access"
    ),
}


def test_ids_read_as_the_way_down_the_tree() -> None:
    assert list(TREE) == [
        "po:7f3k2a9d01",
        "po:7f3k2a9d01:so:1:internet",
        "po:7f3k2a9d01:so:1:internet:undo",
        "po:7f3k2a9d01:so:1:internet:ro:access",
        "po:7f3k2a9d01:so:1:internet:ro:access:undo",
        "po:7f3k2a9d01:so:1:internet:undo:ro:access",
    ]


@pytest.mark.parametrize(("workflow_id", "parts"), TREE.items())
def test_an_id_is_taken_apart_into_what_it_was_made_of(workflow_id: str, parts: ids.WorkflowId) -> None:
    assert ids.parse(workflow_id) == parts


@pytest.mark.parametrize(
    ("workflow_id", "order_id"),
    list(
        zip(
            TREE,
            [
                "7f3k2a9d01",
                "7f3k2a9d01:1:internet",
                "7f3k2a9d01:1:internet:undo",
                "7f3k2a9d01:1:internet:access",
                "7f3k2a9d01:1:internet:access:undo",
                "7f3k2a9d01:1:internet:undo:access",
            ],
            strict=True,
        )
    ),
)
def test_an_order_is_called_as_its_workflow_without_the_kinds(workflow_id: str, order_id: str) -> None:
    assert ids.order_id(workflow_id) == order_id


@pytest.mark.parametrize(
    ("workflow_id", "parent"),
    list(zip(TREE, [PRODUCT, PRODUCT, PRODUCT, SERVICE, SERVICE, SERVICE_UNDO], strict=True)),
)
def test_a_child_knows_its_parent(workflow_id: str, parent: str) -> None:
    assert ids.parent(workflow_id) == parent


def test_one_prefix_finds_a_whole_family_and_no_other() -> None:
    assert all(member.startswith(PRODUCT) for member in TREE)
    assert not ids.root_workflow("7f3k2a9d02").startswith(PRODUCT)


@pytest.mark.parametrize(
    "workflow_id",
    ["", "po:", "po", "7f3k2a9d01", "so:1:internet", "po:x:so:internet", "po:x:so:1:internet:ro:", "po:x:ro:access"],
)
def test_what_is_not_an_orders_workflow_is_refused_by_name(workflow_id: str) -> None:
    with pytest.raises(ValueError, match=r"is not the id of an order's workflow"):
        ids.parse(workflow_id)


NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9_-]{0,5}(\*[2-9])?(~replaced)?", fullmatch=True).filter(
    lambda name: name != "undo"
)
ITEM_IDS = st.sampled_from(["so", "ro", "po", "undo"]) | st.text(
    st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20
)


@settings(deadline=None)
@given(ITEM_IDS, st.integers(1, 2), NAMES, NAMES, st.booleans(), st.booleans())
def test_whatever_an_item_is_called_its_workflows_are_told_apart(
    item_id: str, quantity: int, service: str, item: str, service_undo: bool, resource_undo: bool
) -> None:
    key = service_order_key(product_key(item_id, 1, quantity), service)
    above = ids.service_order_workflow(PRODUCT, key, undo=service_undo)
    below = ids.resource_order_workflow(above, item, undo=resource_undo)
    assert ids.parse(above) == ids.WorkflowId(ORDER, OrderKind.SERVICE, key, undo=service_undo)
    assert ids.parse(below) == ids.WorkflowId(ORDER, OrderKind.RESOURCE, key, item, undo=resource_undo)
    assert (ids.parent(below), ids.parent(above)) == (above, PRODUCT)
    assert ids.order_id(below).startswith(ids.order_id(above))


def test_no_two_workflows_run_the_same_order() -> None:
    keys = [
        service_order_key(product_key(item_id), name) for item_id in ("1", "1*2", "so", "ro") for name in ("a", "so")
    ]
    above = [ids.service_order_workflow(PRODUCT, key, undo=undo) for key in keys for undo in (False, True)]
    below = [
        ids.resource_order_workflow(each, item, undo=undo)
        for each, item, undo in itertools.product(above, ("access", "ro"), (False, True))
    ]
    orders = [ids.order_id(each) for each in (PRODUCT, *above, *below)]
    assert len(set(orders)) == len(orders)


DIRECT_SERVICE = ids.root_workflow("s-7f3k2a9d01")
DIRECT_RESOURCE = ids.root_workflow("r-7f3k2a9d01")
OF_ITEM = ids.service_order_workflow(DIRECT_SERVICE, "1:service")
DIRECT = {
    DIRECT_SERVICE: ("so:s-7f3k2a9d01", "s-7f3k2a9d01", ids.WorkflowId("s-7f3k2a9d01", OrderKind.SERVICE)),
    OF_ITEM: (
        "so:s-7f3k2a9d01:so:1:service",
        "s-7f3k2a9d01:1:service",
        ids.WorkflowId("s-7f3k2a9d01", OrderKind.SERVICE, "1:service"),
    ),
    ids.resource_order_workflow(OF_ITEM, "access"): (
        "so:s-7f3k2a9d01:so:1:service:ro:access",
        "s-7f3k2a9d01:1:service:access",
        ids.WorkflowId("s-7f3k2a9d01", OrderKind.RESOURCE, "1:service", "access"),
    ),
    DIRECT_RESOURCE: ("ro:r-7f3k2a9d01", "r-7f3k2a9d01", ids.WorkflowId("r-7f3k2a9d01", OrderKind.RESOURCE)),
    ids.resource_order_workflow(DIRECT_RESOURCE, "1"): (
        "ro:r-7f3k2a9d01:ro:1",
        "r-7f3k2a9d01:1",
        ids.WorkflowId("r-7f3k2a9d01", OrderKind.RESOURCE, None, "1"),
    ),
    ids.resource_order_workflow(DIRECT_RESOURCE, "1", revision=2, undo=True): (
        "ro:r-7f3k2a9d01:ro:1@2:undo",
        "r-7f3k2a9d01:1@2:undo",
        ids.WorkflowId("r-7f3k2a9d01", OrderKind.RESOURCE, None, "1", undo=True, revision=2),
    ),
}


@pytest.mark.parametrize(("workflow_id", "expected"), DIRECT.items())
def test_the_families_of_orders_that_are_posted_by_themselves_have_ids_alike(
    workflow_id: str, expected: tuple[str, str, ids.WorkflowId]
) -> None:
    assert (workflow_id, ids.order_id(workflow_id), ids.parse(workflow_id)) == expected


def test_the_parents_of_a_posted_orders_family_lead_up_to_it() -> None:
    assert ids.parent(ids.resource_order_workflow(OF_ITEM, "access")) == OF_ITEM
    assert ids.parent(OF_ITEM) == DIRECT_SERVICE
    assert ids.parent(ids.resource_order_workflow(DIRECT_RESOURCE, "1", revision=2, undo=True)) == DIRECT_RESOURCE


@pytest.mark.parametrize(
    "workflow_id", ["so:7f3k2a9d01", "po:s-7f3k2a9d01", "ro:s-1", "ro:r-1:so:1:service", "po:1:ro:1", "so:s-1:ro:1"]
)
def test_an_id_whose_kind_is_not_that_of_its_order_is_none(workflow_id: str) -> None:
    with pytest.raises(ValueError, match="is not the id of an order's workflow"):
        ids.parse(workflow_id)
