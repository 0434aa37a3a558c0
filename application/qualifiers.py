"""The qualifiers: who answers which kind of qualification."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime

from application.bounded_planning import BoundedPlanning
from application.feasibility import FeasibilityCheck
from application.http import DownstreamSystem
from application.offering_qualification import OfferingQualifier
from application.planner import Planner
from application.service_qualification import ServiceQualifier
from catalogs.model.catalog_set import CatalogSet
from orders.qualification.results import QualificationKind
from tmf.bodies import Document

Qualifier = Callable[[Document, datetime], Awaitable[Document]]
"""Returns the attributes that answer a qualification asked at a moment."""


def qualifiers(
    planner: Planner,
    feasibility: FeasibilityCheck,
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
