"""Another place: what is there goes along with its place-bound parts exchanged, or a new one is set up beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from catalogs.checks.resource_orders import check_resource_order
from catalogs.decomposition.product_orders import decompose
from catalogs.decomposition.resource_orders import decompose_resource_order
from catalogs.decomposition.service_orders import decompose_service_order
from catalogs.loader import load_catalogs
from catalogs.model.catalog_set import CatalogSet
from orders.model.installed import InstalledBase, InstalledProduct, InstalledResource, InstalledService
from orders.model.resource_orders import ResourceOrder
from orders.model.service_orders import ServiceOrder
from orders.model.violation import Violation
from orders.plan.orchestration_plan import OrchestrationPlan
from orders.plan.parts import ServiceItem
from tests.catalogs.installation import install
from tests.catalogs.outline import outline
from tests.catalogs.sample_orders import TODAY, add, fibre_bundle, item, keep, mobile, order, voice, vpn
from tests.catalogs.shop import shop_with, written
from tmf.bodies import Document


def installed(catalogs: CatalogSet, *items: Document) -> InstalledBase:
    return install(decompose(order(*items), catalogs, InstalledBase()))


def change(catalogs: CatalogSet, base: InstalledBase, *items: Document) -> OrchestrationPlan:
    return decompose(order(*items), catalogs, base)


def moved(item_id: str, product: str, place: str | None, *parts: Document, **characteristics: Any) -> Document:
    return item(item_id, "modify", *parts, product=product, place=place, characteristics=characteristics)


def services_of(product: InstalledProduct) -> list[InstalledService]:
    return [each for service in product.services for each in (service, *service.services)]


def places_of(product: InstalledProduct) -> set[str | None]:
    """Where a product is, by its own record and by those of all that realises it."""
    return {product.place, *(each.place for each in services_of(product))}


def moves(plan: OrchestrationPlan) -> dict[str, tuple[str | None, str | None]]:
    """Whence and whither each service of a plan goes that goes anywhere."""
    return {
        f"{each.key}/{item.key}": (item.previous_place, item.place)
        for each in plan.service_orders
        for item in each.items
        if item.moves
    }


def without_places(base: InstalledBase) -> InstalledBase:
    """The same, in inventories that say of no service or resource where it is."""

    def bare(service: InstalledService) -> InstalledService:
        parts = [bare(each) for each in service.services]
        resources = [each.model_copy(update={"place": None}) for each in service.resources]
        return service.model_copy(update={"place": None, "services": parts, "resources": resources})

    products = {
        key: each.model_copy(update={"services": [bare(service) for service in each.services]})
        for key, each in base.products.items()
    }
    return InstalledBase(products=products)


@pytest.mark.parametrize("known", [True, False], ids=["placed", "unplaced"])
def test_a_service_goes_along_with_its_product_and_exchanges_what_is_bound_to_the_place(
    shipped: CatalogSet, known: bool
) -> None:
    base = installed(shipped, add("1", "fibre-internet", place="BER-1"))
    base = base if known else without_places(base)
    plan = change(shipped, base, moved("2", "product-1", "HAM-1"))
    assert (
        outline(plan)
        == """\
2:internet modify cfs-internet
  access modify rfs-gpon-access
    port add gpon-port@HAM-1
    ont modify ont after port
    port~replaced delete gpon-port after port ont
  session modify rfs-internet-session after access
    vlan add internet-vlan@HAM-1
    ipv4 noChange ipv4-address
    ipv6 noChange ipv6-prefix
    vlan~replaced delete internet-vlan after vlan ipv4 ipv6
  service modify cfs-internet after access session
2 modify fibre-internet after 2:internet
""".splitlines()
    )
    went = ("BER-1", "HAM-1")
    assert moves(plan) == {"2:internet/access": went, "2:internet/session": went, "2:internet/service": went}
    assert plan.service_orders[0].place == "HAM-1"
    assert (plan.products[0].previous_place, plan.products[0].place) == went
    after = install(plan, base).products["product-1"]
    assert places_of(after) == {"HAM-1"}
    assert [each.id for each in services_of(after)] == [each.id for each in services_of(base.products["product-1"])]
    assert "HAM-1" in services_of(after)[0].characteristics["oltPort"]


def test_what_is_at_the_place_already_is_left_alone(shipped: CatalogSet) -> None:
    base = installed(shipped, add("1", "fibre-internet", place="BER-1"))
    plan = change(shipped, base, moved("2", "product-1", "BER-1"))
    assert outline(plan) == ["2 noChange fibre-internet"]


def test_what_was_left_behind_by_its_product_follows_it_with_the_next_change(shipped: CatalogSet) -> None:
    base = installed(shipped, add("1", "fibre-internet", place="BER-1"))
    base.products["product-1"].place = "MUC-1"
    plan = change(shipped, base, moved("2", "product-1", None, downloadSpeed=1000))
    after = install(plan, base).products["product-1"]
    assert places_of(after) == {"MUC-1"}
    assert [each.place for service in services_of(after) for each in service.resources if each.place] == ["MUC-1"] * 2


def test_a_member_that_is_at_the_new_place_already_stays(shipped: CatalogSet) -> None:
    base = installed(shipped, add("1", "fibre-internet", place="BER-1"))
    access = base.products["product-1"].services[0].services[0]
    access.resources[0].place = "HAM-1"
    plan = change(shipped, base, moved("2", "product-1", "HAM-1"))
    port, *others = plan.service_orders[0].item("access").resources
    assert (port.action, [each.key for each in others]) == ("noChange", ["ont"])


def test_what_inventory_says_of_a_member_counts_where_the_catalog_cannot_tell_what_was(lab: CatalogSet) -> None:
    base = installed(lab, add("1", "line", place="BER-1", parts=2))
    base.products["product-1"].characteristics["parts"] = 0  # the catalog divides by it
    plan = change(lab, base, moved("2", "product-1", "BER-2", parts=4))
    resources = {each.key: each.action.value for each in plan.service_orders[0].customer_facing_item().resources}
    assert resources == {"port": "add", "number": "modify", "port~replaced": "delete"}


def test_a_price_that_does_not_ask_for_the_place_stays_as_it_was_agreed(shipped: CatalogSet) -> None:
    base = installed(shipped, add("1", "fibre-internet", place="BER-1"))
    product = base.products["product-1"]
    for each in product.prices:
        each.name = "A price of last year"
    plan = change(shipped, base, moved("2", "product-1", "HAM-1"))
    assert [each.name for each in plan.products[0].prices] == ["A price of last year"]


def test_what_a_change_costs_once_is_charged_for_a_move_and_the_rest_stays(lab: CatalogSet) -> None:
    base = installed(lab, add("1", "line", place="BER-1"))
    before = [(each.price_type, each.name) for each in base.products["product-1"].prices]
    plan = change(lab, base, moved("2", "product-1", "BER-2"))
    lasting = [each for each in before if each[0] != "oneTime"]
    assert [(each.price_type, each.name) for each in plan.products[0].prices] == [
        *lasting,
        ("oneTime", "Line, change"),
    ]


def test_prices_that_ask_for_the_place_are_those_of_the_new_one(tmp_path: Path) -> None:
    monthly: Document = {
        "id": "monthly",
        "name": "Monthly",
        "priceType": "recurring",
        "recurringChargePeriodType": "month",
    }
    monthly |= {"price": {"unit": "EUR", "value": 10}}
    prices = [
        {**monthly, "when": "place.id == 'BER-1'"},
        {**monthly, "id": "remote", "name": "Remote", "when": "place.id != 'BER-1'"},
    ]
    shop = shop_with("productOfferingPrice", prices)
    shop["productOffering"][1]["productOfferingPrice"] = [{"id": "monthly"}, {"id": "remote"}]
    catalogs = load_catalogs(written(tmp_path, shop))
    base = installed(catalogs, add("1", "line", place="BER-1"))
    plan = change(catalogs, base, moved("2", "product-1", "BER-2"))
    assert [each.name for each in base.products["product-1"].prices] == ["Monthly"]
    assert [each.name for each in plan.products[0].prices] == ["Remote"]


def test_the_parts_of_a_bundle_that_are_where_it_is_move_with_it_named_or_not(shipped: CatalogSet) -> None:
    base = installed(shipped, fibre_bundle(voice()))
    named = moved("2", "product-internet", None, downloadSpeed=100)
    plan = change(shipped, base, moved("1", "product-home", "HAM-1", named))
    assert {each.key: (each.action.value, each.place) for each in plan.products} == {
        "1": ("modify", "HAM-1"),
        "2": ("modify", "HAM-1"),
        "1+product-router": ("modify", "HAM-1"),
        "1+product-voice": ("modify", "HAM-1"),
    }
    assert {each.unit for each in plan.products} == {"1"}
    after = install(plan, base)
    for each in after.products.values():
        assert places_of(each) == {"HAM-1"}
    assert set(after.products["product-home"].components) == set(base.products["product-home"].components)
    assert after.products["product-internet"].characteristics["downloadSpeed"] == 100


def test_parts_elsewhere_at_no_place_or_ended_and_parts_that_say_their_place_stay(shipped: CatalogSet) -> None:
    base = installed(shipped, fibre_bundle(voice()), mobile())
    home = base.products["product-home"]
    base.products["product-home"] = home.model_copy(update={"components": [*home.components, "product-mobile"]})
    base.products["product-voice"].place = "MUC-1"
    base.products["product-old-tv"] = base.products["product-voice"].model_copy(
        update={"id": "product-old-tv", "place": "BER-1", "status": "terminated"}
    )
    base.products["product-home"].components.append("product-old-tv")
    stays = moved("2", "product-router", "BER-1", wifiName="Home again")
    plan = change(shipped, base, moved("1", "product-home", "HAM-1", keep("3", "product-internet"), stays))
    assert {each.key: (each.action.value, each.place) for each in plan.products} == {
        "1": ("modify", "HAM-1"),
        "3": ("noChange", "BER-1"),
        "2": ("modify", "BER-1"),
    }


def test_a_bundle_that_inventory_has_at_no_place_leaves_the_one_of_all_its_parts(shipped: CatalogSet) -> None:
    base = installed(shipped, fibre_bundle())
    base.products["product-home"].place = None
    plan = change(shipped, base, moved("1", "product-home", "HAM-1"))
    assert {each.place for each in plan.products} == {"HAM-1"}
    base.products["product-router"].place = "BER-2"
    plan = change(shipped, base, moved("1", "product-home", "HAM-1"))
    assert [each.key for each in plan.products] == ["1"]


def test_a_new_service_is_set_up_beside_the_old_one_where_the_catalog_says_so(shipped: CatalogSet) -> None:
    base = installed(shipped, vpn(1))
    plan = change(shipped, base, moved("1", "product-spoke1", "SITE-9"))
    assert {each.key: (each.action.value, each.place, each.depends_on) for each in plan.service_orders} == {
        "1:access~replaced": ("delete", "SITE-1", ["1:access", "1:overlay"]),
        "1:access": ("add", "SITE-9", []),
        "1:overlay": ("modify", "SITE-9", ["1:access"]),
    }
    assert moves(plan) == {"1:overlay/tunnel": ("SITE-1", "SITE-9"), "1:overlay/service": ("SITE-1", "SITE-9")}
    overlay = next(each for each in plan.service_orders if each.key == "1:overlay")
    assert overlay.inputs["access"] == "1:access"
    assert overlay.customer_facing_item().late == {"wanPrefix": "services.access.wanPrefix"}
    before, after = base.products["product-spoke1"], install(plan, base).products["product-spoke1"]
    assert places_of(after) == {"SITE-9"}
    old, new = before.service("access"), after.service("access")
    assert old
    assert new
    assert old.id != new.id


def test_a_part_gives_way_to_a_new_one_within_a_service_that_goes_along(shipped: CatalogSet) -> None:
    router = add("2", "home-router", installation="technician")
    base = installed(shipped, add("1", "fibre-internet", place="BER-1"), {**router, **_at("BER-1", router)})
    plan = change(shipped, base, moved("3", "product-2", "BER-2"))
    items = {each.key: each for each in plan.service_orders[0].items}
    assert {key: each.action.value for key, each in items.items()} == {
        "cpe": "modify",
        "visit": "add",
        "visit~replaced": "delete",
        "service": "modify",
    }
    assert items["visit"].manual is not None
    assert items["visit~replaced"].depends_on == ["service"]


def _at(place: str, document: Document) -> Document:
    return {"product": {**document["product"], "place": [{"id": place, "role": "installation"}]}}


def service_order(**service: Any) -> ServiceOrder:
    return ServiceOrder.model_validate(
        {"id": "s-1", "serviceOrderItem": [{"id": "1", "action": "modify", "service": service}]}
    )


def at(place: str) -> list[Document]:
    return [{"id": place, "role": "installation"}]


def test_a_service_that_is_ordered_by_itself_goes_along_and_its_parts_follow(shipped: CatalogSet) -> None:
    base = installed(shipped, vpn(1))
    access = base.products["product-spoke1"].service("access")
    assert access
    base = InstalledBase(single_services={access.id: access}, owners={access.id: []})
    plan = decompose_service_order(service_order(id=access.id, place=at("SITE-9")), shipped, base, on=TODAY)
    (planned,) = plan.service_orders
    assert (planned.action.value, planned.place) == ("modify", "SITE-9")
    assert set(moves(plan).values()) == {("SITE-1", "SITE-9")}
    assert {each.key for each in planned.items} == {"line", "cpe", "service"}
    line: ServiceItem = planned.item("line")
    assert [(each.key, each.action.value, each.demand.place) for each in line.resources] == [
        ("port", "add", "SITE-9"),
        ("vlan", "add", "SITE-9"),
        ("port~replaced", "delete", None),
        ("vlan~replaced", "delete", None),
    ]


def test_a_service_that_the_catalog_has_at_a_place_of_its_own_stays_there(lab: CatalogSet) -> None:
    base = installed(lab, add("1", "modem-lease", place="BER-1"))
    (there,) = base.products["product-1"].services
    assert there.place == "WAREHOUSE"
    assert outline(change(lab, base, moved("2", "product-1", "BER-2"))) == ["2 modify modem-lease"]


def test_a_service_of_which_nobody_knew_where_it_is_is_recorded_there_with_what_it_has(
    shipped: CatalogSet,
) -> None:
    base = without_places(installed(shipped, vpn(1)))
    access = base.products["product-spoke1"].service("access")
    assert access
    base = InstalledBase(single_services={access.id: access}, owners={access.id: []})
    plan = decompose_service_order(service_order(id=access.id, place=at("SITE-1")), shipped, base, on=TODAY)
    assert set(moves(plan).values()) == {(None, "SITE-1")}
    (planned,) = plan.service_orders
    assert {each.action.value for item in planned.items for each in item.resources} == {"noChange"}


def test_nothing_is_set_up_beside_a_service_of_which_nobody_knows_where_it_is(shipped: CatalogSet) -> None:
    base = without_places(installed(shipped, vpn(1)))
    base.products["product-spoke1"].place = None
    plan = change(shipped, base, moved("1", "product-spoke1", "SITE-1"))
    assert "1:access~replaced" not in {each.key for each in plan.service_orders}


def resource_order(place: str, **resource: Any) -> ResourceOrder:
    wanted = {"id": "r-7", "place": {"id": place, "role": "installation"}, **resource}
    items = [{"id": "1", "action": "modify", "resource": wanted}]
    return ResourceOrder.model_validate({"id": "r-1", "orderItem": items})


def ont(**fields: Any) -> InstalledResource:
    there = {"specification_id": "ont", "value": "ONTX7", "pool": "ont@BER-1", "place": "BER-1", "reserved_by": "k"}
    characteristics = {"oltPort": "olt-7", "colour": "white"}
    return InstalledResource.model_validate(
        {"id": "r-7", "key": "r-7", "characteristics": characteristics, **there, **fields}
    )


def singles(resource: InstalledResource, *owners: str) -> InstalledBase:
    return InstalledBase(single_resources={resource.id: resource}, owners={resource.id: list(owners)})


def test_a_resource_that_is_ordered_by_itself_is_exchanged_the_new_one_first(shipped: CatalogSet) -> None:
    plan = decompose_resource_order(resource_order("HAM-1"), shipped, singles(ont()), on=TODAY)
    (planned,) = plan.resource_orders
    new, old = planned.resource_order().resources
    assert planned.action.value == "modify"
    assert (new.key, new.action.value, new.demand.place, new.demand.pool, new.demand.value) == (
        *("1", "add", "HAM-1"),
        *(None, None),
    )
    assert new.characteristics == {"oltPort": "olt-7"}
    assert (old.key, old.action.value, old.resource_id, old.depends_on) == ("1~replaced", "delete", "r-7", ["1"])
    assert (old.demand.value, old.reserved_by) == ("ONTX7", "k")
    unmoved = decompose_resource_order(resource_order("BER-1"), shipped, singles(ont()), on=TODAY)
    assert unmoved.resource_orders == []


@pytest.mark.parametrize(
    ("base", "code", "said"),
    [
        (singles(ont(), "service:s-4"), "resourceInUse", "is needed by service s-4; move that to HAM-1"),
        (singles(ont(place=None)), "placeUnknown", "inventory does not say where resource r-7 is"),
    ],
)
def test_a_resource_is_not_moved_from_under_a_service_nor_from_nowhere(
    shipped: CatalogSet, base: InstalledBase, code: str, said: str
) -> None:
    violations: list[Violation] = check_resource_order(resource_order("HAM-1"), shipped, base, TODAY)
    assert [(each.code, each.path) for each in violations] == [(code, "orderItem[0].resource.place")]
    assert said in violations[0].message
    assert check_resource_order(resource_order("BER-1"), shipped, singles(ont(), "service:s-4"), TODAY) == []
