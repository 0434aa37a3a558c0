"""List queries: filters, comparisons, order and pages."""

import time
from collections import Counter
from collections.abc import Iterable
from typing import Any

import httpx2
import pytest

from systems.common import paging
from systems.common.queries import admits, read_filters
from tests.systems.conftest import keyed
from tmf.query.query import Condition, Filter, Operator, QueryError

PRODUCT = "/tmf-api/productInventory/v4/product"
RESOURCE = "/tmf-api/resourceInventoryManagement/v4/resource"
DOCUMENT = {
    "name": "Fibre, 250",
    "isBundle": True,
    "startDate": "2026-03-01T10:00:00+01:00",
    "relatedParty": [{"id": "anna", "role": "customer"}, {"id": "shop", "role": "seller"}],
    "productCharacteristic": [{"name": "speed", "value": 250}],
}


def admitted(name: str, value: str) -> bool:
    return admits(read_filters([(name, value)]), DOCUMENT)


@pytest.mark.parametrize(
    ("name", "value", "passes"),
    [
        ("name", '"Fibre, 250"', True),
        ("name", "Fibre, 250", True),
        ("name", "Fibre", False),
        ("name", "Copper", False),
        ("isBundle", "true", True),
        ("relatedParty.id", "bert,anna", True),
        ("relatedParty.id", "bert,carla", False),
        ("relatedParty.id.ne", "bert", True),
        ("relatedParty.id.ne", "anna", False),
        ("absent.ne", "anything", True),
        ("absent.gt", "0", False),
        ("productCharacteristic.value.gt", "99", True),
        ("productCharacteristic.value.gt", "1000", False),
        ("productCharacteristic.value.gte", "250", True),
        ("productCharacteristic.value.lt", "250", False),
        ("productCharacteristic.value.lte", "250.0", True),
        ("startDate.gt", "2026-03-01T08:59:00Z", True),
        ("startDate.lt", "2026-03-01T09:01:00Z", True),
        ("startDate.lt", "2026-03-01T09:00:00Z", False),
        ("name", "Copper;name=Fibre, 250", True),
        ("name", "Copper;name=Brass", False),
        ("name", "Copper;Fibre, 250", False),
        ("productCharacteristic.value.gt", "1000;productCharacteristic.value.gt=99", True),
        ("relatedParty.id", "bert;relatedParty.id=carla,anna", True),
        ("name", "Copper;isBundle=true", True),
        ("name", "Copper;isBundle=false", False),
        ("name", '"a;isBundle=true"', False),
        ("name.ne", "Fibre, 250;isBundle.eq=true", True),
        ("startDate", "2026-03-01T09:00:00Z", True),
        ("startDate", "2026-03-01t10:30:00.000+0130", True),
        ("startDate", "2026-03-01T10:00:00Z", False),
        ("startDate.ne", "2026-03-01T09:00:00Z", False),
        ("startDate>2026-03-01", "", True),
        ("startDate<", "2026-03-01", False),
        ("startDate>", "2026-03-01", True),
        ("name!", "Copper", True),
        ("name*", "^Fi", True),
        ("name.regex", "^Fi.*50$", True),
        ("name.regex", "^ibre", False),
        ("name.regex", ", ", True),
    ],
)
def test_a_filter_admits_what_it_says(name: str, value: str, passes: bool) -> None:
    assert admitted(name, value) is passes


def test_all_filters_must_hold() -> None:
    both = read_filters([("isBundle", "true"), ("relatedParty.role", "customer")])
    assert admits(both, DOCUMENT)
    assert not admits((*both, *read_filters([("name", "Copper")])), DOCUMENT)


def test_no_pattern_takes_for_ever() -> None:
    before = time.monotonic()
    assert not admits([Filter(("name",), ("^(a+)+$",), Operator.REGEX)], {"name": "a" * 4000 + "b"})
    # Python's own engine would need longer than the world has been there.
    assert time.monotonic() - before < 60


@pytest.mark.parametrize(
    "text", [" " * 50_000 + '"', ";b=1" * 1000 + ';c="' + r"\"" * 20_000], ids=["blanks", "quotes"]
)
def test_a_long_value_is_read_in_one_go(text: str) -> None:
    # Where each blank or quote began another attempt, these kept a system from its other work for hours.
    with pytest.raises(QueryError):
        read_filters([("a", text)])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("name.regex", "a" * 201),
        ("name.regex", "(a"),
        ("name.regex", r"(a)\1"),
        ("name", '"open'),
        ("name", '"a"b'),
        ("a..b", "x"),
        (".gt", "x"),
        ("name", "a\0"),
        ("name", "a;limit=3"),
        ("name==a", ""),
    ],
)
def test_a_filter_that_makes_no_sense_is_refused(name: str, value: str) -> None:
    with pytest.raises(QueryError):
        read_filters([(name, value)])


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("path", "params", "named"),
    [
        (PRODUCT, {"colour": "red"}, "colour"),
        (PRODUCT, {"colour.gt": "red"}, "colour"),
        (RESOURCE, {"status": "free"}, "status"),
        (PRODUCT, {"sort": "colour"}, "colour"),
        (PRODUCT, {"limit": "0"}, "limit"),
        (PRODUCT, {"limit": "1001"}, "limit"),
        (PRODUCT, {"offset": "-1"}, "offset"),
        (PRODUCT, {"offset": "9999999999"}, "offset"),
        ("/tmf-api/resourcePoolManagement/v4/resourcePool", {"size": "1"}, "size"),
        ("/tmf-api/serviceQualificationManagement/v4/checkServiceQualification", {"size": "1"}, "size"),
    ],
)
async def test_a_query_that_cannot_be_answered_names_its_parameter(
    inventory: httpx2.AsyncClient, path: str, params: dict[str, str], named: str
) -> None:
    refused = await inventory.get(path, params=params)
    assert refused.status_code == 400
    assert named in refused.json()["reason"]
    assert refused.json()["referenceError"] == "/docs"


CHECKS = "/tmf-api/serviceQualificationManagement/v4/checkServiceQualification"
POOL = "/tmf-api/resourcePoolManagement/v4/resourcePool"
NO_DATE = "is no date, such as 2026-11-23 or 2026-11-23T09:00:00Z"


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("path", "query", "reason"),
    [
        (PRODUCT, "status=gone", 'status: "gone" is not one of created, pendingActive, active, suspended'),
        (PRODUCT, "status=active,gone", 'status: "gone" is not one of created'),
        (PRODUCT, 'status="active,gone"', 'status: "active,gone" is not one of created'),
        (PRODUCT, "name=a;status.ne=gone", 'status.ne: "gone" is not one of created'),
        (PRODUCT, "isBundle=yes", 'isBundle: "yes" is neither true nor false'),
        (PRODUCT, "isBundle.gt=true", "isBundle.gt: is true or false: only .eq and .ne compare with it, not .gt"),
        (PRODUCT, "startDate=soon", f'startDate: "soon" {NO_DATE}'),
        (PRODUCT, "startDate.gte=20260301", f'startDate.gte: "20260301" {NO_DATE}'),
        (PRODUCT, "startDate=2026-03-01,", f'startDate: "" {NO_DATE}'),
        (PRODUCT, "productOffering=a", "productOffering: is an object, and has no value of its own"),
        (PRODUCT, "status.foo=a", "status.foo: Product.status has no attributes; operators are eq, ne, gt, gte"),
        (PRODUCT, "status=active&status=suspended", "status: has one value, and is asked for two: for either write"),
        (PRODUCT, "colour=red", "colour: Product has no attribute colour; it has agreement, billingAccount"),
        (PRODUCT, "sort=colour", "sort: colour is not one of @baseType, @schemaLocation, @type, agreement"),
        (RESOURCE, "usageState=off", 'usageState: "off" is not one of idle, active, busy'),
        (POOL, "capacity.free=many", 'capacity.free: "many" is no number, such as 2 or 0.5'),
        (POOL, "place.town=BER", "place.town: ResourcePool.place has no attribute town; it has id"),
        (CHECKS, "state=over", 'state: "over" is not one of acknowledged, inProgress, done, terminatedWithError'),
    ],
)
async def test_a_filter_that_can_match_nothing_is_told_what_it_may_be(
    inventory: httpx2.AsyncClient, path: str, query: str, reason: str
) -> None:
    refused = await inventory.get(f"{path}?{query}")
    assert refused.status_code == 400, refused.text
    assert refused.json()["reason"].startswith(reason)


@pytest.mark.anyio
@pytest.mark.parametrize(
    "query",
    ["relatedParty.id=a&relatedParty.id=b", "productCharacteristic.value=a&status=active&status=active,created"],
)
async def test_what_may_hold_together_is_no_contradiction(inventory: httpx2.AsyncClient, query: str) -> None:
    assert (await inventory.get(f"{PRODUCT}?{query}")).status_code == 200


async def ids(client: httpx2.AsyncClient, path: str = PRODUCT, **params: str) -> list[str]:
    answer = await client.get(path, params=params)
    assert answer.status_code in (200, 206), answer.text
    return [document["id"] for document in answer.json()]


@pytest.fixture
async def products(inventory: httpx2.AsyncClient) -> httpx2.AsyncClient:
    """Four products, a to d."""
    for number, name in enumerate("dbca"):
        body: dict[str, Any] = {
            "id": f"p-{name}",
            "name": name,
            "status": "active" if number < 3 else "terminated",
            "startDate": f"2026-03-0{number + 1}T00:00:00Z",
            "productCharacteristic": [{"name": "speed", "value": 10 ** (number + 1)}],
        }
        if name == "d":
            body |= {"description": 'grün, "hell"', "productSpecification": {"id": "ps", "name": "Fibre"}}
        made = await inventory.post(PRODUCT, json=body, headers=keyed(name))
        assert made.status_code == 201
    return inventory


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"sort": "name"}, ["p-a", "p-b", "p-c", "p-d"]),
        ({"sort": "-name", "limit": "2"}, ["p-d", "p-c"]),
        ({"sort": "-status,name"}, ["p-a", "p-b", "p-c", "p-d"]),
        ({"sort": "name", "offset": "1", "limit": "2", "name.ne": "b"}, ["p-c", "p-d"]),
        ({"status.ne": "active"}, ["p-a"]),
        ({"id": "p-a,p-b"}, ["p-b", "p-a"]),
        ({"id.ne": "p-a", "sort": "id"}, ["p-b", "p-c", "p-d"]),
        ({"startDate.gte": "2026-03-03T00:00:00Z"}, ["p-c", "p-a"]),
        ({"productCharacteristic.value.lt": "1000"}, ["p-d", "p-b"]),
        ({"name.regex": "[ab]"}, ["p-b", "p-a"]),
        ({"name": "d;status=terminated"}, ["p-d", "p-a"]),
        ({"name": "d;productCharacteristic.value=100"}, ["p-d", "p-b"]),
        ({"name": "d;productCharacteristic.value=100", "status": "active", "id.ne": "p-d"}, ["p-b"]),
        ({"startDate": "2026-03-02T01:00:00+01:00"}, ["p-b"]),
        ({"startDate.ne": "2026-03-02"}, ["p-d", "p-c", "p-a"]),
        ({"name": "a,c"}, ["p-c", "p-a"]),
        ({"name": ""}, []),
        ({"description.ne": '"grün, \\"hell\\""'}, ["p-b", "p-c", "p-a"]),
        ({"description": '"grün, \\"hell\\""'}, ["p-d"]),
        ({"productSpecification.name": "Fibre"}, ["p-d"]),
        ({"productSpecification.name.ne": "Fibre"}, ["p-b", "p-c", "p-a"]),
        ({"productCharacteristic.value": "100"}, ["p-b"]),
        ({"productCharacteristic.name": "speed", "name": "c"}, ["p-c"]),
        ({"href": f"http://system{PRODUCT}/p-a,http://other{PRODUCT}/p-b,p-c"}, ["p-a"]),
        ({"href.ne": f"http://system{PRODUCT}/p-a"}, ["p-d", "p-b", "p-c"]),
    ],
)
async def test_products_are_compared_sorted_and_paged(
    products: httpx2.AsyncClient, params: dict[str, str], expected: list[str]
) -> None:
    assert await ids(products, **params) == expected


@pytest.mark.anyio
async def test_a_page_of_what_is_filtered_in_documents_counts_all_that_match(products: httpx2.AsyncClient) -> None:
    page = await products.get(PRODUCT, params={"name.ne": "b", "limit": "1", "offset": "1"})
    assert page.status_code == 206
    assert (page.headers["X-Total-Count"], page.headers["X-Result-Count"]) == ("3", "1")
    assert [document["id"] for document in page.json()] == ["p-c"]


@pytest.mark.anyio
async def test_only_the_fields_asked_for_are_given_with_id_and_href(products: httpx2.AsyncClient) -> None:
    one: dict[str, Any] = (await products.get(f"{PRODUCT}/p-a", params={"fields": "name,absent"})).json()
    assert one == {"id": "p-a", "href": f"http://system{PRODUCT}/p-a", "name": "a"}


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"category": "ont"}, ["ont-1", "ont-2"]),
        ({"category": "ont", "sort": "-value"}, ["ont-2", "ont-1"]),
        ({"category": "ont", "value.ne": "SN-001"}, ["ont-2"]),
        ({"value": "SN-001;name=ONTs SN-002"}, ["ont-1", "ont-2"]),
        ({"category": "ont", "name.regex": "SN-002$"}, ["ont-2"]),
        ({"place.id.ne": "BER-1", "category": "gpon-port-ber-1,ont"}, ["ont-1", "ont-2"]),
        ({"resourceCharacteristic.value": "gold", "limit": "1"}, ["msisdn-1"]),
    ],
)
async def test_resources_are_compared_sorted_and_paged(
    inventory: httpx2.AsyncClient, params: dict[str, str], expected: list[str]
) -> None:
    assert await ids(inventory, RESOURCE, **params) == expected


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("path", "params", "matching", "read"),
    [
        (PRODUCT, {"name": "b"}, 1, 0),
        (PRODUCT, {"startDate": "2026-03-02T01:00:00+01:00"}, 1, 4),
        (PRODUCT, {"name": "b;status=terminated"}, 2, 0),
        (PRODUCT, {"productSpecification.name": "Fibre"}, 1, 0),
        (PRODUCT, {"productCharacteristic.value": "1000"}, 1, 2),
        (RESOURCE, {"href": f"http://system{RESOURCE}/ont-1"}, 1, 0),
        (RESOURCE, {"name": "ONTs SN-002"}, 1, 1),
        (RESOURCE, {"@type": "PhysicalResource"}, 80, 80),
        (RESOURCE, {"resourceCharacteristic.value": "gold"}, 3, 3),
        (RESOURCE, {"description": "mended"}, 1, 1),
        (RESOURCE, {"place.role": "installation"}, 80, 112),
    ],
)
async def test_the_database_leaves_few_documents_to_be_read(
    products: httpx2.AsyncClient,
    monkeypatch: pytest.MonkeyPatch,
    path: str,
    params: dict[str, str],
    matching: int,
    read: int,
) -> None:
    await products.patch(f"{RESOURCE}/ont-1", json={"description": "mended"})
    looked_at = Counter[str]()

    def counted(conditions: Iterable[Condition], document: dict[str, Any]) -> bool:
        looked_at[document["id"]] += 1
        return admits(conditions, document)

    monkeypatch.setattr(paging, "admits", counted)
    assert len(await ids(products, path, **params)) == matching
    assert looked_at.total() == read


@pytest.mark.anyio
async def test_what_was_written_on_a_resource_goes_before_what_its_pool_says(inventory: httpx2.AsyncClient) -> None:
    await inventory.patch(f"{RESOURCE}/ont-1", json={"name": "Gerät 1"})
    assert await ids(inventory, RESOURCE, name="Gerät 1") == ["ont-1"]
    assert await ids(inventory, RESOURCE, name="ONTs SN-001") == []


@pytest.mark.anyio
async def test_a_page_has_a_hundred_unless_more_are_asked_for(inventory: httpx2.AsyncClient) -> None:
    assert len(await ids(inventory, RESOURCE)) == 100
    assert len(await ids(inventory, RESOURCE, limit="1000")) == 112


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("media", "status"),
    [
        ('application/json; charset="UTF-8"', 201),
        ("Application/JSON ;Charset = utf-8", 201),
        ("application/json; charset=latin-1", 415),
        ("text/plain", 415),
    ],
)
async def test_a_body_is_taken_however_it_says_that_it_is_in_utf_8(
    inventory: httpx2.AsyncClient, media: str, status: int
) -> None:
    raw = b"\xef\xbb\xbf" + b'{"name": "Fibre", "status": "active"}'
    answer = await inventory.post(PRODUCT, content=raw, headers={**keyed("bom"), "Content-Type": media})
    assert answer.status_code == status, answer.text
