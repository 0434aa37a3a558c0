"""What holds of the decomposition of any order."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalogs.checks.product_orders import check_order
from catalogs.decomposition.product_orders import DecompositionError, decompose
from catalogs.pricing.order_prices import price_order
from orders.model.installed import InstalledBase, InstalledService
from orders.model.product_orders import WITH_VALUES, Action, ProductOrder
from orders.plan.graph import find_circle
from orders.plan.orchestration_plan import OrchestrationPlan
from tests.catalogs.generated_orders import (
    INTERNET,
    MOBILE,
    SITE,
    TV,
    VOICE,
    Values,
    fibre_items,
    mobile_items,
    vpn_items,
)
from tests.catalogs.installation import install
from tests.catalogs.sample_orders import TODAY, add, delete, item, modify, order
from tests.shipped import shipped_catalogs
from tmf.bodies import Document

SHIPPED = shipped_catalogs()

QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def orders(draw: st.DrawFn) -> ProductOrder:
    """Draw an order of a few items, some of which rely on others, not always without a circle."""
    kinds = st.sampled_from([fibre_items, vpn_items, mobile_items])
    items = [draw(draw(kinds)(f"i{number}")) for number in range(draw(st.integers(1, 4)))]
    for each in items:
        others = [other["id"] for other in items if other is not each]
        named = draw(st.lists(st.sampled_from(others), unique=True, max_size=2)) if others else []
        each["productOrderItemRelationship"] = [{"id": other, "relationshipType": "reliesOn"} for other in named]
    return order(*items, allOrNothing=draw(st.booleans()))


def assert_sound(plan: OrchestrationPlan) -> None:
    graph = {node.key: node.depends_on for node in plan.graph().nodes}
    assert len(graph) == len(plan.graph().nodes), "two nodes have one key"
    assert find_circle(graph) is None
    assert all(need in graph for needs in graph.values() for need in needs)
    for service_order in plan.service_orders:
        assert set(service_order.inputs.values()) <= set(service_order.depends_on)
        assert_sound_below([(part.key, part.depends_on) for part in service_order.items])
        for part in service_order.items:
            assert_sound_below([(resource.key, resource.depends_on) for resource in part.resources])


def assert_total_is_what_is_charged(placed: ProductOrder, plan: OrchestrationPlan) -> None:
    """Reckon in cents what billing comes to charge each product of the plan, and compare with what the order says."""
    charges: Counter[tuple[str | None, str | None, str]] = Counter()
    for product in plan.products:
        anew = product.action in WITH_VALUES
        for price in product.prices:
            if price.price_type != "usage" and (anew or price.price_type != "oneTime"):
                parts = [price.price, *(each.price for each in price.price_alteration or [])]
                for money in (part.duty_free_amount for part in parts if part):
                    assert money is not None
                    key = price.price_type, price.recurring_charge_period, money.unit
                    charges[key] += round(money.value * 100)
    said = {}
    for each in price_order(placed, plan).order_total_price or []:
        assert each.price is not None
        assert each.price.duty_free_amount is not None
        money = each.price.duty_free_amount
        assert str(money.value) == f"{round(money.value, 2)}"
        said[each.price_type, each.recurring_charge_period, money.unit] = round(money.value * 100)
    assert said == charges


def assert_sound_below(parts: list[tuple[str, list[str]]]) -> None:
    graph = dict(parts)
    assert len(graph) == len(parts)
    assert find_circle(graph) is None
    assert all(need in graph for needs in graph.values() for need in needs)


@QUICK
@given(orders())
def test_keys_are_unique_and_the_graph_is_sound_or_the_circle_is_named(placed: ProductOrder) -> None:
    violations = check_order(placed, SHIPPED, InstalledBase(), TODAY)
    if violations:
        assert {each.code for each in violations} == {"circularReliance"}
        with pytest.raises(DecompositionError, match="in a circle"):
            decompose(placed, SHIPPED, InstalledBase())
    else:
        plan = decompose(placed, SHIPPED, InstalledBase())
        assert_sound(plan)
        assert_total_is_what_is_charged(placed, plan)
        assert decompose(placed, SHIPPED, InstalledBase()) == plan


@QUICK
@given(orders())
def test_all_that_was_added_can_be_deleted_and_nothing_is_left(placed: ProductOrder) -> None:
    try:
        base = install(decompose(placed, SHIPPED, InstalledBase()))
    except DecompositionError:
        return
    parts = {part for product in base.products.values() for part in product.components}
    roots = [product_id for product_id in base.products if product_id not in parts]
    ending = order(*(delete(f"d{number}", root) for number, root in enumerate(roots)))
    assert check_order(ending, SHIPPED, base, TODAY) == []
    plan = decompose(ending, SHIPPED, base)
    assert_sound(plan)
    assert_total_is_what_is_charged(ending, plan)
    assert install(plan, base) == InstalledBase()
    assert {action for action, _ in resources(plan)} == {Action.DELETE}
    assert Counter(name for _, name in resources(plan)) == Counter(installed_resources(base))


def resources(plan: OrchestrationPlan) -> list[tuple[Action, str | None]]:
    return [
        (resource.action, resource.resource_id)
        for service_order in plan.service_orders
        for part in service_order.items
        for resource in part.resources
    ]


def installed_resources(base: InstalledBase) -> list[str]:
    def below(service: InstalledService) -> list[str]:
        own = [resource.id for resource in service.resources]
        return own + [name for part in service.services for name in below(part)]

    return [name for product in base.products.values() for service in product.services for name in below(service)]


@pytest.mark.parametrize(
    ("offering", "values"),
    [
        ("mobile-plan", MOBILE),
        ("fibre-internet", INTERNET),
        ("home-tv", TV),
        ("home-voice", VOICE),
        ("vpn-hub-site", SITE),
    ],
)
def test_changing_a_product_comes_to_the_same_as_adding_it_so(offering: str, values: Values) -> None:
    around = {
        "home-tv": [add("i", "fibre-internet")],
        "home-voice": [add("i", "fibre-internet")],
        "vpn-hub-site": [add("c", "vpn-core")],
    }.get(offering, [])

    @QUICK
    @given(values, values)
    def holds(first: dict[str, Any], second: dict[str, Any]) -> None:
        def added(values: dict[str, Any]) -> InstalledBase:
            placed = order(*around, add("x", offering, place="BER-1", **values))
            return install(decompose(placed, SHIPPED, InstalledBase()))

        base = added(first)
        placed = order(modify("x", "product-x", **second))
        plan = decompose(placed, SHIPPED, base)
        assert_sound(plan)
        assert_total_is_what_is_charged(placed, plan)
        assert (plan.products[0].action is Action.NO_CHANGE) == (first == second)
        changed, wanted = install(plan, base).products["product-x"], added(second).products["product-x"]
        assert changed.characteristics == wanted.characteristics
        assert as_tree(changed.services, second) == as_tree(wanted.services, second)

    holds()


def as_tree(services: list[InstalledService], values: dict[str, Any]) -> dict[str, Any]:
    """Return services by key; numbers that nobody asked for by name may stay as they were, and are left out."""
    kept = values.get("msisdn", "") is None
    return {
        service.key: {
            "specification": service.specification_id,
            "characteristics": {k: v for k, v in service.characteristics.items() if not (kept and k == "msisdn")},
            "services": as_tree(service.services, values),
            "resources": {
                resource.key: (resource.specification_id, resource.characteristics, None if kept else resource.value)
                for resource in service.resources
            },
        }
        for service in services
    }


@QUICK
@given(orders())
def test_a_change_that_says_what_is_there_already_touches_nothing(placed: ProductOrder) -> None:
    try:
        base = install(decompose(placed, SHIPPED, InstalledBase()))
    except DecompositionError:
        return
    same = [modify(f"m{number}", product_id) for number, product_id in enumerate(base.products)]
    unchanged = order(*same)
    plan = decompose(unchanged, SHIPPED, base)
    assert_total_is_what_is_charged(unchanged, plan)
    assert plan.service_orders == []
    assert {product.action for product in plan.products} == {Action.NO_CHANGE}


BASE = install(
    decompose(
        order(
            add("home", "fibre-home-bundle", add("i", "fibre-internet"), add("r", "home-router"), add("t", "home-tv")),
            add("m", "mobile-plan"),
        ),
        SHIPPED,
        InstalledBase(),
    )
)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 1500)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
NAMES = st.sampled_from(["downloadSpeed", "simType", "msisdn", "setTopBoxes", "siteName", "redundancy", "nonsense"])
RELATION = st.fixed_dictionaries(
    {"id": st.sampled_from("abcdef"), "relationshipType": st.sampled_from(["reliesOn", "bundles", "dependency", "x"])}
)


@st.composite
def nonsense(draw: st.DrawFn) -> ProductOrder:
    """Draw an order that fits the schema and nothing else."""
    ids = iter("abcdef")

    def draw_item(depth: int) -> Document:
        name = next(ids)
        offering = draw(st.sampled_from([None, "nothing", *SHIPPED.offerings.ids()]))
        product = draw(st.sampled_from([None, "nobody", *BASE.products]))
        values = draw(st.dictionaries(NAMES, JSON, max_size=2))
        made = item(name, draw(st.sampled_from([*Action])), offering=offering, product=product, characteristics=values)
        made["quantity"] = draw(st.none() | st.integers(1, 2000))
        made["productOrderItemRelationship"] = draw(st.lists(RELATION, max_size=2))
        if depth < 2:
            made["productOrderItem"] = [draw_item(depth + 1) for _ in range(draw(st.integers(0, 1)))]
        return made

    customer = draw(st.sampled_from([None, "customer-1", "somebody"]))
    return order(*(draw_item(0) for _ in range(draw(st.integers(1, 2)))), customer=customer)


@settings(QUICK, max_examples=150)
@given(nonsense())
def test_no_order_however_odd_breaks_the_check_and_what_passes_can_be_done(placed: ProductOrder) -> None:
    violations = check_order(placed, SHIPPED, BASE, TODAY)
    assert len({(each.code, each.path, each.message) for each in violations}) == len(violations)
    if not violations:
        plan = decompose(placed, SHIPPED, BASE)
        assert_sound(plan)
        assert_total_is_what_is_charged(placed, plan)
