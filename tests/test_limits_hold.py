"""Whatever size a request has, what it is answered with and what is spent on it stays within the limits."""

from __future__ import annotations

import tracemalloc
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from activities.planning import LARGEST_ANSWER, PlanAnswer, too_large
from application.compression import size_in_temporal
from catalogs.planning import PlanningJob, planned
from orders.bounds import OrderLimits
from orders.intake import check_order
from orders.lifecycle.states import ITEM_LISTS, OrderKind
from orders.model.installed import InstalledBase
from orders.model.posted import names_of_items, posted_order
from orders.model.violation import in_bounds
from tests.shipped import shipped_catalogs
from tests.thorough import examples
from tmf.bodies import InvalidBodyError

SHIPPED = shipped_catalogs()
ON = datetime(2026, 11, 1, tzinfo=UTC)
LIMITS = OrderLimits(items=60, depth=4, quantity=40, instances=100, text=200, parts=400, nodes=300)
MOST_MEMORY = 64 * 1024 * 1024
"""Bytes that planning within these limits takes at most: a few times what it takes."""

OFFERINGS = [
    "mobile-plan",
    "mobile-plan",
    "fibre-internet",
    "home-voice",
    "fibre-home-bundle",
    "vpn-spoke-site",
    "none",
]
TEXTS = st.sampled_from(["", "x", "光" * 199, "\x01" * 150])
LONG_TEXTS = st.sampled_from(["x" * 201, "😀" * 5000])
SELDOM = st.integers(0, 9).map(lambda drawn: drawn == 9)


@st.composite
def items(draw: st.DrawFn, kind: OrderKind, prefix: str, levels: int) -> list[dict[str, Any]]:
    """Items of any number, quantity and depth: one is drawn and repeated, so that large orders are drawn quickly."""
    number = draw(st.sampled_from([1, 2, 5, 30, *([70] if draw(SELDOM) else [])]))
    about: dict[str, Any] = {}
    if kind == OrderKind.PRODUCT:
        about = {"productOffering": {"id": draw(st.sampled_from(OFFERINGS)), "name": draw(TEXTS)}}
        about["quantity"] = draw(
            st.sampled_from([None, 1, 3, 40 // number or 1, *([41, 10**9] if draw(SELDOM) else [])])
        )
        about["product"] = {"place": [{"id": draw(TEXTS) or "BER-1", "role": "installation"}]}
    else:
        subject = kind.value.removesuffix("Order")
        specification = draw(st.sampled_from(["cfs-internet", "cfs-mobile", "gpon-port", "none"]))
        place = {"place": [{"id": "BER-1", "role": "installation"}]}
        about = {subject: {f"{subject}Specification": {"id": specification}, "name": draw(TEXTS), **place}}
        if specification == "cfs-internet":
            speeds = [{"name": name, "value": 100} for name in ("downloadSpeed", "uploadSpeed")]
            about[subject]["serviceCharacteristic"] = speeds
    if draw(st.booleans()):
        about |= _related(kind, draw(st.sampled_from(["bundles", "reliesOn", "dependency"])), prefix, number)
    action = draw(st.sampled_from(["modify", "delete", "noChange"])) if draw(SELDOM) else "add"
    made = [{"id": f"{prefix}{n}", "action": action, **about} for n in range(number)]
    if levels and kind != OrderKind.RESOURCE and draw(st.booleans()):
        made[0][ITEM_LISTS[kind]] = draw(items(kind, f"{prefix}0.", levels - 1))
    return made


def _related(kind: OrderKind, how: str, prefix: str, number: int) -> dict[str, Any]:
    """Return relations to all items beside it."""
    ids = [f"{prefix}{n}" for n in range(1, number)]
    if kind == OrderKind.PRODUCT:
        return {"productOrderItemRelationship": [{"id": each, "relationshipType": how} for each in ids]}
    name = "serviceOrderItemRelationship" if kind == OrderKind.SERVICE else "orderItemRelationship"
    return {name: [{"relationshipType": how, "orderItem": {"itemId": each}} for each in ids]}


@st.composite
def orders(draw: st.DrawFn, kind: OrderKind) -> dict[str, Any]:
    document: dict[str, Any] = {ITEM_LISTS[kind]: draw(items(kind, "i", 5))}
    document["description"] = draw(LONG_TEXTS if draw(SELDOM) else TEXTS)
    if not draw(SELDOM):
        document["relatedParty"] = [{"id": "c", "role": "customer", "name": draw(TEXTS)}]
        document["billingAccount"] = {"id": "a"}
    return document


@pytest.mark.parametrize("kind", OrderKind)
@settings(max_examples=examples(40, 250), deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_an_order_of_any_size_is_refused_or_planned_within_its_limits(kind: OrderKind, data: st.DataObject) -> None:
    body = data.draw(orders(kind))
    try:
        document = check_order(kind, body, limits=LIMITS)
    except InvalidBodyError as refused:
        event("refused")
        assert len(str(refused)) < 100_000  # noqa: PT017
        return
    order = posted_order(kind, {**document, "id": "abcdefghij"})
    found = list(order.items())
    assert len(found) <= LIMITS.items
    assert sum(getattr(item, "quantity", None) or 1 for item, _, _ in found) <= LIMITS.instances

    tracemalloc.start()
    try:
        done = planned(PlanningJob(order, InstalledBase(), 1, ON, LIMITS), SHIPPED)
        assert tracemalloc.get_traced_memory()[1] < MOST_MEMORY
    finally:
        tracemalloc.stop()
    answer = PlanAnswer(names=names_of_items(order), violations=in_bounds(done.violations))
    if done.plan is not None:
        assert done.plan.parts() <= LIMITS.parts
        assert done.plan.widest() <= LIMITS.nodes
        answer.graph = done.plan.graph()
        assert not too_large(answer, done.plan)
        event("planned")
    else:
        event("too large" if "orderTooLarge" in {each.code for each in done.violations} else "rejected")
        assert done.violations
    assert size_in_temporal(answer) <= LARGEST_ANSWER


@settings(max_examples=examples(20, 300), deadline=None)
@given(st.text(max_size=30), st.integers(1, 5000))
def test_the_names_of_any_order_go_through_temporal(name: str, number: int) -> None:
    offering = {"id": "a", "name": (name or "\x01") * 300}
    items = [{"id": str(n), "action": "add", "productOffering": offering} for n in range(number)]
    names = names_of_items(posted_order(OrderKind.PRODUCT, {"productOrderItem": items}))
    assert len(names) == number
    assert all(offering["name"].startswith(each) for each in names.values())
    assert len(PlanAnswer(names=names).model_dump_json().encode()) < 700_000
