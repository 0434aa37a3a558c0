"""The rules of categories, each broken alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.catalogs.shop import faults_of, shop_with, warnings_of

HOME: dict[str, Any] = {"id": "home", "name": "Home"}
LINES: dict[str, Any] = {"id": "lines", "name": "Lines", "parentId": "home"}
SHOP = shop_with("productOffering[0].category", [{"id": "lines"}], shop_with("category", [HOME, LINES]))
SHOP = shop_with("productOffering[1].category", [{"id": "lines"}], SHOP)


def test_a_shop_with_categories_has_no_fault(tmp_path: Path) -> None:
    assert faults_of(tmp_path, SHOP) == []


@pytest.mark.parametrize(
    ("path", "value", "fault"),
    [
        (
            "productOffering[1].category",
            [{"id": "lines"}, {"id": "line"}],
            "productOffering[1].category[1].id: there is no category 'line'; did you mean 'lines'?",
        ),
        (
            "productOffering[1].category",
            [{"id": "lines", "version": "2.0"}],
            "productOffering[1].category[0].id: there is no category 'lines' version 2.0",
        ),
        ("productOffering[1].category", [{}], "productOffering[1].category[0].id: is missing"),
        (
            "category[1].parentId",
            "hme",
            "category[1].parentId: there is no category 'hme'; did you mean 'home'?",
        ),
        (
            "category[0].parentId",
            "lines",
            "category[0].parentId: categories are below each other in a circle: home → lines → home",
        ),
        (
            "category[1].isRoot",
            True,
            "category[1].isRoot: a category is a root where it has no parentId, and only there",
        ),
        (
            "category[0].isRoot",
            False,
            "category[0].isRoot: a category is a root where it has no parentId, and only there",
        ),
        (
            "category[0].subCategory",
            [{"id": "lines"}],
            "category[0].subCategory: subCategory follows from parentId of the categories below; leave it out",
        ),
        (
            "category[1].productOffering",
            [{"id": "line"}],
            "category[1].productOffering: productOffering follows from category of the offerings; leave it out",
        ),
        ("category[1].parentID", "home", "category[1].parentID: unknown key 'parentID'; did you mean 'parentId'?"),
        ("category[2]", HOME, "category[2].id: category 'home' version 1.0 is defined twice; the first is in shop/"),
        ("catalog.lastUpdate", "yesterday", "catalog.lastUpdate: «yesterday» is no date and time"),
        ("category[0].version", "1/2", 'category[0].version: must be a text that matches ^[^/]+$, not "1/2"'),
    ],
)
def test_each_fault_is_told_where_it_is(tmp_path: Path, path: str, value: Any, fault: str) -> None:
    assert any(each.startswith(fault) for each in faults_of(tmp_path, shop_with(path, value, SHOP)))


@pytest.mark.parametrize(
    ("path", "value", "warning"),
    [
        (
            "category[2]",
            {"id": "empty", "name": "Empty"},
            "category[2].id: category 'empty' has no offering and no category below it",
        ),
        (
            "productOffering[1].category",
            [],
            "productOffering[1].id: productOffering 'line' is sold, but in no category",
        ),
    ],
)
def test_what_no_shop_leads_to_is_a_warning(tmp_path: Path, path: str, value: Any, warning: str) -> None:
    assert warning in warnings_of(tmp_path, shop_with(path, value, SHOP))


@pytest.mark.parametrize(("attribute", "value"), [("isSellable", False), ("lifecycleStatus", "Retired")])
def test_what_is_not_sold_alone_needs_no_category(tmp_path: Path, attribute: str, value: Any) -> None:
    shop = shop_with(f"productOffering[1].{attribute}", value, shop_with("productOffering[1].category", [], SHOP))
    assert [each for each in warnings_of(tmp_path, shop) if "categor" in each] == []


def test_without_any_category_there_is_nothing_to_warn_of(tmp_path: Path) -> None:
    assert [each for each in warnings_of(tmp_path, shop_with("catalog.name", "Shop")) if "categor" in each] == []
