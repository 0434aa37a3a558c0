"""Changes that only what inventory keeps of a product knows: whose it is, who pays, what it relies on."""

from __future__ import annotations

from catalogs.decomposition.product_orders import decompose
from catalogs.model.catalog_set import CatalogSet
from orders.model.installed import InstalledBase
from orders.model.product_orders import Action
from tests.catalogs.decomposition.test_decomposition_of_changes import change, installed, items_of
from tests.catalogs.enactment import World
from tests.catalogs.sample_orders import (
    add,
    fibre_bundle,
    keep,
    mobile,
    modify,
    order,
    tv,
    voice,
    vpn,
)


def test_a_product_names_what_it_relies_on_by_product_relations(shipped: CatalogSet) -> None:
    base = installed(
        shipped, add("line", "fibre-internet", place="BER-1"), add("other", "fibre-internet", place="BER-2")
    )
    television = tv()
    television["product"]["productRelationship"] = [
        {"relationshipType": "reliesOn", "product": {"id": "product-other"}}
    ]
    [service_order] = change(shipped, base, television).service_orders
    other = base.products["product-other"].services[0]
    assert service_order.given == {"fibre-internet/internet": other.characteristics}


def test_another_account_is_a_change_of_the_product_alone(shipped: CatalogSet) -> None:
    base = installed(shipped, {**mobile(), "billingAccount": {"id": "acct-1"}})
    other = {**modify("1", "product-mobile"), "billingAccount": {"id": "acct-2"}}
    plan = change(shipped, base, other)
    assert plan.service_orders == []
    assert [(each.action, each.billing_account) for each in plan.products] == [(Action.MODIFY, "acct-2")]
    assert [each.name for each in plan.products[0].prices] == ["Mobile Plan 20 GB, monthly", "Data beyond the volume"]


def test_another_name_is_a_change_of_the_product_alone(shipped: CatalogSet) -> None:
    base = installed(shipped, mobile())
    named = modify("1", "product-mobile")
    plan = change(shipped, base, {**named, "product": {**named["product"], "name": "Ada's phone"}})
    assert plan.service_orders == []
    assert [(each.action, each.name) for each in plan.products] == [(Action.MODIFY, "Ada's phone")]


def test_the_accounts_of_order_and_bundle_are_for_what_has_none_and_is_not_kept_as_it_is(shipped: CatalogSet) -> None:
    base = installed(shipped, fibre_bundle())
    kept = keep("1", "product-home", modify("2", "product-internet"), voice())
    plan = decompose(order(kept, billingAccount={"id": "acct-1"}), shipped, base)
    accounts = {each.key: (each.action.value, each.billing_account) for each in plan.products}
    assert accounts == {"1": ("modify", None), "2": ("modify", "acct-1"), "voice": ("add", "acct-1")}


def test_what_a_part_no_longer_relies_on_goes_after_it_and_is_no_longer_recorded_as_its_support(
    shipped: CatalogSet,
) -> None:
    world = World()
    world.begin(decompose(order(vpn(spokes=0)), shipped, InstalledBase()))
    dual = decompose(order(modify("1", "product-hub", redundancy="dual")), shipped, world.base())
    assert {key: each.action.value for key, each in items_of(dual, "1:access").items()} == {
        "line": "noChange",
        "line*2": "add",
        "cpe": "modify",
        "service": "modify",
    }
    world.begin(dual)
    single = items_of(
        decompose(order(modify("2", "product-hub", redundancy="none")), shipped, world.base()), "2:access"
    )
    assert {key: each.action.value for key, each in single.items()} == {
        "line": "noChange",
        "cpe": "modify",
        "line*2": "delete",
        "service": "modify",
    }
    assert sorted(single["line*2"].depends_on) == ["cpe", "service"]
