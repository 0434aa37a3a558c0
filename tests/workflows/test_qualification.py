"""Qualification before an order, with the real inventory: what is promised can be ordered, and what is not cannot."""

from __future__ import annotations

from typing import Any

import pytest

from api.qualification.offerings import OFFERING_QUALIFICATION, OFFERING_QUALIFICATION_EXAMPLE
from api.qualification.services import SERVICE_CHECK, SERVICE_CHECK_EXAMPLE, SERVICE_QUERY, SERVICE_QUERY_EXAMPLE
from tests.api.documents.test_published_specifications import SPECS, assert_fits
from tests.stage import Stage, customer_of, eventually, outage

pytestmark = pytest.mark.anyio

ITEMS = "productOfferingQualificationItem"


def bundle(place: str, *offerings: str, **attributes: Any) -> dict[str, Any]:
    """A question about a bundle of these parts at a place, for a customer of its own."""
    parts = [{"productOffering": {"id": each}} for each in offerings]
    product = {
        "place": [{"id": place, "role": "installation", "@referredType": "GeographicSite"}],
        "product": parts,
    }
    item = {"id": "1", "action": "add", "productOffering": {"id": "fibre-home-bundle"}, "product": product}
    question: dict[str, Any] = {ITEMS: [item], "instantSyncQualification": True, **attributes}
    customer_of(question)
    return question


def ordered(question: dict[str, Any], offering: dict[str, Any], product: dict[str, Any]) -> dict[str, Any]:
    """The order of a product as a qualification has it, for the customer who asked."""
    parts = product.get("product", [])
    item: dict[str, Any] = {
        "id": "1",
        "action": "add",
        "productOffering": offering,
        "product": {name: value for name, value in product.items() if name != "product"},
        "productOrderItem": [
            {"id": f"1.{number}", "action": "add", "productOffering": part["productOffering"]}
            for number, part in enumerate(parts, start=1)
        ],
    }
    return {"relatedParty": question["relatedParty"], "productOrderItem": [item]}


async def instant(stage: Stage, question: dict[str, Any]) -> dict[str, Any]:
    answer = await stage.gateway.post(OFFERING_QUALIFICATION.path, json=question)
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


async def test_what_is_qualified_can_be_ordered_and_completes(stage: Stage) -> None:
    question = bundle("BER-1", "fibre-internet", "home-router", "home-tv")
    qualified = await instant(stage, question)
    assert qualified["qualificationResult"] == "qualified"
    item = qualified[ITEMS][0]
    order = ordered(question, item["productOffering"], item["product"])
    order["productOfferingQualification"] = [{"id": qualified["id"], "href": qualified["href"]}]
    order["productOrderItem"][0]["productOfferingQualificationItem"] = {"id": qualified["id"], "itemId": "1"}
    done = await stage.done(order)
    assert done["state"] == "completed"
    assert done["productOfferingQualification"] == order["productOfferingQualification"]
    kept = done["productOrderItem"][0]["productOfferingQualificationItem"]
    assert kept == {"id": qualified["id"], "itemId": "1"}


async def test_what_is_not_possible_would_be_rejected_and_its_alternative_completes(stage: Stage) -> None:
    question = bundle("HAM-1", "fibre-internet", "home-router", "home-tv", provideAlternative=True)
    told = (await instant(stage, question))[ITEMS][0]
    assert told["qualificationItemResult"] == "alternate"
    [reason] = told["eligibilityUnavailabilityReason"]
    rejected = await stage.done(ordered(question, told["productOffering"], told["product"]))
    assert rejected["state"] == "rejected"
    assert reason["label"] in str(rejected["productOrderErrorMessage"])
    [proposal] = told["alternateProductOfferingProposal"]
    instead = ordered(question, proposal["alternateProductOffering"], proposal["alternateProduct"])
    assert (await stage.done(instead))["state"] == "completed"


async def test_what_the_customer_has_decides(stage: Stage) -> None:
    question = bundle("BER-2", "fibre-internet", "home-router")
    item = question[ITEMS][0]
    assert (await stage.done(ordered(question, item["productOffering"], item["product"])))["state"] == "completed"
    internet = {"id": "1", "productOffering": {"id": "internet-250"}, "product": {"place": item["product"]["place"]}}
    again = await instant(stage, {**question, ITEMS: [internet]})
    assert [each["code"] for each in again[ITEMS][0]["eligibilityUnavailabilityReason"]] == ["offeringExcluded"]
    other = {**question, ITEMS: [internet]}
    customer_of(other)
    assert (await instant(stage, other))["qualificationResult"] == "qualified"


async def test_a_task_that_inventory_does_not_answer_is_answered_when_it_does(stage: Stage) -> None:
    question = bundle("BER-1", "fibre-internet", "home-router", instantSyncQualification=False)
    with outage(stage.inventory):
        refused = await stage.gateway.post(
            OFFERING_QUALIFICATION.path, json={**question, "instantSyncQualification": True}
        )
        assert refused.status_code == 503
        taken = await stage.gateway.post(OFFERING_QUALIFICATION.path, json=question)
        assert (taken.status_code, taken.json()["state"]) == (201, "acknowledged")

    async def done() -> bool:
        return bool((await stage.gateway.get(taken.json()["href"])).json()["state"] == "done")

    await eventually(done)


@pytest.mark.skipif(not SPECS.is_dir(), reason=f"the published TM Forum files are not at {SPECS}")
@pytest.mark.parametrize("instantly", [True, False])
@pytest.mark.parametrize(
    ("path", "question", "file", "definition"),
    [
        (
            OFFERING_QUALIFICATION.path,
            OFFERING_QUALIFICATION_EXAMPLE,
            "TMF679-v4.0.0.swagger.json",
            "ProductOfferingQualification",
        ),
        (
            OFFERING_QUALIFICATION.path,
            {"place": OFFERING_QUALIFICATION_EXAMPLE["place"]},
            "TMF679-v4.0.0.swagger.json",
            "ProductOfferingQualification",
        ),
        (SERVICE_CHECK.path, SERVICE_CHECK_EXAMPLE, "TMF645-v4.0.1.swagger.json", "CheckServiceQualification"),
        (SERVICE_QUERY.path, SERVICE_QUERY_EXAMPLE, "TMF645-v4.0.1.swagger.json", "QueryServiceQualification"),
    ],
)
async def test_answers_and_tasks_fit_the_published_files(
    stage: Stage, path: str, question: dict[str, Any], file: str, definition: str, instantly: bool
) -> None:
    made = await stage.gateway.post(path, json={**question, "instantSyncQualification": instantly})
    assert made.status_code == (200 if instantly else 201)
    assert_fits(made.json(), file, definition)
    answered: dict[str, Any] = {}

    async def done() -> bool:
        nonlocal answered
        answered = (await stage.gateway.get(made.json()["href"])).json()
        return bool(answered["state"] == "done")

    await eventually(done)
    assert_fits(answered, file, definition)
    items = answered.get(ITEMS) or answered["serviceQualificationItem"]
    assert items
    for bad in (await stage.gateway.get(f"{path}/unknown"), await stage.gateway.delete(made.json()["href"])):
        assert bad.status_code in (401, 404)
        assert_fits(bad.json(), file, "Error")
