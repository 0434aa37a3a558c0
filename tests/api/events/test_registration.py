"""The gateway makes itself known to the activation system, and sees to it that it stays known."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta

import httpx2
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from api.registration import HubRegistration
from tests.api.conftest import BASE_URL, CALLBACK_SECRET
from tests.api.fakes import Clock
from tmf.paths import TMF640, TMF702

pytestmark = pytest.mark.anyio


class Hubs:
    """An activation system: hubs that keep registrations, and answer with `statuses` first, one a request (0: none)."""

    def __init__(self, *statuses: int, readable: bool = True) -> None:
        self.statuses = list(statuses)
        self.readable = readable
        self.requests: list[httpx2.Request] = []
        self.known: dict[str, str] = {}
        """Path of a registration → the key by which it was made."""
        self.clock = Clock()

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        if self.statuses and (status := self.statuses.pop(0)) != 200:
            if not status:
                raise httpx2.ConnectError("connection refused")
            return httpx2.Response(status, json={})
        path = request.url.path
        if request.method == "GET":
            return httpx2.Response(200 if path in self.known else 404, json={}) if self.readable else self._unreadable()
        self.known[f"{path}/l-{len(self.requests)}"] = request.headers["Idempotency-Key"]
        return httpx2.Response(201, json={"id": f"l-{len(self.requests)}"})

    def _unreadable(self) -> httpx2.Response:
        return httpx2.Response(405, json={})

    def asked(self) -> list[tuple[str, str]]:
        """Return what was asked since it was last called: method and API of each request."""
        asked = [(each.method, each.url.path.partition("/hub")[0]) for each in self.requests]
        self.requests.clear()
        return asked

    def registration(self, base_url: str = "http://activation") -> HubRegistration:
        client = httpx2.AsyncClient(base_url=base_url, transport=httpx2.MockTransport(self))
        none = timedelta(0)
        return HubRegistration(client, BASE_URL, SecretStr(CALLBACK_SECRET), none, none, self.clock)


FIRST = [("POST", TMF640), ("POST", TMF702)]
LOOKED_AT = [("GET", TMF640), ("GET", TMF702)]


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


async def test_a_hub_that_is_away_or_fails_is_asked_again_with_the_same_key_and_no_other_is_told_twice() -> None:
    hubs = Hubs(0, 200, 503, 200, 500)
    registration = hubs.registration()
    assert [await registration.register() for _ in range(4)] == [False, False, False, True]
    told = [request for request in hubs.requests if request.method == "POST"]
    assert [request.url.path for request in told] == [f"{TMF640}/hub", f"{TMF702}/hub", *[f"{TMF640}/hub"] * 3]
    assert len({request.headers["Idempotency-Key"] for request in told}) == 2


async def test_a_hub_that_knows_the_listener_already_is_done() -> None:
    assert await Hubs(409, 409).registration().register()


async def test_while_the_hubs_know_us_they_are_only_looked_at() -> None:
    hubs = Hubs()
    registration = hubs.registration()
    for expected in (FIRST, LOOKED_AT, LOOKED_AT):
        assert await registration.register()
        assert hubs.asked() == expected


async def test_a_system_that_has_forgotten_us_is_told_again_under_another_key() -> None:
    hubs = Hubs()
    registration = hubs.registration()
    assert await registration.register()
    assert await registration.register()
    keys = set(hubs.known.values())
    hubs.known.clear()  # restored from a backup
    hubs.asked()
    assert await registration.register()
    assert hubs.asked() == [("GET", TMF640), ("POST", TMF640), ("GET", TMF702), ("POST", TMF702)]
    assert keys.isdisjoint(hubs.known.values())


@pytest.mark.parametrize("hubs", [Hubs(readable=False), Hubs(200, 200, 404, 404), Hubs(409, 409)])
async def test_a_hub_whose_registrations_cannot_be_read_is_told_again_now_and_then_as_a_repeat(hubs: Hubs) -> None:
    registration = hubs.registration()
    assert [await registration.register() for _ in range(4)] == [True] * 4
    keys = [each.headers["Idempotency-Key"] for each in hubs.requests if each.method == "POST"]
    assert len(keys) == 2
    hubs.clock.now += 600
    hubs.requests.clear()
    assert await registration.register()
    assert [each.headers["Idempotency-Key"] for each in hubs.requests if each.method == "POST"] == keys


async def test_an_address_that_is_none_is_said_and_tried_again() -> None:
    class NoAddress(Hubs):
        def __call__(self, request: httpx2.Request) -> httpx2.Response:
            self.requests.append(request)
            if len(self.requests) <= 2:
                raise httpx2.InvalidURL("no such scheme")
            self.requests.pop()
            return super().__call__(request)

    registration = NoAddress().registration()
    assert not await registration.register()
    assert await registration.register()


async def test_it_goes_on_for_ever_and_finds_out_by_itself_that_it_was_forgotten() -> None:
    seen, again = asyncio.Event(), asyncio.Event()

    class Watched(Hubs):
        def __call__(self, request: httpx2.Request) -> httpx2.Response:
            answer = super().__call__(request)
            if request.method == "GET" and answer.status_code == 200:
                seen.set()
            if seen.is_set() and request.method == "POST":
                again.set()
            return answer

    hubs = Watched()
    running = asyncio.create_task(hubs.registration().run())
    async with asyncio.timeout(60):
        await seen.wait()
        hubs.known.clear()
        await again.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
