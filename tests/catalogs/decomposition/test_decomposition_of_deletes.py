"""How items that delete decompose."""

from __future__ import annotations

import pytest

from catalogs.decomposition.product_orders import decompose
from catalogs.model.catalog_set import CatalogSet
from orders.model.installed import InstalledBase, InstalledProduct, InstalledResource, InstalledService
from orders.model.product_orders import Action
from orders.plan.graph import reverse
from tests.catalogs.decomposition.test_decomposition_of_changes import change, installed, resources_of
from tests.catalogs.installation import install
from tests.catalogs.outline import outline
from tests.catalogs.sample_orders import (
    delete,
    fibre_bundle,
    mobile,
    order,
    tv,
    voice,
    vpn,
)
from tmf.bodies import Document


def test_a_bundle_is_deleted_with_all_its_parts_in_reverse(shipped: CatalogSet) -> None:
    base = installed(shipped, fibre_bundle(tv()))
    assert (
        outline(change(shipped, base, delete("1", "product-home")))
        == """\
1+product-internet:internet delete cfs-internet after 1+product-router:home-network 1+product-tv:tv
  access delete rfs-gpon-access after session service
    port delete gpon-port after ont
    ont delete ont
  session delete rfs-internet-session after service
    vlan delete internet-vlan
    ipv4 delete ipv4-address
    ipv6 delete ipv6-prefix
  service delete cfs-internet
1+product-router:home-network delete cfs-home-network
  cpe delete rfs-cpe after service
    router delete cpe-router
  service delete cfs-home-network
1+product-tv:tv delete cfs-iptv
  subscription delete rfs-iptv-subscription after box service
    subscription delete iptv-subscription
  box delete rfs-set-top-box after service
    box delete set-top-box
  service delete cfs-iptv
1:!delivered after 1+product-internet:internet 1+product-router:home-network 1+product-tv:tv
1 delete fibre-home-bundle after 1:!delivered 1+product-internet 1+product-router 1+product-tv
1+product-internet delete fibre-internet after 1:!delivered 1+product-router 1+product-tv
1+product-router delete home-router after 1:!delivered
1+product-tv delete home-tv after 1:!delivered
""".splitlines()
    )


def test_a_delete_knows_the_ids_the_values_and_how_each_is_set_up(shipped: CatalogSet) -> None:
    base = installed(shipped, mobile(msisdn="+4915020100001"))
    plan = change(shipped, base, delete("1", "product-mobile"))
    [service_order] = plan.service_orders
    service = service_order.customer_facing_item()
    assert service.service_id == "service-mobile:mobile/service"
    assert service.activation is not None
    assert service.previous["msisdn"] == "+4915020100001"
    number = resources_of(plan, "1:mobile", "number")["msisdn"]
    assert (number.action, number.resource_id, number.demand.value) == (
        Action.DELETE,
        "resource-mobile:mobile/number/msisdn@",
        "+4915020100001",
    )
    [product] = plan.products
    assert product.prices == []
    assert [each.name for each in product.previous_prices] == [
        "Mobile Plan, activation",
        "Mobile Plan 20 GB, monthly",
        "Data beyond the volume",
    ]


def test_a_part_named_by_an_item_goes_under_its_own_key(shipped: CatalogSet) -> None:
    base = installed(shipped, fibre_bundle(voice()))
    plan = change(shipped, base, delete("1", "product-home", delete("2", "product-voice")))
    assert [each.key for each in plan.products] == ["1", "1+product-internet", "1+product-router", "2"]
    assert {each.unit for each in plan.products} == {"1"}


def test_what_the_catalog_no_longer_knows_is_taken_down_all_the_same(shipped: CatalogSet) -> None:
    resource = InstalledResource(id="r1", key="wire", specification_id="wire", value="w-1")
    part = InstalledService(id="s2", key="exchange", specification_id="rfs-telex", state="active", resources=[resource])
    service = InstalledService(id="s1", key="telex", specification_id="cfs-telex", state="active", services=[part])
    product = InstalledProduct(
        id="p1", name="Telex", status="active", specification_id="telex", offering_id="telex", services=[service]
    )
    plan = change(shipped, InstalledBase(products={"p1": product}), delete("1", "p1"))
    assert (
        outline(plan)
        == """\
1:telex delete cfs-telex
  exchange delete rfs-telex after service
    wire delete wire
  service delete cfs-telex
1 delete telex after 1:telex
""".splitlines()
    )
    assert plan.products[0].name == "Telex"


@pytest.mark.parametrize("items", [[fibre_bundle(voice(2), tv(boxes=2))], [vpn(2)], [mobile()]])
def test_a_delete_is_the_reverse_of_what_added_it(shipped: CatalogSet, items: list[Document]) -> None:
    adding = decompose(order(*items), shipped, InstalledBase())
    base = install(adding)
    root = items[0]["id"]
    deleting = change(shipped, base, delete(root, f"product-{root}"))

    def without_prefix(key: str) -> str:
        return key.removeprefix(f"{root}+product-")

    added = {each.key: each.depends_on for each in adding.service_orders}
    deleted = {
        without_prefix(each.key): sorted(map(without_prefix, each.depends_on)) for each in deleting.service_orders
    }
    assert deleted == {key: sorted(needs) for key, needs in reverse(added, added.keys()).items()}
    for down in deleting.service_orders:
        up = next(each for each in adding.service_orders if each.key == without_prefix(down.key))
        graph = {each.key: each.depends_on for each in up.items}
        assert {each.key: sorted(each.depends_on) for each in down.items} == {
            key: sorted(needs) for key, needs in reverse(graph, graph.keys()).items()
        }
        for part in down.items:
            resources = {each.key: each.depends_on for each in up.item(part.key).resources}
            assert {each.key: each.depends_on for each in part.resources} == reverse(resources, resources.keys())
    assert install(deleting, base) == InstalledBase()
