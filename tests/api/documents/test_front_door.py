"""What the gateway says at its first address."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from fastapi import FastAPI

from tests.api.conftest import Bench

pytestmark = pytest.mark.anyio


async def test_the_front_door_leads_to_everything_that_there_is_to_read(bench: Bench) -> None:
    answer = await bench.client.get("/")
    told = answer.json()
    assert "TMF641 Service Ordering v4" in [each["name"] for each in told["apis"]]
    pages = [told["page"], told["document"], told["errors"], *(each["page"] for each in told["apis"])]
    pages += [each["document"] for each in told["apis"]]
    assert {(await bench.client.get(url)).status_code for url in pages} == {200}
    assert "temporal" not in told
    assert (await bench.client.get("/openapi.json")).json()["paths"].get("/") is None


async def test_a_browser_gets_a_page_that_loads_nothing(bench: Bench) -> None:
    told = (await bench.client.get("/")).json()
    page = await bench.client.get("/", headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    assert page.headers["Content-Type"].startswith("text/html")
    assert page.headers["Vary"] == "Accept"
    linked = set(re.findall(r'href="([^"]+)"', page.text))
    assert {told["page"], told["health"], *(each["page"] for each in told["apis"])} <= linked
    assert re.search(r"<script|<link|src=", page.text) is None


async def test_the_web_ui_is_told_where_it_is_known(app: FastAPI, bench: Bench) -> None:
    app.state.gateway = replace(app.state.gateway, temporal_ui_url="http://127.0.0.1:8233")
    assert (await bench.client.get("/")).json()["temporal"] == "http://127.0.0.1:8233"
    page = await bench.client.get("/", headers={"Accept": "text/html"})
    assert 'href="http://127.0.0.1:8233"' in page.text
