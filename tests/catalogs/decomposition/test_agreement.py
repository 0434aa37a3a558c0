"""What an order shows is what inventory and billing are to hold: of new products, changed ones, and those that stay."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st

from catalogs.model.characteristics import default_of, of_offering
from catalogs.planning import Planned, plan_posted
from orders.model.installed import InstalledBase, InstalledProduct, InstalledService
from orders.model.product_orders import ProductOrder
from orders.model.v5 import from_v5, to_v5
from tests.agreement import Held, HeldService, disagreements
from tests.catalogs.enactment import World, outline_of
from tests.catalogs.generated_orders import (
    additions,
    amended,
    change_items,
    changes_or_additions,
    order_documents,
    without_numbers,
)
from tests.catalogs.installation import install
from tests.catalogs.sample_orders import TODAY
from tests.shipped import shipped_catalogs
from tests.thorough import examples
from tmf.bodies import Document

SHIPPED = shipped_catalogs()

QUICK = settings(
    max_examples=examples(25, 500),
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)


def planned(document: Document, base: InstalledBase) -> Planned:
    return plan_posted(ProductOrder.model_validate(document), SHIPPED, base, 1, TODAY)


def shown(plan: Planned) -> Document:
    """Return the order as it is shown, priced."""
    return plan.order.model_dump(mode="json", exclude_none=True)


def held(base: InstalledBase) -> dict[str, Held]:
    return {key: _held(product) for key, product in base.products.items()}


def _held(product: InstalledProduct) -> Held:
    return Held(
        id=product.id,
        item=product.id.removeprefix("product-").partition("*")[0],
        offering=product.offering_id,
        customer=product.customer_id,
        account=product.billing_account,
        place=product.place,
        characteristics=product.characteristics,
        prices=[price.model_dump(mode="json", exclude_none=True) for price in product.prices],
        services={service.key: _service(service) for service in product.services},
        components=frozenset(product.components),
    )


def _service(service: InstalledService) -> HeldService:
    return HeldService(
        service.id, service.specification_id, service.customer_id, service.place, service.characteristics
    )


def defaults(offering_id: str) -> dict[str, Any]:
    offering = SHIPPED.offerings.get(offering_id)
    known = of_offering(SHIPPED.product_of(offering), offering)
    return {each.name: value for each in known if (value := default_of(each)) is not None}


@st.composite
def installations(draw: st.DrawFn) -> InstalledBase:
    """Draw what a customer has: what an order has made."""
    plan = planned(draw(order_documents(draw(additions("b")))), InstalledBase()).plan
    assume(plan)
    assert plan
    return install(plan)


@QUICK
@given(st.data())
def test_new_products_are_as_their_order_shows_them(data: st.DataObject) -> None:
    document = data.draw(order_documents(data.draw(additions("a"))))
    done = planned(document, InstalledBase())
    assert not done.violations, done.violations
    assert done.plan
    assert disagreements(shown(done), {}, held(install(done.plan)), defaults) == []


@QUICK
@given(st.data())
def test_changed_products_are_as_their_order_shows_them_and_the_others_as_they_were(data: st.DataObject) -> None:
    base = data.draw(installations())
    document = data.draw(order_documents(data.draw(change_items(base, "c")), "order-2"))
    done = planned(document, base)
    for each in done.violations:
        event(f"rejected: {each.code}")
    if done.plan is None:
        return
    event("accepted")
    assert disagreements(shown(done), held(base), held(install(done.plan, base)), defaults) == []


@QUICK
@given(st.data())
def test_an_amended_order_comes_to_what_its_last_version_alone_would_and_is_taken_back_whole(
    data: st.DataObject,
) -> None:
    first = without_numbers(data.draw(order_documents(data.draw(additions("b", least=0)))))
    base = planned(first, InstalledBase()).plan if first["productOrderItem"] else None
    world, straight = World(), World()
    for each in (world, straight) if base else ():
        assert base
        each.begin(base)
    there = outline_of(world.base())
    held_before = world.stock.contents()

    document = data.draw(order_documents(data.draw(changes_or_additions(world.base())), "order-2"))
    other = without_numbers(document | data.draw(amended(document)))
    document = without_numbers(document)
    one, two = planned(document, world.base()).plan, planned(other, world.base()).plan
    again = planned(other, straight.base()).plan
    if one is None or two is None or again is None:
        return
    nodes = [node.key for node in one.graph().nodes]
    world.begin(one, data.draw(st.lists(st.sampled_from(nodes), unique=True)))
    world.amend(two)
    straight.begin(again)

    event("amended")
    assert outline_of(world.base()) == outline_of(straight.base())
    world.take_back()
    assert outline_of(world.base()) == there
    assert world.stock.contents() == held_before


@QUICK
@given(st.data())
def test_version_5_comes_to_the_same(data: st.DataObject) -> None:
    base = data.draw(installations())
    document = data.draw(order_documents(data.draw(change_items(base, "c")), "order-2"))
    one, other = planned(document, base), planned(from_v5(to_v5(document)), base)
    assert one.violations == other.violations
    assert one.plan == other.plan
