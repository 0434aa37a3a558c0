"""State change events of the activation system reach the workflow that waits for them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import Bench
from workflows.messages import SystemEvent

pytestmark = pytest.mark.anyio

SERVICE = "/tmf-api/ServiceActivationAndConfiguration/v4/listener/serviceStateChangeEvent"
RESOURCE = "/tmf-api/resourceActivationAndConfiguration/v4/listener/resourceStateChangeEvent"
WORKFLOW = "po:7f3k2a9dqe:so:1:internet"
KEY = f"{WORKFLOW}/service/activate"


def event(kind: str = "service", correlation_id: Any = KEY, **payload: Any) -> dict[str, Any]:
    return {
        "eventId": "e-1",
        "eventTime": "2026-11-23T09:00:00.000Z",
        "eventType": f"{kind.title()}StateChangeEvent",
        "correlationId": correlation_id,
        "event": {kind: {"id": "s-1", "state": "active"}, **payload},
    }


@pytest.mark.parametrize(("path", "kind"), [(SERVICE, "service"), (RESOURCE, "resource")])
async def test_an_event_is_passed_on_to_its_workflow_with_its_values(bench: Bench, path: str, kind: str) -> None:
    bench.engine.waiting = {WORKFLOW}
    subject = {"id": "s-1", "state": "active", f"{kind}Characteristic": [{"name": "vlan", "value": 7}]}
    answer = await bench.client.post(path, json=event(kind, **{kind: subject}))
    assert answer.status_code == 204
    assert answer.content == b""
    assert bench.engine.told == [
        (WORKFLOW, SystemEvent(correlation_id=KEY, succeeded=True, characteristics={"vlan": 7}))
    ]


async def test_a_failure_is_passed_on_with_its_reason(bench: Bench) -> None:
    failed = event(service={"id": "s-1", "state": "inactive"}, error={"code": "noSignal", "reason": "ONT is dark"})
    assert (await bench.client.post(SERVICE, json=failed)).status_code == 204
    assert bench.engine.told == [
        (WORKFLOW, SystemEvent(correlation_id=KEY, succeeded=False, message="noSignal: ONT is dark"))
    ]


async def test_an_event_that_no_workflow_waits_for_is_taken_and_dropped(bench: Bench) -> None:
    answer = await bench.client.post(SERVICE, json=event())
    assert answer.status_code == 204
    assert [workflow for workflow, _ in bench.engine.told] == [WORKFLOW]


@pytest.mark.parametrize("key", ["somebody-else/1", "po:", "\u00fc", "x" * 5000])
async def test_an_event_of_somebody_elses_request_is_taken_and_dropped(bench: Bench, key: str) -> None:
    assert (await bench.client.post(SERVICE, json=event(correlation_id=key))).status_code == 204
    assert bench.engine.told == []


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ([], "object"),
        ({}, "correlationId: "),
        (event(correlation_id=""), "correlationId: "),
        (event(correlation_id=None), "correlationId: "),
        (event(correlation_id=7), "correlationId: "),
        ({"correlationId": KEY}, "event: "),
        ({"correlationId": KEY, "event": []}, "event: "),
        ({"correlationId": KEY, "event": {}}, "event.service: "),
        (event("resource"), "event.service: "),
        (event(service={"serviceCharacteristic": {}}), "event.service.serviceCharacteristic: "),
        (event(error="broken"), "event.error: "),
    ],
)
async def test_a_malformed_event_is_refused_naming_the_path(bench: Bench, body: Any, path: str) -> None:
    answer = await bench.client.post(SERVICE, json=body)
    assert answer.status_code == 400
    assert path in answer.json()["message"]
    assert bench.engine.told == []


async def test_an_event_is_to_be_sent_again_while_the_engine_is_away(bench: Bench) -> None:
    bench.engine.away = True
    answer = await bench.client.post(SERVICE, json=event())
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
