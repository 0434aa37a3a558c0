"""Orders that are amended while they run: only what differs is touched, and what is left in the end is exact."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from tests.stage import Stage, customer_of, example, histories_of, stalled
from tests.workflows.saga.test_exact_undo import installed, records
from tests.workflows.saga.test_failure_and_undo import nothing_is_left, two_items
from tests.workflows.steering.amending import (
    RESOURCE,
    charged,
    exact,
    fibre,
    logged,
    part,
    revised,
    service_of,
    since,
    touched_by,
    value,
    with_values,
)
from tmf.bodies import Document
from workflows.contracts import ids

pytestmark = pytest.mark.anyio


# --- the VPN ---


@pytest.mark.long
async def test_a_vpn_that_grows_and_moves_a_site_in_flight_touches_those_sites_only(stage: Stage) -> None:
    document = example("vpn-8-sites")
    customer = customer_of(document)
    with stalled(stage.activation, ":so:1.6:overlay", ":so:1.7:access") as go_on:
        order_id = await stage.submit(document)
        others = ["core", "hub", "1", "2", "4", "5"]
        done = {f"1.{site}:overlay": "done" for site in ("hub", "1", "2", "3", "4", "5")}
        await stage.reached(order_id, {**done, "1.core:core": "done", "1.6:access": "done", "1.6:overlay": "running"})
        moved = await resources_at(stage, customer, "SITE-3")
        before = await logged(stage, order_id)
        items = deepcopy(document["productOrderItem"])
        sites = items[0]["productOrderItem"]
        place(sites[4], "SITE-11")
        sites += [place(deepcopy(sites[4]) | {"id": f"1.{number}"}, f"SITE-{number}") for number in (8, 9)]

        preview = await stage.preview(order_id, productOrderItem=items)
        amended = await stage.amend(order_id, productOrderItem=items)
        assert amended.status_code == 200, amended.text
        assert (await revised(stage, order_id, 2))["changes"] == touched_by(preview)
        go_on.set()
        order = await stage.ended(order_id)

    assert order["state"] == "completed"
    assert len(order["productOrderItem"][0]["productOrderItem"]) == 1 + 10
    entries = await since(stage, order_id, before)
    touched = {entry["key"].split(":so:")[1].split(":")[0] for entry in entries if ":so:" in entry["key"]}
    assert touched == {f"1.{site}" for site in ("3", "6", "7", "8", "9")}
    assert not {entry["target"] for entry in entries} & {
        entry["target"] for log in before.values() for entry in log if key_of_any(entry["key"], others)
    }
    sold = ["business-vpn", "vpn-core", "vpn-hub-site", *["vpn-spoke-site"] * 9]
    await exact(stage, order_id, customer, sold)
    assert {each["resourceStatus"] for each in moved} == {"reserved"}
    for resource in await again(stage, moved):
        # What is not bound to the place, another new site may have taken by now.
        free = resource["resourceStatus"] == "available"
        assert free or ("place" not in resource and "@2" in resource["reservation"]["requestedBy"])
    assert len(await resources_at(stage, customer, "SITE-11")) == len(moved)


def place(item: Document, place_id: str) -> Document:
    item["product"] = deepcopy(item["product"]) | {"place": [{"id": place_id, "role": "installationAddress"}]}
    return item


def key_of_any(key: str, sites: list[str]) -> bool:
    return any(f":so:1.{site}:" in key for site in sites)


async def resources_at(stage: Stage, customer: str, place_id: str) -> list[Document]:
    """Return the resources of a customer's services at a place."""
    services = [each for each in await stage.services(customer) if place_id in str(each.get("place"))]
    held = [each["id"] for service in services for each in service.get("supportingResource", [])]
    return [(await stage.inventory.get(f"{RESOURCE}/{each}")).json() for each in held]


async def again(stage: Stage, resources: list[Document]) -> list[Document]:
    return [(await stage.inventory.get(f"{RESOURCE}/{each['id']}")).json() for each in resources]


# --- a bundle, in flight ---


async def test_a_finished_service_order_is_changed_in_place_while_the_rest_goes_on(stage: Stage) -> None:
    document = fibre("home-tv")
    customer = customer_of(document)
    with stalled(stage.activation, ":tv/service/activate") as go_on:
        order_id = await stage.submit(document)
        await stage.reached(order_id, {"1.1:internet": "done", "1.2:home-network": "done", "1.4:tv": "running"})
        internet = await service_of(stage, customer, "cfs-internet")
        before = await logged(stage, order_id)

        changed = with_values(document, "fibre-internet", downloadSpeed=1000)
        preview = await stage.preview(order_id, productOrderItem=changed)
        assert (await stage.amend(order_id, productOrderItem=changed)).status_code == 200
        assert (await revised(stage, order_id, 2))["changes"] == touched_by(preview)
        go_on.set()
        order = await stage.ended(order_id)

    assert order["state"] == "completed"
    assert {each["key"]: each["action"] for each in touched_by(preview)} == {
        "1.1:internet": "modify",
        "1.2:home-network": "modify",  # it reads the VLAN of the line, which turns out to be the same
        "1.1": "do",
    }
    assert [entry for entry in await since(stage, order_id, before) if "home-network" in entry["key"]] == []
    changed_service = await service_of(stage, customer, "cfs-internet")
    assert changed_service["id"] == internet["id"]
    assert value(internet, "downloadSpeed") == 500
    assert value(changed_service, "downloadSpeed") == 1000
    network = f"/tmf-api/ServiceActivationAndConfiguration/v4/service/{internet['id']}"
    assert value((await stage.activation.get(network)).json(), "downloadSpeed") == 1000
    operations = {entry["operation"] for entry in await since(stage, order_id, before) if ":1.1:" in entry["key"]}
    assert operations == {"modify", "updateService", "test"}
    names = [name for prices in (await charged(stage, customer)).values() for name in prices]
    assert "Fibre Internet 1000, monthly" in names
    assert "Fibre Internet 500, monthly" not in names
    await exact(stage, order_id, customer, ["fibre-home-bundle", "fibre-internet", "home-router", "home-tv"])


async def test_an_order_that_is_amended_in_place_and_then_cancelled_leaves_nothing(stage: Stage) -> None:
    document = fibre("home-tv")
    customer = customer_of(document)
    with stalled(stage.activation, ":tv/service/activate") as go_on:
        order_id = await stage.submit(document)
        await stage.reached(order_id, {"1.1:internet": "done", "1.2:home-network": "done", "1.4:tv": "running"})
        changed = with_values(document, "fibre-internet", downloadSpeed=1000)
        assert (await stage.amend(order_id, productOrderItem=changed)).status_code == 200
        await stage.reached(order_id, {"1.1:internet": "done", "1.2:home-network": "done"})
        preview = await stage.preview(order_id, cancel=True)
        await stage.tell(ids.root_workflow(order_id), "cancel")
        go_on.set()
        order = await stage.ended(order_id)

    assert (order["state"], order.get("residue")) == ("cancelled", None)
    assert {each["key"] for each in touched_by(preview)} == {"1.1:internet", "1.2:home-network", "1.4:tv"}
    # What was done is undone, each version of it.
    undone = [each.workflow_id for each in await histories_of(stage, order_id) if each.workflow_id.endswith(":undo")]
    # TV is cancelled as its activation goes on: it undoes itself, or is done by then, and undone as the others are.
    assert {each.split(":so:")[1] for each in undone if ":ro:" not in each} - {"1.4:tv:undo"} == {
        f"{key}{version}:undo" for key in ("1.1:internet", "1.2:home-network") for version in ("", "@2")
    }
    await nothing_is_left(stage, order_id, customer)


async def test_parts_are_added_and_finished_ones_removed_while_the_rest_goes_on(stage: Stage) -> None:
    document = fibre("home-tv", "home-voice")
    customer = customer_of(document)
    with stalled(stage.activation, ":tv/service/activate") as go_on:
        order_id = await stage.submit(document)
        await stage.reached(order_id, {"1.1:internet": "done", "1.3:voice": "done", "1.4:tv": "running"})
        before = await logged(stage, order_id)
        items = deepcopy(document["productOrderItem"])
        parts = items[0]["productOrderItem"]
        parts.remove(part(items, "home-voice"))
        parts.append({"id": "1.9", "action": "add", "productOffering": {"id": "static-ip"}, "product": {}})
        assert (await stage.amend(order_id, productOrderItem=items)).status_code == 200
        await stage.reached(order_id, {"1.9:static-ip": "done"})
        go_on.set()
        order = await stage.ended(order_id)

    assert order["state"] == "completed"
    await exact(
        stage, order_id, customer, ["fibre-home-bundle", "fibre-internet", "home-router", "home-tv", "static-ip"]
    )
    assert [entry for entry in await stage.log(stage.billing, order_id) if "/1.3/" in entry["key"]] == []
    revision = await revised(stage, order_id, 2)
    assert {each["key"]: each["action"] for each in revision["changes"]} == {
        "1.9:static-ip": "do",
        "1": "do",
        "1.9": "do",
        "1.3:voice": "undo",
        "1.3": "undo",
    }
    entries = [entry for entry in await since(stage, order_id, before) if ":so:" in entry["key"]]
    assert {entry["key"].split(":so:")[1].split(":")[0] for entry in entries} == {"1.3", "1.4", "1.9"}


async def test_a_part_that_is_being_done_is_taken_back_and_done_as_amended(stage: Stage) -> None:
    document = fibre("home-tv")
    customer = customer_of(document)
    with stalled(stage.activation, ":tv/service/activate") as go_on:
        order_id = await stage.submit(document)
        await stage.reached(order_id, {"1.1:internet": "done", "1.4:tv": "running"})
        changed = with_values(document, "home-tv", package="basic", setTopBoxes=1)
        assert (await stage.amend(order_id, productOrderItem=changed)).status_code == 200
        go_on.set()
        order = await stage.ended(order_id)

    assert order["state"] == "completed"
    tv = await service_of(stage, customer, "cfs-iptv")
    assert (value(tv, "package"), value(tv, "setTopBoxes")) == ("basic", 1)
    actions = {each["key"]: each["action"] for each in (await revised(stage, order_id, 2))["changes"]}
    assert actions == {"1.4:tv": "replace", "1.4": "do"}
    await exact(stage, order_id, customer, ["fibre-home-bundle", "fibre-internet", "home-router", "home-tv"])


async def test_what_fails_for_good_after_an_amendment_is_undone_with_all_that_was_amended(stage: Stage) -> None:
    document = fibre("home-tv", "home-voice")
    customer = customer_of(document)
    with stalled(stage.activation, ":tv/service/activate") as go_on:
        order_id = await stage.submit(document)
        await stage.reached(order_id, {"1.1:internet": "done", "1.3:voice": "done", "1.4:tv": "running"})
        items = with_values({"productOrderItem": with_values(document, "home-voice", numberCount=1)}, "home-tv")
        part(items, "fibre-internet")["product"]["productCharacteristic"] = [{"name": "downloadSpeed", "value": 250}]
        assert (await stage.amend(order_id, productOrderItem=items)).status_code == 200
        await stage.reached(order_id, {"1.1:internet": "done", "1.3:voice": "done"})
        await stage.fault(stage.activation, match={"specification": "cfs-iptv"}, kind="permanent")
        go_on.set()
        order = await stage.ended(order_id)

    assert (order["state"], order.get("residue")) == ("failed", None)
    await nothing_is_left(stage, order_id, customer)


# --- products that are recorded already ---


@pytest.mark.parametrize("ending", ["cancelled", "completed"])
async def test_a_change_of_what_is_installed_is_amended_in_place(stage: Stage, ending: str) -> None:
    customer, products = await installed(stage)
    before = await records(stage, customer)
    change = {"productOrderItem": [modify("1", products["fibre-internet"], downloadSpeed=1000)]}
    change["productOrderItem"].append(modify("2", products["home-tv"], package="basic"))
    customer_of(change, customer)
    with stalled(stage.activation, ":so:2:tv/service/activate") as go_on:
        order_id = await stage.submit(change)
        await stage.reached(order_id, {"1": "done", "2:tv": "running"})
        for revision, speed in ((2, 100), (3, 250)):
            items = [modify("1", products["fibre-internet"], downloadSpeed=speed), change["productOrderItem"][1]]
            assert (await stage.amend(order_id, productOrderItem=items)).status_code == 200
            await stage.reached(order_id, {"1": "done"})
            actions = {each["key"]: each["action"] for each in (await revised(stage, order_id, revision))["changes"]}
            assert actions == {"1:internet": "modify", "1": "replace"}
        if ending == "cancelled":
            await stage.tell(ids.root_workflow(order_id), "cancel")
        go_on.set()
        order = await stage.ended(order_id)

    assert (order["state"], order.get("residue")) == (ending, None)
    if ending == "cancelled":
        assert await records(stage, customer) == before
    else:
        assert value(await service_of(stage, customer, "cfs-internet"), "downloadSpeed") == 250
        names = [name for prices in (await charged(stage, customer)).values() for name in prices]
        assert [name for name in names if name.startswith("Fibre Internet")] == ["Fibre Internet 250, monthly"]


def modify(item: str, product: str, **values: Any) -> Document:
    characteristics = [{"name": name, "value": value} for name, value in values.items()]
    return {"id": item, "action": "modify", "product": {"id": product, "productCharacteristic": characteristics}}


async def test_an_item_that_only_changes_what_it_costs_calls_for_its_product_and_charge_only(stage: Stage) -> None:
    document = two_items()
    customer = customer_of(document)
    with stalled(stage.activation, ":so:1:mobile/service/activate") as go_on:
        order_id = await stage.submit(document)
        await stage.reached(order_id, {"2": "done", "1:mobile": "running"})
        assert [each["productOffering"]["id"] for each in await stage.products(customer)] == ["fibre-internet"]
        before = await logged(stage, order_id)
        items = deepcopy(document["productOrderItem"])
        items[1]["productOffering"] = {"id": "internet-250"}
        assert (await stage.amend(order_id, productOrderItem=items)).status_code == 200
        await stage.reached(order_id, {"2": "done"})
        entries = await since(stage, order_id, before)
        go_on.set()
        order = await stage.ended(order_id)

    assert order["state"] == "completed"
    assert {entry["key"].split("/")[1] for entry in entries if entry["outcome"] == "done"} <= {"2"}
    actions = {each["key"]: each["action"] for each in (await revised(stage, order_id, 2))["changes"]}
    assert actions == {"2": "replace"}
    await exact(stage, order_id, customer, ["mobile-plan", "internet-250"])


async def test_another_customer_and_account_are_those_of_all_that_the_order_made_and_makes(stage: Stage) -> None:
    document = two_items()
    old, new = customer_of(document), f"{customer_of(document)}-heir"
    heir = {"relatedParty": [document["relatedParty"][0] | {"id": new}], "billingAccount": {"id": "acct-heir"}}
    with stalled(stage.activation, ":so:1:mobile/service/activate") as go_on:
        order_id = await stage.submit(document)
        await stage.reached(order_id, {"2": "done", "1:mobile": "running"})
        preview = touched_by(await stage.preview(order_id, **heir))
        assert (await stage.amend(order_id, **heir)).status_code == 200
        go_on.set()
        order = await stage.ended(order_id)

    assert (order["state"], order["relatedParty"][0]["id"]) == ("completed", new)
    assert (await revised(stage, order_id, 2))["changes"] == preview
    assert await stage.products(old) == []
    assert await charged(stage, old) == {}
    await exact(stage, order_id, new, ["mobile-plan", "fibre-internet"])
    charges = (await stage.billing.get("/billing/v1/charge", params={"customer.id": new})).json()
    accounts = {each["billingAccount"]["id"] for each in (*charges, *await stage.products(new))}
    assert accounts == {"acct-heir"}
    await stage.found(f"OrderCustomer='{new}'", ids.root_workflow(order_id))


async def test_a_product_that_was_replaced_is_taken_back_when_the_order_is_cancelled(stage: Stage) -> None:
    document = two_items()
    customer = customer_of(document)
    with stalled(stage.activation, ":so:1:mobile/service/activate") as go_on:
        order_id = await stage.submit(document)
        for speed in (500, 1000):
            await stage.reached(order_id, {"2": "done", "1:mobile": "running"})
            items = deepcopy(document["productOrderItem"])
            items[1]["product"]["productCharacteristic"] = [{"name": "downloadSpeed", "value": speed}]
            assert (await stage.amend(order_id, productOrderItem=items)).status_code == 200
        await stage.reached(order_id, {"2": "done"})
        await stage.tell(ids.root_workflow(order_id), "cancel")
        go_on.set()
        order = await stage.ended(order_id)

    assert (order["state"], order.get("residue")) == ("cancelled", None)
    await nothing_is_left(stage, order_id, customer)
