"""Service qualification (TMF645): can this service be had at this place, as fast as that?"""

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Annotated, Any
from uuid import uuid4

from fastapi import APIRouter
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from systems.common.clock import timestamp
from systems.common.queries import Document
from systems.inventory.pools import Reference
from systems.inventory.stock import Coverage

PATH = "/tmf-api/serviceQualificationManagement/v4/checkServiceQualification"

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


class QualificationAsked(_Asked):
    """The questions, answered one by one."""

    service_qualification_item: list[ItemAsked] = Field(min_length=1)


def qualification_router(coverage: Sequence[Coverage]) -> APIRouter:
    """Answers at once and keeps nothing: asking needs no Idempotency-Key."""
    router = APIRouter(tags=["serviceQualification"])

    @router.post(PATH, status_code=201)
    async def check(asked: QualificationAsked) -> Document:
        items = [_qualified(item, coverage) for item in asked.service_qualification_item]
        good = all(item["qualificationItemResult"] == "qualified" for item in items)
        return asked.model_dump(mode="json", by_alias=True) | {
            "id": str(uuid4()),
            "@type": "CheckServiceQualification",
            "state": "done",
            "effectiveQualificationDate": timestamp(),
            "qualificationResult": "qualified" if good else "unqualified",
            "serviceQualificationItem": items,
        }

    return router


def _qualified(item: ItemAsked, coverage: Sequence[Coverage]) -> Document:
    reasons = list(reasons_against(item.service, coverage))
    return item.model_dump(mode="json", by_alias=True) | {
        "state": "done",
        "qualificationItemResult": "unqualified" if reasons else "qualified",
        "eligibilityUnavailabilityReason": reasons,
    }


def reasons_against(service: ServiceAsked, coverage: Sequence[Coverage]) -> Iterator[Reason]:
    """Why the service cannot be had, as ``{code, label}``; nothing when it can."""
    specification = service.service_specification.id
    rules = [rule for rule in coverage if rule.service == specification]
    if not rules:
        return
    if not service.place:
        yield {"code": "placeMissing", "label": f"{specification} depends on the place, and none is given"}
    for place in service.place:
        here = [rule for rule in rules if any(fnmatchcase(place.id, pattern) for pattern in rule.places)]
        if not here:
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
