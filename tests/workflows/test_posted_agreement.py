"""What posted orders of services and of resources show at their end is what inventory holds."""

from __future__ import annotations

from functools import partial

import pytest

from tests.catalogs.generated_posted_orders import choices
from tests.held import held_singly
from tests.posted_agreement import ABOUT, Single, item_key, single_disagreements
from tests.shipped import shipped_catalogs
from tests.stage import Stage
from tmf.bodies import Document

pytestmark = pytest.mark.anyio

SHIPPED = shipped_catalogs()


async def agrees(stage: Stage, posted: Document, before: Single) -> Single:
    """Run an order, and check that inventory holds what it shows; return what there is then."""
    order = await stage.done(posted)
    assert order["state"] == "completed", order
    key = item_key(posted)
    realised = {each["id"]: each[ABOUT[key]]["id"] for each in order[key]}
    after = await held_singly(stage, ABOUT[key], before.keys() | set(realised.values()))
    assert single_disagreements(posted, realised, before, after, partial(choices, SHIPPED)) == []
    return after


def said(name: str, value: object) -> Document:
    return {"name": name, "value": value}


async def test_services_are_as_their_posted_orders_show_them(stage: Stage) -> None:
    site, parties = [{"id": "BER-1", "role": "Service Address"}], [{"id": "agreement-1"}]
    router = {"serviceSpecification": {"id": "rfs-cpe"}, "place": site}
    mesh = router | {"serviceCharacteristic": [said("mode", "mesh"), said("wifiName", "Attic")]}
    items = [{"id": "1", "action": "add", "service": router}, {"id": "2", "action": "add", "service": mesh}]
    there = await agrees(stage, {"serviceOrderItem": items, "relatedParty": parties}, {})

    one, two = sorted(there, key=lambda each: there[each].characteristics["mode"], reverse=True)
    values = [said("wifiName", None), said("mode", None)]
    items = [
        {"id": "1", "action": "noChange", "service": {"id": one, "place": site}},
        {"id": "2", "action": "modify", "service": {"id": two, "serviceCharacteristic": values}},
    ]
    there = await agrees(stage, {"serviceOrderItem": items}, there)
    assert "wifiName" not in there[two].characteristics


async def test_resources_are_as_their_posted_orders_show_them(stage: Stage) -> None:
    port = {"resourceSpecification": {"id": "access-port"}, "place": {"id": "BER-1"}}
    router = {"resourceSpecification": {"id": "vpn-cpe"}, "resourceCharacteristic": [said("siteName", "Depot")]}
    items = [{"id": "1", "action": "add", "resource": port}, {"id": "2", "action": "add", "resource": router}]
    there = await agrees(stage, {"orderItem": items}, {})

    one, two = sorted(there, key=lambda each: str(there[each].specification))
    values = [said("siteName", None), said("wanPrefix", "10.0.0.0/30")]
    items = [
        {"id": "1", "action": "noChange", "resource": {"id": one, "place": {"id": "BER-1"}}},
        {"id": "2", "action": "modify", "resource": {"id": two, "resourceCharacteristic": values}},
    ]
    there = await agrees(stage, {"orderItem": items}, there)
    assert "siteName" not in there[two].characteristics
