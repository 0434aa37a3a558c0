"""The qualification APIs: answered at once or as tasks that survive a gateway, listed, changed, deleted by admins."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from api.app import create_app
from api.qualification.offerings import OFFERING_QUALIFICATION, OFFERING_QUALIFICATION_EXAMPLE
from api.qualification.routes import QualificationApi
from api.qualification.services import SERVICE_CHECK, SERVICE_CHECK_EXAMPLE, SERVICE_QUERY, SERVICE_QUERY_EXAMPLE
from api.sweeps.qualifying import PATIENCE, Qualifying
from application.http import DownstreamError
from orders.qualification.results import ASKED_DATES, DEADLINES, FIRST_STATES, QualificationKind
from tests.api.conftest import ADMIN_TOKEN, BASE_URL, NOW, Bench
from tests.stage import eventually

pytestmark = pytest.mark.anyio

APIS = [OFFERING_QUALIFICATION, SERVICE_CHECK, SERVICE_QUERY]
OFFERINGS = OFFERING_QUALIFICATION.path
MERGE_PATCH = {"Content-Type": "application/merge-patch+json"}
AWAY = DownstreamError("inventory", "inventory gave no answer", retryable=True)

every_api = pytest.mark.parametrize("api", APIS, ids=lambda api: api.kind.value)


def body(api: QualificationApi, **attributes: Any) -> dict[str, Any]:
    """A question that is worked on as a task, unless it says otherwise."""
    return {**api.example, "instantSyncQualification": False, **attributes}


async def asked(bench: Bench, api: QualificationApi = OFFERING_QUALIFICATION, **attributes: Any) -> dict[str, Any]:
    answer = await bench.client.post(api.path, json=body(api, **attributes))
    assert answer.status_code == 201, answer.text
    document: dict[str, Any] = answer.json()
    return document


async def read(bench: Bench, document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = (await bench.client.get(document["href"])).json()
    return found


@every_api
async def test_an_instant_answer_is_in_the_response_and_kept(bench: Bench, api: QualificationApi) -> None:
    answer = await bench.client.post(api.path, json=body(api, instantSyncQualification=True))
    assert answer.status_code == 200
    document = answer.json()
    assert document["state"] == "done"
    assert document["qualificationResult"] == "qualified"
    assert document["href"] == answer.headers["Location"] == f"{BASE_URL}{api.path}/{document['id']}"
    assert document[ASKED_DATES[api.kind]].endswith("Z")
    assert await read(bench, document) == document


@every_api
async def test_a_task_is_taken_in_and_answered_later(bench: Bench, api: QualificationApi) -> None:
    document = await asked(bench, api)
    assert document["state"] == FIRST_STATES[api.kind]
    assert await read(bench, document) == document
    assert bench.qualifier.asked == []
    assert await bench.gateway.qualifying.sweep() == 1
    ended = await read(bench, document)
    assert (ended["state"], ended["qualificationResult"]) == ("done", "qualified")
    assert await bench.gateway.qualifying.sweep() == 0
    assert len(bench.qualifier.asked) == 1


async def test_a_task_is_worked_on_as_soon_as_it_is_taken_in(bench: Bench) -> None:
    running = asyncio.create_task(bench.gateway.qualifying.run())
    try:
        document = await asked(bench)

        async def done() -> bool:
            return bool((await read(bench, document))["state"] == "done")

        await eventually(done)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_an_instant_question_that_nobody_can_answer_is_unavailable_and_not_kept(bench: Bench) -> None:
    bench.qualifier.error = AWAY
    answer = await bench.client.post(OFFERINGS, json=OFFERING_QUALIFICATION_EXAMPLE)
    assert answer.status_code == 503
    assert "inventory gave no answer" in answer.json()["message"]
    assert "Retry-After" in answer.headers
    assert (await bench.client.get(OFFERINGS)).json() == []


async def test_a_task_waits_for_a_system_that_is_away(bench: Bench) -> None:
    document = await asked(bench)
    bench.qualifier.error = AWAY
    assert await bench.gateway.qualifying.sweep() == 0
    assert (await read(bench, document))["state"] == "inProgress"
    bench.qualifier.error = None
    assert await bench.gateway.qualifying.sweep() == 0
    bench.clock.now += 60
    assert await bench.gateway.qualifying.sweep() == 1
    assert (await read(bench, document))["state"] == "done"


@every_api
async def test_a_task_ends_with_the_error_when_its_answer_would_be_of_no_use(
    bench: Bench, api: QualificationApi
) -> None:
    soon = {DEADLINES[api.kind]: (NOW + timedelta(seconds=30)).isoformat()}
    wanted, patient = await asked(bench, api, **soon), await asked(bench, api)
    bench.qualifier.error = AWAY
    assert await bench.gateway.qualifying.sweep() == 0
    bench.clock.now += 60
    assert await bench.gateway.qualifying.sweep() == 1
    ended = await read(bench, wanted)
    assert ended["state"] == "terminatedWithError"
    assert "inventory gave no answer" in str(ended)
    assert (await read(bench, patient))["state"] == "inProgress"
    bench.clock.now += PATIENCE.total_seconds()
    assert await bench.gateway.qualifying.sweep() == 1
    assert (await read(bench, patient))["state"] == "terminatedWithError"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (DownstreamError("inventory", "inventory answered nonsense", retryable=False), "inventory answered nonsense"),
        (RuntimeError("a bug"), "an unexpected error"),
    ],
)
async def test_an_error_that_another_try_does_not_help_ends_the_task(bench: Bench, error: Exception, said: str) -> None:
    document = await asked(bench)
    bench.qualifier.error = error
    assert await bench.gateway.qualifying.sweep() == 1
    ended = await read(bench, document)
    [item] = ended["productOfferingQualificationItem"]
    assert ended["state"] == item["state"] == "terminatedWithError"
    assert said in item["terminationError"][0]["value"]


async def test_a_task_survives_the_gateway_that_worked_on_it(bench: Bench) -> None:
    document = await asked(bench)
    started = asyncio.Event()

    async def stuck(_document: dict[str, Any], _now: Any) -> dict[str, Any]:
        started.set()
        await asyncio.Event().wait()
        return {}

    def gateway(qualifier: Any) -> Qualifying:
        qualifiers = dict.fromkeys(QualificationKind, qualifier)
        interval, retention = timedelta(seconds=5), timedelta(days=30)
        return Qualifying(bench.gateway.qualifications, qualifiers, interval, retention, lambda: NOW)

    ending = asyncio.create_task(gateway(stuck).run())
    await started.wait()
    assert (await read(bench, document))["state"] == "inProgress"
    assert await gateway(bench.qualifier).sweep() == 0
    ending.cancel()
    await asyncio.gather(ending, return_exceptions=True)
    assert await gateway(bench.qualifier).sweep() == 1
    assert (await read(bench, document))["state"] == "done"


async def test_a_task_is_taken_over_from_a_gateway_that_was_killed(bench: Bench) -> None:
    document = await asked(bench)
    [taken] = await bench.gateway.qualifications.claim(NOW, timedelta(minutes=2), 1)
    assert taken.id == document["id"]
    assert await bench.gateway.qualifying.sweep() == 0
    bench.clock.now += 121
    assert await bench.gateway.qualifying.sweep() == 1


async def test_answered_ones_are_forgotten_in_the_end(bench: Bench) -> None:
    document = await asked(bench)
    await bench.gateway.qualifying.sweep()
    bench.clock.now += timedelta(days=29).total_seconds()
    await bench.gateway.qualifying.sweep()
    assert (await bench.client.get(document["href"])).status_code == 200
    bench.clock.now += timedelta(days=2).total_seconds()
    await bench.gateway.qualifying.sweep()
    assert (await bench.client.get(document["href"])).status_code == 404


@every_api
async def test_they_are_listed_filtered_and_read_by_fields(bench: Bench, api: QualificationApi) -> None:
    first, second = await asked(bench, api, description="first"), await asked(bench, api, description="second")
    listed = await bench.client.get(api.path)
    assert {each["id"] for each in listed.json()} == {first["id"], second["id"]}
    assert listed.headers["X-Total-Count"] == "2"
    page = await bench.client.get(api.path, params={"limit": "1"})
    assert (page.status_code, page.headers["X-Result-Count"]) == (206, "1")
    found = await bench.client.get(api.path, params={"description": "first", "fields": "description"})
    assert found.json() == [{"id": first["id"], "href": first["href"], "description": "first"}]
    single = await bench.client.get(first["href"], params={"fields": "state"})
    assert single.json().keys() == {"id", "href", "state"}
    assert (await bench.client.get(f"{api.path}/unknown")).status_code == 404
    by_description = await bench.client.get(api.path, params={"sort": "-description"})
    assert [each["id"] for each in by_description.json()] == [second["id"], first["id"]]
    unknown = await bench.client.get(api.path, params={"sort": "descripton"})
    assert (unknown.status_code, "description" in unknown.json()["message"]) == (400, True)


@every_api
async def test_what_is_noted_can_be_patched(bench: Bench, api: QualificationApi) -> None:
    document = await asked(bench, api)
    merged = await bench.client.patch(document["href"], json={"description": "By telephone"})
    assert (merged.status_code, merged.json()["description"]) == (200, "By telephone")
    removed = await bench.client.patch(document["href"], content='{"description": null}', headers=MERGE_PATCH)
    assert "description" not in removed.json()
    operations = [{"op": "add", "path": "/description", "value": "By letter"}]
    patched = await bench.client.patch(
        document["href"], json=operations, headers={"Content-Type": "application/json-patch+json"}
    )
    assert patched.json()["description"] == "By letter"
    assert await read(bench, document) == patched.json()
    assert (await bench.client.patch(f"{api.path}/unknown", json={})).status_code == 404


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"state": "done"}, "state: cannot be changed"),
        ({"id": "other"}, "id: cannot be changed"),
        ({"href": None}, "href: cannot be changed"),
        ({"productOfferingQualificationItem": []}, "productOfferingQualificationItem: cannot be changed"),
        ({"qualificationResult": "qualified"}, "qualificationResult: cannot be changed"),
        ({"description": 1}, "description"),
        ({"note": [{}]}, "note[0].text"),
        ({"note": [{"text": "\0"}]}, "NUL"),
        ([], "must be a JSON object"),
    ],
)
async def test_question_and_answer_cannot_be_patched(bench: Bench, change: Any, said: str) -> None:
    document = await asked(bench)
    answer = await bench.client.patch(document["href"], json=change)
    assert answer.status_code == 400
    assert said in answer.json()["message"]
    assert await read(bench, document) == document


async def test_operations_cannot_nest_a_note_beyond_all_measure(bench: Bench) -> None:
    document = await asked(bench)
    deeper = [{"op": "copy", "from": "/note", "path": "/note/0/a"}] * 60
    operations = [{"op": "add", "path": "/note", "value": [{"text": "x"}]}, *deeper]
    answer = await bench.client.patch(
        document["href"], json=operations, headers={"Content-Type": "application/json-patch+json"}
    )
    assert answer.status_code == 400
    assert await read(bench, document) == document


async def test_without_a_token_there_are_no_administrators(bench: Bench) -> None:
    document = await asked(bench)
    transport = httpx2.ASGITransport(create_app(replace(bench.gateway, admin_token=None)))
    async with httpx2.AsyncClient(transport=transport, base_url=BASE_URL) as client:
        answer = await client.delete(document["href"], headers={"Authorization": f"Bearer {ADMIN_TOKEN}"})
    assert answer.status_code == 403


@every_api
async def test_only_administrators_delete(bench: Bench, api: QualificationApi) -> None:
    document = await asked(bench, api)
    nobody = await bench.client.delete(document["href"])
    assert (nobody.status_code, nobody.headers["WWW-Authenticate"]) == (401, 'Bearer realm="ordersaga"')
    other = await bench.client.delete(document["href"], headers={"Authorization": "Bearer other"})
    assert (other.status_code, other.json()["@type"]) == (401, "Error")
    admin = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
    gone = await bench.client.delete(document["href"], headers=admin)
    assert (gone.status_code, gone.content) == (204, b"")
    assert (await bench.client.get(document["href"])).status_code == 404
    assert (await bench.client.delete(document["href"], headers=admin)).status_code == 404
    assert await bench.gateway.qualifying.sweep() == 0


def test_the_examples_are_instant() -> None:
    for example in (OFFERING_QUALIFICATION_EXAMPLE, SERVICE_CHECK_EXAMPLE, SERVICE_QUERY_EXAMPLE):
        assert example["instantSyncQualification"] is True
