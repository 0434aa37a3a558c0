"""Modify, noChange and delete: what differs from the installed base, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from catalogs.decomposition.product_orders import decompose
from catalogs.model.catalog_set import CatalogSet
from orders.model.installed import InstalledBase, InstalledProduct, InstalledService
from orders.model.product_orders import Action
from orders.plan.orchestration_plan import OrchestrationPlan
from orders.plan.parts import ResourceItem, ServiceItem
from tests.catalogs.installation import install
from tests.catalogs.outline import outline
from tests.catalogs.sample_orders import (
    add,
    fibre_bundle,
    item,
    keep,
    mobile,
    modify,
    order,
    spoke,
    tv,
    voice,
    vpn,
)
from tmf.bodies import Document


def installed(catalogs: CatalogSet, *items: Document) -> InstalledBase:
    return install(decompose(order(*items), catalogs, InstalledBase()))


def change(catalogs: CatalogSet, base: InstalledBase, *items: Document) -> OrchestrationPlan:
    return decompose(order(*items), catalogs, base)


def items_of(plan: OrchestrationPlan, service_order: str) -> dict[str, ServiceItem]:
    return {each.key: each for each in next(each for each in plan.service_orders if each.key == service_order).items}


def resources_of(plan: OrchestrationPlan, service_order: str, key: str = "service") -> dict[str, ResourceItem]:
    return {each.key: each for each in items_of(plan, service_order)[key].resources}


def test_a_higher_speed_touches_the_line_profile_and_the_session_alone(shipped: CatalogSet) -> None:
    base = installed(shipped, fibre_bundle(voice(), tv()))
    plan = change(shipped, base, modify("1", "product-internet", downloadSpeed=1000))
    assert (
        outline(plan)
        == """\
1:internet modify cfs-internet
  access modify rfs-gpon-access
    port noChange gpon-port@BER-1
    ont noChange ont after port
  session modify rfs-internet-session after access
    vlan noChange internet-vlan@BER-1
    ipv4 noChange ipv4-address
    ipv6 noChange ipv6-prefix
  service modify cfs-internet after access session
1 modify fibre-internet after 1:internet
""".splitlines()
    )
    session = items_of(plan, "1:internet")["session"]
    assert session.service_id == "service-internet:internet/session"
    assert session.late == {}
    assert session.previous["downloadSpeed"] == 250
    assert session.characteristics == {**session.previous, "downloadSpeed": 1000, "uploadSpeed": 200}
    [product] = plan.products
    assert product.product_id == "product-internet"
    assert (product.previous, product.characteristics) == ({"downloadSpeed": 250}, {"downloadSpeed": 1000})
    assert [each.name for each in product.previous_prices] == ["Fibre Internet 250, monthly"]
    assert [each.name for each in product.prices] == ["Fibre Internet 1000, monthly"]


def test_resources_that_stay_say_what_they_are(shipped: CatalogSet) -> None:
    base = installed(shipped, fibre_bundle())
    plan = change(shipped, base, modify("1", "product-internet", downloadSpeed=1000))
    port = resources_of(plan, "1:internet", "access")["port"]
    assert port.resource_id == "resource-internet:internet/access/port@BER-1"
    assert port.demand.value == "internet:internet/access/port@BER-1"


@pytest.mark.parametrize("characteristics", [{}, {"downloadSpeed": 250}])
def test_a_change_of_nothing_is_no_change(shipped: CatalogSet, characteristics: dict[str, Any]) -> None:
    base = installed(shipped, fibre_bundle())
    plan = change(shipped, base, modify("1", "product-internet", **characteristics))
    assert outline(plan) == ["1 noChange fibre-internet"]
    [product] = plan.products
    assert product.prices == product.previous_prices == base.products["product-internet"].prices


def test_no_change_leaves_all_as_it_is(shipped: CatalogSet) -> None:
    base = installed(shipped, fibre_bundle(voice()))
    plan = change(shipped, base, keep("1", "product-home", keep("2", "product-voice")))
    assert outline(plan) == ["1 noChange fibre-home-bundle after 2", "2 noChange home-voice"]
    assert install(plan, base) == base


def test_a_further_number_adds_one_line_and_tells_the_service(shipped: CatalogSet) -> None:
    base = installed(shipped, fibre_bundle(voice(1)))
    plan = change(shipped, base, modify("1", "product-voice", numberCount=2))
    assert (
        outline(plan)
        == """\
1:voice modify cfs-voice
  line noChange rfs-sip-line
    number noChange msisdn-fixed@BER-1
    account noChange sip-account after number
  line*2 add rfs-sip-line
    number add msisdn-fixed@BER-1
    account add sip-account after number
  service modify cfs-voice after line line*2
1 modify home-voice after 1:voice
""".splitlines()
    )
    service = items_of(plan, "1:voice")["service"]
    assert list(service.late) == ["numbers"]
    numbers = install(plan, base).products["product-voice"].services[0].characteristics["numbers"]
    assert numbers == ["voice:voice/line/number@BER-1", "1:voice/line*2/number@BER-1"]


def test_fewer_boxes_are_taken_down_after_the_service_lets_go_of_them(shipped: CatalogSet) -> None:
    base = installed(shipped, fibre_bundle(tv(boxes=2)))
    plan = change(shipped, base, modify("1", "product-tv", setTopBoxes=1))
    assert (
        outline(plan)
        == """\
1:tv modify cfs-iptv
  subscription noChange rfs-iptv-subscription
    subscription noChange iptv-subscription
  box noChange rfs-set-top-box after subscription
    box noChange set-top-box
  box*2 delete rfs-set-top-box after service
    box delete set-top-box
  service modify cfs-iptv after subscription box
1 modify home-tv after 1:tv
""".splitlines()
    )
    box = items_of(plan, "1:tv")["box*2"]
    assert box.service_id == "service-tv:tv/box*2"
    assert (
        box.characteristics
        == box.previous
        == {"subscription": "tv:tv/subscription/subscription@", "serialNumber": "tv:tv/box*2/box@"}
    )
    assert items_of(plan, "1:tv")["service"].late == {}


def test_another_card_changes_the_subscriber_and_those_that_read_it(shipped: CatalogSet) -> None:
    base = installed(shipped, mobile(simType="sim"))
    plan = change(shipped, base, modify("1", "product-mobile", simType="esim"))
    assert (
        outline(plan)
        == """\
1:mobile modify cfs-mobile
  subscriber modify rfs-subscriber
    imsi noChange imsi
    esim add esim-profile after imsi
    sim delete sim-card after imsi esim
  number noChange rfs-mobile-number
    msisdn noChange msisdn
  profile noChange rfs-network-profile after subscriber number
  service modify cfs-mobile after subscriber number profile
1 modify mobile-plan after 1:mobile
""".splitlines()
    )
    items = items_of(plan, "1:mobile")
    assert list(items["subscriber"].late) == ["iccid"]
    assert list(items["service"].late) == ["iccid"]
    after = install(plan, base).products["product-mobile"]
    assert after.services[0].characteristics["iccid"] == "1:mobile/subscriber/esim@"


def test_another_number_is_a_new_one_beside_the_old_until_the_rest_is_done(shipped: CatalogSet) -> None:
    base = installed(shipped, mobile(msisdn="+4915020100001"))
    plan = change(shipped, base, modify("1", "product-mobile", msisdn="+4915020100002"))
    number = resources_of(plan, "1:mobile", "number")
    assert [(key, each.action.value, each.depends_on) for key, each in number.items()] == [
        ("msisdn", "add", []),
        ("msisdn~replaced", "delete", ["msisdn"]),
    ]
    assert number["msisdn"].demand.value == "+4915020100002"
    assert number["msisdn~replaced"].demand.value == "+4915020100001"
    profile = items_of(plan, "1:mobile")["profile"]
    assert (profile.action, list(profile.late)) == (Action.MODIFY, ["msisdn"])
    assert items_of(plan, "1:mobile")["subscriber"].action is Action.NO_CHANGE


def test_a_number_that_is_no_longer_asked_for_by_name_stays(shipped: CatalogSet) -> None:
    base = installed(shipped, mobile(msisdn="+4915020100001"))
    plan = change(shipped, base, modify("1", "product-mobile", msisdn=None))
    assert resources_of(plan, "1:mobile", "number")["msisdn"].action is Action.NO_CHANGE
    assert plan.products[0].characteristics == {"simType": "sim", "dataVolumeGb": 20, "roaming": "eu"}


def test_other_criteria_or_another_pool_replace_a_resource(lab: CatalogSet) -> None:
    base = installed(lab, add("1", "line", place="BER-1", tier="silver"))
    plan = change(lab, base, modify("2", "product-1", tier="gold"))
    assert (
        outline(plan)
        == """\
2:line modify cfs-line
  service modify cfs-line
    port add port@BER-1
    number add number after port
    port~replaced delete port after port number number~replaced
    number~replaced delete number after port number
2 modify line after 2:line
""".splitlines()
    )
    resources = resources_of(plan, "2:line")
    assert (resources["port"].demand.criteria, resources["number"].demand.pool) == ({"tier": "gold"}, "golden-numbers")
    assert resources["number~replaced"].demand.pool == "numbers"
    assert list(items_of(plan, "2:line")["service"].late) == ["address"]


def test_a_move_replaces_what_belongs_to_the_place_and_reconfigures_what_reads_it(lab: CatalogSet) -> None:
    base = installed(lab, add("1", "line", place="BER-1"))
    plan = change(lab, base, item("2", "modify", product="product-1", place="BER-2"))
    resources = resources_of(plan, "2:line")
    assert [(key, each.action.value) for key, each in resources.items()] == [
        ("port", "add"),
        ("number", "modify"),
        ("port~replaced", "delete"),
    ]
    assert resources["number"].late == {"port": "assigned.port.value"}
    assert resources["port~replaced"].depends_on == ["port", "number"]
    assert plan.products[0].place == "BER-2"
    assert plan.service_orders[0].place == "BER-2"


def test_a_resource_is_reconfigured_where_only_its_characteristics_differ(lab: CatalogSet) -> None:
    base = installed(lab, add("1", "line", note="left"))
    resources = resources_of(change(lab, base, modify("2", "product-1", note="right")), "2:line")
    assert [(key, each.action.value) for key, each in resources.items()] == [("port", "noChange"), ("number", "modify")]
    number = resources["number"]
    assert (number.previous["note"], number.characteristics["note"]) == ("left", "right")
    assert (number.late, number.depends_on) == ({}, ["port"])


def test_a_value_taken_away_is_taken_away_below(lab: CatalogSet) -> None:
    base = installed(lab, add("1", "line", note="left"))
    plan = change(lab, base, modify("2", "product-1", note=None))
    assert "note" not in resources_of(plan, "2:line")["number"].characteristics
    assert "note" not in plan.products[0].characteristics
    assert plan.products[0].previous["note"] == "left"


def test_a_service_that_is_needed_no_more_goes_and_another_comes(lab: CatalogSet) -> None:
    base = installed(lab, add("1", "line"))
    plan = change(lab, base, modify("2", "product-1", transport="radio"))
    assert (
        outline(plan)
        == """\
2:radio add cfs-radio
  service add cfs-radio
2:line delete cfs-line
  service delete cfs-line
    port delete port after number
    number delete number
2 modify line after 2:radio 2:line
""".splitlines()
    )
    assert [each.key for each in install(plan, base).products["product-1"].services] == ["radio"]


def test_a_service_of_another_specification_gives_way_to_the_new_one(lab: CatalogSet) -> None:
    old = InstalledService(id="s1", key="line", specification_id="cfs-telegraph", state="active")
    product = InstalledProduct(
        id="p1", name="Line", status="active", specification_id="line", offering_id="line", services=[old]
    )
    plan = change(lab, InstalledBase(products={"p1": product}), modify("1", "p1"))
    assert [(each.key, each.action.value, each.specification.id) for each in plan.service_orders] == [
        ("1:line~replaced", "delete", "cfs-telegraph"),
        ("1:line", "add", "cfs-line"),
    ]


def test_a_part_of_another_specification_gives_way_within_its_service_order(shipped: CatalogSet) -> None:
    base = installed(shipped, fibre_bundle())
    internet = base.products["product-internet"]
    access = internet.services[0].services[0].model_copy(update={"specification_id": "rfs-adsl-access"})
    service = internet.services[0].model_copy(update={"services": [access, internet.services[0].services[1]]})
    base.products["product-internet"] = internet.model_copy(update={"services": [service]})
    plan = change(shipped, base, modify("1", "product-internet"))
    actions = {key: (each.action.value, each.specification.id) for key, each in items_of(plan, "1:internet").items()}
    assert actions == {
        "access": ("add", "rfs-gpon-access"),
        "access~replaced": ("delete", "rfs-adsl-access"),
        "session": ("modify", "rfs-internet-session"),
        "service": ("modify", "cfs-internet"),
    }
    assert list(items_of(plan, "1:internet")["session"].late) == ["oltPort"]
    assert items_of(plan, "1:internet")["access~replaced"].depends_on == ["service"]


def test_a_change_of_the_hub_goes_on_to_the_spokes_of_the_order_that_read_it(shipped: CatalogSet) -> None:
    base = installed(shipped, vpn(2))
    hub = base.products["product-hub"]
    # A hub whose CPE came from elsewhere: its transfer network is asked for anew.
    cpe = hub.services[0].services[1]
    without_wan = cpe.model_copy(update={"resources": [each for each in cpe.resources if each.key != "wan"]})
    access = hub.services[0].model_copy(update={"services": [hub.services[0].services[0], without_wan]})
    base.products["product-hub"] = hub.model_copy(update={"services": [access, hub.services[1]]})
    plan = change(
        shipped, base, modify("hub", "product-hub"), modify("one", "product-spoke1"), keep("two", "product-spoke2")
    )
    assert [(each.key, each.action.value, each.depends_on) for each in plan.service_orders] == [
        ("hub:access", "modify", []),
        ("hub:overlay", "modify", ["hub:access"]),
        ("one:overlay", "modify", ["hub:overlay"]),
    ]
    assert items_of(plan, "hub:overlay")["service"].late == {"wanPrefix": "services.access.wanPrefix"}
    assert items_of(plan, "one:overlay")["service"].late == {"hubAddress": "services['vpn-hub-site/overlay'].wanPrefix"}
    assert items_of(plan, "one:overlay")["tunnel"].action is Action.NO_CHANGE
    one = next(each for each in plan.service_orders if each.key == "one:overlay")
    assert one.inputs == {"vpn-hub-site/overlay": "hub:overlay"}
    assert list(one.given) == ["access"]


def test_a_new_part_reads_the_parts_that_stay_from_inventory(shipped: CatalogSet) -> None:
    base = installed(shipped, vpn(1))
    plan = change(shipped, base, keep("vpn", "product-vpn", spoke(2)))
    assert [line for line in outline(plan) if not line.startswith(" ")] == [
        "spoke2:access add cfs-site-access",
        "spoke2:overlay add cfs-site-overlay after spoke2:access",
        "vpn:!delivered after spoke2:access spoke2:overlay",
        "vpn modify business-vpn after vpn:!delivered spoke2",
        "spoke2 add vpn-spoke-site after vpn:!delivered",
    ]
    overlay = next(each for each in plan.service_orders if each.key == "spoke2:overlay")
    hub = base.products["product-hub"].services[1]
    assert overlay.inputs == {"access": "spoke2:access"}
    assert overlay.given == {"vpn-hub-site/overlay": hub.characteristics}


def test_a_part_that_the_order_keeps_gives_its_values_too(shipped: CatalogSet) -> None:
    base = installed(shipped, fibre_bundle())
    plan = change(shipped, base, keep("home", "product-home", keep("internet", "product-internet"), tv()))
    [television] = plan.service_orders
    assert television.given == {
        "fibre-internet/internet": base.products["product-internet"].services[0].characteristics
    }
    assert television.depends_on == []
    assert next(each for each in plan.products if each.key == "tv").relies_on == ["internet"]


def test_null_is_as_good_as_left_out_of_what_is_new(shipped: CatalogSet) -> None:
    nothing = dict.fromkeys(["simType", "dataVolumeGb", "roaming", "msisdn"])
    assert change(shipped, InstalledBase(), mobile(**nothing)) == change(shipped, InstalledBase(), mobile())


def test_null_takes_what_is_installed_back_to_the_default(shipped: CatalogSet) -> None:
    base = installed(shipped, mobile(dataVolumeGb=50, roaming="world"))
    plan = change(shipped, base, modify("1", "product-mobile", dataVolumeGb=None))
    assert plan.products[0].characteristics == {"simType": "sim", "dataVolumeGb": 20, "roaming": "world"}
    assert items_of(plan, "1:mobile")["profile"].characteristics["dataVolumeGb"] == 20
