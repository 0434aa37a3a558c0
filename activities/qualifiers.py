"""Who answers which kind of qualification."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime

from activities.bounded_planning import BoundedPlanning
from activities.feasibility import Feasibility
from activities.http import DownstreamSystem
from activities.offering_qualification import OfferingQualifier, OrderPlanner
from activities.service_qualification import ServiceQualifier
from catalogs.catalog_set import CatalogSet
from orders.qualification import Document, QualificationKind

Qualifier = Callable[[Document, datetime], Awaitable[Document]]
"""Returns the attributes that answer a qualification asked at a moment."""


def qualifiers(
    planner: OrderPlanner,
    feasibility: Feasibility,
    inventory: DownstreamSystem,
    catalogs: CatalogSet,
    planning: BoundedPlanning | None = None,
) -> Mapping[QualificationKind, Qualifier]:
    """Return the qualifier of each kind."""
    offerings = OfferingQualifier(planner, feasibility, catalogs)
    services = ServiceQualifier(feasibility, inventory, catalogs, planning)
    return {
        QualificationKind.OFFERING: offerings.answer,
        QualificationKind.SERVICE_CHECK: services.check,
        QualificationKind.SERVICE_QUERY: services.query,
    }
