"""Results of qualifications (TMF679, TMF645): their kinds, states and reasons."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from typing import Literal, TypeAlias

from pydantic import Field

from orders.model.violation import Violation
from tmf.bodies import Document, Fault
from tmf.instants import UtcDatetime
from tmf.model import Resource
from tmf.words import shown

MAX_ITEMS = 100
"""Items that one qualification may have."""


class QualificationKind(StrEnum):
    """The resources that ask what can be had, by the names of their collections."""

    OFFERING = "productOfferingQualification"
    """TMF679: can these products be had, or which can?"""
    SERVICE_CHECK = "checkServiceQualification"
    """TMF645: can these services be had?"""
    SERVICE_QUERY = "queryServiceQualification"
    """TMF645: which services can be had?"""


ITEM_LISTS = {
    QualificationKind.OFFERING: "productOfferingQualificationItem",
    QualificationKind.SERVICE_CHECK: "serviceQualificationItem",
    QualificationKind.SERVICE_QUERY: "serviceQualificationItem",
}
"""The attribute that holds the items."""

FIRST_STATES = {
    QualificationKind.OFFERING: "acknowledged",
    QualificationKind.SERVICE_CHECK: "accepted",
    QualificationKind.SERVICE_QUERY: "accepted",
}
"""What TMF679 on the one side and TMF645 on the other call the first state."""

DEADLINES = {
    QualificationKind.OFFERING: "requestedPOQCompletionDate",
    QualificationKind.SERVICE_CHECK: "expectedQualificationDate",
    QualificationKind.SERVICE_QUERY: "expectedQualificationDate",
}
"""The attribute that says by when an answer is wanted."""

ASKED_DATES = {
    QualificationKind.OFFERING: "productOfferingQualificationDate",
    QualificationKind.SERVICE_CHECK: "checkServiceQualificationDate",
    QualificationKind.SERVICE_QUERY: "queryServiceQualificationDate",
}
"""The attribute that says when it was asked."""

_RELATIONS = "qualificationItemRelationship"

IN_PROGRESS, DONE, FAILED = "inProgress", "done", "terminatedWithError"

OfferingQualificationState: TypeAlias = Literal["acknowledged", "inProgress", "done", "terminatedWithError"]
ServiceQualificationState: TypeAlias = Literal["accepted", "inProgress", "done", "terminatedWithError"]


class Result(StrEnum):
    """What a qualification comes to."""

    QUALIFIED = "qualified"
    ALTERNATE = "alternate"
    """What was asked for cannot be had, but something close to it can."""
    UNQUALIFIED = "unqualified"


class UnavailabilityReason(Resource):
    """Why something cannot be had."""

    code: str | None = None
    label: str | None = None


class TerminationError(Resource):
    """Why a qualification could not be answered."""

    id: str | None = None
    value: str | None = None


class Note(Resource):
    id: str | None = None
    author: str | None = None
    date: UtcDatetime | None = None
    text: str = Field(min_length=1)


def faults_of_items(kind: QualificationKind, document: Document) -> Iterator[Fault]:
    """Yield the items whose id is taken, and the relations between items that lead nowhere."""
    name = ITEM_LISTS[kind]
    items: list[Document] = document.get(name) or []
    paths: dict[str, str] = {}
    for index, item in enumerate(items):
        path, item_id = f"{name}[{index}]", item.get("id")
        if item_id in paths:
            yield Fault(f"{path}.id", f"{shown(item_id)} is the id of {paths[item_id]} already")
        elif item_id is not None:
            paths[item_id] = path
    for index, item in enumerate(items):
        for number, relation in enumerate(item.get(_RELATIONS) or []):
            if relation["id"] not in paths:
                path = f"{name}[{index}].{_RELATIONS}[{number}].id"
                yield Fault(path, f"the qualification has no item {shown(relation['id'])}")


def result_of(reasons: Sequence[Violation], proposals: Sequence[Document]) -> Result:
    """Return the result of one item, from what speaks against it and what can be had in its place."""
    if not reasons:
        return Result.QUALIFIED
    return Result.ALTERNATE if proposals else Result.UNQUALIFIED


def whole_result(results: Iterable[Result]) -> Result:
    """Return the result of all items together: that of the worst; without any, that nothing can be had."""
    found = set(results)
    for worst in (Result.UNQUALIFIED, Result.ALTERNATE, Result.QUALIFIED):
        if worst in found:
            return worst
    return Result.UNQUALIFIED


def reasons_of(violations: Iterable[Violation]) -> list[Document]:
    """Return violations as the reasons that TMF679 and TMF645 have, each once."""
    told = dict.fromkeys((each.code, each.message) for each in violations)
    return [{"code": code, "label": message} for code, message in told]


def failed(kind: QualificationKind, document: Document, message: str) -> Document:
    """Return the attributes of a qualification that could not be answered, the error on each of its items."""
    name = ITEM_LISTS[kind]
    error = {"terminationError": [{"id": "1", "value": message}]}
    asked = document.get(name)
    items = {name: [{**item, "state": FAILED, **error} for item in asked]} if asked else error
    return {"state": FAILED, **items}
