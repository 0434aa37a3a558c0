"""The keys of a plan's parts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.plan.keys import delivery_key, part_key, product_key, segment, service_order_key

HOSTILE = [
    "1",
    "1:internet",
    "1/2",
    "1%3Ainternet",
    "1%2F2",
    "1 2",
    "1+2",
    "1*2",
    "1%2A2",
    "größe",
    "Größe",
    "1~replaced",
]
HOSTILE += ["", " ", "..", "order", "!delivered", "so", "undo", "😀" * 30, "😀" * 30 + "1", "ü" * 100, "ü" * 99 + "u"]
SEGMENT = set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~%=")


def keys_of(item_id: str) -> list[str]:
    """Every kind of key that an item's nodes can have."""
    products = [product_key(item_id, instance, quantity) for instance, quantity in ((1, 1), (1, 3), (2, 3), (3, 3))]
    services = [service_order_key(product, name) for product in products for name in ("internet", "line*2")]
    return [*products, *services, *(delivery_key(product) for product in products)]


def test_a_plain_id_is_its_own_segment() -> None:
    assert product_key("1.2-a_b~c") == "1.2-a_b~c"
    assert service_order_key(product_key("7"), "internet") == "7:internet"
    assert delivery_key(product_key("7")) == "7:!delivered"


def test_one_of_several_products_says_which_it_is() -> None:
    assert [product_key("7", instance, 3) for instance in (1, 2, 3)] == ["7*1", "7*2", "7*3"]


@pytest.mark.parametrize("item_id", HOSTILE)
def test_no_id_brings_a_separator_into_a_key(item_id: str) -> None:
    assert set(segment(item_id)) <= SEGMENT
    assert len(segment(item_id)) <= 100


def test_no_two_ids_share_a_key() -> None:
    keys = [key for item_id in HOSTILE for key in keys_of(item_id)]
    assert len(keys) == len(set(keys))


IDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=100) | st.text(
    ":/%*+=~!. 12A3", min_size=1, max_size=40
)


@given(IDS, IDS)
def test_keys_of_different_ids_differ(one: str, other: str) -> None:
    shared = set(keys_of(one)) & set(keys_of(other))
    assert bool(shared) == (one == other)


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=100))
def test_every_id_that_an_order_may_have_fits_a_workflow_id(item_id: str) -> None:
    assert set(segment(item_id)) <= SEGMENT
    assert len(segment(item_id)) <= 100


def test_a_part_has_a_key_of_its_own_and_a_short_one_however_deep_it_is_in_bundles() -> None:
    keys = [product_key("1")]
    for depth in range(50):
        keys.append(part_key(keys[-1], f"product/{depth % 3}".ljust(150, "x")))
    assert keys[1].startswith("1+product%2F0xxx")
    assert len(set(keys)) == len(keys)
    assert max(map(len, keys)) <= 400
    assert part_key("1", "a") == "1+a"
