"""Faults on demand, of every kind."""

import asyncio
import time
from typing import Any

import httpx2
import pytest

from tests.systems.conftest import keyed

pytestmark = pytest.mark.anyio

CHARGE = "/billing/v1/charge"
PRICED = {"product": {"id": "p"}, "price": [], "name": "Internet"}


async def start(billing: httpx2.AsyncClient, key: str = "po:7:charge") -> httpx2.Response:
    return await billing.post(CHARGE, json=PRICED, headers=keyed(key))


async def set_fault(client: httpx2.AsyncClient, **rule: Any) -> str:
    answer = await client.post("/faults", json=rule)
    assert answer.status_code == 201
    return str(answer.json()["id"])


async def eventually(client: httpx2.AsyncClient, outcomes: list[str]) -> None:
    """Wait until the log has these outcomes."""
    async with asyncio.timeout(60):
        while [line["outcome"] for line in (await client.get("/log")).json()] != outcomes:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_a_permanent_fault_refuses_with_its_message(billing: httpx2.AsyncClient) -> None:
    await set_fault(billing, match={"operation": "startCharge"}, kind="permanent", message="no such tariff")
    answer = await start(billing)
    assert answer.status_code == 422
    assert answer.json()["reason"] == "no such tariff"
    log = (await billing.get("/log")).json()
    assert [(line["outcome"], line["status"], line["reason"]) for line in log] == [("refused", 422, "no such tariff")]
    assert (await billing.get(CHARGE)).json() == []


async def test_a_permanent_fault_may_have_another_status(billing: httpx2.AsyncClient) -> None:
    await set_fault(billing, kind="permanent", status=403)
    assert (await start(billing)).status_code == 403


async def test_a_transient_fault_passes_after_its_times(billing: httpx2.AsyncClient) -> None:
    await set_fault(billing, match={"order": "po:7"}, kind="transient", times=2)
    answers = [await start(billing) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [503, 503, 201]
    assert answers[0].headers["Retry-After"] == "0"
    assert (await billing.get("/faults")).json()[0]["remaining"] == 0


async def test_rubbish_is_a_page_instead_of_an_answer(billing: httpx2.AsyncClient) -> None:
    await set_fault(billing, kind="rubbish", times=1)
    answer = await start(billing)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/html")
    assert (await billing.get(CHARGE)).json() == []
    assert (await start(billing)).status_code == 201


async def test_a_timeout_holds_the_answer_back_and_does_nothing(billing: httpx2.AsyncClient) -> None:
    await set_fault(billing, kind="timeout", seconds=0.2)
    before = time.monotonic()
    answer = await start(billing)
    assert time.monotonic() - before >= 0.2
    assert answer.status_code == 504
    assert (await billing.get(CHARGE)).json() == []


async def test_a_lost_answer_is_found_by_the_repeat(billing: httpx2.AsyncClient) -> None:
    await set_fault(billing, kind="lostAnswer", times=1)
    assert (await start(billing)).status_code == 500
    repeat = await start(billing)
    assert (repeat.status_code, repeat.headers["Idempotent-Replay"]) == (201, "true")
    assert [charge["id"] for charge in (await billing.get(CHARGE)).json()] == [repeat.json()["id"]]
    assert [line["outcome"] for line in (await billing.get("/log")).json()] == ["done", "absorbed"]


async def test_a_late_effect_comes_after_its_answer(billing: httpx2.AsyncClient) -> None:
    await set_fault(billing, kind="late", times=1, seconds=0.2)
    assert (await start(billing)).status_code == 504
    assert (await billing.get(CHARGE)).json() == []
    await eventually(billing, ["done"])
    [charge] = (await billing.get(CHARGE)).json()
    repeat = await start(billing)
    assert (repeat.json()["id"], repeat.headers["Idempotent-Replay"]) == (charge["id"], "true")


async def test_a_late_answer_may_come_after_its_effect(billing: httpx2.AsyncClient) -> None:
    await set_fault(billing, kind="late", times=1, seconds=0, silence=0.2)
    assert (await start(billing)).status_code == 504
    assert len((await billing.get(CHARGE)).json()) == 1


async def test_a_late_effect_that_a_repeat_has_overtaken_is_done_once(billing: httpx2.AsyncClient) -> None:
    await set_fault(billing, kind="late", times=1, seconds=0.2)
    answers = [await start(billing), await start(billing)]
    assert [answer.status_code for answer in answers] == [504, 201]
    await eventually(billing, ["done", "absorbed"])
    assert len((await billing.get(CHARGE)).json()) == 1


async def test_a_late_effect_may_be_refused(billing: httpx2.AsyncClient) -> None:
    await set_fault(billing, match={"order": "po:7"}, kind="late", seconds=0.2)
    assert (await start(billing)).status_code == 504
    assert (await start(billing, "po:8:charge")).status_code == 201
    await eventually(billing, ["done", "refused"])


async def test_a_forgotten_key_is_done_again(billing: httpx2.AsyncClient) -> None:
    await set_fault(billing, kind="forgetsKeys")
    first = await start(billing)
    assert first.status_code == 201
    assert (await start(billing)).status_code == 409
    assert (await billing.delete(f"{CHARGE}/{first.json()['id']}")).status_code == 204
    again = await start(billing)
    assert (again.status_code, "Idempotent-Replay" in again.headers) == (201, False)


async def test_a_wrong_filter_gives_everything(inventory: httpx2.AsyncClient) -> None:
    resources = "/tmf-api/resourceInventoryManagement/v4/resource?limit=100&category=ont"
    services = "/tmf-api/serviceInventory/v4/service?state=active"
    await set_fault(inventory, match={"operation": "list", "target": "resource"}, kind="wrongFilter", times=1)
    assert (await inventory.get(services)).json() == []
    assert len((await inventory.get(resources)).json()) > 2
    assert {each["category"] for each in (await inventory.get(resources)).json()} == {"ont"}


@pytest.mark.parametrize(
    ("rule", "length"),
    [({"kind": "slowBody", "seconds": 0.1}, 1000), ({"kind": "hugeBody", "megabytes": 2}, 2 * 1024 * 1024)],
)
async def test_an_answer_that_comes_slowly_or_is_huge_is_the_answer_to_what_was_done(
    billing: httpx2.AsyncClient, rule: dict[str, Any], length: int
) -> None:
    await set_fault(billing, **rule, times=1)
    spoilt = await start(billing)
    repeat = await start(billing)
    assert (spoilt.status_code, spoilt.json()) == (201, repeat.json())
    assert len(spoilt.content) >= length
    assert [line["outcome"] for line in (await billing.get("/log")).json()] == ["done", "absorbed"]


async def test_a_spoilt_answer_without_a_body_is_an_empty_document(inventory: httpx2.AsyncClient) -> None:
    await set_fault(inventory, kind="hugeBody", megabytes=1, times=1)
    released = await inventory.delete(
        "/tmf-api/resourcePoolManagement/v4/reservation/msisdn-1", headers=keyed("po:7:release")
    )
    assert (released.status_code, released.json()) == (200, {})


async def test_a_system_does_not_deny_what_it_has_done(billing: httpx2.AsyncClient) -> None:
    await start(billing)
    await set_fault(billing, kind="permanent", times=1)
    assert (await start(billing)).status_code == 201
    assert (await start(billing, "another")).status_code == 422


@pytest.mark.parametrize(
    "match",
    [{"operation": "stopCharge"}, {"order": "po:8"}, {"target": "another"}, {"specification": "gpon-port"}],
)
async def test_a_rule_leaves_other_requests_alone(billing: httpx2.AsyncClient, match: dict[str, str]) -> None:
    await set_fault(billing, match=match, kind="permanent")
    assert (await start(billing)).status_code == 201


async def test_a_rule_finds_the_specification_of_what_is_named_by_id(inventory: httpx2.AsyncClient) -> None:
    await set_fault(inventory, match={"specification": "ont", "operation": "release"}, kind="permanent")
    reservations = "/tmf-api/resourcePoolManagement/v4/reservation"
    assert (await inventory.delete(f"{reservations}/ont-1", headers=keyed("a"))).status_code == 422
    assert (await inventory.delete(f"{reservations}/msisdn-1", headers=keyed("b"))).status_code == 204


async def test_rules_are_cleared_one_by_one_and_all(billing: httpx2.AsyncClient) -> None:
    first = await set_fault(billing, kind="permanent")
    await set_fault(billing, kind="transient")
    assert (await billing.delete(f"/faults/{first}")).status_code == 204
    assert (await billing.delete(f"/faults/{first}")).status_code == 404
    assert (await start(billing)).status_code == 503
    assert (await billing.delete("/faults")).status_code == 204
    assert (await billing.get("/faults")).json() == []
    assert (await start(billing)).status_code == 201


@pytest.mark.parametrize(
    "rule",
    [
        {"kind": "whim"},
        {"kind": "permanent", "status": 503},
        {"kind": "transient", "status": 404},
        {"kind": "timeout", "times": 0},
        {"kind": "timeout", "match": {"color": "red"}},
    ],
)
async def test_a_senseless_rule_is_refused(billing: httpx2.AsyncClient, rule: dict[str, Any]) -> None:
    assert (await billing.post("/faults", json=rule)).status_code == 400
