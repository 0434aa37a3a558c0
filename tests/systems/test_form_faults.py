"""What is wrong with a body, in words that say where, what is allowed, and what was sent."""

from typing import Any

import httpx2
import pytest
from pydantic import BaseModel

from systems.activation.behaviour import Settings
from systems.activation.kinds import ResourceActivation, ServiceActivation
from systems.activation.service_tests import ServiceTestCreate
from systems.billing.charges import ChargeCreate
from systems.common.bodies import fitting
from systems.common.errors import Refusal
from systems.common.faults import FaultRule
from systems.common.hub import EventSubscriptionInput
from systems.common.tmf import ProductCreate
from systems.inventory.pools import AvailabilityCheck
from systems.inventory.qualification import CheckServiceQualificationCreate
from systems.inventory.reservations import ReservationCreate
from systems.inventory.resources import ResourceCreate
from tests.python_words import check_plain

PRODUCT = "/tmf-api/productInventory/v4/product"
MODELS: list[type[BaseModel]] = [
    AvailabilityCheck,
    ChargeCreate,
    CheckServiceQualificationCreate,
    EventSubscriptionInput,
    FaultRule,
    ProductCreate,
    ReservationCreate,
    ResourceActivation,
    ResourceCreate,
    ServiceActivation,
    ServiceTestCreate,
    Settings,
]
WRONG: list[Any] = [None, True, 7, -1, 0.5, "", "word", "x" * 3000, [], [7], [{}], {}, {"id": 7}]


def refused(model: type[BaseModel], content: Any) -> str:
    with pytest.raises(Refusal) as refusal:
        fitting(model, content)
    assert refusal.value.status == 400
    return refusal.value.reason


@pytest.mark.parametrize(
    ("model", "content", "reason"),
    [
        (ProductCreate, {"name": "a"}, "status: is missing; there is name"),
        (ProductCreate, {}, "status: is missing; the object is empty"),
        (ProductCreate, {"status": "active", "name": 7}, "name: must be a text, not 7"),
        (ProductCreate, {"status": "active", "isBundle": "yes"}, 'isBundle: must be true or false, not "yes"'),
        (ProductCreate, {"status": "active", "relatedParty": {}}, "relatedParty: must be a list, not {}"),
        (
            ProductCreate,
            {"status": "active", "relatedParty": [{"id": "a"}, {"id": True}]},
            "relatedParty[1].id: must be a text, not true",
        ),
        (ProductCreate, {"status": "active", "place": ["BER-1"]}, 'place[0]: must be an object, not "BER-1"'),
        (ProductCreate, {"status": "active", "id": ""}, "id: must not be empty"),
        (
            ResourceCreate,
            {"name": "a", "usageState": "off"},
            'usageState: must be "idle", "active" or "busy", not "off"',
        ),
        (
            ProductCreate,
            {"status": "active", "startDate": "soon"},
            "startDate: «soon» is no date and time as RFC 3339 writes them, such as 2026-12-24T09:00:00Z",
        ),
        (ResourceCreate, {}, "a resource without a value needs a name"),
        (
            EventSubscriptionInput,
            {"callback": "here"},
            'callback: must be an address such as https://listener.example/events, not "here"',
        ),
        (
            AvailabilityCheck,
            {"demands": [{"resourceSpecification": {"id": "ont"}, "quantity": 0}]},
            "demands[0].quantity: must be 1 or more, not 0",
        ),
        (
            CheckServiceQualificationCreate,
            {"serviceQualificationItem": []},
            "serviceQualificationItem: must not be empty",
        ),
    ],
)
def test_a_fault_names_its_path_what_is_allowed_and_what_was_sent(
    model: type[BaseModel], content: Any, reason: str
) -> None:
    assert refused(model, content) == reason


@pytest.mark.parametrize("model", MODELS)
def test_no_fault_of_any_body_is_in_the_words_of_a_library(model: type[BaseModel]) -> None:
    names = [field.alias or name for name, field in model.model_fields.items()]
    for content in (*WRONG, *({name: value} for name in [*names, "more"] for value in WRONG)):
        try:
            fitting(model, content)
        except Refusal as refusal:
            check_plain(refusal.reason)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("path", "sent", "reason"),
    [
        ("/faults", '{"kind": "whim"}', 'kind: must be "permanent", "transient", "rubbish", "timeout"'),
        ("/faults", '{"kind": "rubbish", "colour": 1}', "colour: is not known here"),
        ("/faults", "{", "the body is not JSON"),
        ("/faults", "", "the body: is missing"),
        (PRODUCT, '{"name": }', "the body is not valid JSON: expected value at line 1 column 10"),
        (PRODUCT, "[true]", "the body must be a JSON object, not [true]"),
    ],
)
async def test_a_body_that_is_refused_is_told_so_in_plain_words(
    inventory: httpx2.AsyncClient, path: str, sent: str, reason: str
) -> None:
    answer = await inventory.post(path, content=sent, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert answer.json()["reason"].startswith(reason)
    check_plain(answer.json()["reason"])
