"""An order with a plan, and what amends it."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from activities.amendments import AmendmentActivities, ApplyAmendment, PlanAmendment, PlannedAmendment
from activities.planning import PlanRequest
from application.feasibility import FeasibilityCheck
from application.http import DownstreamSystem
from application.planner import Planner
from catalogs.model.catalog_set import CatalogSet
from orders.lifecycle.states import OrderKind, OrderState
from orders.model.product_orders import ProductOrder
from orders.model.revision import Refusal, Revision, RevisionState
from store.orders import OrderStore
from store.plans import PlanStore
from store.resource_locks import ResourceLocks
from store.revisions import RevisionStore
from store.sql.database import Database
from tests.application.conftest import accept, example, install_mobile, perform, planning

ORDER = "7f3k2a9d01"


NOW = datetime(2026, 6, 2, 9, tzinfo=UTC)


@dataclass
class Bench:
    """All that amendments need, on one store and one inventory."""

    catalogs: CatalogSet
    inventory: DownstreamSystem
    database: Database

    @property
    def activities(self) -> AmendmentActivities:
        plans = PlanStore(self.database)
        return AmendmentActivities(
            Planner(self.catalogs, self.inventory),
            FeasibilityCheck(self.inventory),
            OrderStore(self.database),
            plans,
            RevisionStore(self.database),
            ResourceLocks(self.database),
        )

    async def take(self, name: str, **attributes: Any) -> dict[str, Any]:
        """Accept an order and plan it; return its items as they were sent."""
        document = example(name, **attributes)
        await accept(self.database, document)
        request = PlanRequest(order_id=document["id"], revision=1, version=1)
        answer = await perform(planning(self.catalogs, self.inventory, self.database).plan_order, request)
        assert (answer.violations, answer.ahead) == ([], [])
        return copy.deepcopy(document)

    async def install(self) -> tuple[str, str]:
        """Put a product of the customer's into inventory; return its id and that of its service."""
        added = await Planner(self.catalogs, self.inventory).plan(ProductOrder.model_validate(example("mobile")))
        assert added.plan is not None
        return await install_mobile(self.inventory, added.plan.products[0])

    async def propose(self, **document: Any) -> int:
        return (await RevisionStore(self.database).propose(ORDER, document, "ada", NOW)).number

    async def plan(self, number: int, base: int | None = 1) -> PlannedAmendment:
        request = PlanAmendment(order_id=ORDER, revision=number, base_revision=base)
        return await perform(self.activities.plan_amendment, request)

    async def apply(self, number: int, version: int, **items: OrderState) -> None:
        revision = Revision(order_id=ORDER, number=number, requested_at=NOW, decided_at=NOW)
        request = ApplyAmendment(
            revision=revision,
            version=version,
            state=OrderState.IN_PROGRESS,
            items={name.strip("_").replace("_", "."): state for name, state in items.items()},
        )
        await perform(self.activities.apply_amendment, request)

    async def refuse(self, number: int) -> None:
        refusal = Refusal(item_id="1", reason="activate Mobile has begun")
        revision = Revision(
            order_id=ORDER,
            number=number,
            state=RevisionState.REFUSED,
            requested_at=NOW,
            decided_at=NOW,
            refusals=[refusal],
        )
        await perform(self.activities.refuse_amendment, revision)

    async def document(self) -> dict[str, Any]:
        document = await OrderStore(self.database).get(OrderKind.PRODUCT, ORDER)
        assert document is not None
        return document

    async def revision(self, number: int) -> Revision:
        revision = await RevisionStore(self.database).get(ORDER, number)
        assert revision is not None
        return revision
