"""Hubs, and events that reach their listeners."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import func, select, update
from standardwebhooks import Webhook

from systems.activation.app import create_app as create_activation
from systems.common.database import Database
from systems.common.tables import delivery
from systems.inventory.app import create_app
from tests.systems.conftest import Inbox, keyed, running

PRODUCT = "/tmf-api/productInventory/v4/product"
SERVICE = "/tmf-api/serviceInventory/v4/service"
RESOURCE = "/tmf-api/resourceInventoryManagement/v4/resource"
RESERVATION = "/tmf-api/resourcePoolManagement/v4/reservation"
QUALIFICATION = "/tmf-api/serviceQualificationManagement/v4/checkServiceQualification"
PRODUCT_HUB = "/tmf-api/productInventory/v4/hub"
ACTIVATION = "/tmf-api/ServiceActivationAndConfiguration/v4"
SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()
OTHER_SECRET = "whsec_" + base64.b64encode(b"o" * 32).decode()
ACTIVE = {"status": "active"}


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


@pytest.fixture
async def heard(database_url: str, stock: Path, inbox: Inbox) -> AsyncIterator[httpx2.AsyncClient]:
    """An inventory whose events ``inbox`` gets, once it is registered."""
    async with running(create_app(database_url, stock=stock, transport=inbox)) as client:
        yield client


async def listen(client: httpx2.AsyncClient, path: str, **wish: str) -> dict[str, Any]:
    answer = await client.post(f"{path.rpartition('/')[0]}/hub", json={"callback": "http://listener", **wish})
    assert answer.status_code == 201
    registered: dict[str, Any] = answer.json()
    return registered


async def all_delivered(url: str) -> None:
    """Wait until nothing is on its way."""
    database = Database(url)
    on_their_way = select(func.count()).select_from(delivery)
    async with asyncio.timeout(20):
        while await database.scanning(lambda connection: connection.scalar(on_their_way)):
            pass
    await database.close()


@pytest.mark.anyio
async def test_the_life_of_a_product_is_told_in_order(heard: httpx2.AsyncClient, inbox: Inbox) -> None:
    await listen(heard, PRODUCT)
    product = (await heard.post(PRODUCT, json={**ACTIVE, "name": "a"}, headers=keyed("create"))).json()
    await heard.patch(product["href"], json={"name": "b"}, headers=keyed("rename"))
    await heard.patch(product["href"], json={"status": "suspended"}, headers=keyed("suspend"))
    await heard.patch(product["href"], json={"status": "active", "name": "c"}, headers=keyed("both"))
    await heard.patch(product["href"], json={"name": "c"}, headers=keyed("nothing"))
    await heard.delete(product["href"], headers=keyed("delete"))
    told = [await inbox.next() for _ in range(6)]
    assert [(url, event["eventType"], event["correlationId"]) for url, event in told] == [
        ("http://listener/listener/productCreateEvent", "ProductCreateEvent", "create"),
        (
            "http://listener/listener/productAttributeValueChangeEvent",
            "ProductAttributeValueChangeEvent",
            "rename",
        ),
        ("http://listener/listener/productStateChangeEvent", "ProductStateChangeEvent", "suspend"),
        ("http://listener/listener/productAttributeValueChangeEvent", "ProductAttributeValueChangeEvent", "both"),
        ("http://listener/listener/productStateChangeEvent", "ProductStateChangeEvent", "both"),
        ("http://listener/listener/productDeleteEvent", "ProductDeleteEvent", "delete"),
    ]
    first, renamed = told[0][1], told[1][1]
    assert first["event"] == {"product": product}
    assert first["eventTime"] == first["timeOcurred"]
    assert len({event["eventId"] for _, event in told}) == 6
    assert renamed["fieldPath"] == "name"
    assert inbox.empty()


@pytest.mark.anyio
async def test_resources_tell_of_reservation_use_and_release(heard: httpx2.AsyncClient, inbox: Inbox) -> None:
    await listen(heard, RESOURCE)
    wish = {"resourceSpecification": {"id": "ont"}, "requestedBy": "me"}
    held = (await heard.post(RESERVATION, json=wish, headers=keyed("reserve"))).json()
    installed = {"usageState": "active", "resourceCharacteristic": [{"name": "profile", "value": "a"}]}
    await heard.patch(held["href"], json=installed, headers=keyed("install"))
    await heard.delete(f"{RESERVATION}/{held['id']}", headers=keyed("release"))
    told = [(await inbox.next())[1] for _ in range(5)]
    assert [(event["eventType"], event["correlationId"]) for event in told] == [
        ("ResourceStateChangeEvent", "reserve"),
        ("ResourceAttributeValueChangeEvent", "install"),
        ("ResourceStateChangeEvent", "install"),
        ("ResourceAttributeValueChangeEvent", "release"),
        ("ResourceStateChangeEvent", "release"),
    ]
    states = [event["event"]["resource"]["resourceStatus"] for event in told]
    assert states == ["reserved", "reserved", "reserved", "available", "available"]


@pytest.mark.anyio
async def test_qualifications_and_recorded_resources_are_told_of_and_found_again(
    heard: httpx2.AsyncClient, inbox: Inbox
) -> None:
    await listen(heard, QUALIFICATION)
    item = {"id": "1", "service": {"serviceSpecification": {"id": "cfs-voice"}}}
    asked = (await heard.post(QUALIFICATION, json={"serviceQualificationItem": [item]})).json()
    assert (await heard.get(asked["href"])).json() == asked
    assert (await heard.get(QUALIFICATION, params={"qualificationResult": "qualified"})).json() == [asked]
    assert (await inbox.next())[1]["event"] == {"checkServiceQualification": asked}
    assert (await heard.delete(asked["href"])).status_code == 204
    assert (await inbox.next())[1]["eventType"] == "CheckServiceQualificationDeleteEvent"
    await listen(heard, RESOURCE)
    router = {"name": "Edge 1", "category": "edge-router", "colour": "grey"}
    made = (await heard.post(RESOURCE, json=router)).json()
    assert (made["name"], made["category"], made["colour"]) == ("Edge 1", "edge-router", "grey")
    assert (await heard.get(made["href"])).json() == made
    assert (await inbox.next())[1]["event"] == {"resource": made}
    wish = {"resourceSpecification": {"id": "edge-router"}, "requestedBy": "me"}
    await heard.post(RESERVATION, json=wish)
    await heard.delete(f"{RESERVATION}/{made['id']}")
    assert (await heard.get(made["href"])).json() == made


@pytest.mark.anyio
async def test_an_activation_tells_of_its_monitor_and_of_the_service(database_url: str, inbox: Inbox) -> None:
    async with running(create_activation(database_url, transport=inbox)) as client:
        await listen(client, f"{ACTIVATION}/service")
        body = {"id": "s", "state": "active", "serviceSpecification": {"id": "rfs"}}
        await client.post(f"{ACTIVATION}/service", params={"mode": "async"}, json=body, headers=keyed("k"))
        told = [(await inbox.next())[1] for _ in range(4)]
    assert {event["correlationId"] for event in told} == {"k"}
    kinds = [event["eventType"] for event in told]
    assert [kind for kind in kinds if "Monitor" in kind] == ["MonitorCreateEvent", "MonitorStateChangeEvent"]
    assert [kind for kind in kinds if "Service" in kind] == ["ServiceCreateEvent", "ServiceStateChangeEvent"]


@pytest.mark.anyio
async def test_the_end_of_a_monitored_change_of_state_is_told_once(database_url: str, inbox: Inbox) -> None:
    async with running(create_activation(database_url, transport=inbox)) as client:
        body = {"id": "s", "state": "active", "serviceSpecification": {"id": "rfs"}}
        await client.post(f"{ACTIVATION}/service", json=body)
        await listen(client, f"{ACTIVATION}/service", query="event.service.id=s")
        for number, state in enumerate(("inactive", "active")):
            change = {"state": state, "name": state, "mode": "async"}
            accepted = await client.patch(f"{ACTIVATION}/service/s", json=change, headers=keyed(str(number)))
            assert accepted.status_code == 202
            told = [(await inbox.next())[1] for _ in range(2)]
            assert [(event["eventType"], event["correlationId"]) for event in told] == [
                ("ServiceAttributeValueChangeEvent", str(number)),
                ("ServiceStateChangeEvent", str(number)),
            ]
            assert told[1]["event"]["service"]["state"] == state


@pytest.mark.anyio
async def test_what_could_not_be_delivered_is_delivered_after_a_restart(database_url: str, stock: Path) -> None:
    deaf = Inbox(refusals=1000)
    async with running(create_app(database_url, stock=stock, transport=deaf)) as client:
        await listen(client, PRODUCT)
        product = (await client.post(PRODUCT, json=ACTIVE, headers=keyed("create"))).json()
        await client.patch(product["href"], json={"name": "b"}, headers=keyed("rename"))
    database = Database(database_url)
    put_off = await database.writing(lambda connection: connection.execute(update(delivery).values(due=0)).rowcount)
    assert put_off == 2
    await database.close()
    inbox = Inbox()
    async with running(create_app(database_url, stock=stock, transport=inbox)):
        assert [(await inbox.next())[1]["correlationId"] for _ in range(2)] == ["create", "rename"]
        await all_delivered(database_url)


@pytest.mark.anyio
async def test_one_listener_that_is_away_does_not_keep_the_others_waiting(
    database_url: str, stock: Path, inbox: Inbox
) -> None:
    class OneAway(httpx2.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
            if request.url.host == "away":
                raise httpx2.ConnectError("nobody there", request=request)
            return await inbox.handle_async_request(request)

    async with running(create_app(database_url, stock=stock, transport=OneAway())) as client:
        await client.post(PRODUCT_HUB, json={"callback": "http://away"})
        await listen(client, PRODUCT)
        for number in range(30):
            await client.post(PRODUCT, json=ACTIVE, headers=keyed(f"k{number}"))
        told = {(await inbox.next())[1]["correlationId"] for _ in range(30)}
    assert told == {f"k{number}" for number in range(30)}


@pytest.mark.anyio
async def test_what_a_listener_never_takes_is_dropped_and_the_next_comes(database_url: str, stock: Path) -> None:
    taken: asyncio.Queue[str] = asyncio.Queue()

    class Picky(httpx2.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
            kind = json.loads(request.content)["eventType"]
            if kind == "ProductCreateEvent":
                return httpx2.Response(404, request=request)
            taken.put_nowait(kind)
            return httpx2.Response(204, request=request)

    async with running(create_app(database_url, stock=stock, transport=Picky())) as client:
        await listen(client, PRODUCT)
        product = (await client.post(PRODUCT, json=ACTIVE)).json()
        await client.delete(product["href"])
        async with asyncio.timeout(60):
            assert await taken.get() == "ProductDeleteEvent"
        await all_delivered(database_url)


class Signed(httpx2.AsyncBaseTransport):
    """Keeps the requests as they come."""

    def __init__(self) -> None:
        self.received: asyncio.Queue[httpx2.Request] = asyncio.Queue()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self.received.put_nowait(request)
        return httpx2.Response(204, request=request)

    async def next(self) -> httpx2.Request:
        async with asyncio.timeout(60):
            return await self.received.get()


@pytest.mark.anyio
async def test_events_are_signed_as_standard_webhooks(database_url: str, stock: Path) -> None:
    transport = Signed()
    async with running(create_app(database_url, stock=stock, transport=transport)) as client:
        registered = await listen(client, PRODUCT, secret=SECRET)
        assert registered == {"id": registered["id"], "callback": "http://listener"}
        for read in (PRODUCT_HUB, f"{PRODUCT_HUB}/{registered['id']}"):
            assert "whsec" not in (await client.get(read)).text
        await client.post(PRODUCT, json={**ACTIVE, "name": "Übertragung"})
        request = await transport.next()
        event = Webhook(SECRET).verify(request.content, dict(request.headers))
        assert event["eventType"] == "ProductCreateEvent"
        assert request.headers["webhook-id"] == event["eventId"]


@pytest.mark.anyio
async def test_a_new_registration_with_its_key_changes_the_secret(database_url: str, stock: Path) -> None:
    transport = Signed()
    async with running(create_app(database_url, stock=stock, transport=transport)) as client:
        first = {"callback": "http://listener", "secret": SECRET}
        second = {"callback": "http://listener", "secret": OTHER_SECRET, "query": "eventType=ProductCreateEvent"}
        ids = {
            (await client.post(PRODUCT_HUB, json=body, headers=keyed("hub"))).json()["id"] for body in (first, second)
        }
        assert len(ids) == 1
        assert [kept["query"] for kept in (await client.get(PRODUCT_HUB)).json()] == ["eventType=ProductCreateEvent"]
        await client.post(PRODUCT, json=ACTIVE)
        request = await transport.next()
        assert Webhook(OTHER_SECRET).verify(request.content, dict(request.headers))


@pytest.mark.anyio
async def test_the_same_callback_and_query_is_the_same_listener(inventory: httpx2.AsyncClient) -> None:
    one = await listen(inventory, PRODUCT, query="eventType=ProductCreateEvent")
    assert await listen(inventory, PRODUCT, query="eventType=ProductCreateEvent", secret=SECRET) == one
    assert (await listen(inventory, PRODUCT))["id"] != one["id"]
    assert len((await inventory.get(PRODUCT_HUB)).json()) == 2
    assert (await inventory.get(f"{PRODUCT_HUB}/{one['id']}")).json() == one
    assert (await inventory.delete(f"{PRODUCT_HUB}/{one['id']}")).status_code == 204
    assert (await inventory.get(f"{PRODUCT_HUB}/{one['id']}")).status_code == 404
    assert (await inventory.delete(f"/tmf-api/serviceInventory/v4/hub/{one['id']}")).status_code == 404


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({}, "callback"),
        ({"callback": "nowhere"}, "callback"),
        ({"callback": "http://listener", "secret": "guess"}, "secret"),
        ({"callback": "http://listener", "secret": "whsec_!!!"}, "secret"),
        ({"callback": "http://listener", "query": "colour=red"}, "query"),
        ({"callback": "http://listener", "query": "eventType.regex=("}, "eventType"),
    ],
)
async def test_a_registration_that_makes_no_sense_is_refused(
    inventory: httpx2.AsyncClient, body: dict[str, str], named: str
) -> None:
    refused = await inventory.post(PRODUCT_HUB, json=body)
    assert refused.status_code == 400
    assert named in refused.json()["reason"]
    assert (await inventory.get(PRODUCT_HUB)).json() == []


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("eventType=ServiceCreateEvent", 'query: eventType: "ServiceCreateEvent" is not one of ProductCreateEvent, '),
        ("event.product.status=gone", 'query: event.product.status: "gone" is not one of created, '),
        (
            "event.product.colour=red",
            "query: event.product.colour: Event.event.product has no attribute colour; it has ",
        ),
        ("event.service.id=s", "query: event.service.id: Event.event has no attribute service; it has error, product"),
        ("event.product=p", "query: event.product: is an object, and has no value of its own"),
        ("eventTime.gt=soon", 'query: eventTime.gt: "soon" is no date, such as 2026-11-23'),
        ("eventType=ProductCreateEvent&eventType=ProductDeleteEvent", "query: eventType: has one value, and is asked"),
    ],
)
async def test_a_query_that_no_event_of_the_hub_can_match_is_refused(
    inventory: httpx2.AsyncClient, query: str, reason: str
) -> None:
    refused = await inventory.post(PRODUCT_HUB, json={"callback": "http://listener", "query": query})
    assert refused.status_code == 400
    assert refused.json()["reason"].startswith(reason)


@pytest.mark.anyio
async def test_each_hub_takes_queries_for_the_events_that_it_has(
    inventory: httpx2.AsyncClient, activation: httpx2.AsyncClient
) -> None:
    either = "eventType=ProductCreateEvent;event.product.relatedParty.id=a&event.product.startDate.gte=2026-01-01"
    await listen(inventory, PRODUCT, query=either)
    await listen(inventory, RESOURCE, query="event.resource.reservation.requestedBy=me&eventTime>2026-01-01")
    await listen(inventory, QUALIFICATION, query="event.checkServiceQualification.externalId=a")
    await listen(activation, f"{ACTIVATION}/service", query="eventType=MonitorStateChangeEvent&event.error.code=a")
    await listen(activation, f"{ACTIVATION}/service", query="event.monitor.state=Failed;event.service.state=active")
