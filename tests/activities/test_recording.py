"""Services and products in inventory: recorded, changed, removed and restored; and read back after an undo."""

from __future__ import annotations

from typing import Any

import pytest

from activities.expectations import Expectation, Kind
from activities.inventory import ChangeService, InventoryActivities, RecordService, RemoveService, ReserveResource
from activities.product_records import Named, RecordProduct, RestoreProduct
from application.http import DownstreamError
from application.installed_base import read_installed_base
from orders.model.product_orders import Action, Money, OrderPrice, Price, ProductOrder, Reference
from orders.plan.parts import Demand, ProductPlan, Specification
from tests.application.conftest import Reference as System
from tests.application.conftest import perform

pytestmark = pytest.mark.anyio

SERVICE = "/tmf-api/serviceInventory/v4/service"
PRODUCT = "/tmf-api/productInventory/v4/product"


def price(amount: float) -> OrderPrice:
    return OrderPrice(
        price_type="recurring",
        recurring_charge_period="month",
        price=Price(duty_free_amount=Money(unit="EUR", value=amount)),
    )


def access(key: str = "k", order: str = "x:1:internet", item: str = "access", **fields: Any) -> RecordService:
    return RecordService(
        key=key,
        name="Fibre access",
        specification=Specification(id="rfs-access", name="Fibre access", version="2.0"),
        customer_facing=False,
        service_order=order,
        item=item,
        **fields,
    )


def fibre(action: Action = Action.ADD, **fields: Any) -> ProductPlan:
    return ProductPlan(key="1", item_id="1", unit="1", action=action, name="Fibre 500", **fields)


async def record(inventory: System, request: RecordService) -> str:
    return await perform(InventoryActivities(inventory.system).record_service, request)


async def record_product(inventory: System, product: ProductPlan, key: str = "k", **fields: Any) -> str:
    request = RecordProduct(key=key, order_id="x", product=product, **fields)
    return await perform(InventoryActivities(inventory.system).record_product, request)


async def restore(inventory: System, product: ProductPlan, product_id: str | None = None) -> None:
    request = RestoreProduct(key="undo", order_id="x", product=product, product_id=product_id)
    await perform(InventoryActivities(inventory.system).restore_product, request)


async def installed(inventory: System, product_id: str) -> dict[str, Any]:
    """What planning finds of a product's record."""
    order = ProductOrder.model_validate(
        {"productOrderItem": [{"id": "1", "action": "modify", "product": {"id": product_id}}]}
    )
    return (await read_installed_base(inventory.system, order)).products[product_id].record


async def test_a_service_is_recorded_as_reserved_for_its_orders_item(inventory: System) -> None:
    service_id = await record(inventory, access(place="BER-1", customer_id="c-1"))
    service = await inventory.get(f"{SERVICE}/{service_id}")
    assert (service["state"], service["category"], service["name"]) == ("reserved", "RFS", "Fibre access")
    assert service["serviceSpecification"] == {"id": "rfs-access", "name": "Fibre access", "version": "2.0"}
    assert service["serviceOrderItem"] == [{"serviceOrderId": "x:1:internet", "itemId": "access"}]
    assert (service["relatedParty"][0]["id"], service["place"][0]["id"]) == ("c-1", "BER-1")


async def test_recording_a_service_again_makes_no_second_one(inventory: System) -> None:
    assert await record(inventory, access()) == await record(inventory, access())
    assert await inventory.effects() == [("createService", "done"), ("createService", "absorbed")]


async def test_a_service_changes_its_state_and_what_supports_it_only_where_that_is_given(inventory: System) -> None:
    service_id = await record(inventory, access())
    activities = InventoryActivities(inventory.system)
    change = ChangeService(
        key="a",
        service_id=service_id,
        state="active",
        characteristics={"downloadSpeed": 500},
        services=[Named(key="core", id="s-2")],
        resources=[Named(key="port", id="r-1")],
    )
    await perform(activities.change_service, change)
    await perform(activities.change_service, ChangeService(key="t", service_id=service_id, state="terminated"))
    service = await inventory.get(f"{SERVICE}/{service_id}")
    assert service["state"] == "terminated"
    assert service["serviceCharacteristic"] == [{"name": "downloadSpeed", "value": 500}]
    assert service["supportingService"] == [{"id": "s-2", "name": "core"}]
    assert service["supportingResource"] == [{"id": "r-1", "name": "port"}]


async def test_a_service_that_moves_is_recorded_at_its_new_place_and_given_back_its_old_one(inventory: System) -> None:
    service_id = await record(inventory, access(place="BER-1"))
    activities = InventoryActivities(inventory.system)
    there = [{"id": "HAM-1", "role": "installation"}, {"id": "A-7", "role": "billing"}]
    moved = ChangeService(key="a", service_id=service_id, state="active", place=there)
    await perform(activities.change_service, moved)
    assert (await inventory.get(f"{SERVICE}/{service_id}"))["place"] == there
    before = {"state": "active", "place": [{"id": "BER-1", "role": "installation"}]}
    await perform(activities.change_service, moved.model_copy(update={"key": "u", "record": before}))
    assert (await inventory.get(f"{SERVICE}/{service_id}"))["place"] == before["place"]
    noted_before_places_were = moved.model_copy(update={"key": "v", "record": {"state": "active"}})
    await perform(activities.change_service, noted_before_places_were)
    assert (await inventory.get(f"{SERVICE}/{service_id}"))["place"] == there


async def test_a_service_is_given_back_the_very_record_that_it_had(inventory: System) -> None:
    service_id = await record(inventory, access())
    activities = InventoryActivities(inventory.system)
    before = {
        "state": "active",
        "serviceCharacteristic": [{"name": "downloadSpeed", "value": 250, "valueType": "integer"}],
        "supportingService": [{"id": "s-2", "name": "core", "@type": "ServiceRef"}],
        "supportingResource": None,
    }
    change = ChangeService(
        key="a",
        service_id=service_id,
        state="active",
        characteristics={"downloadSpeed": 500},
        services=[],
        resources=[],
    )
    await perform(activities.change_service, change)
    await perform(activities.change_service, change.model_copy(update={"key": "u", "record": before}))
    service = await inventory.get(f"{SERVICE}/{service_id}")
    assert {name: service.get(name) for name in before} == before


async def test_a_service_is_removed_once(inventory: System) -> None:
    service_id = await record(inventory, access())
    request = RemoveService(key="u", service_order="x:1:internet", item="access", service_id=service_id)
    for _ in range(2):
        await perform(InventoryActivities(inventory.system).remove_service, request)
    assert await inventory.get(f"{SERVICE}/{service_id}") == 404


async def test_a_service_whose_id_was_lost_is_removed_by_its_orders_item_and_no_other_is(inventory: System) -> None:
    others = [await record(inventory, access("o1", item="routing")), await record(inventory, access("o2", order="y"))]
    await inventory.fault("lostAnswer", operation="createService")
    with pytest.raises(DownstreamError, match="lost"):
        await record(inventory, access())
    request = RemoveService(key="u", service_order="x:1:internet", item="access")
    await perform(InventoryActivities(inventory.system).remove_service, request)
    assert [service["id"] for service in await inventory.get(SERVICE)] == others


async def test_a_new_product_is_recorded_with_all_that_it_is(inventory: System) -> None:
    plan = fibre(
        offering=Reference(id="fibre-500", name="Fibre 500"),
        specification=Specification(id="fibre", name="Fibre"),
        place="BER-1",
        customer_id="c-1",
        billing_account="b-1",
        characteristics={"downloadSpeed": 500},
        prices=[price(29.9)],
    )
    product_id = await record_product(
        inventory, plan, services=[Named(key="internet", id="s-1")], components=["p-2"], relies_on=["p-3"]
    )
    product = await inventory.get(f"{PRODUCT}/{product_id}")
    assert (product["status"], product["name"], product["isBundle"]) == ("active", "Fibre 500", True)
    assert product["productOffering"] == {"id": "fibre-500", "name": "Fibre 500"}
    assert product["productSpecification"] == {"id": "fibre", "name": "Fibre", "version": "1.0"}
    assert product["productCharacteristic"] == [{"name": "downloadSpeed", "value": 500}]
    assert product["productPrice"][0]["price"]["dutyFreeAmount"] == {"unit": "EUR", "value": 29.9}
    assert product["realizingService"] == [{"id": "s-1", "name": "internet"}]
    assert [(each["relationshipType"], each["product"]["id"]) for each in product["productRelationship"]] == [
        ("bundles", "p-2"),
        ("reliesOn", "p-3"),
    ]
    assert (product["place"][0]["id"], product["billingAccount"]["id"]) == ("BER-1", "b-1")
    assert product["relatedParty"] == [{"id": "c-1", "role": "customer"}]
    assert (
        await record_product(
            inventory, plan, services=[Named(key="internet", id="s-1")], components=["p-2"], relies_on=["p-3"]
        )
        == product_id
    )


async def test_undoing_an_addition_removes_the_product_also_when_its_id_was_lost(inventory: System) -> None:
    known = await record_product(inventory, fibre())
    await restore(inventory, fibre(), known)
    assert await inventory.get(f"{PRODUCT}/{known}") == 404
    other = await record_product(inventory, fibre().model_copy(update={"key": "1*2"}), "other")
    await inventory.fault("lostAnswer", operation="createProduct")
    with pytest.raises(DownstreamError, match="lost"):
        await record_product(inventory, fibre(), "again")
    await restore(inventory, fibre())
    assert [product["id"] for product in await inventory.get(PRODUCT)] == [other]


BEFORE: dict[str, Any] = {
    "id": "p-1",
    "name": "Fibre",
    "status": "active",
    "ofItsOwn": "kept",
    "productOffering": {"id": "fibre-250", "name": "Fibre 250"},
    "productSpecification": {"id": "fibre", "name": "Fibre", "version": "1.0"},
    "productCharacteristic": [{"name": "downloadSpeed", "value": 250, "valueType": "integer"}],
    "productPrice": [{"priceType": "recurring", "price": {"dutyFreeAmount": {"unit": "EUR", "value": 19.9}}}],
    "realizingService": [
        {"id": "s-1", "name": "internet"},
        {"id": "s-2", "name": "voice"},
        {"id": "s-3", "name": "tv"},
    ],
    "productRelationship": [
        {"relationshipType": "bundles", "product": {"id": "p-2"}},
        {"relationshipType": "bundles", "product": {"id": "p-3"}},
        {"relationshipType": "reliesOn", "product": {"id": "p-4"}},
        {"relationshipType": "migratedFrom", "product": {"id": "p-2"}},
    ],
    "place": [{"id": "BER-1", "role": "installation"}],
    "startDate": "2026-03-01T00:00:00Z",
}


async def changed(inventory: System, **fields: Any) -> ProductPlan:
    """A modification of a product that is as `BEFORE` says."""
    response = await inventory.client.post(PRODUCT, json=BEFORE, headers={"Idempotency-Key": "before"})
    assert response.status_code == 201
    return fibre(
        Action.MODIFY,
        product_id="p-1",
        characteristics={"downloadSpeed": 500},
        prices=[price(29.9)],
        record=await installed(inventory, "p-1"),
        **fields,
    )


async def test_a_modification_writes_what_differs_and_keeps_what_the_order_does_not_touch(inventory: System) -> None:
    plan = await changed(
        inventory,
        services=["1:internet", "1:tv", "1:backup"],
        offering=Reference(id="fibre-500", name="Fibre 500"),
        specification=Specification(id="fibre", name="Fibre"),
        place="BER-1",
        billing_account="b-2",
    )
    await record_product(
        inventory,
        plan,
        services=[Named(key="internet", id="s-1"), Named(key="backup", id="s-9")],
        components=["p-2", "p-8"],
        ended=["p-3"],
    )
    product = await inventory.get(f"{PRODUCT}/p-1")
    assert product["productCharacteristic"] == [{"name": "downloadSpeed", "value": 500}]
    assert product["productOffering"] == {"id": "fibre-500", "name": "Fibre 500"}
    assert product["billingAccount"] == {"id": "b-2"}
    assert {each["name"]: each["id"] for each in product["realizingService"]} == {
        "voice": "s-2",
        "internet": "s-1",
        "backup": "s-9",
    }
    assert {(each["relationshipType"], each["product"]["id"]) for each in product["productRelationship"]} == {
        ("bundles", "p-2"),
        ("bundles", "p-8"),
        ("reliesOn", "p-4"),
        ("migratedFrom", "p-2"),
    }
    assert product["name"] == "Fibre 500"
    for name in ("ofItsOwn", "productSpecification", "place"):
        assert product[name] == BEFORE[name]


async def test_a_product_that_moves_keeps_its_state_and_its_places_for_other_things(inventory: System) -> None:
    places = [{"id": "A-7", "role": "billing"}, {"id": "BER-1", "role": "installation"}]
    there = {"id": "p-2", "name": "Fibre", "status": "suspended", "place": places}
    await inventory.client.post(PRODUCT, json=there, headers={"Idempotency-Key": "there"})
    record = await installed(inventory, "p-2")
    moved = fibre(Action.MODIFY, product_id="p-2", place="HAM-1", previous_place="BER-1", record=record)
    await record_product(inventory, moved)
    after = await inventory.get(f"{PRODUCT}/p-2")
    assert (after["status"], after["place"]) == ("suspended", [{"id": "HAM-1", "role": "installation"}, places[0]])


async def test_undoing_a_modification_gives_back_the_very_record(inventory: System) -> None:
    plan = await changed(
        inventory, services=["1:tv"], offering=Reference(id="fibre-500", name="Fibre 500"), billing_account="b-2"
    )
    await record_product(inventory, plan, components=["p-8"])
    for _ in range(2):
        await restore(inventory, plan)
    product = await inventory.get(f"{PRODUCT}/p-1")
    assert {name: value for name, value in product.items() if name not in ("href", "@type")} == BEFORE


async def test_a_deleted_product_is_terminated_and_its_undo_gives_back_the_very_record(inventory: System) -> None:
    plan = (await changed(inventory)).model_copy(update={"action": Action.DELETE, "prices": []})
    assert await record_product(inventory, plan) == "p-1"
    ended = await inventory.get(f"{PRODUCT}/p-1")
    assert (ended["status"], ended["realizingService"]) == ("terminated", BEFORE["realizingService"])
    await restore(inventory, plan)
    product = await inventory.get(f"{PRODUCT}/p-1")
    assert {name: value for name, value in product.items() if name not in ("href", "@type")} == BEFORE


async def test_reading_back_finds_what_is_not_as_it_should_be_and_nothing_else(inventory: System) -> None:
    activities = InventoryActivities(inventory.system)
    port = await perform(
        activities.reserve_resource,
        ReserveResource(key="r", specification="gpon-port", demand=Demand(place="BER-1")),
    )
    service_id = await record(inventory, access())
    product_id = await record_product(inventory, fibre(), "product")
    right = [
        Expectation(kind=Kind.RESOURCE, id=port.id, states=["reserved"]),
        Expectation(kind=Kind.SERVICE, id=service_id, states=["active", "reserved"]),
        Expectation(kind=Kind.PRODUCT, id=product_id, states=["active"]),
        Expectation(kind=Kind.PRODUCT, id="gone/for good", states=["absent"]),
    ]
    wrong = [
        Expectation(kind=Kind.RESOURCE, id=port.id, states=["available", "absent"]),
        Expectation(kind=Kind.SERVICE, id="s-0", states=["active"]),
        Expectation(kind=Kind.PRODUCT, id=product_id, states=["absent"]),
    ]
    residue = await perform(activities.read_back, [right[0], wrong[0], *right[1:], *wrong[1:]])
    assert [(each.target, each.message) for each in residue] == [
        (f"resource {port.id}", "is reserved where available or absent was expected after the undo"),
        ("service s-0", "is absent where active was expected after the undo"),
        (f"product {product_id}", "is active where absent was expected after the undo"),
    ]
    assert {(each.step, each.system) for each in residue} == {("read back", "inventory")}
    assert await perform(activities.read_back, []) == []
