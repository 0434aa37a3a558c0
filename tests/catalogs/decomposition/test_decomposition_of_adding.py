from __future__ import annotations

from datetime import timedelta

import pytest

from catalogs.decomposition.product_orders import DecompositionError, decompose
from catalogs.model.catalog_set import CatalogSet
from orders.model.installed import InstalledBase
from orders.model.product_orders import ProductOrder
from orders.plan.orchestration_plan import OrchestrationPlan
from orders.plan.parts import Activation, Demand, ServiceItem
from orders.plan.policy import OnFailure
from tests.catalogs.outline import outline
from tests.catalogs.sample_orders import add, fibre_bundle, item, mobile, modify, order, tv, voice, vpn


def plan_of(catalogs: CatalogSet, placed: ProductOrder) -> OrchestrationPlan:
    return decompose(placed, catalogs, InstalledBase())


def item_of(plan: OrchestrationPlan, service_order: str, key: str) -> ServiceItem:
    return next(each for each in plan.service_orders if each.key == service_order).item(key)


def test_a_fibre_bundle_comes_down_to_its_services_and_resources(shipped: CatalogSet) -> None:
    extras = [voice(2), tv("premium", boxes=2), add("ip", "static-ip"), add("mesh", "wifi-mesh")]
    assert (
        outline(plan_of(shipped, order(fibre_bundle(*extras))))
        == """\
internet:internet add cfs-internet
  access add rfs-gpon-access
    port add gpon-port@BER-1
    ont add ont after port
  session add rfs-internet-session after access
    vlan add internet-vlan@BER-1
    ipv4 add ipv4-address
    ipv6 add ipv6-prefix
  service add cfs-internet after access session
router:home-network add cfs-home-network after internet:internet
  cpe add rfs-cpe
    router add cpe-router
  service add cfs-home-network after cpe
voice:voice add cfs-voice after internet:internet
  line add rfs-sip-line
    number add msisdn-fixed@BER-1
    account add sip-account after number
  line*2 add rfs-sip-line
    number add msisdn-fixed@BER-1
    account add sip-account after number
  service add cfs-voice after line line*2
tv:tv add cfs-iptv after internet:internet
  subscription add rfs-iptv-subscription
    subscription add iptv-subscription
  box add rfs-set-top-box after subscription
    box add set-top-box
  box*2 add rfs-set-top-box after subscription
    box add set-top-box
  service add cfs-iptv after subscription box box*2
ip:static-ip add cfs-static-ip after internet:internet
  address add rfs-static-ip
    address add ipv4-address
  service add cfs-static-ip after address
mesh:mesh add cfs-wifi-mesh after router:home-network
  cpe add rfs-cpe
    router add cpe-router
  service add cfs-wifi-mesh after cpe
home:!delivered after internet:internet router:home-network voice:voice tv:tv ip:static-ip mesh:mesh
home add fibre-home-bundle after home:!delivered internet router voice tv ip mesh
internet add fibre-internet after home:!delivered
router add home-router after home:!delivered internet
voice add home-voice after home:!delivered internet
tv add home-tv after home:!delivered internet
ip add static-ip after home:!delivered internet
mesh add wifi-mesh after home:!delivered router
""".splitlines()
    )


@pytest.mark.parametrize(("sim_type", "card"), [("sim", "sim add sim-card"), ("esim", "esim add esim-profile")])
def test_a_mobile_plan_takes_the_card_or_the_profile(shipped: CatalogSet, sim_type: str, card: str) -> None:
    assert (
        outline(plan_of(shipped, order(mobile(simType=sim_type))))
        == f"""\
mobile:mobile add cfs-mobile
  subscriber add rfs-subscriber
    imsi add imsi
    {card} after imsi
  number add rfs-mobile-number
    msisdn add msisdn
  profile add rfs-network-profile after subscriber number
  service add cfs-mobile after subscriber number profile
mobile add mobile-plan after mobile:mobile
""".splitlines()
    )


def test_sites_of_a_vpn_get_their_access_at_once_and_their_overlay_through_the_hub(shipped: CatalogSet) -> None:
    plan = plan_of(shipped, order(vpn(2)))
    assert (
        [line for line in outline(plan) if not line.startswith(" ")]
        == """\
core:core add cfs-vpn-core
hub:access add cfs-site-access
hub:overlay add cfs-site-overlay after hub:access core:core
spoke1:access add cfs-site-access
spoke1:overlay add cfs-site-overlay after spoke1:access hub:overlay
spoke2:access add cfs-site-access
spoke2:overlay add cfs-site-overlay after spoke2:access hub:overlay
vpn:!delivered after core:core hub:access hub:overlay spoke1:access spoke1:overlay spoke2:access spoke2:overlay
vpn add business-vpn after vpn:!delivered core hub spoke1 spoke2
core add vpn-core after vpn:!delivered
hub add vpn-hub-site after vpn:!delivered core
spoke1 add vpn-spoke-site after vpn:!delivered hub
spoke2 add vpn-spoke-site after vpn:!delivered hub
""".splitlines()
    )


def test_a_redundant_site_has_two_lines(shipped: CatalogSet) -> None:
    site = add("hub", "vpn-hub-site", place="SITE-HUB", siteName="Head office", redundancy="dual")
    plan = plan_of(shipped, order(add("vpn", "business-vpn", add("core", "vpn-core"), site)))
    access = next(each for each in plan.service_orders if each.key == "hub:access")
    assert [each.key for each in access.items] == ["line", "line*2", "cpe", "service"]
    assert access.item("cpe").depends_on == ["line", "line*2"]


def test_a_service_order_says_whose_values_it_reads_and_by_which_name(shipped: CatalogSet) -> None:
    by_key = {each.key: each for each in plan_of(shipped, order(vpn(1))).service_orders}
    assert by_key["hub:overlay"].inputs == {"access": "hub:access", "vpn-core/core": "core:core"}
    assert by_key["spoke1:overlay"].inputs == {"access": "spoke1:access", "vpn-hub-site/overlay": "hub:overlay"}
    assert all(each.given == {} for each in by_key.values())
    spoke = by_key["spoke1:overlay"].customer_facing_item()
    assert spoke.late["hubAddress"] == "services['vpn-hub-site/overlay'].wanPrefix"
    assert spoke.characteristics == {"role": "spoke", "bandwidth": 100}


def test_characteristics_go_down_by_the_mappings_with_defaults(shipped: CatalogSet) -> None:
    plan = plan_of(shipped, order(fibre_bundle(speed=1000)))
    assert item_of(plan, "internet:internet", "service").characteristics == {"downloadSpeed": 1000, "uploadSpeed": 200}
    assert item_of(plan, "internet:internet", "access").characteristics == {"lineProfile": "gpon-1000"}
    assert item_of(plan, "router:home-network", "cpe").characteristics == {"mode": "router"}
    products = {each.key: each.characteristics for each in plan.products}
    assert products == {"home": {}, "internet": {"downloadSpeed": 1000}, "router": {}}


def test_what_the_catalog_says_of_a_step_is_in_its_item(lab: CatalogSet) -> None:
    line = {"tier": "gold", "note": "by the door", "number": "+4930"}
    plan = plan_of(lab, order(add("1", "fixed-line", place="BER-1", **line)))
    [service_order] = plan.service_orders
    service = service_order.customer_facing_item()
    assert service.activation == Activation(completion="callback")
    assert service.test == "ping"
    assert service.policy.on_failure is OnFailure.FAIL
    assert service.policy.expected_duration == timedelta(minutes=90)
    assert service_order.policy == service.policy
    port, number = service.resources
    assert port.demand == Demand(place="BER-1", criteria={"tier": "gold"})
    assert number.demand == Demand(pool="golden-numbers", value="+4930")
    assert number.characteristics == {"note": "by the door"}
    assert number.late == {"port": "assigned.port.value"}
    assert number.configuration == Activation(completion="callback")
    assert number.policy.attempts == 4
    assert plan.products[0].policy.attempts == 9


def test_a_service_may_be_at_another_place_than_its_product(lab: CatalogSet) -> None:
    plan = plan_of(lab, order(add("1", "modem-lease", place="BER-1")))
    assert plan.service_orders[0].place == "WAREHOUSE"
    assert plan.products[0].place == "BER-1"


def test_parts_are_at_the_place_of_their_bundle_and_billed_to_its_account(shipped: CatalogSet) -> None:
    placed = order(fibre_bundle(), billingAccount={"id": "acct-1"})
    plan = plan_of(shipped, placed)
    assert {each.place for each in plan.products} == {"BER-1"}
    assert {each.billing_account for each in plan.products} == {"acct-1"}
    assert {each.customer_id for each in plan.products} == {"customer-1"}


def test_an_item_may_be_billed_to_an_account_of_its_own(shipped: CatalogSet) -> None:
    items = [{**mobile(), "billingAccount": {"id": "acct-2"}}, add("2", "mobile-plan")]
    plan = plan_of(shipped, order(*items, billingAccount={"id": "acct-1"}))
    assert [each.billing_account for each in plan.products] == ["acct-2", "acct-1"]


def test_a_quantity_makes_products_that_stand_alone(shipped: CatalogSet) -> None:
    plan = plan_of(shipped, order(item("1", "add", offering="mobile-plan", quantity=2)))
    assert [each.key for each in plan.service_orders] == ["1*1:mobile", "1*2:mobile"]
    assert [(each.key, each.unit, each.depends_on) for each in plan.products] == [
        ("1*1", "1*1", ["1*1:mobile"]),
        ("1*2", "1*2", ["1*2:mobile"]),
    ]
    assert plan.deliveries == []


def test_a_bundle_is_one_unit_and_other_items_are_their_own(shipped: CatalogSet) -> None:
    plan = plan_of(shipped, order(fibre_bundle(), mobile()))
    assert {each.unit for each in plan.service_orders} == {"home", "mobile"}
    assert [each.unit for each in plan.deliveries] == ["home"]


def test_an_order_that_is_all_or_nothing_is_one_unit(shipped: CatalogSet) -> None:
    plan = plan_of(shipped, order(fibre_bundle(), mobile(), allOrNothing=True))
    assert {each.unit for each in plan.service_orders} == {each.unit for each in plan.products} == {"order"}
    [delivery] = plan.deliveries
    assert delivery.key == "order:!delivered"
    assert delivery.depends_on == [each.key for each in plan.service_orders]
    assert all("order:!delivered" in each.depends_on for each in plan.products)


def test_a_bundle_by_relations_is_the_same_as_a_nested_one(shipped: CatalogSet) -> None:
    nested = fibre_bundle(voice())
    parts = nested["productOrderItem"]
    bundle = {key: value for key, value in nested.items() if key != "productOrderItem"}
    bundle["productOrderItemRelationship"] = [{"id": part["id"], "relationshipType": "bundles"} for part in parts]
    assert plan_of(shipped, order(bundle, *parts)) == plan_of(shipped, order(nested))
    assert plan_of(shipped, order(*parts, bundle)).service_orders == plan_of(shipped, order(nested)).service_orders


@pytest.mark.parametrize("kind", ["reliesOn", "dependency"])
def test_an_item_that_relies_on_another_starts_after_all_of_it(shipped: CatalogSet, kind: str) -> None:
    relation = [{"id": "home", "relationshipType": kind}]
    plan = plan_of(shipped, order(fibre_bundle(), {**mobile(), "productOrderItemRelationship": relation}))
    mobile_order = next(each for each in plan.service_orders if each.item_id == "mobile")
    assert mobile_order.depends_on == ["internet:internet", "router:home-network"]
    product = next(each for each in plan.products if each.key == "mobile")
    assert product.relies_on == ["home", "internet", "router"]
    assert product.depends_on == ["mobile:mobile", "home", "internet", "router"]


def test_all_parts_of_a_bundle_that_relies_on_another_item_start_after_it(shipped: CatalogSet) -> None:
    bundle = fibre_bundle() | {"productOrderItemRelationship": [{"id": "mobile", "relationshipType": "reliesOn"}]}
    after = {each.key: each.depends_on for each in plan_of(shipped, order(bundle, mobile())).service_orders}
    assert after["internet:internet"] == ["mobile:mobile"]
    assert after["router:home-network"] == ["mobile:mobile", "internet:internet"]


def test_relations_of_an_unknown_type_are_passed_over(shipped: CatalogSet) -> None:
    relation = [{"id": "home", "relationshipType": "reminds of"}]
    plan = plan_of(shipped, order(fibre_bundle(), {**mobile(), "productOrderItemRelationship": relation}))
    assert next(each for each in plan.service_orders if each.item_id == "mobile").depends_on == []


def test_what_the_catalog_relies_on_is_looked_for_in_the_same_bundle_first(shipped: CatalogSet) -> None:
    def home(number: int) -> dict[str, object]:
        internet, router = add(f"i{number}", "fibre-internet"), add(f"r{number}", "home-router")
        return add(f"b{number}", "fibre-home-bundle", internet, router, place="BER-1")

    plan = plan_of(shipped, order(home(1), home(2)))
    after = {each.key: each.depends_on for each in plan.service_orders}
    assert after["r1:home-network"] == ["i1:internet"]
    assert after["r2:home-network"] == ["i2:internet"]


def test_products_that_are_together_only_by_place_are_found_there(shipped: CatalogSet) -> None:
    items = [
        add("i1", "fibre-internet", place="BER-1"),
        add("i2", "fibre-internet", place="BER-2"),
        add("r2", "home-router", place="BER-2"),
    ]
    after = {each.key: each.depends_on for each in plan_of(shipped, order(*items)).service_orders}
    assert after["r2:home-network"] == ["i2:internet"]


def test_ids_of_items_that_look_like_keys_are_encoded(shipped: CatalogSet) -> None:
    plan = plan_of(shipped, order(add("a:b/c*2", "mobile-plan")))
    assert [each.key for each in plan.service_orders] == ["a%3Ab%2Fc%2A2:mobile"]
    assert plan.service_orders[0].item_id == "a:b/c*2"


def test_a_plan_pins_the_catalog_and_the_revision(shipped: CatalogSet) -> None:
    plan = decompose(order(mobile()), shipped, InstalledBase(), revision=3)
    assert (plan.order_id, plan.revision, plan.catalog) == ("order-1", 3, shipped.version)
    assert plan.service_orders[0].specification.version == "1.0"


def test_the_same_values_give_the_same_plan(shipped: CatalogSet) -> None:
    placed = order(fibre_bundle(voice(3), tv()), vpn(3), mobile())
    assert plan_of(shipped, placed).model_dump_json() == plan_of(shipped, placed).model_dump_json()


def test_a_plan_comes_back_from_json_as_it_was(shipped: CatalogSet) -> None:
    plan = plan_of(shipped, order(fibre_bundle(voice()), vpn(1)))
    assert OrchestrationPlan.model_validate_json(plan.model_dump_json()) == plan


def test_a_product_that_is_not_installed_cannot_be_changed(shipped: CatalogSet) -> None:
    with pytest.raises(DecompositionError) as refused:
        plan_of(shipped, order(mobile(), modify("2", "gone")))
    [violation] = refused.value.violations
    assert (violation.code, violation.path) == ("productNotFound", "productOrderItem[1].product.id")
