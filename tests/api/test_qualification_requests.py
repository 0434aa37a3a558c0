"""Questions to the qualification APIs as they may be written, and what is told of those that may not."""

from __future__ import annotations

from typing import Any

import pytest

from api.qualification.offerings import OFFERING_QUALIFICATION, OFFERING_QUALIFICATION_EXAMPLE
from api.qualification.routes import QualificationApi
from api.qualification.services import SERVICE_CHECK, SERVICE_CHECK_EXAMPLE, SERVICE_QUERY
from api.sweeps.qualifying import PATIENCE
from orders.qualification.results import DEADLINES, FIRST_STATES, ITEM_LISTS, QualificationKind
from tests.api.conftest import NOW, Bench
from tests.api.test_qualifications import AWAY, MERGE_PATCH, OFFERINGS, asked, body, every_api, read

pytestmark = pytest.mark.anyio


@every_api
async def test_what_only_the_gateway_writes_is_ignored(bench: Bench, api: QualificationApi) -> None:
    document = await asked(bench, api, id="mine", state="done", qualificationResult="qualified", custom={"a": 1})
    assert document["id"] != "mine"
    assert document["state"] == FIRST_STATES[api.kind]
    assert "qualificationResult" not in document
    assert document["custom"] == {"a": 1}


async def test_answers_on_items_are_ignored_too(bench: Bench) -> None:
    item = {"id": "1", "productOffering": {"id": "o"}, "qualificationItemResult": "qualified", "state": "done"}
    document = await asked(bench, productOfferingQualificationItem=[item])
    assert document["productOfferingQualificationItem"] == [{"id": "1", "productOffering": {"id": "o"}}]
    check = await asked(bench, SERVICE_CHECK, serviceQualificationItem=[{"service": {}, "state": "done"}])
    assert check["serviceQualificationItem"] == [{"id": "1", "service": {}}]


@pytest.mark.parametrize(
    ("path", "sent", "said"),
    [
        (OFFERINGS, [], "must be an object, not []"),
        (OFFERINGS, {"productOfferingQualificationItem": [{}]}, "productOfferingQualificationItem[0].id"),
        (
            OFFERINGS,
            {"productOfferingQualificationItem": [{"id": "1", "action": "buy"}]},
            "productOfferingQualificationItem[0].action",
        ),
        (
            OFFERINGS,
            {"productOfferingQualificationItem": [{"id": "1"}, {"id": "1"}]},
            'productOfferingQualificationItem[1].id: "1" is the id of',
        ),
        (OFFERINGS, {"provideAlternative": "maybe"}, "provideAlternative"),
        (OFFERINGS, {"requestedPOQCompletionDate": "soon"}, "requestedPOQCompletionDate"),
        (OFFERINGS, {"productOfferingQualificationItem": [{"id": "1"}] * 101}, "productOfferingQualificationItem"),
        (SERVICE_CHECK.path, {}, "serviceQualificationItem"),
        (SERVICE_CHECK.path, {"serviceQualificationItem": []}, "serviceQualificationItem"),
        (
            SERVICE_CHECK.path,
            {"serviceQualificationItem": [{"service": {"serviceCharacteristic": [{"value": 1}]}}]},
            "serviceQualificationItem[0].service.serviceCharacteristic[0].name",
        ),
        (
            SERVICE_CHECK.path,
            {"serviceQualificationItem": [{"service": {"id": ""}}]},
            "serviceQualificationItem[0].service.id",
        ),
        (SERVICE_QUERY.path, {}, "searchCriteria"),
        (SERVICE_QUERY.path, {"searchCriteria": {"service": {"place": {}}}}, "searchCriteria.service.place"),
    ],
)
async def test_bad_input_names_its_field_and_keeps_nothing(bench: Bench, path: str, sent: Any, said: str) -> None:
    answer = await bench.client.post(path, json=sent)
    assert answer.status_code == 400
    assert said in answer.json()["message"]
    assert (await bench.client.get(path)).json() == []


@every_api
async def test_dates_are_kept_in_one_form(bench: Bench, api: QualificationApi) -> None:
    note = [{"text": "x", "date": "2030-01-01 09:00:00"}]
    document = await asked(bench, api, **{DEADLINES[api.kind]: "2030-01-01t10:00:00.0009+0100"}, note=note)
    assert document[DEADLINES[api.kind]] == "2030-01-01T09:00:00.000Z"
    patch = {DEADLINES[api.kind]: "2031-01-01T00:00:00z"}
    changed = (await bench.client.patch(document["href"], json=patch, headers=MERGE_PATCH)).json()
    assert changed[DEADLINES[api.kind]] == "2031-01-01T00:00:00.000Z"
    found = await bench.client.get(api.path, params={DEADLINES[api.kind]: "2031-01-01T01:00:00+01:00"})
    assert [each["id"] for each in found.json()] == [document["id"]]


@every_api
@pytest.mark.parametrize("sent", ["20300101", "-1", "2030-01-01", 20300101])
async def test_what_is_no_date_is_refused(bench: Bench, api: QualificationApi, sent: Any) -> None:
    answer = await bench.client.post(api.path, json=body(api, **{DEADLINES[api.kind]: sent}))
    assert answer.status_code == 400
    assert f"{DEADLINES[api.kind]}: " in answer.json()["message"]
    assert "RFC 3339" in answer.json()["message"]


@pytest.mark.parametrize(
    ("api", "sent"),
    [
        (OFFERING_QUALIFICATION, "serviceQualificationItem"),
        (OFFERING_QUALIFICATION, "productOrderItem"),
        (SERVICE_CHECK, "productOfferingQualificationItem"),
        (SERVICE_CHECK, "qualificationItem"),
    ],
)
async def test_items_under_another_name_are_named(bench: Bench, api: QualificationApi, sent: str) -> None:
    items = ITEM_LISTS[api.kind]
    asks = body(api)
    asks[sent] = asks.pop(items)
    answer = await bench.client.post(api.path, json=asks)
    assert answer.status_code == 400
    assert f"{sent}: is not read here: name it {items}" in answer.json()["message"]


NULLS = [
    (OFFERING_QUALIFICATION, "place relatedParty product action qualificationItemRelationship note"),
    (SERVICE_CHECK, "relatedParty qualificationItemRelationship place serviceCharacteristic"),
]


@pytest.mark.parametrize(("api", "name"), [(api, name) for api, names in NULLS for name in names.split()])
async def test_null_is_taken_for_all_that_need_not_be_there(bench: Bench, api: QualificationApi, name: str) -> None:
    asks = body(api)
    (item,) = asks[ITEM_LISTS[api.kind]][:1]
    thing = {**item, name: None, **({"service": {**item["service"], name: None}} if "service" in item else {})}
    answer = await bench.client.post(api.path, json={**asks, name: None, ITEM_LISTS[api.kind]: [thing]})
    assert answer.status_code == 201, answer.text


async def test_what_only_an_answer_says_of_an_item_is_left_out(bench: Bench) -> None:
    answers = {
        "state": "done",
        "expirationDate": "never",
        "expectedActivationDate": 7,
        "qualificationResult": "qualified",
    }
    items = [{**item, **answers} for item in SERVICE_CHECK_EXAMPLE[ITEM_LISTS[SERVICE_CHECK.kind]]]
    document = await asked(bench, SERVICE_CHECK, **{ITEM_LISTS[SERVICE_CHECK.kind]: items})
    assert all(item.keys().isdisjoint(answers) for item in document[ITEM_LISTS[SERVICE_CHECK.kind]])


async def test_a_task_whose_date_cannot_be_read_ends_and_holds_up_no_other(bench: Bench) -> None:
    kept = {**OFFERING_QUALIFICATION_EXAMPLE, "id": "old", "state": "acknowledged", "requestedPOQCompletionDate": "-1"}
    await bench.gateway.qualifications.keep(QualificationKind.OFFERING, kept, NOW - PATIENCE)
    other = await asked(bench)
    bench.qualifier.error = AWAY
    assert await bench.gateway.qualifying.sweep() == 1
    bench.qualifier.error = None
    bench.clock.now += 60
    assert await bench.gateway.qualifying.sweep() == 1
    assert (await read(bench, other))["state"] == "done"
    old = (await bench.client.get(f"{OFFERINGS}/old")).json()
    assert old["state"] == "terminatedWithError"


@pytest.mark.parametrize("instant", [{}, {"instantSyncQualification": False}, {"instantSyncQualification": True}])
async def test_a_query_always_has_the_list_of_what_it_finds(bench: Bench, instant: dict[str, Any]) -> None:
    asked = await bench.client.post(SERVICE_QUERY.path, json={"searchCriteria": {}, **instant})
    assert asked.is_success
    shown = (await bench.client.get(asked.json()["href"])).json()
    assert isinstance(asked.json()["serviceQualificationItem"], list)
    assert isinstance(shown["serviceQualificationItem"], list)
