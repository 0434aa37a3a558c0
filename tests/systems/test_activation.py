"""Activation at once and later, its monitors, its events, and what a restart keeps."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import select, update

from systems.activation import tables
from systems.activation.acceptance import ACCEPTED
from systems.activation.app import create_app
from systems.activation.completion import Completions
from systems.common import tables as common_tables
from systems.common.database import Database
from tests.systems.conftest import Inbox, keyed, running, sqlite

pytestmark = pytest.mark.anyio

BASE = "/tmf-api/ServiceActivationAndConfiguration/v4"
SERVICE = f"{BASE}/service"
RESOURCE_BASE = "/tmf-api/ResourceActivationAndConfiguration/v4"
TEST = "/tmf-api/serviceTestManagement/v4/serviceTest"
INTERNET = {
    "id": "svc-1",
    "state": "active",
    "serviceSpecification": {"id": "rfs-internet"},
    "serviceCharacteristic": [{"name": "downloadSpeed", "value": 250}],
}


def subscription(callback: str) -> dict[str, str]:
    """Who wants to know when a change of a service is over."""
    return {"callback": callback, "query": "eventType=ServiceStateChangeEvent"}


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


@pytest.fixture
async def heard(database_url: str, inbox: Inbox) -> AsyncIterator[httpx2.AsyncClient]:
    """An activation system that ``inbox`` listens to."""
    async with running(create_app(database_url, transport=inbox)) as client:
        subscribed = await client.post(f"{BASE}/hub", json=subscription("http://gateway/callbacks/activation"))
        assert subscribed.status_code == 201
        yield client


async def over(client: httpx2.AsyncClient, monitor: dict[str, Any]) -> dict[str, Any]:
    """The monitor once its change is over."""
    async with asyncio.timeout(60):
        while True:
            current: dict[str, Any] = (await client.get(monitor["href"])).json()
            if current["state"] != "InProgress":
                return current


async def let_the_latency_pass(url: str) -> None:
    """Make every pending change due while no system runs."""
    database = Database(url)
    await database.writing(lambda connection: connection.execute(update(tables.monitor).values(due=0)))
    await database.close()


async def log_of(client: httpx2.AsyncClient, **params: str) -> list[tuple[str, str]]:
    lines = (await client.get("/log", params=params)).json()
    return [(line["operation"], line["outcome"]) for line in lines]


async def test_a_service_is_activated_modified_and_deactivated(activation: httpx2.AsyncClient) -> None:
    created = await activation.post(SERVICE, json={**INTERNET, "mode": "sync"}, headers=keyed("a"))
    assert created.status_code == 201
    assert created.headers["Location"] == created.json()["href"] == f"http://system{SERVICE}/svc-1"
    assert "mode" not in created.json()
    faster = [{"name": "downloadSpeed", "value": 1000}]
    modified = await activation.patch(f"{SERVICE}/svc-1", json={"serviceCharacteristic": faster}, headers=keyed("b"))
    assert modified.json() == created.json() | {"serviceCharacteristic": faster}
    active = {"id": "svc-1", "kind": "service", "specification": "rfs-internet"}
    assert (await activation.get("/audit")).json() == {"active": [active]}
    assert (await activation.delete(f"{SERVICE}/svc-1", headers=keyed("c"))).status_code == 204
    assert (await activation.get("/audit")).json() == {"active": []}
    assert (await activation.post(SERVICE, json=INTERNET, headers=keyed("d"))).status_code == 201
    assert await log_of(activation) == [
        ("activate", "done"),
        ("modify", "done"),
        ("deactivate", "done"),
        ("activate", "done"),
    ]


async def test_what_is_active_already_or_unknown_is_refused(activation: httpx2.AsyncClient) -> None:
    await activation.post(SERVICE, json=INTERNET, headers=keyed("a"))
    twice = await activation.post(SERVICE, json=INTERNET, headers=keyed("b"))
    assert (twice.status_code, twice.json()["code"]) == (409, "alreadyActive")
    assert (await activation.patch(f"{SERVICE}/other", json={}, headers=keyed("c"))).status_code == 404
    assert (await activation.delete(f"{SERVICE}/other", headers=keyed("d"))).status_code == 404
    illegal = await activation.patch(f"{SERVICE}/svc-1", json={"state": "asleep"}, headers=keyed("e"))
    assert illegal.status_code == 400


async def test_resources_are_configured_apart_from_services(activation: httpx2.AsyncClient) -> None:
    port = {"id": "svc-1", "resourceSpecification": {"id": "gpon-port"}}
    made = await activation.post(f"{RESOURCE_BASE}/resource", json=port, headers=keyed("a"))
    assert (made.status_code, made.json()["operationalState"]) == (201, "enable")
    assert (await activation.get(f"{SERVICE}/svc-1")).status_code == 404
    audit = (await activation.get("/audit")).json()
    assert audit["active"] == [{"id": "svc-1", "kind": "resource", "specification": "gpon-port"}]
    assert await log_of(activation) == [("configure", "done")]


async def test_an_asynchronous_activation_has_a_monitor_and_ends_with_an_event(
    heard: httpx2.AsyncClient, inbox: Inbox
) -> None:
    accepted = await heard.post(SERVICE, params={"mode": "async"}, json=INTERNET, headers=keyed("po:1:activate"))
    assert accepted.status_code == 202
    monitor = accepted.json()
    assert accepted.headers["Location"] == monitor["href"] == f"http://system{BASE}/monitor/{monitor['id']}"
    assert (monitor["state"], monitor["sourceHref"]) == ("InProgress", f"http://system{SERVICE}/svc-1")
    assert (monitor["request"]["method"], monitor["request"]["to"]) == ("POST", f"http://system{SERVICE}")

    completed = await over(heard, monitor)
    assert completed["state"] == "Completed"
    assert completed["response"]["statusCode"] == "201"
    assert json.loads(completed["response"]["body"])["state"] == "active"

    url, event = await inbox.next()
    assert url == "http://gateway/callbacks/activation/listener/serviceStateChangeEvent"
    assert (event["eventType"], event["correlationId"]) == ("ServiceStateChangeEvent", "po:1:activate")
    assert (event["event"]["service"]["id"], event["event"]["service"]["state"]) == ("svc-1", "active")
    assert "error" not in event["event"]


async def test_a_repeat_of_an_accepted_request_is_answered_as_before(activation: httpx2.AsyncClient) -> None:
    asked: dict[str, Any] = {"json": INTERNET, "headers": keyed("k"), "params": {"mode": "async"}}
    first = await activation.post(SERVICE, **asked)
    await over(activation, first.json())
    repeat = await activation.post(SERVICE, **asked)
    assert (repeat.status_code, repeat.json()) == (202, first.json())
    assert len((await activation.get(f"{BASE}/monitor")).json()) == 1
    assert await log_of(activation, key="k") == [("activate", "done"), ("activate", "absorbed")]


async def test_an_asynchronous_failure_is_in_the_monitor_and_in_the_event(
    heard: httpx2.AsyncClient, inbox: Inbox
) -> None:
    rule = {"match": {"specification": "rfs-internet"}, "kind": "asyncFailure", "message": "line card is down"}
    await heard.post("/faults", json=rule)
    accepted = await heard.post(SERVICE, json=INTERNET, headers=keyed("k"))
    assert accepted.status_code == 202
    failed = await over(heard, accepted.json())
    assert failed["state"] == "Failed"
    assert json.loads(failed["response"]["body"])["reason"] == "line card is down"
    _, event = await inbox.next()
    assert event["event"]["service"]["state"] == "inactive"
    assert event["event"]["error"] == {"code": "activationFailed", "reason": "line card is down"}
    assert (await heard.get(f"{SERVICE}/svc-1")).status_code == 404
    assert await log_of(heard, key="k") == [("activate", "refused")]


@pytest.mark.parametrize(
    ("kind", "states"),
    [
        ("eventEachState", ["designed", "reserved", "inactive", "active"]),
        ("eventTwice", ["active", "active"]),
        ("eventsOutOfOrder", ["active", "inactive", "reserved", "designed"]),
    ],
)
async def test_the_end_of_an_accepted_change_may_be_told_oddly(
    heard: httpx2.AsyncClient, inbox: Inbox, kind: str, states: list[str]
) -> None:
    await heard.post("/faults", json={"kind": kind, "times": 1})
    await heard.post(SERVICE, json=INTERNET | {"id": "at-once"}, headers=keyed("at-once"))
    assert [rule["remaining"] for rule in (await heard.get("/faults")).json()] == [1], "it tells of no end"
    accepted = await heard.post(SERVICE, json=INTERNET | {"mode": "async"}, headers=keyed("k"))
    assert accepted.status_code == 202
    told = [(await inbox.next())[1] for _ in states]
    assert [event["event"]["service"]["state"] for event in told] == states
    assert {event["correlationId"] for event in told} == {"k"}
    assert len({event["eventId"] for event in told}) == (1 if kind == "eventTwice" else len(states))
    assert (await heard.get(f"{SERVICE}/svc-1")).json()["state"] == "active"
    await heard.delete(f"{SERVICE}/svc-1", params={"mode": "async"}, headers=keyed("d"))
    assert (await inbox.next())[1]["event"]["service"]["state"] == "terminated"
    assert inbox.empty(), "and only as often as it is to be"


async def test_each_state_of_a_tear_down_is_told(heard: httpx2.AsyncClient, inbox: Inbox) -> None:
    await heard.post(SERVICE, json=INTERNET, headers=keyed("a"))
    await heard.post("/faults", json={"kind": "eventEachState", "match": {"operation": "deactivate"}})
    await heard.delete(f"{SERVICE}/svc-1", params={"mode": "async"}, headers=keyed("b"))
    told = [(await inbox.next())[1]["event"]["service"]["state"] for _ in range(2)]
    assert told == ["inactive", "terminated"]


async def test_a_deletion_can_be_asynchronous_too(heard: httpx2.AsyncClient, inbox: Inbox) -> None:
    await heard.post(SERVICE, json=INTERNET, headers=keyed("a"))
    accepted = await heard.delete(f"{SERVICE}/svc-1", params={"mode": "async"}, headers=keyed("b"))
    assert accepted.status_code == 202
    assert (await over(heard, accepted.json()))["state"] == "Completed"
    _, event = await inbox.next()
    assert event["event"]["service"]["state"] == "terminated"
    assert (await heard.get(f"{SERVICE}/svc-1")).status_code == 404


async def test_a_change_waits_for_the_one_under_way_but_a_deletion_supersedes_it(
    activation: httpx2.AsyncClient,
) -> None:
    await activation.post("/settings", json={"latencyMs": 60_000, "mode": "async"})
    pending = (await activation.post(SERVICE, json=INTERNET, headers=keyed("a"))).json()
    for second in (
        await activation.post(SERVICE, json=INTERNET, headers=keyed("b")),
        await activation.patch(f"{SERVICE}/svc-1", json={}, headers=keyed("c")),
    ):
        assert (second.status_code, second.json()["code"]) == (423, "changeInProgress")
    await activation.post("/settings", json={})
    assert (await activation.delete(f"{SERVICE}/svc-1", headers=keyed("d"))).status_code == 204
    superseded = await over(activation, pending)
    code = json.loads(superseded["response"]["body"])["code"]
    assert (superseded["state"], code) == ("Failed", "superseded")
    assert await log_of(activation, key="a") == [("activate", "refused")]
    assert (await activation.post(SERVICE, json=INTERNET, headers=keyed("e"))).status_code == 201


async def test_pending_completions_survive_a_restart(database_url: str) -> None:
    async with running(create_app(database_url, latency_ms=60_000)) as client:
        accepted = await client.post(SERVICE, params={"mode": "async"}, json=INTERNET, headers=keyed("k"))
        assert (await client.get(accepted.json()["href"])).json()["state"] == "InProgress"
    await let_the_latency_pass(database_url)
    async with running(create_app(database_url)) as client:
        assert (await over(client, accepted.json()))["state"] == "Completed"
        assert (await client.get(f"{SERVICE}/svc-1")).json()["state"] == "active"
        assert await log_of(client, key="k") == [("activate", "done")]


async def test_two_processes_complete_a_change_once(database_url: str, inbox: Inbox) -> None:
    async with (
        running(create_app(database_url, transport=inbox, latency_ms=100)) as one,
        running(create_app(database_url, transport=inbox)) as two,
    ):
        await one.post(f"{BASE}/hub", json=subscription("http://gateway"))
        accepted = await one.post(SERVICE, params={"mode": "async"}, json=INTERNET, headers=keyed("k"))
        # Any change makes the other process look for what is due.
        await two.post(SERVICE, json={**INTERNET, "id": "svc-2"}, headers=keyed("other"))
        assert (await over(two, accepted.json()))["state"] == "Completed"
        assert await log_of(two, key="k") == [("activate", "done")]
        await inbox.next()
    assert inbox.empty()


async def test_a_listener_that_stumbles_is_tried_again(database_url: str) -> None:
    inbox = Inbox(refusals=2)
    async with running(create_app(database_url, transport=inbox)) as client:
        await client.post(f"{BASE}/hub", json=subscription("http://gateway/"))
        await client.post(SERVICE, params={"mode": "async"}, json=INTERNET, headers=keyed("k"))
        url, event = await inbox.next()
    assert url == "http://gateway/listener/serviceStateChangeEvent"
    assert event["correlationId"] == "k"


async def test_a_listener_gets_only_the_events_it_asked_for(database_url: str, inbox: Inbox) -> None:
    async with running(create_app(database_url, transport=inbox)) as client:
        hub = f"{RESOURCE_BASE}/hub"
        query = "eventType=ResourceStateChangeEvent&event.resource.id=r-2"
        listener = (await client.post(hub, json={"callback": "http://gateway", "query": query})).json()
        for resource_id in ("r-1", "r-2"):
            body = {"id": resource_id, "resourceSpecification": {"id": "ont"}, "mode": "async"}
            await client.post(f"{RESOURCE_BASE}/resource", json=body, headers=keyed(resource_id))
        url, event = await inbox.next()
        assert url == "http://gateway/listener/resourceStateChangeEvent"
        assert event["event"]["resource"]["id"] == "r-2"
        assert [kept["id"] for kept in (await client.get(hub)).json()] == [listener["id"]]
        assert (await client.delete(f"{hub}/{listener['id']}")).status_code == 204
        assert (await client.delete(f"{hub}/{listener['id']}")).status_code == 404
    assert inbox.empty()


async def test_settings_decide_for_each_specification(activation: httpx2.AsyncClient) -> None:
    settings = {"latencyMs": 1, "specifications": {"rfs-voice": {"mode": "async"}}}
    answer = await activation.post("/settings", json=settings)
    assert answer.json() == (await activation.get("/settings")).json()
    assert answer.json()["specifications"] == {"rfs-voice": {"latencyMs": None, "mode": "async"}}
    voice = {"id": "svc-2", "state": "active", "serviceSpecification": {"id": "rfs-voice"}}
    assert (await activation.post(SERVICE, json=voice, headers=keyed("a"))).status_code == 202
    assert (await activation.post(SERVICE, json=INTERNET, headers=keyed("b"))).status_code == 201
    assert (await activation.post(SERVICE, json={**INTERNET, "mode": "later"}, headers=keyed("c"))).status_code == 400


async def test_a_service_test_passes_only_while_the_service_is_active(activation: httpx2.AsyncClient) -> None:
    async def run(key: str) -> dict[str, Any]:
        body = {"relatedService": {"id": "svc-1"}, "testSpecification": {"id": "ping"}}
        answer = await activation.post(TEST, json=body, headers=keyed(key))
        assert answer.status_code == 201
        result: dict[str, Any] = answer.json()
        assert result["state"] == "completed"
        return result

    before = await run("t1")
    assert (before["result"], before["message"]) == ("fail", "the service is not configured in the network")
    await activation.post(SERVICE, json=INTERNET, headers=keyed("a"))
    passed = await run("t2")
    assert passed["result"] == "pass"
    assert passed["testMeasure"] == [{"metricName": "reachable", "value": {"value": "yes"}}]
    rule = {"match": {"operation": "test", "specification": "rfs-internet"}, "kind": "permanent", "message": "no sync"}
    await activation.post("/faults", json=rule)
    assert ((await run("t3"))["result"], (await run("t4"))["message"]) == ("fail", "no sync")


async def test_news_in_the_last_moment_does_not_keep_the_system_from_ending(tmp_path: Path) -> None:
    database = Database(sqlite(tmp_path, "ending"), common_tables.metadata, tables.metadata)
    await database.prepare()
    completions = Completions(database)
    async with asyncio.timeout(20):
        for _ in range(10):
            async with completions.running():
                for _ in range(5):
                    await database.scanning(lambda connection: connection.scalar(select(tables.monitor.c.id)))
                database.listen(ACCEPTED).set()
    await database.close()


async def test_an_active_service_fails_on_demand_is_told_of_and_works_again_once_it_is_set_up(
    heard: httpx2.AsyncClient, inbox: Inbox
) -> None:
    await heard.post(SERVICE, json=INTERNET, headers=keyed("a"))
    failed = await heard.post("/failures", json={"service": "svc-1", "reason": "no light"})
    assert failed.status_code == 201
    _, event = await inbox.next()
    assert event["event"]["service"] == failed.json() == (await heard.get(f"{SERVICE}/svc-1")).json()
    told = event["event"]["service"]
    assert (told["state"], told["hasStarted"], told["isServiceEnabled"]) == ("inactive", True, False)
    assert event["event"]["error"] == {"code": "serviceFailed", "reason": "no light"}
    assert event["correlationId"].startswith("failure:"), "it answers nobody's request"
    assert (await heard.get("/audit")).json() == {"active": []}
    again = await heard.post("/failures", json={"service": "svc-1"})
    assert (again.status_code, again.json()["code"]) == (409, "notActive")
    mended = (await heard.patch(f"{SERVICE}/svc-1", json={"state": "active"}, headers=keyed("b"))).json()
    assert (mended["state"], mended["isServiceEnabled"]) == ("active", True)
    assert (await heard.post("/failures", json={"service": "nobody"})).status_code == 404
    assert (await heard.post("/failures", json={"servise": "svc-1"})).status_code == 400
