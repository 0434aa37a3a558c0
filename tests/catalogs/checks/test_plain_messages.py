"""No message of the catalogs is in the words of Python: not of an order that breaks a rule, nor of their faults."""

from __future__ import annotations

import json
from collections import ChainMap
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from catalogs.checks.product_orders import check_order
from catalogs.checks.resource_orders import check_resource_order
from catalogs.checks.service_orders import check_service_order
from catalogs.decomposition.product_orders import decompose
from catalogs.loader import default_catalogs, inspect_catalogs
from catalogs.model.catalog_set import CatalogSet
from orders.intake import check_order as check_form
from orders.lifecycle.states import ITEM_LISTS, OrderKind
from orders.model.installed import InstalledBase
from orders.model.product_orders import ProductOrder
from orders.model.resource_orders import ResourceOrder
from orders.model.service_orders import ServiceOrder
from orders.model.violation import Violation
from tests.catalogs.installation import install
from tests.catalogs.sample_orders import TODAY, fibre_bundle, mobile, order, tv, vpn
from tests.catalogs.shop import SHOP, written
from tests.python_words import check_plain
from tests.thorough import examples
from tmf.bodies import InvalidBodyError

Steps = tuple[str | int, ...]

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.just(10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["", "x", "BER-1", "it's", "2026-06-01", "product.speed", "services.line.port == 'x'"]),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["id", "x", "value"]), inner, max_size=2)
    ),
    max_leaves=4,
)

SERVICE_ORDER = {
    "serviceOrderItem": [
        {
            "id": "1",
            "action": "add",
            "service": {
                "serviceSpecification": {"id": "cfs-mobile"},
                "place": [{"id": "BER-1"}],
                "serviceCharacteristic": [
                    {"name": "simType", "value": "esim"},
                    {"name": "dataVolumeGb", "value": 20},
                    {"name": "roaming", "value": "eu"},
                ],
            },
        },
        {"id": "2", "action": "modify", "service": {"id": "s-1"}},
    ]
}
RESOURCE_ORDER = {
    "orderItem": [
        {
            "id": "1",
            "action": "add",
            "quantity": 1,
            "resource": {
                "resourceSpecification": {"id": "vpn-cpe"},
                "value": "SN-1",
                "resourceCharacteristic": [{"name": "siteName", "value": "Berlin"}],
            },
        },
        {"id": "2", "action": "delete", "resource": {"id": "r-1"}},
    ]
}


def steps(node: Any, at: Steps = ()) -> list[Steps]:
    """Return the path of everything in a JSON document but itself."""
    inner = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [path for name, each in inner for path in ((*at, name), *steps(each, (*at, name)))]


def with_value(node: Any, path: Steps, value: Any) -> Any:
    """Return a JSON document with another value at a path."""
    if not path:
        return value
    if isinstance(node, list):
        return [with_value(each, path[1:], value) if index == path[0] else each for index, each in enumerate(node)]
    if isinstance(node, dict) and path[0] in node:
        return {name: with_value(each, path[1:], value) if name == path[0] else each for name, each in node.items()}
    return node


def altered(document: Any) -> st.SearchStrategy[Any]:
    """Draw a document with other values at a few places."""
    every = steps(document)
    path = st.sampled_from(every) | st.sampled_from([each for each in every if each[-1] == "value"] or every)

    def alter(changes: list[tuple[Steps, Any]]) -> Any:
        changed = document
        for where, value in changes:
            changed = with_value(changed, where, value)
        return changed

    return st.lists(st.tuples(path, VALUES), min_size=1, max_size=3).map(alter)


def as_document(placed: ProductOrder) -> dict[str, Any]:
    return placed.model_dump(mode="json", by_alias=True, exclude_none=True)


ADDED = order(fibre_bundle(tv()), mobile(simType="esim", dataVolumeGb=20, roaming="eu"), vpn(spokes=1))


@cache
def changed() -> dict[str, Any]:
    """An order that changes products that are there."""
    items = [
        {
            "id": product,
            "action": action,
            "product": {
                "id": f"product-{product}",
                "place": [{"id": "BER-2", "role": "installation"}],
                "productCharacteristic": [{"name": "downloadSpeed", "value": 500}],
            },
        }
        for action, product in (("modify", "internet"), ("noChange", "tv"), ("delete", "mobile"))
    ]
    return as_document(order(*items))


def check_violations(violations: list[Violation]) -> None:
    for each in violations:
        check_plain(str(each))


several = settings(max_examples=examples(60, 2000), deadline=None)


@several
@given(data=st.data())
def test_of_an_order_of_products(shipped: CatalogSet, data: st.DataObject) -> None:
    base = install(decompose(ADDED, shipped, InstalledBase())) if data.draw(st.booleans()) else InstalledBase()
    document = data.draw(altered(as_document(ADDED)) | altered(changed()))
    if placed := read(ProductOrder, OrderKind.PRODUCT, document):
        check_violations(check_order(placed, shipped, base, TODAY))


@several
@given(document=altered(SERVICE_ORDER))
def test_of_an_order_of_services(shipped: CatalogSet, document: Any) -> None:
    if placed := read(ServiceOrder, OrderKind.SERVICE, document):
        check_violations(check_service_order(placed, shipped, InstalledBase(), TODAY))


@several
@given(document=altered(RESOURCE_ORDER))
def test_of_an_order_of_resources(shipped: CatalogSet, document: Any) -> None:
    if placed := read(ResourceOrder, OrderKind.RESOURCE, document):
        check_violations(check_resource_order(placed, shipped, InstalledBase(), TODAY))


def read(model: Any, kind: OrderKind, document: Any) -> Any:
    """Return an order whose form is right; of another the messages are looked at, and it is None."""
    sent = {ITEM_LISTS[kind]: [], **document}
    try:
        return model.model_validate({**check_form(kind, sent), "id": "x", "orderDate": TODAY.isoformat()})
    except InvalidBodyError as error:
        for fault in error.faults:
            check_plain(str(fault))
        return None


@cache
def catalog(folder: str) -> dict[str, Any]:
    """Return the sections of a folder of catalogs, as JSON: a shipped one, the lab, or the small shop."""
    if folder == "shop":
        return SHOP
    around = Path(__file__).parents[1] / "lab" if folder == "lab" else default_catalogs()
    read = [YAML(typ="safe", pure=True).load(path) for path in sorted((around / folder).glob("*.yaml"))]
    whole: dict[str, Any] = json.loads(json.dumps(dict(ChainMap(*read)), default=str))
    return whole


def test_an_expression_is_no_list_of_python() -> None:
    check_plain("\"services['vpn-core/core'].routeTarget\": has no characteristic 'routeTarget'")
    with pytest.raises(AssertionError, match="must be one of"):
        check_plain("must be one of ['a', 'b']")


@pytest.mark.parametrize(("folder", "some"), [("shop", 60), ("lab", 10), ("mobile", 10), ("fibre", 3), ("vpn", 3)])
def test_of_a_catalog(folder: str, some: int) -> None:
    @settings(max_examples=examples(some, 500), deadline=None, phases=set(Phase) - {Phase.shrink})
    @example(with_value(SHOP, ("productOfferingPrice", 0, "price", "value"), 1e30))
    @given(altered(catalog(folder)))
    def check(sections: dict[str, Any]) -> None:
        with TemporaryDirectory() as root:
            for found in inspect_catalogs(written(Path(root), sections), TODAY):
                for each in found:
                    check_plain(each.message)

    check()
