from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from catalogs.catalog_set import CatalogSet
from catalogs.decomposition import decompose
from catalogs.pricing import price_order
from orders.installed import InstalledBase
from orders.tmf import OrderPrice, ProductOrder
from tests.catalogs.installation import install
from tests.catalogs.sample_orders import TODAY, add, delete, fibre_bundle, item, keep, mobile, modify, order, tv, voice

Line = tuple[str | None, str | None, float, float]


def lines(prices: list[OrderPrice] | None) -> list[Line]:
    """Return prices as (name or type, period, net, gross)."""
    assert prices is not None
    return [(each.name, each.recurring_charge_period, *_amounts(each)) for each in prices]


def totals(prices: list[OrderPrice] | None) -> list[Line]:
    assert prices is not None
    return [(each.price_type, each.recurring_charge_period, *_amounts(each)) for each in prices]


def _amounts(price: OrderPrice) -> tuple[float, float]:
    assert price.price is not None
    assert price.price.duty_free_amount is not None
    assert price.price.tax_included_amount is not None
    return price.price.duty_free_amount.value, price.price.tax_included_amount.value


def discounts(price: OrderPrice) -> list[tuple[str | None, float | None, float, float]]:
    found = []
    for each in price.price_alteration or []:
        assert each.price.duty_free_amount is not None
        assert each.price.tax_included_amount is not None
        amounts = each.price.duty_free_amount.value, each.price.tax_included_amount.value
        found.append((each.name, each.price.percentage, *amounts))
    return found


def by_id(placed: ProductOrder, item_id: str) -> Any:
    return next(each for each, _, _ in placed.items() if each.id == item_id)


def test_a_mobile_plan_costs_its_volume_its_options_and_its_activation(shipped: CatalogSet) -> None:
    placed = price_order(order(mobile(dataVolumeGb=50, roaming="world")), shipped, TODAY)
    [plan] = placed.product_order_item
    assert lines(plan.item_price) == [
        ("Mobile Plan, activation", None, 9.99, 11.89),
        ("Mobile Plan 50 GB, monthly", "month", 34.99, 41.64),
        ("World roaming, monthly", "month", 7.5, 8.93),
        ("Data beyond the volume", None, 2.0, 2.38),
    ]
    assert totals(plan.item_total_price) == [("oneTime", None, 9.99, 11.89), ("recurring", "month", 42.49, 50.57)]
    assert totals(placed.order_total_price) == totals(plan.item_total_price)


def test_each_price_refers_to_its_offering_price_and_says_its_tax_and_unit(shipped: CatalogSet) -> None:
    placed = price_order(order(mobile()), shipped, TODAY)
    usage = (placed.product_order_item[0].item_price or [])[-1]
    assert usage.model_dump(mode="json", exclude_none=True) == {
        "name": "Data beyond the volume",
        "priceType": "usage",
        "unitOfMeasure": "GB",
        "price": {
            "taxRate": 19.0,
            "dutyFreeAmount": {"unit": "EUR", "value": 2.0},
            "taxIncludedAmount": {"unit": "EUR", "value": 2.38},
        },
        "productOfferingPrice": {"id": "mobile-data-overage", "name": "Data beyond the volume", "version": "1.0"},
    }


def test_a_discount_is_stated_as_an_alteration_and_taken_off_in_the_totals(shipped: CatalogSet) -> None:
    placed = price_order(order(fibre_bundle(speed=250)), shipped, TODAY)
    internet = by_id(placed, "internet")
    assert lines(internet.item_price) == [("Fibre Internet 250, monthly", "month", 34.99, 41.64)]
    [price] = internet.item_price
    assert discounts(price) == [("Half price for six months", 50.0, -17.5, -20.83)]
    assert price.price_alteration[0].application_duration == 6
    assert price.price_alteration[0].product_offering_price.id == "half-price-half-year"
    assert totals(internet.item_total_price) == [("recurring", "month", 17.49, 20.81)]


def test_a_bundle_costs_what_its_parts_cost_and_its_own_price(shipped: CatalogSet) -> None:
    mesh = item("mesh", "add", offering="wifi-mesh", quantity=2)
    placed = price_order(order(fibre_bundle(voice(), tv("premium"), mesh, speed=1000)), shipped, TODAY)
    assert totals(by_id(placed, "mesh").item_total_price) == [("recurring", "month", 5.98, 7.12)]
    bundle = by_id(placed, "home")
    assert lines(bundle.item_price) == [("Fibre Home, connection", None, 69.9, 83.18)]
    # 54.99 at half price, router 4.99, voice 4.95, TV 19.99, two mesh points at 2.99
    assert totals(bundle.item_total_price) == [
        ("oneTime", None, 69.9, 83.18),
        (
            "recurring",
            "month",
            round(27.49 + 4.99 + 4.95 + 19.99 + 5.98, 2),
            round(32.71 + 5.94 + 5.89 + 23.79 + 7.12, 2),
        ),
    ]


def test_internet_alone_pays_its_set_up_and_gets_no_bundle_discount(shipped: CatalogSet) -> None:
    placed = price_order(order(add("1", "fibre-internet", downloadSpeed=100)), shipped, TODAY)
    [internet] = placed.product_order_item
    assert lines(internet.item_price) == [
        ("Fibre Internet, set-up", None, 49.0, 58.31),
        ("Fibre Internet 100, monthly", "month", 29.99, 35.69),
    ]
    assert all(each.price_alteration is None for each in internet.item_price or [])


def test_a_discount_outside_its_validity_is_not_given(shipped: CatalogSet) -> None:
    later = datetime(2031, 1, 1, tzinfo=UTC)
    placed = price_order(order(fibre_bundle(add("mesh", "wifi-mesh"))), shipped, later)
    [price] = by_id(placed, "mesh").item_price
    assert discounts(price) == []


def test_quantities_multiply_and_items_add_up(shipped: CatalogSet) -> None:
    placed = price_order(
        order(item("1", "add", offering="mobile-plan", quantity=3), mobile(simType="esim")), shipped, TODAY
    )
    assert totals(placed.product_order_item[0].item_total_price) == [
        ("oneTime", None, 29.97, 35.67),
        ("recurring", "month", 59.97, 71.37),
    ]
    assert totals(placed.product_order_item[1].item_total_price) == [
        ("oneTime", None, 0.0, 0.0),
        ("recurring", "month", 19.99, 23.79),
    ]
    assert totals(placed.order_total_price) == [
        ("oneTime", None, 29.97, 35.67),
        ("recurring", "month", 79.96, 95.16),
    ]


def test_discounts_apply_by_priority_each_on_what_the_former_left_rounded_half_up(lab: CatalogSet) -> None:
    placed = price_order(order(add("1", "line", tier="gold")), lab, TODAY)
    monthly = (placed.product_order_item[0].item_price or [])[0]
    # 10.05 − 1.00 = 9.05; 33.3 % of it is 3.01365
    assert discounts(monthly) == [("First euro off", None, -1.0, -1.07), ("A third off", 33.3, -3.01, -3.22)]
    recurring = totals(placed.product_order_item[0].item_total_price)[0]
    assert recurring == ("recurring", "month", 6.04, 6.46)


def test_a_discount_never_takes_off_more_than_there_is(lab: CatalogSet) -> None:
    placed = price_order(order(add("1", "line")), lab, TODAY)
    setup = (placed.product_order_item[0].item_price or [])[1]
    assert discounts(setup) == [("Ten off", None, -5.0, -5.0)]
    assert ("oneTime", None, 0.0, 0.0) in totals(placed.order_total_price)


def test_a_bundle_of_prices_stands_for_its_parts(lab: CatalogSet) -> None:
    placed = price_order(order(add("1", "line")), lab, TODAY)
    assert [name for name, *_ in lines(placed.product_order_item[0].item_price)] == ["Line, monthly", "Line, set-up"]


def test_totals_are_kept_apart_by_type_period_and_currency(lab: CatalogSet) -> None:
    base = install(decompose(order(add("1", "line")), lab, InstalledBase()))
    placed = price_order(order(modify("1", "product-1", tier="gold"), add("2", "modem-lease")), lab, TODAY, base)
    found = [(each.price_type, each.recurring_charge_period, each.price) for each in placed.order_total_price or []]
    amounts = [(kind, period, price.duty_free_amount) for kind, period, price in found if price]
    assert [(kind, period, money.value, money.unit) for kind, period, money in amounts if money] == [
        ("recurring", "month", 6.04, "EUR"),
        ("oneTime", None, 3.0, "CHF"),
        ("recurring", "3 months", 9.0, "EUR"),
    ]


def test_a_change_is_priced_by_what_the_product_will_be_without_one_time_prices(shipped: CatalogSet) -> None:
    base = install(decompose(order(mobile()), shipped, InstalledBase()))
    placed = price_order(order(modify("1", "product-mobile", roaming="world")), shipped, TODAY, base)
    assert lines(placed.product_order_item[0].item_price) == [
        ("Mobile Plan 20 GB, monthly", "month", 19.99, 23.79),
        ("World roaming, monthly", "month", 7.5, 8.93),
        ("Data beyond the volume", None, 2.0, 2.38),
    ]


def test_a_change_of_a_product_that_is_not_at_hand_is_left_without_a_price(shipped: CatalogSet) -> None:
    placed = price_order(order(modify("1", "product-mobile", roaming="world")), shipped, TODAY)
    assert placed.product_order_item[0].item_price is None
    assert placed.order_total_price == []


def test_what_ends_or_stays_costs_nothing_new(shipped: CatalogSet) -> None:
    base = install(decompose(order(mobile()), shipped, InstalledBase()))
    for same in (delete("1", "product-mobile"), keep("1", "product-mobile")):
        placed = price_order(order(same), shipped, TODAY, base)
        assert placed.product_order_item[0].item_price == []
        assert placed.order_total_price == []


def test_prices_that_a_client_sends_are_replaced(shipped: CatalogSet) -> None:
    sent = [{"priceType": "recurring", "price": {"dutyFreeAmount": {"unit": "EUR", "value": 0.01}}}]
    placed = order({**mobile(), "itemPrice": sent, "itemTotalPrice": sent}, orderTotalPrice=sent)
    priced = price_order(placed, shipped, TODAY)
    assert totals(priced.order_total_price) == [("oneTime", None, 9.99, 11.89), ("recurring", "month", 19.99, 23.79)]
    assert decompose(placed, shipped, InstalledBase()).products[0].prices == priced.product_order_item[0].item_price


def test_the_order_that_is_priced_stays_as_it_was(shipped: CatalogSet) -> None:
    placed = order(fibre_bundle())
    before = placed.model_dump()
    price_order(placed, shipped, TODAY)
    assert placed.model_dump() == before
