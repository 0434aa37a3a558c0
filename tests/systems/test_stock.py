"""What the inventory is stocked with."""

import ipaddress
from typing import Any

import httpx2
import pytest

from systems.inventory.app import create_app
from systems.inventory.stock import luhn_digit
from tests.systems.conftest import running

pytestmark = pytest.mark.anyio

CITIES = {"BER-1", "BER-2", "HAM-1", "MUC-1"}
SITES = {"SITE-HUB", *(f"SITE-{n}" for n in range(1, 13)), *CITIES}
PER_PLACE = {
    "gpon-port": CITIES,
    "internet-vlan": CITIES,
    "msisdn-fixed": CITIES,
    "access-port": SITES,
    "access-vlan": SITES,
}
SHARED = {
    "ont", "cpe-router", "ipv4-address", "ipv6-prefix", "sip-account", "set-top-box", "iptv-subscription",
    "sim-card", "esim-profile", "msisdn", "imsi",
    "vpn-cpe", "wan-prefix", "lan-prefix", "route-target", "tunnel-id",
}  # fmt: skip


def luhn_sum(digits: str) -> int:
    doubled = [int(digit) * (2 if place % 2 else 1) for place, digit in enumerate(reversed(digits))]
    return sum(value - 9 if value > 9 else value for value in doubled)


@pytest.mark.parametrize(("digits", "check"), [("7992739871", "3"), ("0", "0"), ("1789372997", "4")])
def test_the_luhn_digit_closes_the_number(digits: str, check: str) -> None:
    assert luhn_digit(digits) == check
    assert luhn_sum(digits + check) % 10 == 0


async def test_every_pool_of_the_shipped_stock_is_as_large_as_the_catalogs_need(database_url: str) -> None:
    async with running(create_app(database_url)) as client:
        pools = (await client.get("/tmf-api/resourcePoolManagement/v4/resourcePool")).json()
        places: dict[str, set[str]] = {}
        for pool in pools:
            specification = pool["resourceSpecification"]["id"]
            capacity = pool["capacity"]
            assert capacity["free"] == capacity["total"] >= (64 if pool["place"] else 500), pool
            if pool["place"]:
                places.setdefault(specification, set()).add(pool["place"]["id"])
        assert places == PER_PLACE
        assert {pool["id"] for pool in pools if not pool["place"]} == SHARED
        await check_values(client)


async def check_values(client: httpx2.AsyncClient) -> None:
    async def members(specification: str) -> list[dict[str, Any]]:
        params = {"resourceSpecification.id": specification, "limit": "1000"}
        answer = await client.get("/tmf-api/resourceInventoryManagement/v4/resource", params=params)
        found: list[dict[str, Any]] = answer.json()
        assert len({member["value"] for member in found}) >= len(found) / (17 if "vlan" in specification else 1)
        return found

    for specification in ("sim-card", "esim-profile"):
        for member in await members(specification):
            assert len(member["value"]) in (19, 20)
            assert luhn_sum(member["value"]) % 10 == 0
    for specification, length in (("ipv4-address", 32), ("ipv6-prefix", 56), ("wan-prefix", 30), ("lan-prefix", 24)):
        for member in await members(specification):
            assert ipaddress.ip_network(member["value"]).prefixlen == length
    categories = [member["resourceCharacteristic"][0]["value"] for member in await members("msisdn")]
    assert {category: categories.count(category) for category in set(categories)} == {"gold": 100, "standard": 900}
    assert (await members("gpon-port"))[0]["value"] == "olt-ber1/1/1/1"
    assert (await members("route-target"))[0]["value"] == "65000:1001"
    assert (await members("sip-account"))[0]["value"] == "sip-100001"
    assert all(member["value"].startswith("+49") for member in await members("msisdn-fixed"))
    assert all(100 <= int(member["value"]) <= 4094 for member in await members("access-vlan"))
