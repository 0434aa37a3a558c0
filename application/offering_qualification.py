"""Qualification of product offerings (TMF679): by the rules of the orders that they would become, nothing executed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import count

from application.concurrent_checks import each_of, first_possible
from application.feasibility import FeasibilityCheck
from application.planner import Planner
from catalogs.alternatives import Alternative, alternatives, assembled, new_item, offered, takes
from catalogs.model.catalog_set import CatalogSet
from catalogs.model.entities import ProductOffering
from catalogs.planning import TOO_LARGE
from orders.model.posted import paths_of
from orders.model.product_orders import Product, ProductOrder, ProductOrderItem
from orders.model.violation import Violation
from orders.qualification.offerings import (
    ProductOfferingQualification,
    ProductOfferingQualificationItem,
    QualifiedProduct,
    by_item,
    left_without,
    order_items,
    order_with,
    proposal,
)
from orders.qualification.results import DONE, Result, reasons_of, result_of, whole_result
from tmf.bodies import Document
from tmf.instants import timestamp

_ITEMS = "productOfferingQualificationItem"
_ITEM = "1"
"""The id of the only item of the order that a search tries."""


@dataclass(frozen=True)
class _Found:
    """What one item came to, as its document, and the offering that it is about."""

    document: Document
    result: Result
    offering: str | None = None


class OfferingQualifier:
    """Answers which offerings a customer can have, and what else where they cannot.

    The items of a qualification are checked as one order, so that they may rely on each other. What cannot be had is
    left out then, and the rest is checked once more, until it can.
    """

    def __init__(self, planner: Planner, feasibility: FeasibilityCheck, catalogs: CatalogSet) -> None:
        self._planner = planner
        self._feasibility = feasibility
        self._catalogs = catalogs

    async def answer(self, document: Document, now: datetime) -> Document:
        """Return the attributes that answer a TMF679 qualification.

        Raises:
            DownstreamError: when inventory cannot say what is there, or what is possible.
        """
        asked = ProductOfferingQualification.model_validate(document)
        items = asked.product_offering_qualification_item
        raw = {each["id"]: each for each in document.get(_ITEMS) or []}
        checked = [item for item in items if not item.is_search()]
        faults = await self._faults(asked, checked, now)
        found: list[_Found] = []
        results: list[Result] = []
        for item in items:
            if item.is_search():
                searched = await self._search(asked, item, now)
                found += searched
                results.append(_best(searched))
            else:
                told = await self._told(asked, item, raw[item.id], faults.get(item.id, []), now)
                found.append(told)
                results.append(told.result)
        if not items:
            found = await self._search(asked, None, now)
            results = [_best(found)]
        shown = [each for each in found if each.result != Result.UNQUALIFIED or not asked.provide_only_available]
        return {
            "state": DONE,
            "effectiveQualificationDate": timestamp(now),
            "qualificationResult": whole_result(results).value,
            _ITEMS: [each.document for each in shown],
            **self._expiry(found, now),
        }

    async def _faults(
        self, asked: ProductOfferingQualification, items: Sequence[ProductOfferingQualificationItem], now: datetime
    ) -> dict[str, list[Violation]]:
        """Return what speaks against each item, with the parts of it that are to blame."""
        faults: dict[str, list[Violation]] = {}
        left = list(items)
        while left:
            order = self._order(asked, left, now)
            new = by_item(await self._violations(order), order)
            if not new:
                break
            faults |= new
            faults |= left_without(left, new)
            left = [item for item in left if item.id not in faults]
        return faults

    def _order(
        self, asked: ProductOfferingQualification, items: Sequence[ProductOfferingQualificationItem], on: datetime
    ) -> ProductOrder:
        whole = [assembled(each, self._catalogs, on) for each in order_items(asked, items)]
        return order_with(asked, whole, on)

    async def _violations(self, order: ProductOrder) -> list[Violation]:
        planned = await self._planner.plan(order)
        if planned.plan is None:
            return planned.violations
        return await self._feasibility.infeasible(planned.plan, paths_of(order))

    async def _told(
        self,
        asked: ProductOfferingQualification,
        item: ProductOfferingQualificationItem,
        document: Document,
        faults: Sequence[Violation],
        now: datetime,
    ) -> _Found:
        # What is too large takes its time, each alternative once more.
        seek = faults and asked.provide_alternative and not any(each.code == TOO_LARGE for each in faults)
        proposals = await self._proposals(asked, item, faults, now) if seek else []
        offering = item.offering()
        return _found(document, asked, faults, proposals, offering.id if offering else None)

    async def _proposals(
        self,
        asked: ProductOfferingQualification,
        item: ProductOfferingQualificationItem,
        faults: Iterable[Violation],
        now: datetime,
    ) -> list[Document]:
        [wanted] = self._order(asked, [item], now).product_order_item
        blamed = {each.item_id or wanted.id for each in faults}

        async def possible(candidate: Alternative) -> bool:
            on = candidate.not_before or now
            return not await self._violations(order_with(asked, [candidate.item], on))

        found = await first_possible(alternatives(wanted, blamed, self._catalogs, now), possible)
        return [proposal(number, each.item, each.not_before) for number, each in enumerate(found, start=1)]

    async def _search(
        self, asked: ProductOfferingQualification, item: ProductOfferingQualificationItem | None, now: datetime
    ) -> list[_Found]:
        """Return an item for each offering that is on sale, of the category, specification and values asked for."""
        category = asked.category.id if asked.category else None
        product = (item.product if item else None) or QualifiedProduct()
        wanted = Product(place=product.place or asked.place, product_characteristic=product.product_characteristic)
        offerings = [
            each
            for each in offered(self._catalogs, now, category, item.specification_id() if item else None)
            if takes(each, wanted.product_characteristic, self._catalogs)
        ]

        taken = {each.id for each in asked.product_offering_qualification_item}
        prefix = f"{item.id}." if item else ""
        ids = (each for each in (f"{prefix}{number}" for number in count(1)) if each not in taken)

        async def check(each: tuple[str, ProductOffering]) -> _Found:
            item_id, offering = each
            ordered = new_item(_ITEM, offering, wanted, self._catalogs, now)
            faults = await self._violations(order_with(asked, [ordered], now))
            return _found(_listed(item_id, ordered), asked, faults, [], offering.id)

        return await each_of(zip(ids, offerings, strict=False), check)

    def _expiry(self, found: Iterable[_Found], now: datetime) -> Document:
        """Return when the first of the offerings that can be had ceases to be on sale, where one does."""
        good = {each.offering for each in found if each.offering and each.result == Result.QUALIFIED}
        offerings = [self._catalogs.offerings.on_sale(each, None, now) for each in good]
        ends = [
            each.valid_for.end_date_time
            for each in offerings
            if each and each.valid_for and each.valid_for.end_date_time
        ]
        return {"expirationDate": timestamp(min(ends))} if ends else {}


def _found(
    document: Document,
    asked: ProductOfferingQualification,
    faults: Sequence[Violation],
    proposals: Sequence[Document],
    offering: str | None,
) -> _Found:
    result = result_of(faults, proposals)
    answer = {**document, "state": DONE, "qualificationItemResult": result.value}
    if faults and asked.provide_unavailability_reason is not False:
        answer["eligibilityUnavailabilityReason"] = reasons_of(faults)
    if proposals:
        answer["alternateProductOfferingProposal"] = list(proposals)
    return _Found(answer, result, offering)


def _listed(item_id: str, item: ProductOrderItem) -> Document:
    """Return an offering that a search came upon, as an item of the answer."""
    told = proposal(1, item)
    return {
        "id": item_id,
        "action": item.action.value,
        "productOffering": told["alternateProductOffering"],
        "product": told["alternateProduct"],
    }


def _best(found: Sequence[_Found]) -> Result:
    """Return what a search comes to: that something can be had, where one thing can."""
    return Result.QUALIFIED if any(each.result == Result.QUALIFIED for each in found) else Result.UNQUALIFIED
