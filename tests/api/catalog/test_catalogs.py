"""TMF620, TMF633 and TMF634 over HTTP: lists, single entries, versions, conditional reads; nothing is written."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest

from api.app import create_app
from catalogs.links import Collection
from catalogs.loader import load_catalogs
from tests.api.conftest import BASE_URL, Bench
from tmf.paths import TMF620, TMF633, TMF634

pytestmark = pytest.mark.anyio

COLLECTIONS = pytest.mark.parametrize("collection", list(Collection), ids=lambda each: each.resource)


@pytest.fixture
async def lab(bench: Bench) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of a gateway with a catalog that has several versions."""
    catalogs = load_catalogs(Path(__file__).parents[2] / "catalogs" / "lab")
    transport = httpx2.ASGITransport(create_app(replace(bench.gateway, catalogs=catalogs)))
    async with httpx2.AsyncClient(transport=transport, base_url=BASE_URL) as client:
        yield client


async def _ids(client: httpx2.AsyncClient, collection: Collection, **params: str) -> list[str]:
    answer = await client.get(collection, params=params)
    assert answer.status_code in (200, 206), answer.text
    return [each["id"] for each in answer.json()]


def _links(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        if "href" in node:
            yield node
        for each in node.values():
            yield from _links(each)
    elif isinstance(node, list):
        for each in node:
            yield from _links(each)


@COLLECTIONS
async def test_every_link_of_every_entry_leads_to_what_it_names(bench: Bench, collection: Collection) -> None:
    answer = await bench.client.get(collection, params={"limit": "1000"})
    assert answer.status_code == 200
    assert answer.json()
    for document in answer.json():
        assert (await bench.client.get(document["href"])).json() == document
        for link in _links(document):
            there = await bench.client.get(link["href"])
            assert there.status_code == 200, link
            assert (there.json()["id"], there.json()["name"]) == (link["id"], link["name"])
            assert there.json()["@type"] == link.get("@referredType", document["@type"])


@COLLECTIONS
async def test_nothing_is_written_and_the_answer_says_where_catalogs_come_from(
    bench: Bench, collection: Collection
) -> None:
    (some, *_) = await _ids(bench.client, collection)
    answers = [await bench.client.post(collection, json={"name": "mine"})]
    answers += [
        await bench.client.request(method, f"{collection}/{some}", json={"name": "mine"})
        for method in ("PATCH", "PUT", "DELETE")
    ]
    for answer in answers:
        assert answer.status_code == 405
        assert "GET" in answer.headers["Allow"]
        assert answer.json()["@type"] == "Error"
        assert answer.json()["code"] == "methodNotAllowed"
        assert "loaded from YAML files" in answer.json()["message"]


@pytest.mark.parametrize("base", [TMF620, TMF633, TMF634])
@pytest.mark.parametrize("path", ["hub", "importJob", "exportJob"])
async def test_listeners_and_jobs_are_not_served(bench: Bench, base: str, path: str) -> None:
    answer = await bench.client.post(f"{base}/{path}", json={"callback": "http://shop"})
    assert (answer.status_code, answer.json()["@type"]) == (404, "Error")


@COLLECTIONS
async def test_an_unknown_entry_is_404(bench: Bench, collection: Collection) -> None:
    (some, *_) = await _ids(bench.client, collection)
    for path in ("nothing", f"{some}:(version=99)", f"{some}?version=99", "%00", "..%2F", "x" * 3000, ":(version=)"):
        answer = await bench.client.get(f"{collection}/{path}", headers={"If-None-Match": "*"})
        assert answer.status_code == 404
        assert answer.json()["code"] == "notFound"


async def test_a_list_has_all_versions_and_an_id_alone_means_the_latest(lab: httpx2.AsyncClient) -> None:
    listed = (await lab.get(Collection.OFFERING, params={"id": "modem-lease"})).json()
    assert [each["version"] for each in listed] == ["1.9", "1.10"]
    assert (await lab.get(f"{Collection.OFFERING}/modem-lease")).json() == listed[1]
    for path in ("modem-lease:(version=1.9)", "modem-lease%3A%28version%3D1.9%29", "modem-lease?version=1.9"):
        assert (await lab.get(f"{Collection.OFFERING}/{path}")).json() == listed[0]
    assert (await lab.get(listed[0]["href"])).json() == listed[0]
    assert (await lab.get(f"{Collection.OFFERING}/modem-lease:(version=1.9)?version=1.9")).json() == listed[0]


async def test_an_address_that_asks_for_two_versions_is_refused(lab: httpx2.AsyncClient) -> None:
    answer = await lab.get(f"{Collection.OFFERING}/modem-lease:(version=1.9)?version=1.10")
    assert answer.status_code == 400
    assert answer.json()["message"] == "version: asks for 1.10 and 1.9"


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"version": "1.9"}, ["modem-lease"]),
        ({"lifecycleStatus": "In Design"}, ["in-design"]),
        ({"isBundle": "true"}, ["pair"]),
        ({"productOfferingPrice.id": "modem-quarterly", "productSpecification.id": "modem"}, ["modem-lease"]),
        ({"validFor.endDateTime": "2020-01-01T00:00:00Z"}, ["past"]),
        ({"bundledProductOffering.id": "part-only"}, ["pair"]),
        ({"name": "nobody"}, []),
    ],
)
async def test_filters_are_anded_and_reach_any_attribute(
    lab: httpx2.AsyncClient, params: dict[str, str], expected: list[str]
) -> None:
    assert await _ids(lab, Collection.OFFERING, **params) == expected


async def test_a_shop_finds_its_way_from_the_roots_to_what_is_sold(bench: Bench) -> None:
    roots = (await bench.client.get(Collection.CATEGORY, params={"isRoot": "true"})).json()
    assert [each["name"] for each in roots] == ["Residential", "Business"]
    (networks,) = roots[1]["subCategory"]
    sold = await _ids(bench.client, Collection.OFFERING, **{"category.id": networks["id"], "isSellable": "true"})
    assert sold == ["business-vpn"]


async def test_a_truncated_page_is_206_with_both_counts(bench: Bench) -> None:
    whole = await bench.client.get(Collection.OFFERING)
    first = await bench.client.get(Collection.OFFERING, params={"limit": "10"})
    rest = await bench.client.get(Collection.OFFERING, params={"offset": "10"})
    assert (whole.status_code, first.status_code, rest.status_code) == (200, 206, 206)
    assert {each.headers["X-Total-Count"] for each in (whole, first, rest)} == {str(len(whole.json()))}
    assert first.headers["X-Result-Count"] == "10"
    assert first.json() + rest.json() == whole.json()


async def test_entries_are_sorted_and_those_without_a_value_come_last(bench: Bench) -> None:
    names = [each["name"] for each in (await bench.client.get(Collection.PRICE, params={"sort": "name"})).json()]
    assert names == sorted(names)
    for sort in ("percentage,name", "-percentage,name"):
        prices = (await bench.client.get(Collection.PRICE, params={"sort": sort})).json()
        percentages = [each["percentage"] for each in prices if "percentage" in each]
        assert (
            percentages
            == sorted(percentages, reverse=sort.startswith("-"))
            == [each.get("percentage") for each in prices[: len(percentages)]]
        )
        others = [each["name"] for each in prices[len(percentages) :]]
        assert others == sorted(others)


async def test_fields_leave_id_and_href(bench: Bench) -> None:
    href = f"{BASE_URL}{Collection.OFFERING}/mobile-plan"
    expected = {"id": "mobile-plan", "href": href, "name": "Mobile Plan"}
    assert (await bench.client.get(href, params={"fields": "name"})).json() == expected
    listed = await bench.client.get(Collection.OFFERING, params={"fields": "name", "id": "mobile-plan"})
    assert listed.json() == [expected]


@pytest.mark.parametrize("params", [{"limit": "0"}, {"offset": "x"}, {"sort": "colour"}, {"a..b": "x"}])
async def test_a_query_that_makes_no_sense_is_refused_naming_its_parameter(
    bench: Bench, params: dict[str, str]
) -> None:
    answer = await bench.client.get(Collection.CATALOG, params=params, headers={"If-None-Match": "*"})
    assert answer.status_code == 400
    assert answer.json()["message"].startswith(f"{next(iter(params))}: ")


@pytest.mark.parametrize("path", [Collection.OFFERING, f"{Collection.OFFERING}/mobile-plan"])
async def test_what_a_client_has_kept_is_not_sent_again(bench: Bench, path: str) -> None:
    answer = await bench.client.get(path)
    etag = answer.headers["ETag"]
    assert answer.headers["Cache-Control"] == "no-cache"
    for kept in (etag, f'"other", {etag}', f"W/{etag}", "*"):
        again = await bench.client.get(path, headers={"If-None-Match": kept})
        assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", etag)
        assert again.headers["Cache-Control"] == "no-cache"
    other = await bench.client.get(path, headers={"If-None-Match": '"other"'})
    assert (other.status_code, other.json()) == (200, answer.json())


async def test_reads_of_catalogs_need_no_store(bench: Bench) -> None:
    await bench.database.close()
    for collection in Collection:
        assert await _ids(bench.client, collection)
