"""The documents that the catalogs are shown as: pure, without a gateway."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from pydantic import BaseModel

from api.catalog import examples as catalog_examples
from api.catalog import schemas as catalog_schemas
from catalogs.documents import CatalogDocuments
from catalogs.links import Collection, entry_href, split_version
from catalogs.loader import load_catalogs
from catalogs.model.catalog_set import CatalogSet
from tests.catalogs.shop import SHOP, shop_with, written

HERE = "http://here"


def documents_of(tmp_path: Path, shop: dict[str, Any] = SHOP) -> CatalogDocuments:
    return CatalogDocuments(load_catalogs(written(tmp_path, shop)), HERE)


def _document(documents: CatalogDocuments, collection: Collection, entry_id: str) -> dict[str, Any]:
    document = documents[collection].get(entry_id)
    assert document is not None
    return document


def test_an_offering_has_the_standards_names_addresses_and_what_the_file_leaves_open(tmp_path: Path) -> None:
    shop = shop_with("productOffering[1].prodSpecCharValueUse", [{"name": "speed"}])
    line = _document(documents_of(tmp_path, shop), Collection.OFFERING, "line")
    base = f"{HERE}/tmf-api/productCatalogManagement/v4"
    assert line == {
        "id": "line",
        "href": f"{base}/productOffering/line",
        "@type": "ProductOffering",
        "name": "Line",
        "version": "1.0",
        "lifecycleStatus": "Active",
        "isBundle": False,
        "isSellable": True,
        "productSpecification": {
            "id": "line",
            "href": f"{base}/productSpecification/line",
            "name": "Line",
            "@referredType": "ProductSpecification",
        },
        "productOfferingPrice": [
            {
                "id": "monthly",
                "href": f"{base}/productOfferingPrice/monthly",
                "name": "Monthly",
                "@referredType": "ProductOfferingPrice",
            }
        ],
        "prodSpecCharValueUse": [{"name": "speed"}],
    }


def test_characteristics_have_their_rules_and_ranges_say_how_they_end(tmp_path: Path) -> None:
    values = [{"value": 10}, {"valueFrom": 1, "valueTo": 2.5}]
    shop = shop_with("productSpecification[0].productSpecCharacteristic[2].productSpecCharacteristicValue", values)
    line = _document(documents_of(tmp_path, shop), Collection.PRODUCT, "line")
    rules = {"configurable": True, "minCardinality": 0, "maxCardinality": 1}
    assert line["productSpecCharacteristic"][1:] == [
        {"name": "label", "valueType": "string", **rules},
        {
            "name": "gain",
            "valueType": "number",
            **rules,
            "productSpecCharacteristicValue": [
                {"value": 10, "isDefault": False},
                {"isDefault": False, "valueFrom": 1, "valueTo": 2.5, "rangeInterval": "closed"},
            ],
        },
    ]


def test_the_bounds_of_a_text_are_told(shipped: CatalogSet) -> None:
    router = _document(CatalogDocuments(shipped, HERE), Collection.PRODUCT, "home-router")
    assert router["productSpecCharacteristic"][0]["maxOctets"] == 32
    assert "minLength" not in router["productSpecCharacteristic"][0]


def test_how_a_product_is_realised_stays_inside_but_what_realises_it_is_named(shipped: CatalogSet) -> None:
    documents = CatalogDocuments(shipped, HERE)
    for collection in Collection:
        for document in documents[collection].documents:
            assert not {"fulfilment", "policy", "when"} & document.keys()
    router = _document(documents, Collection.PRODUCT, "home-router")
    assert [each["id"] for each in router["serviceSpecification"]] == ["cfs-home-network"]
    access = _document(documents, Collection.SERVICE, "cfs-site-access")
    assert access["@type"] == "CustomerFacingServiceSpecification"
    assert [(each["id"], each["relationshipType"]) for each in access["serviceSpecRelationship"]] == [
        ("rfs-site-survey", "dependency"),
        ("rfs-ethernet-access", "dependency"),
        ("rfs-vpn-cpe", "dependency"),
    ]
    line = _document(documents, Collection.SERVICE, "rfs-ethernet-access")
    assert [each["id"] for each in line["resourceSpecification"]] == ["access-port", "access-vlan"]


def test_a_file_may_name_what_realises_a_product_itself(tmp_path: Path) -> None:
    shop = shop_with("productSpecification[0].serviceSpecification", [{"id": "rfs"}, {"id": "elsewhere"}])
    line = _document(documents_of(tmp_path, shop), Collection.PRODUCT, "line")
    inside, outside = line["serviceSpecification"]
    assert inside["href"] == f"{HERE}/tmf-api/serviceCatalogManagement/v4/serviceSpecification/rfs"
    assert outside == {"id": "elsewhere"}


def test_amounts_are_numbers_as_they_were_written(shipped: CatalogSet) -> None:
    documents = CatalogDocuments(shipped, HERE)
    prices = {each["id"]: each for each in documents[Collection.PRICE].documents}
    assert prices["internet-100-monthly"]["price"] == {"unit": "EUR", "value": 29.99}
    assert prices["internet-setup"]["price"] == {"unit": "EUR", "value": 49}
    assert prices["half-price-half-year"]["percentage"] == 50
    assert prices["home-voice-mobile-minute"]["unitOfMeasure"] == {"amount": 1, "units": "min"}
    assert prices["home-tv-box-monthly"]["unitOfMeasure"] == {"amount": 1, "units": "box"}
    assert prices["home-tv-box-monthly"]["countedCharacteristic"] == {"name": "setTopBoxes", "included": 1}
    assert "recurringChargePeriodLength" not in prices["internet-setup"]
    assert prices["internet-100-monthly"]["recurringChargePeriodLength"] == 1


def test_the_condition_of_a_price_is_told_as_its_logic(shipped: CatalogSet) -> None:
    price = _document(CatalogDocuments(shipped, HERE), Collection.PRICE, "vpn-spoke-100-monthly")
    (logic,) = price["pricingLogicAlgorithm"]
    assert (logic["name"], logic["description"]) == ("when", "product.bandwidth <= 100")


def test_categories_lead_down_to_offerings_across_catalogs(shipped: CatalogSet) -> None:
    documents = CatalogDocuments(shipped, HERE)
    residential = _document(documents, Collection.CATEGORY, "residential")
    assert residential["isRoot"] is True
    assert [each["id"] for each in residential["subCategory"]] == [
        "internet",
        "voice-and-tv",
        "home-network",
        "mobile",
    ]
    mobile = _document(documents, Collection.CATEGORY, "mobile")
    assert (mobile["isRoot"], mobile["parentId"]) == (False, "residential")
    assert [each["id"] for each in mobile["productOffering"]] == ["mobile-plan"]
    plan = _document(documents, Collection.OFFERING, "mobile-plan")
    assert [each["name"] for each in plan["category"]] == ["Mobile"]


def test_a_catalog_names_the_topmost_of_its_own_categories(shipped: CatalogSet) -> None:
    documents = CatalogDocuments(shipped, HERE)
    topmost = {each["id"]: [ref["id"] for ref in each["category"]] for each in documents[Collection.CATALOG].documents}
    assert topmost == {"fibre": ["residential"], "mobile": ["mobile"], "vpn": ["business"]}


def test_every_specification_is_a_candidate_in_the_category_of_its_catalog(shipped: CatalogSet) -> None:
    documents = CatalogDocuments(shipped, HERE)
    for specifications, candidates, categories, attribute in (
        (Collection.SERVICE, Collection.SERVICE_CANDIDATE, Collection.SERVICE_CATEGORY, "serviceSpecification"),
        (Collection.RESOURCE, Collection.RESOURCE_CANDIDATE, Collection.RESOURCE_CATEGORY, "resourceSpecification"),
    ):
        specified = [each["id"] for each in documents[specifications].documents]
        assert [each["id"] for each in documents[candidates].documents] == specified
        assert [each[attribute]["id"] for each in documents[candidates].documents] == specified
        listed = [ref["id"] for each in documents[categories].documents for ref in each[candidates.resource]]
        assert listed == specified
    sim = _document(documents, Collection.RESOURCE_CANDIDATE, "sim-card")
    assert [each["id"] for each in sim["category"]] == ["mobile"]


def test_each_version_has_its_address_and_a_named_one_is_linked(tmp_path: Path) -> None:
    shop = shop_with("productSpecification[1]", {"id": "line", "name": "Old line", "version": "0.9"})
    shop = shop_with("productOffering[1].productSpecification.version", "0.9", shop)
    documents = documents_of(tmp_path, shop)
    path = f"{HERE}/tmf-api/productCatalogManagement/v4/productSpecification"
    assert [(each["version"], each["href"]) for each in documents[Collection.PRODUCT].documents] == [
        ("0.9", f"{path}/line:(version=0.9)"),
        ("1.0", f"{path}/line"),
    ]
    specification = _document(documents, Collection.OFFERING, "line")["productSpecification"]
    assert (specification["href"], specification["name"]) == (f"{path}/line:(version=0.9)", "Old line")


def test_a_category_lists_an_offering_once_and_only_where_its_latest_version_is(tmp_path: Path) -> None:
    shop = shop_with("category", [{"id": "old", "name": "Old"}, {"id": "new", "name": "New"}])
    line = shop["productOffering"][1]
    shop["productOffering"] += [
        {**line, "version": "1.1", "category": [{"id": "new"}]},
        {**line, "version": "0.9", "category": [{"id": "old"}, {"id": "new"}]},
    ]
    documents = documents_of(tmp_path, shop)
    assert "productOffering" not in _document(documents, Collection.CATEGORY, "old")
    assert [each["id"] for each in _document(documents, Collection.CATEGORY, "new")["productOffering"]] == ["line"]


def test_an_entry_is_as_old_as_it_says_or_else_as_its_catalog(tmp_path: Path) -> None:
    shop = shop_with("catalog.lastUpdate", "2026-01-02T03:04:05Z")
    shop = shop_with("productOffering[1].lastUpdate", "2026-02-03T00:00:00+01:00", shop)
    documents = documents_of(tmp_path, shop)
    assert _document(documents, Collection.OFFERING, "line")["lastUpdate"] == "2026-02-02T23:00:00.000Z"
    assert _document(documents, Collection.PRICE, "off")["lastUpdate"] == "2026-01-02T03:04:05.000Z"


def test_attributes_that_nothing_reads_are_given_as_written_but_addresses_are_the_gateways(tmp_path: Path) -> None:
    shop = shop_with("productOffering[1].statusReason", "new")
    shop = shop_with("productOffering[1].href", "http://elsewhere", shop)
    shop = shop_with("productOffering[1].@type", "LineOffering", shop)
    line = _document(documents_of(tmp_path, shop), Collection.OFFERING, "line")
    assert (line["statusReason"], line["@type"]) == ("new", "LineOffering")
    assert line["href"].startswith(HERE)


def test_the_entity_tag_changes_with_the_catalogs_and_the_addresses(tmp_path: Path, shipped: CatalogSet) -> None:
    tags = [
        CatalogDocuments(shipped, HERE).etag,
        CatalogDocuments(shipped, HERE).etag,
        CatalogDocuments(shipped, "http://there").etag,
        documents_of(tmp_path).etag,
    ]
    assert tags[0] == tags[1]
    assert len(set(tags)) == 3
    assert tags[0].startswith('"')


@pytest.mark.parametrize("version", ["1.0", "2024 spring", "1.0)", "β(1)", "100%"])
def test_an_address_with_a_version_is_read_again_as_it_was_made(version: str) -> None:
    address = entry_href(HERE, Collection.OFFERING, "a.b-c", version)
    assert split_version(unquote(address.rpartition("/")[2])) == ("a.b-c", version)


def test_an_address_without_a_version_names_none() -> None:
    for text in ("line", "line:(version)", "line(version=1)", ""):
        assert split_version(text) == (text, None)


@pytest.mark.parametrize("name", [each.name for each in Collection])
def test_the_examples_of_the_documentation_are_what_the_shipped_catalogs_give(shipped: CatalogSet, name: str) -> None:
    example: dict[str, Any] = getattr(catalog_examples, name)
    documents = CatalogDocuments(shipped, catalog_examples.BASE_URL)
    assert documents[Collection[name]].get(example["id"]) == example


def _undescribed(node: Any, schema: dict[str, Any], schemas: dict[str, Any], path: str = "") -> list[str]:
    """Return the paths of what a document has and its schema does not name."""
    choices = [each for each in schema.get("anyOf", [schema]) if each.get("type") != "null"]
    schema = schemas[choices[0]["$ref"].rpartition("/")[2]] if "$ref" in choices[0] else choices[0]
    if isinstance(node, list):
        return [each for item in node for each in _undescribed(item, schema.get("items", {}), schemas, path)]
    if not isinstance(node, dict) or "properties" not in schema:
        return []
    unknown = [f"{path}.{name}" for name in node if name not in schema["properties"] and not name.startswith("@")]
    known = [(name, value) for name, value in node.items() if name in schema["properties"]]
    return unknown + [
        each
        for name, value in known
        for each in _undescribed(value, schema["properties"][name], schemas, f"{path}.{name}")
    ]


@pytest.mark.parametrize("collection", list(Collection), ids=lambda each: each.resource)
def test_every_attribute_of_every_entry_is_described(shipped: CatalogSet, collection: Collection) -> None:
    model: type[BaseModel] = getattr(catalog_schemas, collection.definition)
    schema = model.model_json_schema(ref_template="{model}")
    for document in CatalogDocuments(shipped, HERE)[collection].documents:
        assert _undescribed(document, schema, schema["$defs"]) == []
        model.model_validate(document)
