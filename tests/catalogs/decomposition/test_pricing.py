from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from catalogs.decomposition.product_orders import decompose
from catalogs.loader import load_catalogs
from catalogs.model.catalog_set import CatalogSet
from catalogs.pricing.order_prices import price_order, total
from orders.model.installed import InstalledBase
from orders.model.product_orders import OrderPrice, ProductOrder
from tests.catalogs.installation import install
from tests.catalogs.sample_orders import TODAY, add, delete, fibre_bundle, item, keep, mobile, modify, order, tv, voice
from tests.catalogs.shop import shop_with, written

Line = tuple[str | None, str | None, float, float]


def priced_by(
    placed: ProductOrder, catalogs: CatalogSet, on: datetime, base: InstalledBase | None = None
) -> ProductOrder:
    return price_order(placed, decompose(placed, catalogs, base or InstalledBase(), on=on))


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
    placed = priced_by(order(mobile(dataVolumeGb=50, roaming="world")), shipped, TODAY)
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
    placed = priced_by(order(mobile()), shipped, TODAY)
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
    placed = priced_by(order(fibre_bundle(speed=250)), shipped, TODAY)
    internet = by_id(placed, "internet")
    assert lines(internet.item_price) == [("Fibre Internet 250, monthly", "month", 34.99, 41.64)]
    [price] = internet.item_price
    assert discounts(price) == [("Half price for six months", 50.0, -17.5, -20.83)]
    assert price.price_alteration[0].application_duration == 6
    assert price.price_alteration[0].product_offering_price.id == "half-price-half-year"
    assert totals(internet.item_total_price) == [("recurring", "month", 17.49, 20.81)]


def test_a_bundle_costs_what_its_parts_cost_and_its_own_price(shipped: CatalogSet) -> None:
    mesh = item("mesh", "add", offering="wifi-mesh", quantity=2)
    placed = priced_by(order(fibre_bundle(voice(), tv("premium"), mesh, speed=1000)), shipped, TODAY)
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
    placed = priced_by(order(add("1", "fibre-internet", downloadSpeed=100)), shipped, TODAY)
    [internet] = placed.product_order_item
    assert lines(internet.item_price) == [
        ("Fibre Internet, set-up", None, 49.0, 58.31),
        ("Fibre Internet 100, monthly", "month", 29.99, 35.69),
    ]
    assert all(each.price_alteration is None for each in internet.item_price or [])


def test_a_discount_outside_its_validity_is_not_given(shipped: CatalogSet) -> None:
    later = datetime(2031, 1, 1, tzinfo=UTC)
    placed = priced_by(order(fibre_bundle(add("mesh", "wifi-mesh"))), shipped, later)
    [price] = by_id(placed, "mesh").item_price
    assert discounts(price) == []


def test_quantities_multiply_and_items_add_up(shipped: CatalogSet) -> None:
    placed = priced_by(
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
    placed = priced_by(order(add("1", "line", tier="gold")), lab, TODAY)
    monthly = (placed.product_order_item[0].item_price or [])[0]
    # 10.05 − 1.00 = 9.05; 33.3 % of it is 3.01365
    assert discounts(monthly) == [("First euro off", None, -1.0, -1.07), ("A third off", 33.3, -3.01, -3.22)]
    recurring = totals(placed.product_order_item[0].item_total_price)[0]
    assert recurring == ("recurring", "month", 6.04, 6.46)


def test_a_discount_never_takes_off_more_than_there_is(lab: CatalogSet) -> None:
    placed = priced_by(order(add("1", "line")), lab, TODAY)
    setup = (placed.product_order_item[0].item_price or [])[1]
    assert discounts(setup) == [("Ten off", None, -5.0, -5.0)]
    assert ("oneTime", None, 0.0, 0.0) in totals(placed.order_total_price)


def test_a_bundle_of_prices_stands_for_its_parts(lab: CatalogSet) -> None:
    placed = priced_by(order(add("1", "line")), lab, TODAY)
    assert [name for name, *_ in lines(placed.product_order_item[0].item_price)] == ["Line, monthly", "Line, set-up"]


def test_a_bundle_of_prices_with_a_condition_applies_as_a_whole_or_not_at_all(tmp_path: Path) -> None:
    package = {
        "id": "package",
        "name": "Package",
        "priceType": "recurring",
        "isBundle": True,
        "bundledPopRelationship": [{"id": "monthly"}],
        "when": "product.speed == 20",
    }
    shop = shop_with("productOfferingPrice[2]", package)
    shop["productOffering"][1]["productOfferingPrice"] = [{"id": "package"}]
    catalogs = load_catalogs(written(tmp_path, shop))
    for speed, shown in ((10, []), (20, [("recurring", "month", 4.0, 4.0)])):
        placed = priced_by(order(add("1", "line", speed=speed)), catalogs, TODAY)
        assert totals(placed.order_total_price) == shown


def test_totals_are_kept_apart_by_type_period_and_currency(lab: CatalogSet) -> None:
    base = install(decompose(order(add("1", "line")), lab, InstalledBase()))
    placed = priced_by(order(modify("1", "product-1", tier="gold"), add("2", "modem-lease")), lab, TODAY, base)
    found = [(each.price_type, each.recurring_charge_period, each.price) for each in placed.order_total_price or []]
    amounts = [(kind, period, price.duty_free_amount) for kind, period, price in found if price]
    assert [(kind, period, money.value, money.unit) for kind, period, money in amounts if money] == [
        ("recurring", "month", 6.04, "EUR"),
        ("oneTime", None, 3.0, "CHF"),
        ("recurring", "3 months", 9.0, "EUR"),
    ]


def test_a_change_is_priced_by_what_the_product_will_be_without_one_time_prices(shipped: CatalogSet) -> None:
    base = install(decompose(order(mobile()), shipped, InstalledBase()))
    placed = priced_by(order(modify("1", "product-mobile", roaming="world")), shipped, TODAY, base)
    assert lines(placed.product_order_item[0].item_price) == [
        ("Mobile Plan 20 GB, monthly", "month", 19.99, 23.79),
        ("World roaming, monthly", "month", 7.5, 8.93),
        ("Data beyond the volume", None, 2.0, 2.38),
    ]


def promoted(shipped: CatalogSet) -> InstalledBase:
    """Return a bundle that was had at half price for half a year, the day after."""
    return install(decompose(order(fibre_bundle(speed=250)), shipped, InstalledBase(), on=TODAY))


def test_a_change_that_changes_nothing_costs_what_is_charged_already(shipped: CatalogSet) -> None:
    base = promoted(shipped)
    placed = priced_by(order(modify("1", "product-internet", downloadSpeed=250)), shipped, TODAY, base)
    [price] = placed.product_order_item[0].item_price or []
    assert lines([price]) == [("Fibre Internet 250, monthly", "month", 34.99, 41.64)]
    assert discounts(price) == [("Half price for six months", 50.0, -17.5, -20.83)]
    assert totals(placed.order_total_price) == [("recurring", "month", 17.49, 20.81)]


def test_a_change_costs_what_its_product_will(shipped: CatalogSet) -> None:
    placed = priced_by(order(modify("1", "product-internet", downloadSpeed=1000)), shipped, TODAY, promoted(shipped))
    assert totals(placed.order_total_price) == [("recurring", "month", 54.99, 65.44)]


def test_what_ends_costs_nothing(shipped: CatalogSet) -> None:
    base = install(decompose(order(mobile()), shipped, InstalledBase()))
    placed = priced_by(order(delete("1", "product-mobile")), shipped, TODAY, base)
    assert placed.product_order_item[0].item_price == []
    assert placed.order_total_price == []


def test_what_stays_goes_on_to_cost_what_it_does_without_what_was_charged_once(shipped: CatalogSet) -> None:
    base = install(decompose(order(mobile()), shipped, InstalledBase()))
    for same in (keep("1", "product-mobile"), modify("1", "product-mobile", dataVolumeGb=20)):
        placed = priced_by(order(same), shipped, TODAY, base)
        assert totals(placed.order_total_price) == [("recurring", "month", 19.99, 23.79)]


def test_a_bundle_that_gets_a_part_is_not_charged_its_connection_again(shipped: CatalogSet) -> None:
    bundle = modify("1", "product-home", place="BER-1")
    bundle["productOrderItem"] = [add("1.1", "wifi-mesh")]
    for action in ("modify", "noChange"):
        placed = order({**bundle, "action": action})
        plan = decompose(placed, shipped, promoted(shipped), on=TODAY)
        [home] = [each for each in plan.products if each.item_id == "1"]
        assert (home.action, home.prices) == ("modify", [])
        assert [each.name for each in home.previous_prices] == ["Fibre Home, connection"]
        assert totals(price_order(placed, plan).order_total_price) == [("recurring", "month", 2.99, 3.56)]


def test_each_of_several_costs_what_its_own_conditions_say(lab: CatalogSet) -> None:
    placed = priced_by(order(item("1", "add", offering="modem-lease", quantity=3)), lab, TODAY)
    [line] = placed.product_order_item
    assert lines(line.item_price) == [("Modem, each quarter", "3 months", 9.0, 9.0)]
    assert totals(line.item_total_price) == [("recurring", "3 months", 25.0, 25.0)]


def test_a_price_for_a_unit_of_use_is_not_rounded(lab: CatalogSet) -> None:
    placed = priced_by(order(add("1", "meter")), lab, TODAY)
    [use, *_] = placed.product_order_item[0].item_price or []
    assert lines([use]) == [("Message", None, 0.005, 0.00595)]


def counted(placed: ProductOrder) -> list[tuple[str | None, int, str | None, float]]:
    """Return the prices that count a characteristic: name, units, what a unit is, net price of all."""
    return [
        (price.name, each.quantity, each.unit_of_measure, _amounts(price)[0])
        for price in placed.product_order_item[0].item_price or []
        if (each := price.counted_characteristic)
    ]


@pytest.mark.parametrize(
    ("points", "units", "net", "left"),
    # what is left: ten cents off each point from the third on, then half of it above four points
    [(0, None, 0, 0), (1, None, 0, 0), (2, 1, 4.1, 4.1), (3, 2, 8.2, 8.1), (4, 3, 12.3, 12.1), (6, 5, 20.5, 10.05)],
)
def test_a_price_is_charged_for_each_unit_of_a_characteristic_beyond_what_is_included(
    lab: CatalogSet, points: int, units: int | None, net: float, left: float
) -> None:
    placed = priced_by(order(add("1", "meter", points=points)), lab, TODAY)
    assert counted(placed) == ([("Point, monthly", units, "point", net)] if units else [])
    assert [total[2] for total in totals(placed.order_total_price)] == ([left] if units else [])


@pytest.mark.parametrize(
    ("volume", "units", "net"), [(0.1, 1, 0.33), (2.5, 1, 0.33), (2.6, 2, 0.67), (7.5, 3, 1.0), (7.51, 4, 1.33)]
)
def test_a_unit_that_is_begun_counts_whole_and_cents_are_rounded_once_all_are_added_up(
    lab: CatalogSet, volume: float, units: int, net: float
) -> None:
    placed = priced_by(order(add("1", "meter", volume=volume)), lab, TODAY)
    assert counted(placed) == [("Volume, set-up", units, "2.5 GB", net)]


def test_a_counted_price_says_what_a_unit_costs_and_how_many_there_are(lab: CatalogSet) -> None:
    placed = priced_by(order(item("1", "add", offering="meter", quantity=3, characteristics={"points": 3})), lab, TODAY)
    [line] = placed.product_order_item
    assert [
        price for price in line.model_dump(mode="json", exclude_none=True)["itemPrice"] if "usage" not in price.values()
    ] == [
        {
            "name": "Point, monthly",
            "priceType": "recurring",
            "recurringChargePeriod": "month",
            "price": {
                "taxRate": 19.0,
                "dutyFreeAmount": {"unit": "EUR", "value": 8.2},
                "taxIncludedAmount": {"unit": "EUR", "value": 9.76},
            },
            "countedCharacteristic": {
                "name": "points",
                "included": 1.0,
                "quantity": 2,
                "unitOfMeasure": "point",
                "unitPrice": {
                    "taxRate": 19.0,
                    "dutyFreeAmount": {"unit": "EUR", "value": 4.1},
                    "taxIncludedAmount": {"unit": "EUR", "value": 4.879},
                },
            },
            "priceAlteration": [
                {
                    "name": "Ten cents off a point",
                    "priceType": "recurring",
                    "priority": 1,
                    "recurringChargePeriod": "month",
                    "price": {
                        "taxRate": 19.0,
                        "dutyFreeAmount": {"unit": "EUR", "value": -0.1},
                        "taxIncludedAmount": {"unit": "EUR", "value": -0.12},
                    },
                    "productOfferingPrice": {"id": "points-off", "name": "Ten cents off a point", "version": "1.0"},
                }
            ],
            "productOfferingPrice": {"id": "points-monthly", "name": "Point, monthly", "version": "1.0"},
        }
    ]
    assert totals(line.item_total_price) == [("recurring", "month", 24.3, 28.92)]


def test_a_change_of_a_counted_characteristic_changes_the_price_and_the_charge(lab: CatalogSet) -> None:
    base = install(decompose(order(add("1", "meter", points=2)), lab, InstalledBase(), on=TODAY))
    placed = order(modify("1", "product-1", points=4))
    plan = decompose(placed, lab, base, on=TODAY)
    assert totals(price_order(placed, plan).order_total_price) == [("recurring", "month", 12.1, 14.4)]
    [changed] = plan.products
    assert [price.counted_characteristic for price in changed.previous_prices if price.price_type == "recurring"] != [
        price.counted_characteristic for price in changed.prices if price.price_type == "recurring"
    ]


def test_prices_of_others_that_state_no_net_amount_are_summed_as_they_are() -> None:
    def price(**amounts: Any) -> OrderPrice:
        return OrderPrice.model_validate({"priceType": "recurring", "recurringChargePeriod": "month", **amounts})

    gross = {"taxIncludedAmount": {"unit": "SEK", "value": 100.0}}
    off = {"priceType": "recurring", "price": {"taxIncludedAmount": {"unit": "SEK", "value": -10.1}}}
    [sum_] = total([price(price=gross, priceAlteration=[off]), price(price=gross)])
    assert sum_.price is not None
    assert sum_.price.model_dump(mode="json", exclude_none=True) == {
        "taxIncludedAmount": {"unit": "SEK", "value": 189.9}
    }


def test_prices_that_a_client_sends_are_replaced(shipped: CatalogSet) -> None:
    sent = [{"priceType": "recurring", "price": {"dutyFreeAmount": {"unit": "EUR", "value": 0.01}}}]
    placed = order({**mobile(), "itemPrice": sent, "itemTotalPrice": sent}, orderTotalPrice=sent)
    priced = priced_by(placed, shipped, TODAY)
    assert totals(priced.order_total_price) == [("oneTime", None, 9.99, 11.89), ("recurring", "month", 19.99, 23.79)]
    assert decompose(placed, shipped, InstalledBase()).products[0].prices == priced.product_order_item[0].item_price


def test_the_order_that_is_priced_stays_as_it_was(shipped: CatalogSet) -> None:
    placed = order(fibre_bundle())
    before = placed.model_dump()
    priced_by(placed, shipped, TODAY)
    assert placed.model_dump() == before
