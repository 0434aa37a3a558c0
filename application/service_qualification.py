"""Qualification of services (TMF645): whether they can be had at a place, by the catalogs and by inventory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from application.bounded_planning import BoundedPlanning
from application.concurrent_checks import each_of, first_possible
from application.feasibility import FeasibilityCheck
from application.http import DownstreamSystem
from application.installed_base import read_installed_base
from catalogs.alternatives import categories_of
from catalogs.checks.characteristics import MISSING
from catalogs.decomposition.service_orders import bare_service_order
from catalogs.model.catalog_set import CatalogSet
from catalogs.model.entities import ServiceSpecification
from catalogs.nodes.services import ServiceNode, service_nodes
from catalogs.planning import TOO_LARGE
from catalogs.sold_services import sold_configurations
from orders.model.installed import InstalledBase
from orders.model.product_orders import Characteristic, Reference
from orders.model.service_orders import ServiceOrder
from orders.model.violation import Violation
from orders.plan.orchestration_plan import OrchestrationPlan
from orders.plan.order_documents import characteristic_list
from orders.plan.parts import Characteristics, ServiceOrderPlan
from orders.qualification.results import DONE, Result, reasons_of, result_of, whole_result
from orders.qualification.services import (
    ITEMS,
    CheckServiceQualificationCreate,
    QualifiedService,
    QueryServiceQualificationCreate,
    ServiceQualificationItem,
)
from tmf.bodies import Document
from tmf.instants import timestamp

_PLAN_ID = "qualification"


@dataclass(frozen=True)
class _Wish:
    """A service that is asked for, as the order of it alone, and what is installed of it."""

    order: ServiceOrder
    installed: InstalledBase

    def node(self, catalogs: CatalogSet, on: datetime) -> ServiceNode:
        """Return the service by the catalogs."""
        return service_nodes(self.order, catalogs, self.installed, on)[0]

    def shaped(self, characteristics: Characteristics) -> _Wish:
        """Return the wish for the same service with other characteristics."""
        [item] = self.order.service_order_item
        given = [Characteristic(name=name, value=value) for name, value in characteristics.items()]
        service = item.service.model_copy(update={"service_characteristic": given})
        items = [item.model_copy(update={"service": service})]
        return replace(self, order=self.order.model_copy(update={"service_order_item": items}))


class ServiceQualifier:
    """Answers which services can be had at a place, and in what other shape where they cannot."""

    def __init__(
        self,
        feasibility: FeasibilityCheck,
        inventory: DownstreamSystem,
        catalogs: CatalogSet,
        planning: BoundedPlanning | None = None,
    ) -> None:
        """Make it; without `planning` that of the catalogs, with all limits as they are by default."""
        self._planning = planning or BoundedPlanning(catalogs)
        self._feasibility = feasibility
        self._inventory = inventory
        self._catalogs = catalogs

    async def check(self, document: Document, now: datetime) -> Document:
        """Return the attributes that answer a TMF645 CheckServiceQualification.

        All items are checked together: they share what the pools have free.

        Raises:
            DownstreamError: when inventory cannot say what is there, or what is possible.
        """
        asked = CheckServiceQualificationCreate.model_validate(document)
        services = [item.service or QualifiedService() for item in asked.service_qualification_item]
        orders = [asked.order_of(str(number), each, now) for number, each in enumerate(services)]
        wishes = await each_of(orders, self._wish)
        tried = [await self._plan(wish, now) for wish in wishes]
        plans = [plan for plan, _ in tried if plan]
        ends = {plan.item_id: now + plan.duration for plan in plans}
        infeasible = await self._infeasible(plans)
        answers = []
        for number, (item, wish, (_, faults)) in enumerate(zip(document[ITEMS], wishes, tried, strict=True)):
            against = [*faults, *(each for each in infeasible if each.item_id == str(number))]
            # What is too large takes its time, each alternative once more.
            seek = against and asked.provide_alternative and not any(each.code == TOO_LARGE for each in against)
            proposals = await self._proposals(wish, now) if seek else []
            answers.append(_answer(item, asked, against, proposals, ends.get(str(number))))
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
        asked = QueryServiceQualificationCreate.model_validate(document)
        criteria = asked.search_criteria

        async def check(each: tuple[int, ServiceSpecification]) -> Document | None:
            number, specification = each
            sought = {"id": None, "service_specification": Reference(id=specification.id)}
            service = (criteria.service or QualifiedService()).model_copy(update=sought)
            wish = _Wish(asked.order_of(str(number), service, now), InstalledBase())
            plan, _ = await self._plan(wish, now)
            if plan is None or await self._infeasible([plan]):
                return None
            node = wish.node(self._catalogs, now)
            return {"id": str(number), "service": _service(specification, node, service.characteristics(), service)}

        found = [each for each in await each_of(enumerate(self._sought(criteria, now), start=1), check) if each]
        return {"state": DONE, "effectiveQualificationDate": timestamp(now), ITEMS: found}

    async def _wish(self, order: ServiceOrder) -> _Wish:
        return _Wish(order, await read_installed_base(self._inventory, order))

    async def _plan(self, wish: _Wish, now: datetime) -> tuple[ServiceOrderPlan | None, list[Violation]]:
        """Return what a service comes down to as an order, and what speaks against that by the catalogs.

        Where nothing but mandatory values is missing, that is the service alone: whether there is such a service at its
        place can be asked without them.
        """
        planned = await self._planning.plan(wish.order, wish.installed, 1, now)
        if planned.plan:
            return next(iter(planned.plan.service_orders), None), []
        node = wish.node(self._catalogs, now)
        if node.specification and all(each.code == MISSING for each in planned.violations):
            return bare_service_order(node, node.specification), planned.violations
        return None, planned.violations

    async def _infeasible(self, plans: Sequence[ServiceOrderPlan]) -> list[Violation]:
        if not plans:
            return []
        plan = OrchestrationPlan(order_id=_PLAN_ID, catalog=self._catalogs.version, service_orders=list(plans))
        paths = {each.item_id: f"{ITEMS}[{each.item_id}].service" for each in plans}
        return await self._feasibility.infeasible(plan, paths)

    async def _proposals(self, wish: _Wish, now: datetime) -> list[Document]:
        """Return the shapes in which products on sale have the service, that can be had, the closest first."""
        node = wish.node(self._catalogs, now)
        specification = node.specification
        if specification is None:
            return []

        async def possible(characteristics: Characteristics) -> bool:
            plan, faults = await self._plan(wish.shaped(characteristics), now)
            return not faults and not await self._infeasible([plan] if plan else [])

        found = await first_possible(sold_configurations(node, self._catalogs, now), possible)
        return [
            {"id": str(number), "alternateService": _service(specification, node, shape, None)}
            for number, shape in enumerate(found, start=1)
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
    asked: CheckServiceQualificationCreate,
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
        answer["expectedActivationDate"] = timestamp(ends)
    return answer


def _service(
    specification: ServiceSpecification,
    node: ServiceNode,
    characteristics: Characteristics,
    like: QualifiedService | None,
) -> Document:
    """Return a service in TMF645's shape."""
    document: Document = {
        "serviceSpecification": {
            "id": specification.id,
            "name": specification.name,
            "version": specification.version,
        },
        "serviceCharacteristic": characteristic_list(characteristics),
    }
    if node.installed:
        document["id"] = node.installed.id
    if like and like.place:
        document["place"] = [each.model_dump(mode="json", exclude_none=True) for each in like.place]
    elif place := node.scope.place["id"]:
        document["place"] = [{"id": place, "role": "installation", "@referredType": "GeographicSite"}]
    return document
