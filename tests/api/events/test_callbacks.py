"""State change events of the activation system reach the workflow that waits for them."""

from __future__ import annotations

import dataclasses
import json
from base64 import b64encode
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from pydantic import ValidationError
from standardwebhooks import Webhook

from api.app import create_app
from api.engine import EngineRefusedError, RequestTooLargeError
from settings import Settings
from tests.api.conftest import BASE_URL, CALLBACK_SECRET, Bench
from tmf.signatures import SignatureError, verify
from workflows.contracts.payloads import SystemEvent

pytestmark = pytest.mark.anyio

SERVICE = "/tmf-api/ServiceActivationAndConfiguration/v4/listener/serviceStateChangeEvent"
RESOURCE = "/tmf-api/ResourceActivationAndConfiguration/v4/listener/resourceStateChangeEvent"
WORKFLOW = "po:7f3k2a9dqe:so:1:internet"
RESOURCE_WORKFLOW = f"{WORKFLOW}:ro:access"
KEY = f"{WORKFLOW}/service/activate"


def event(kind: str = "service", correlation_id: Any = KEY, **payload: Any) -> dict[str, Any]:
    return {
        "eventId": "e-1",
        "eventTime": "2026-11-23T09:00:00.000Z",
        "eventType": f"{kind.title()}StateChangeEvent",
        "correlationId": correlation_id,
        "event": {kind: {"id": "s-1", "state": "active"}, **payload},
    }


def signed(body: bytes, at: datetime | None = None, secret: str = CALLBACK_SECRET) -> dict[str, str]:
    """Return the headers that a sender of events sends by the Standard Webhooks scheme."""
    at = at or datetime.now(UTC)
    signature = Webhook(secret).sign("msg-1", at, body.decode())
    return {
        "Content-Type": "application/json",
        "webhook-id": "msg-1",
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": signature,
    }


async def tell(bench: Bench, path: str, body: Any) -> httpx2.Response:
    raw = json.dumps(body).encode()
    return await bench.client.post(path, content=raw, headers=signed(raw))


@pytest.mark.parametrize(
    ("path", "kind", "workflow"), [(SERVICE, "service", WORKFLOW), (RESOURCE, "resource", RESOURCE_WORKFLOW)]
)
async def test_an_event_is_passed_on_to_its_workflow_with_its_values(
    bench: Bench, path: str, kind: str, workflow: str
) -> None:
    bench.engine.waiting = {workflow}
    key = f"{workflow}/access/activate"
    subject = {"id": "s-1", "state": "active", f"{kind}Characteristic": [{"name": "vlan", "value": 7}]}
    answer = await tell(bench, path, event(kind, key, **{kind: subject}))
    assert answer.status_code == 204
    assert answer.content == b""
    assert bench.engine.told == [
        (workflow, SystemEvent(correlation_id=key, succeeded=True, state="active", characteristics={"vlan": 7}))
    ]


async def test_a_failure_is_passed_on_with_its_reason(bench: Bench) -> None:
    failed = event(service={"id": "s-1", "state": "inactive"}, error={"code": "noSignal", "reason": "ONT is dark"})
    assert (await tell(bench, SERVICE, failed)).status_code == 204
    assert bench.engine.told == [
        (WORKFLOW, SystemEvent(correlation_id=KEY, succeeded=False, state="inactive", message="noSignal: ONT is dark"))
    ]


@pytest.mark.parametrize(
    ("path", "kind", "workflow", "subject", "told"),
    [
        (SERVICE, "service", WORKFLOW, {"state": "designed"}, {"succeeded": True, "state": "designed"}),
        (SERVICE, "service", WORKFLOW, {}, {"succeeded": True, "state": ""}),
        (SERVICE, "service", WORKFLOW, {"state": "failed"}, {"succeeded": False, "state": "failed"}),
        (
            SERVICE,
            "service",
            WORKFLOW,
            {"state": "inactive", "operatingStatus": "failed"},
            {"succeeded": False, "state": "inactive"},
        ),
        (
            RESOURCE,
            "resource",
            RESOURCE_WORKFLOW,
            {"operationalState": "enable"},
            {"succeeded": True, "state": "active"},
        ),
        (
            RESOURCE,
            "resource",
            RESOURCE_WORKFLOW,
            {"operationalState": "disable"},
            {"succeeded": True, "state": "inactive"},
        ),
    ],
)
async def test_the_state_is_passed_on_as_it_is_told(
    bench: Bench, path: str, kind: str, workflow: str, subject: dict[str, Any], told: dict[str, Any]
) -> None:
    key = f"{workflow}/x/activate"
    assert (await tell(bench, path, event(kind, key, **{kind: {"id": "s-1", **subject}}))).status_code == 204
    (_, passed_on), *others = bench.engine.told
    assert not others
    assert passed_on.model_dump(include={"succeeded", "state"}) == told


async def test_an_event_that_no_workflow_waits_for_is_taken_and_dropped(bench: Bench) -> None:
    answer = await tell(bench, SERVICE, event())
    assert answer.status_code == 204
    assert [workflow for workflow, _ in bench.engine.told] == [WORKFLOW]


@pytest.mark.parametrize(
    ("path", "kind", "workflow"),
    [
        (SERVICE, "service", RESOURCE_WORKFLOW),
        (RESOURCE, "resource", WORKFLOW),
        (SERVICE, "service", "po:7f3k2a9dqe"),
    ],
)
async def test_an_event_for_a_workflow_of_another_kind_is_taken_and_dropped(
    bench: Bench, path: str, kind: str, workflow: str
) -> None:
    bench.engine.waiting = {workflow}
    assert (await tell(bench, path, event(kind, f"{workflow}/access/activate"))).status_code == 204
    assert bench.engine.told == []


@pytest.mark.parametrize("key", ["somebody-else/1", "po:", "\u00fc", "x" * 5000])
async def test_an_event_of_somebody_elses_request_is_taken_and_dropped(bench: Bench, key: str) -> None:
    assert (await tell(bench, SERVICE, event(correlation_id=key))).status_code == 204
    assert bench.engine.told == []


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ([], "object"),
        ({}, "event: "),
        (event(correlation_id=""), "correlationId: "),
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
    answer = await tell(bench, SERVICE, body)
    assert answer.status_code == 400
    assert path in answer.json()["message"]
    assert bench.engine.told == []


async def test_an_event_is_to_be_sent_again_while_the_engine_is_away(bench: Bench) -> None:
    bench.engine.away = True
    answer = await tell(bench, SERVICE, event())
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (EngineRefusedError("exceeded the limit of signals"), 409, "notAllowed"),
        (RequestTooLargeError("message larger than max"), 413, "bodyTooLarge"),
    ],
)
async def test_an_event_that_is_refused_for_good_is_not_to_be_sent_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int, code: str
) -> None:
    async def refuse(*_: Any) -> bool:
        raise error

    monkeypatch.setattr(bench.engine, "signal", refuse)
    answer = await tell(bench, SERVICE, event())
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert "Retry-After" not in answer.headers
    assert str(error) in answer.json()["message"]


BODY = json.dumps(event()).encode()
OTHER_SECRET = "whsec_" + b64encode(b"another secret of some length").decode()


async def test_an_event_may_bear_the_secret_instead_of_a_signature(bench: Bench) -> None:
    headers = {"Content-Type": "application/json", "Authorization": f"bearer {CALLBACK_SECRET}"}
    assert (await bench.client.post(SERVICE, content=BODY, headers=headers)).status_code == 204
    assert len(bench.engine.told) == 1


async def test_a_new_secret_may_be_introduced_beside_the_old_one(bench: Bench) -> None:
    headers = signed(BODY)
    signatures = [each["webhook-signature"] for each in (signed(BODY, secret=OTHER_SECRET), headers)]
    headers["webhook-signature"] = " ".join(signatures)
    assert (await bench.client.post(SERVICE, content=BODY, headers=headers)).status_code == 204


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": f"Bearer {OTHER_SECRET}"},
        {"Authorization": f"Basic {CALLBACK_SECRET}"},
        {"Authorization": "Bearer"},
        signed(BODY, secret=OTHER_SECRET),
        signed(BODY + b" "),
        signed(BODY, datetime.now(UTC) - timedelta(hours=1)),
        signed(BODY, datetime.now(UTC) + timedelta(hours=1)),
        signed(BODY) | {"webhook-timestamp": str(int(datetime.now(UTC).timestamp()) - 60)},
        signed(BODY) | {"webhook-timestamp": "now"},
        signed(BODY) | {"webhook-id": "msg-2"},
        signed(BODY) | {"webhook-id": ""},
        signed(BODY) | {"webhook-signature": signed(BODY)["webhook-signature"].removeprefix("v1,")},
        signed(BODY) | {"webhook-signature": "v1,"},
        signed(BODY) | {"webhook-signature": "v1,ü"},
    ],
    ids=lambda headers: ", ".join(headers) or "nothing",
)
async def test_an_event_that_nobody_known_has_sent_is_refused(bench: Bench, headers: dict[str, str]) -> None:
    sent = {"Content-Type": "application/json", **headers}
    raw = [(name.encode(), value.encode("latin-1")) for name, value in sent.items()]
    answer = await bench.client.post(SERVICE, content=BODY, headers=raw)
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert bench.engine.told == []


async def test_without_a_secret_in_the_settings_no_event_is_taken(bench: Bench) -> None:
    app = create_app(dataclasses.replace(bench.gateway, callback_secret=None))
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url=BASE_URL) as client:
        answer = await client.post(SERVICE, content=BODY, headers=signed(BODY))
    assert answer.status_code == 401
    assert "ORDERSAGA_CALLBACK_SECRET" in answer.json()["message"]
    assert bench.engine.told == []


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_c2hvcnQ=", "whsec_*", CALLBACK_SECRET.removeprefix("whsec_")])
def test_what_is_no_secret_is_refused_when_the_process_starts(secret: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORDERSAGA_CALLBACK_SECRET", secret)
    with pytest.raises(ValidationError, match="callback_secret"):
        Settings()


@pytest.mark.parametrize(("age", "taken"), [(0, True), (300, True), (-300, True), (301, False), (-301, False)])
def test_a_signature_counts_for_five_minutes(age: int, taken: bool) -> None:
    at = datetime(2026, 11, 23, 9, tzinfo=UTC)
    with nullcontext() if taken else pytest.raises(SignatureError, match="5 minutes"):
        verify(CALLBACK_SECRET, signed(BODY, at), BODY, at + timedelta(seconds=age))
