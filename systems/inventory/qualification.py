"""Service qualification (TMF645): can this service be had at this place, as fast as that?"""

from collections.abc import Container, Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Annotated, Any, Literal
from uuid import uuid4

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel
from sqlalchemy import Connection, select

from systems.common import tmf
from systems.common.bodies import fitting, read_object
from systems.common.clock import timestamp
from systems.common.docs import creates, listed, read_one, removes
from systems.common.documents import Collection
from systems.common.effects import Answer, CallDep, Effect, OptionalKeyDep
from systems.common.events import Change, EventSource
from systems.common.queries import ListQueryDep, answer, listing
from systems.common.system import DatabaseDep, IdPath, System
from systems.inventory.pools import Reference
from systems.inventory.stock import Coverage
from systems.inventory.tables import pool
from tmf.bodies import Document
from tmf.paths import TMF645
from tmf.query.query import ListQuery
from tmf.resources import RelatedParty

PATH = f"{TMF645}/checkServiceQualification"
API = "TMF645 Service Qualification"

Reason = dict[str, str]


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, dict) else value


class _Asked(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True, extra="allow")


class CharacteristicAsked(_Asked):
    """A characteristic with the value asked for."""

    name: str
    value: Any = None


class ServiceAsked(_Asked):
    """The service in question. ``place`` may be one place or several: it must be had at each."""

    service_specification: Reference
    place: Annotated[list[Reference], BeforeValidator(_as_list)] = []
    service_characteristic: list[CharacteristicAsked] = []


class ItemAsked(_Asked):
    """One question."""

    id: str = ""
    service: ServiceAsked


class CheckServiceQualificationCreate(_Asked):
    """The questions, answered one by one."""

    service_qualification_item: list[ItemAsked] = Field(min_length=1)


class UnavailabilityReason(_Asked):
    """Why a service cannot be had."""

    code: str
    label: str


class ItemAnswered(ItemAsked):
    """One answer."""

    state: str
    qualification_result: Literal["qualified", "unqualified"]
    eligibility_unavailability_reason: list[UnavailabilityReason]


class CheckServiceQualification(_Asked):
    """The answers, in the order of the questions."""

    id: str
    href: str
    at_type: str | None = Field(default=None, alias="@type")
    state: Literal["acknowledged", "inProgress", "done", "terminatedWithError"] | None = None
    external_id: str | None = None
    description: str | None = None
    related_party: list[RelatedParty] | None = None
    check_service_qualification_date: tmf.Moment | None = None
    effective_qualification_date: tmf.Moment | None = None
    qualification_result: Literal["qualified", "unqualified"] | None = None
    service_qualification_item: list[ItemAnswered] | None = None


QUALIFICATIONS = Collection(
    "checkServiceQualification",
    PATH,
    ["state", "qualificationResult", "externalId", "relatedParty.id"],
    CheckServiceQualification,
)
EVENTS = EventSource(TMF645, QUALIFICATIONS.kind, "serviceQualification")
EXAMPLE = {
    "serviceQualificationItem": [
        {
            "id": "1",
            "service": {
                "serviceSpecification": {"id": "cfs-internet"},
                "place": [{"id": "BER-1", "role": "installation"}],
                "serviceCharacteristic": [{"name": "downloadSpeed", "value": 250}],
            },
        }
    ]
}


def qualification_router(coverage: Sequence[Coverage], system: System) -> APIRouter:
    """Answers at once: asking needs no Idempotency-Key."""
    router = APIRouter(prefix=PATH, tags=[API])

    @router.post(
        "",
        summary="Can these services be had?",
        **creates(CheckServiceQualification, CheckServiceQualificationCreate, EXAMPLE),
    )
    async def check(request: Request, key: OptionalKeyDep) -> Response:
        body = await read_object(request)
        asked = fitting(CheckServiceQualificationCreate, body)

        def answer(connection: Connection) -> Document:
            stocked = set(connection.scalars(select(pool.c.place).distinct()))
            document = _answered(asked, body, coverage, stocked)
            kept = QUALIFICATIONS.add(connection, document)
            EVENTS.tell(connection, Change("Create", key or document["id"]), kept)
            return kept

        kept = await system.database.writing(answer)
        return JSONResponse(kept, 201, {"Location": kept["href"]})

    @router.get("", summary="List what was asked", **listed(CheckServiceQualification, "state", "done"))
    async def list_checks(
        query: Annotated[ListQuery, listing(CheckServiceQualification)], database: DatabaseDep
    ) -> Response:
        return answer(query, await database.scanning(QUALIFICATIONS.page, query))

    @router.get("/{id}", summary="Read what was asked", **read_one(CheckServiceQualification))
    async def read_check(check_id: IdPath, query: ListQueryDep, database: DatabaseDep) -> Response:
        return JSONResponse(query.project(await database.reading(QUALIFICATIONS.get, check_id)))

    @router.delete("/{id}", summary="Forget what was asked", **removes())
    async def forget(check_id: IdPath, call: CallDep) -> Response:
        def work(effect: Effect) -> Answer:
            document = QUALIFICATIONS.get(effect.connection, check_id, lock=True)
            QUALIFICATIONS.remove(effect.connection, check_id)
            EVENTS.tell(effect.connection, Change("Delete", effect.key), document)
            return Answer(204, target=check_id)

        return await call.effect("deleteQualification", work, target=check_id)

    return router


def _answered(
    asked: CheckServiceQualificationCreate, body: Document, coverage: Sequence[Coverage], stocked: Container[str]
) -> Document:
    items = [
        _qualified(item, said, coverage, stocked)
        for item, said in zip(asked.service_qualification_item, body["serviceQualificationItem"], strict=True)
    ]
    good = all(item["qualificationResult"] == "qualified" for item in items)
    moment = timestamp()
    return body | {
        "id": str(uuid4()),
        "@type": "CheckServiceQualification",
        "state": "done",
        "checkServiceQualificationDate": moment,
        "effectiveQualificationDate": moment,
        "qualificationResult": "qualified" if good else "unqualified",
        "serviceQualificationItem": items,
    }


def _qualified(item: ItemAsked, said: Document, coverage: Sequence[Coverage], stocked: Container[str]) -> Document:
    reasons = list(reasons_against(item.service, coverage, stocked))
    service = {**said["service"], "place": [dict(place) for place in _as_list(said["service"].get("place", []))]}
    return {**said, "service": service} | {
        "state": "done",
        "qualificationResult": "unqualified" if reasons else "qualified",
        "eligibilityUnavailabilityReason": reasons,
    }


def reasons_against(
    service: ServiceAsked, coverage: Sequence[Coverage], stocked: Container[str] = ()
) -> Iterator[Reason]:
    """Why the service cannot be had, as ``{code, label}``; nothing when it can. ``stocked`` places have pools."""
    specification = service.service_specification.id
    rules = [rule for rule in coverage if rule.service == specification]
    if not rules:
        return
    if not service.place:
        yield {"code": "placeMissing", "label": f"{specification} depends on the place, and none is given"}
    for place in service.place:
        here = [rule for rule in rules if any(fnmatchcase(place.id, pattern) for pattern in rule.places)]
        covered = any(fnmatchcase(place.id, pattern) for rule in coverage for pattern in rule.places)
        if not covered and place.id not in stocked:
            yield {"code": "unknownPlace", "label": f"{place.id} is no place that is known here"}
        elif not here:
            yield {"code": "notCovered", "label": f"{specification} is not available at {place.id}"}
        elif all(any(_excesses(service, rule)) for rule in here):
            for excess in _excesses(service, here[0]):
                yield {"code": "tooMuch", "label": f"{excess} is more than {place.id} offers"}


def _excesses(service: ServiceAsked, rule: Coverage) -> Iterator[str]:
    for characteristic in service.service_characteristic:
        maximum = rule.maximum.get(characteristic.name)
        amount = _number(characteristic.value)
        if maximum is not None and amount is not None and amount > maximum:
            yield f"{characteristic.name} {amount:g}"


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None
