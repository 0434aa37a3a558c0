"""Qualification of services (TMF645): whether they can be had at a place, by the catalogs and by inventory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from activities.feasibility import Feasibility, each_of, first_possible
from activities.http import DownstreamSystem
from activities.installed_base import read_installed_service
from catalogs.alternatives import categories_of
from catalogs.catalog_set import CatalogSet
from catalogs.expressions import ExpressionError
from catalogs.model import ServiceSpecification
from catalogs.service_check import (
    MISSING,
    ServiceWish,
    bare_plan,
    check_service,
    plan_of_service,
    sold_configurations,
)
from orders.documents import characteristic_list
from orders.installed import InstalledService
from orders.plan import Characteristics, OrchestrationPlan, ServiceOrderPlan
from orders.qualification import DONE, Document, Result, reasons_of, result_of, whole_result
from orders.schedule import service_order_duration
from orders.service_qualification import (
    ITEMS,
    CheckServiceQualification,
    QualifiedService,
    QueryServiceQualification,
    ServiceQualificationItem,
)
from orders.tmf import timestamp
from orders.violation import Violation

_PLAN_ID = "qualification"


class ServiceQualifier:
    """Answers which services can be had at a place, and in what other shape where they cannot."""

    def __init__(self, feasibility: Feasibility, inventory: DownstreamSystem, catalogs: CatalogSet) -> None:
        self._feasibility = feasibility
        self._inventory = inventory
        self._catalogs = catalogs

    async def check(self, document: Document, now: datetime) -> Document:
        """Return the attributes that answer a TMF645 CheckServiceQualification.

        All items are checked together: they share what the pools have free.

        Raises:
            DownstreamError: when inventory cannot say what is there, or what is possible.
        """
        asked = CheckServiceQualification.model_validate(document)
        wishes = [await self._wish(item, asked) for item in asked.service_qualification_item]
        good = [wish for wish in wishes if isinstance(wish, ServiceWish)]
        planned = {wish.item_id: self._plan(wish) for wish in good}
        plans = [plan for plan, _ in planned.values() if plan]
        faults = {item_id: list(found) for item_id, (_, found) in planned.items()}
        for violation in await self._infeasible(plans):
            faults[violation.item_id or ""].append(violation)
        ends = {plan.item_id: now + service_order_duration(plan) for plan in plans}
        answers = []
        for item, wish in zip(document[ITEMS], wishes, strict=True):
            if isinstance(wish, Violation):
                answers.append(_answer(item, asked, [wish], []))
                continue
            against = faults[wish.item_id]
            proposals = await self._proposals(wish, now) if against and asked.provide_alternative else []
            answers.append(_answer(item, asked, against, proposals, ends.get(wish.item_id)))
        return {
            "state": DONE,
            "effectiveQualificationDate": timestamp(now),
            "qualificationResult": whole_result(Result(each["qualificationResult"]) for each in answers).value,
            ITEMS: answers,
        }

    async def query(self, document: Document, now: datetime) -> Document:
        """Return the attributes that answer a TMF645 QueryServiceQualification: the services that can be had.

        Raises:
            DownstreamError: when inventory cannot say what is possible.
        """
        asked = QueryServiceQualification.model_validate(document)
        criteria = asked.search_criteria

        async def check(each: tuple[int, ServiceSpecification]) -> Document | None:
            number, specification = each
            wish = _sought_wish(number, specification, criteria, asked.customer_id())
            plan, _ = self._plan(wish)
            if plan is None or await self._infeasible([plan]):
                return None
            return {"id": wish.item_id, "service": _service(specification, wish, criteria.service)}

        found = [each for each in await each_of(enumerate(self._sought(criteria, now), start=1), check) if each]
        return {"state": DONE, "effectiveQualificationDate": timestamp(now), ITEMS: found}

    async def _wish(self, item: ServiceQualificationItem, asked: CheckServiceQualification) -> ServiceWish | Violation:
        """Return the service that an item asks for, or why it asks for none."""
        service = item.service or QualifiedService()
        item_id = item.id or ""
        installed: InstalledService | None = None
        if service.id is not None:
            installed = await read_installed_service(self._inventory, service.id)
            if installed is None:
                return _violation(item_id, "serviceNotFound", f"service {service.id} is not in inventory")
        specification = service.service_specification.id if service.service_specification else None
        if installed and specification not in (None, installed.specification_id):
            message = f"service {installed.id} is of the specification {installed.specification_id}"
            return _violation(item_id, "specificationOfOtherService", message)
        specification = specification or (installed.specification_id if installed else None)
        if specification is None:
            return _violation(item_id, "specificationMissing", "the item names no service specification")
        return ServiceWish(
            item_id=item_id,
            specification_id=specification,
            characteristics=service.characteristics(),
            place=service.place_id(),
            customer_id=asked.customer_id(),
            installed=installed,
        )

    def _plan(self, wish: ServiceWish) -> tuple[ServiceOrderPlan | None, list[Violation]]:
        """Return what a service comes down to, and what speaks against it by the catalogs.

        Where nothing but mandatory values is missing, that is the service alone: whether there is such a service at its
        place can be asked without them.
        """
        faults = check_service(wish, self._catalogs, ITEMS)
        specification = self._catalogs.services.get(wish.specification_id)
        if specification and faults and all(each.code == MISSING for each in faults):
            return bare_plan(wish, specification), faults
        try:
            return None if faults else plan_of_service(wish, self._catalogs), faults
        except ExpressionError as error:
            return None, [_violation(wish.item_id, "catalogExpression", f"the catalog cannot work out {error}")]

    async def _infeasible(self, plans: Sequence[ServiceOrderPlan]) -> list[Violation]:
        if not plans:
            return []
        plan = OrchestrationPlan(order_id=_PLAN_ID, catalog=self._catalogs.version, service_orders=list(plans))
        return await self._feasibility.infeasible(plan)

    async def _proposals(self, wish: ServiceWish, now: datetime) -> list[Document]:
        """Return the shapes in which products on sale have the service, that can be had, the closest first."""
        specification = self._catalogs.services.get(wish.specification_id)
        if specification is None:
            return []

        async def possible(characteristics: Characteristics) -> bool:
            plan, faults = self._plan(replace(wish, characteristics=characteristics))
            return not faults and not await self._infeasible([plan] if plan else [])

        sold = sold_configurations(wish, self._catalogs, now)
        found = await first_possible(sold, possible)
        return [
            {
                "id": str(number),
                "alternateService": _service(specification, replace(wish, characteristics=characteristics), None),
            }
            for number, characteristics in enumerate(found, start=1)
        ]

    def _sought(self, criteria: ServiceQualificationItem, now: datetime) -> list[ServiceSpecification]:
        """Return the customer-facing services that a query may find."""
        service = criteria.service or QualifiedService()
        names = set(service.characteristics())
        return [
            each
            for each in (self._catalogs.services.on_sale(key, None, now) for key in self._catalogs.services.ids())
            if each
            and each.on_sale(now)
            and each.customer_facing
            and (service.service_specification is None or service.service_specification.id == each.id)
            and (criteria.category is None or criteria.category.id in categories_of(each))
            and names <= {rule.name for rule in each.characteristics}
        ]


def _answer(
    item: Document,
    asked: CheckServiceQualification,
    against: Sequence[Violation],
    proposals: Sequence[Document],
    ends: datetime | None = None,
) -> Document:
    """Return an item of a check with its result, and when its service would be active where it can be had."""
    answer = {**item, "state": DONE, "qualificationResult": result_of(against, proposals).value}
    if against and asked.provide_unavailability_reason is not False:
        answer["eligibilityUnavailabilityReason"] = reasons_of(against)
    if proposals:
        answer["alternateServiceProposal"] = list(proposals)
    if ends and not against:
        answer.setdefault("expectedActivationDate", timestamp(ends))
    return answer


def _sought_wish(
    number: int, specification: ServiceSpecification, criteria: ServiceQualificationItem, customer_id: str | None
) -> ServiceWish:
    service = criteria.service or QualifiedService()
    return ServiceWish(
        item_id=str(number),
        specification_id=specification.id,
        characteristics=service.characteristics(),
        place=service.place_id(),
        customer_id=customer_id,
    )


def _service(specification: ServiceSpecification, wish: ServiceWish, like: QualifiedService | None) -> Document:
    """Return a service in TMF645's shape."""
    document: Document = {
        "serviceSpecification": {
            "id": specification.id,
            "name": specification.name,
            "version": specification.version,
        },
        "serviceCharacteristic": characteristic_list(wish.characteristics),
    }
    if wish.installed:
        document["id"] = wish.installed.id
    if like and like.place:
        document["place"] = [each.model_dump(mode="json", exclude_none=True) for each in like.place]
    elif wish.place:
        document["place"] = [{"id": wish.place, "role": "installation", "@referredType": "GeographicSite"}]
    return document


def _violation(item_id: str, code: str, message: str) -> Violation:
    return Violation(code=code, path=ITEMS, message=message, item_id=item_id)
