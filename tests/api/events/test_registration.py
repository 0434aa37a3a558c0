"""The gateway makes itself known to the activation system, until both hubs have taken it."""

from __future__ import annotations

import json
from datetime import timedelta

import httpx2
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from api.registration import HubRegistration
from tests.api.conftest import BASE_URL, CALLBACK_SECRET
from tmf.paths import TMF640, TMF702

pytestmark = pytest.mark.anyio


class Hubs:
    """An activation system that gives these answers, one a request; 0 is no answer."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)
        self.requests: list[httpx2.Request] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        status = self.statuses.pop(0) if self.statuses else 201
        if not status:
            raise httpx2.ConnectError("connection refused")
        return httpx2.Response(status, json={})

    def registration(self) -> HubRegistration:
        client = httpx2.AsyncClient(base_url="http://activation", transport=httpx2.MockTransport(self))
        return HubRegistration(client, BASE_URL, SecretStr(CALLBACK_SECRET), pause=timedelta(0))


async def test_the_callback_leads_to_the_listener(app: FastAPI) -> None:
    hubs = Hubs()
    assert await hubs.registration().register()
    assert [request.url.path for request in hubs.requests] == [f"{TMF640}/hub", f"{TMF702}/hub"]
    paths = {getattr(route, "path", "") for route in app.routes}
    documented = app.openapi()["paths"]
    for request, name in zip(hubs.requests, ("serviceStateChangeEvent", "resourceStateChangeEvent"), strict=True):
        told = json.loads(request.content)
        assert told["secret"] == CALLBACK_SECRET
        callback = told["callback"]
        assert callback.startswith(BASE_URL)
        assert f"{callback.removeprefix(BASE_URL)}/listener/{name}" in paths | documented.keys()


async def test_a_hub_that_is_away_or_fails_is_asked_again_and_no_other() -> None:
    hubs = Hubs(0, 201, 503, 500)
    await hubs.registration().run()
    assert [request.url.path for request in hubs.requests] == [
        f"{TMF640}/hub",
        f"{TMF702}/hub",
        *[f"{TMF640}/hub"] * 3,
    ]
    assert len({request.headers["Idempotency-Key"] for request in hubs.requests}) == 2


async def test_a_hub_that_knows_the_listener_already_is_done() -> None:
    assert await Hubs(409, 409).registration().register()
