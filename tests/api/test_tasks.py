"""/fallout/v1 and /manual/v1: finding what waits for people, and settling it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest

from api.engine import EngineUnavailableError, MessageRefusedError
from orders.lifecycle.states import OrderKind
from orders.model.task import Resolution, Task, TaskAction, TaskKind, TaskState
from orders.model.wanted import WantedValue
from tests.api.conftest import Bench
from workflows.contracts.payloads import Complete, Reschedule, Resolve

pytestmark = pytest.mark.anyio

FALLOUT, MANUAL = "/fallout/v1/task", "/manual/v1/task"
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def task(number: int, kind: TaskKind = TaskKind.FALLOUT, **more: Any) -> Task:
    order_id = f"abc:{number}:internet"
    manual = kind == TaskKind.MANUAL
    given = {
        "id": f"{order_id}!1",
        "kind": kind,
        "workflow_id": f"po:abc:so:{number}:internet",
        "order_kind": OrderKind.SERVICE,
        "order_id": order_id,
        "root_id": "abc",
        "item": "internet",
        "step": "manual" if manual else "activate",
        "what": "activate Internet access",
        "system": None if manual else "activation",
        "error_code": None if manual else "DownstreamError",
        "error": None if manual else f"port {number} is faulty",
        "actions": [TaskAction.COMPLETE] if manual else list(TaskAction),
        "created_at": NOON + timedelta(minutes=number),
    }
    return Task.model_validate(given | more)


async def kept(bench: Bench, *tasks: Task) -> list[str]:
    """Keep tasks whose workflows wait for people; return their paths."""
    for each in tasks:
        assert await bench.tasks.save(each)
        bench.engine.waiting.add(each.workflow_id)
    base = {TaskKind.FALLOUT: FALLOUT, TaskKind.MANUAL: MANUAL}
    return [f"{base[each.kind]}/{quote(each.id)}" for each in tasks]


SETTLED: dict[str, Any] = {
    "state": TaskState.RESOLVED,
    "resolution": Resolution(action=TaskAction.RETRY, at=NOON, by="bob"),
}


async def test_tasks_are_listed_by_kind_oldest_first_with_paging_and_fields(bench: Bench) -> None:
    await kept(bench, task(2), task(1), task(3, TaskKind.MANUAL))
    listed = await bench.client.get(FALLOUT)
    assert [each["id"] for each in listed.json()] == ["abc:1:internet!1", "abc:2:internet!1"]
    assert (await bench.client.get(listed.json()[0]["href"])).json() == listed.json()[0]
    assert [each["id"] for each in (await bench.client.get(MANUAL)).json()] == ["abc:3:internet!1"]
    page = await bench.client.get(FALLOUT, params={"offset": "1", "limit": "1", "fields": "step"})
    assert page.status_code == 206
    assert (page.headers["X-Total-Count"], page.headers["X-Result-Count"]) == ("2", "1")
    assert [each.keys() for each in page.json()] == [{"id", "href", "step"}]


@pytest.mark.parametrize(
    ("params", "numbers"),
    [
        ({"state": "open"}, [1, 2]),
        ({"state": "resolved"}, [3]),
        ({"orderId": "abc"}, [1, 2, 3]),
        ({"orderId": "abc:2:internet"}, [2]),
        ({"system": "activation", "step": "activate", "errorCode": "DownstreamError"}, [1, 2, 3]),
        ({"error": "PORT 2"}, [2]),
        ({"item": "voice"}, []),
        ({"error": '"port, 2"'}, []),
        ({"state": "open,resolved"}, [1, 2, 3]),
        ({"state": "open;state=resolved"}, [1, 2, 3]),
        ({"state.ne": "open"}, [3]),
        ({"state!": "open,withdrawn"}, [3]),
        ({"item!": "voice"}, [1, 2, 3]),
        ({"orderId!": "abc:2:internet"}, [1, 3]),
        ({"orderId": "abc:2:internet;state=resolved"}, [2, 3]),
    ],
)
async def test_tasks_are_found_by_filters(bench: Bench, params: dict[str, str], numbers: list[int]) -> None:
    await kept(bench, task(1), task(2), task(3, **SETTLED))
    found = (await bench.client.get(FALLOUT, params=params)).json()
    assert [each["id"] for each in found] == [f"abc:{number}:internet!1" for number in numbers]


@pytest.mark.parametrize(
    "params",
    [
        {"state": "lost"},
        {"state": ""},
        {"colour": "red"},
        {"system.regex": "a"},
        {"item.gte": "a"},
        {"limit": "0"},
        {"sort": "step"},
    ],
)
async def test_a_filter_that_makes_no_sense_is_named(bench: Bench, params: dict[str, str]) -> None:
    answer = await bench.client.get(FALLOUT, params=params)
    assert answer.status_code == 400
    assert answer.json()["message"].startswith(f"{[*params][-1]}: ")


async def test_a_task_of_the_other_kind_or_of_none_is_404(bench: Bench) -> None:
    await kept(bench, task(1))
    assert (await bench.client.get(f"{MANUAL}/abc:1:internet!1")).status_code == 404
    assert (await bench.client.get(f"{FALLOUT}/unknown")).status_code == 404
    assert (await bench.client.post(f"{FALLOUT}/unknown/resolution", json={"action": "retry"})).status_code == 404
    assert (await bench.client.post(f"{MANUAL}/abc:1:internet!1/completion")).status_code == 404


async def test_a_resolution_goes_to_the_workflow_that_waits(bench: Bench) -> None:
    [path] = await kept(bench, task(1))
    body = {"action": "complete", "values": {"port": "7"}, "reason": "done by hand", "author": "ada"}
    answer = await bench.client.post(f"{path}/resolution", json=body)
    assert answer.status_code == 200
    assert answer.json() == (await bench.client.get(path)).json()
    asked = Resolve(
        task="abc:1:internet!1", action=TaskAction.COMPLETE, values={"port": "7"}, reason="done by hand", by="ada"
    )
    assert bench.engine.asked == [("po:abc:so:1:internet", "resolve", asked)]


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({}, "action: "),
        ({"action": "explode"}, "action: "),
        ({"action": "retry", "values": {"a": 1}}, "values: "),
        ({"action": "complete", "values": []}, "values: "),
        ({"action": "retry", "why": "x"}, "why: "),
        ([], ""),
    ],
)
async def test_a_bad_resolution_is_refused_naming_the_field(bench: Bench, body: Any, named: str) -> None:
    [path] = await kept(bench, task(1))
    answer = await bench.client.post(f"{path}/resolution", json=body)
    assert answer.status_code == 400
    assert answer.json()["message"].startswith(named)
    assert bench.engine.asked == []


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (SETTLED, "has been settled by bob: retry"),
        ({"state": TaskState.WITHDRAWN}, "was withdrawn"),
        ({"actions": [TaskAction.FAIL]}, "cannot be settled by retry; it can by: fail"),
    ],
)
async def test_a_task_that_does_not_allow_it_is_409(bench: Bench, more: dict[str, Any], told: str) -> None:
    [path] = await kept(bench, task(1, **more))
    answer = await bench.client.post(f"{path}/resolution", json={"action": "retry"})
    assert answer.status_code == 409
    assert told in answer.json()["message"]
    assert bench.engine.asked == []


async def test_a_task_whose_workflow_has_ended_is_409(bench: Bench) -> None:
    [path] = await kept(bench, task(1))
    bench.engine.waiting.clear()
    answer = await bench.client.post(f"{path}/resolution", json={"action": "retry"})
    assert answer.status_code == 409
    assert "has ended" in answer.json()["message"]


async def test_many_are_settled_by_a_filter_and_each_is_answered_for(bench: Bench) -> None:
    await kept(bench, task(1), task(2), task(3, actions=[TaskAction.FAIL]), task(4, **SETTLED), task(5, system="x"))

    def refuse_the_second(_name: str, argument: Resolve) -> None:
        if argument.task == "abc:2:internet!1":
            raise MessageRefusedError("it has just been settled", [], [])

    bench.engine.answer = refuse_the_second
    body = {"filter": {"system": "activation"}, "action": "retry", "reason": "it is back", "author": "ada"}
    answer = await bench.client.post("/fallout/v1/resolution", json=body)
    assert answer.status_code == 200
    told = answer.json()
    assert (told["total"], told["resolved"]) == (3, 1)
    assert [(each["id"], each["ok"], each.get("message", "")) for each in told["results"]] == [
        ("abc:1:internet!1", True, ""),
        ("abc:2:internet!1", False, "it has just been settled"),
        (
            "abc:3:internet!1",
            False,
            "task abc:3:internet!1 (activate Internet access) cannot be settled by retry; it can by: fail",
        ),
    ]
    assert {argument.by for _, _, argument in bench.engine.asked} == {"ada"}


async def test_once_the_engine_is_away_the_rest_is_not_tried(bench: Bench) -> None:
    await kept(bench, *(task(number) for number in range(25)))
    tried: list[str] = []

    def stay_silent(_name: str, argument: Resolve) -> None:
        tried.append(argument.task or "")
        raise EngineUnavailableError("Temporal gave no answer within 10 s")

    bench.engine.answer = stay_silent
    body = {"filter": {"orderId": "abc"}, "action": "retry"}
    told = (await bench.client.post("/fallout/v1/resolution", json=body)).json()
    assert len(tried) == 10
    assert (told["resolved"], len(told["results"])) == (0, 25)
    assert "not tried" in told["results"][-1]["message"]


@pytest.mark.parametrize(
    "body",
    [
        {"action": "retry"},
        {"filter": {}, "action": "retry"},
        {"filter": {"system": None}, "action": "retry"},
        {"filter": {"colour": "red"}, "action": "retry"},
        {"filter": {"system": "x"}},
    ],
)
async def test_many_are_never_settled_without_a_filter(bench: Bench, body: Any) -> None:
    await kept(bench, task(1))
    answer = await bench.client.post("/fallout/v1/resolution", json=body)
    assert answer.status_code == 400
    assert answer.json()["message"].startswith(("filter", "action"))
    assert bench.engine.asked == []


async def test_manual_work_is_completed_with_its_values_or_without(bench: Bench) -> None:
    first, second = await kept(bench, task(1, TaskKind.MANUAL), task(2, TaskKind.MANUAL))
    body = {"values": {"serialNumber": "SN-1"}, "author": "ada"}
    assert (await bench.client.post(f"{first}/completion", json=body)).status_code == 200
    assert (await bench.client.post(f"{second}/completion")).status_code == 200
    assert [argument for _, _, argument in bench.engine.asked] == [
        Complete(task="abc:1:internet!1", values={"serialNumber": "SN-1"}, by="ada"),
        Complete(task="abc:2:internet!1", by="anonymous"),
    ]


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({}, ["values.serialNumber: is missing"]),
        ({"serialNumber": 7}, ["values.serialNumber: "]),
        ({"serialNumber": "SN-1", "colour": "red"}, ["values.colour: is no value of this step"]),
        ({"serial": "SN-1"}, ["values.serial: ", "values.serialNumber: is missing"]),
    ],
)
async def test_a_completion_with_other_values_than_wanted_is_refused_by_each_way(
    bench: Bench, values: dict[str, Any], named: list[str]
) -> None:
    wanted = [WantedValue(name="serialNumber", mandatory=True)]
    manual, fallout = await kept(
        bench, task(1, TaskKind.MANUAL, wanted=wanted), task(2, wanted=wanted, actions=[TaskAction.COMPLETE])
    )
    completion = {"action": "complete", "values": values}
    answers = [
        await bench.client.post(f"{manual}/completion", json={"values": values}),
        await bench.client.post(f"{fallout}/resolution", json=completion),
    ]
    many = (await bench.client.post("/fallout/v1/resolution", json={"filter": {"orderId": "abc"}, **completion})).json()
    assert [each.status_code for each in answers] == [400, 400]
    assert (many["total"], many["resolved"]) == (1, 0)
    for message in [*(each.json()["message"] for each in answers), many["results"][0]["message"]]:
        assert all(each in message for each in named)
    assert bench.engine.asked == []
    shown = (await bench.client.get(manual)).json()["wanted"]
    assert shown == [{"name": "serialNumber", "valueType": "string", "mandatory": True}]


async def test_what_the_workflow_misses_in_a_completion_is_said(bench: Bench) -> None:
    [path] = await kept(bench, task(1, TaskKind.MANUAL))

    def refuse(_name: str, _argument: Any) -> None:
        raise MessageRefusedError("serialNumber is missing", [], [])

    bench.engine.answer = refuse
    answer = await bench.client.post(f"{path}/completion")
    assert answer.status_code == 409
    assert answer.json()["message"] == "serialNumber is missing"


async def test_manual_work_is_put_on_another_date(bench: Bench) -> None:
    [path] = await kept(bench, task(1, TaskKind.MANUAL))
    answer = await bench.client.patch(path, json={"dueAt": "2026-12-01T10:00:00+01:00", "reason": "away"})
    assert answer.status_code == 200
    due = datetime(2026, 12, 1, 9, tzinfo=UTC)
    asked = Reschedule(task="abc:1:internet!1", due_at=due, reason="away", by="anonymous")
    assert bench.engine.asked == [("po:abc:so:1:internet", "reschedule", asked)]


@pytest.mark.parametrize(
    "body", [{}, {"dueAt": None}, {"dueAt": "soon"}, {"dueAt": "20261201"}, {"dueAt": 5}, {"state": "resolved"}]
)
async def test_a_date_that_is_none_is_refused(bench: Bench, body: Any) -> None:
    [path] = await kept(bench, task(1, TaskKind.MANUAL))
    answer = await bench.client.patch(path, json=body)
    assert answer.status_code == 400
    assert "dueAt: " in answer.json()["message"]
    assert bench.engine.asked == []


async def test_settled_manual_work_is_409(bench: Bench) -> None:
    [path] = await kept(bench, task(1, TaskKind.MANUAL, **SETTLED))
    assert (await bench.client.post(f"{path}/completion")).status_code == 409
    assert (await bench.client.patch(path, json={"dueAt": "2026-12-01T10:00:00Z"})).status_code == 409
