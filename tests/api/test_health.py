"""Liveness and readiness, and what they say is missing."""

from __future__ import annotations

import httpx2
import pytest

from api.health import Probe, Readiness, system_probe
from store.errors import StoreUnavailableError
from tests.api.conftest import Bench

pytestmark = pytest.mark.anyio


async def test_all_is_well(bench: Bench) -> None:
    assert (await bench.client.get("/health/live")).json() == {"status": "up"}
    answer = await bench.client.get("/health/ready")
    health = answer.json()
    assert answer.status_code == 200
    assert (health["status"], health["missing"]) == ("up", [])
    assert health["parts"].keys() == {"store", "engine", "searchAttributes", "catalog", "progress", "recovery"}
    assert health["parts"]["catalog"]["details"] == {"digest": "d1", "label": "test"}


async def test_without_the_engine_orders_are_still_taken(bench: Bench) -> None:
    bench.engine.away = True
    answer = await bench.client.get("/health/ready")
    assert answer.status_code == 200
    assert answer.json()["status"] == "degraded"
    assert "engine: Temporal gave no answer within 2 s" in answer.json()["missing"]


async def test_missing_search_attributes_are_named(bench: Bench) -> None:
    bench.engine.unknown_attributes = ["OrderDate", "OrderState"]
    health = (await bench.client.get("/health/ready")).json()
    assert health["status"] == "degraded"
    assert health["missing"] == [
        "searchAttributes: Temporal does not know OrderDate, OrderState; `ordersaga register` makes them known"
    ]


async def test_without_the_store_the_gateway_is_not_ready_and_lives(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail() -> None:
        raise StoreUnavailableError("the order store cannot be reached: connection refused")

    monkeypatch.setattr(bench.database, "ping", fail)
    answer = await bench.client.get("/health/ready")
    assert answer.status_code == 503
    assert answer.json()["status"] == "down"
    assert answer.json()["missing"] == ["store: the order store cannot be reached: connection refused"]
    assert (await bench.client.get("/health/live")).status_code == 200


async def test_a_downstream_system_that_is_away_is_said_and_changes_nothing() -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        if request.url.host == "gone":
            raise httpx2.ConnectError("connection refused")
        return httpx2.Response(404)

    async with httpx2.AsyncClient(transport=httpx2.MockTransport(answer)) as client:
        probes = [system_probe("billing", "http://gone/", client), system_probe("inventory", "http://there/", client)]
        health = await Readiness(probes).health()
    assert health.status == "up"
    assert health.missing == ["billing: billing gives no answer at http://gone/: connection refused"]
    assert health.parts["inventory"].status == "up"


async def test_a_look_that_fails_in_any_way_is_said() -> None:
    async def fail() -> None:
        raise KeyError

    health = await Readiness([Probe("x", "needed", fail)]).health()
    assert (health.status, health.missing) == ("down", ["x: key error"])
