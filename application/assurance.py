"""Assurance: which service has failed, by inventory and network, and the order that is to mend it."""

from __future__ import annotations

from dataclasses import dataclass

from application.addresses import SERVICE
from application.answers import Configured, ServiceDocument
from application.http import DownstreamSystem, at
from orders.model.assurance import CATEGORY, Assurance, AssuranceAction
from orders.model.product_orders import Reference
from tmf.bodies import Document
from tmf.paths import TMF640

AUTHOR = "ordersaga"
"""Who orders by itself."""
_PAGE = "100"
_VERBS = {AssuranceAction.REPAIR: "Repair", AssuranceAction.REPLACE: "Replace", AssuranceAction.MANUAL: "See to"}


@dataclass(frozen=True, slots=True)
class FailedService:
    """An active service that has failed, and the one that it is ordered with: the one that it supports, or itself."""

    service: ServiceDocument
    whole: ServiceDocument

    @property
    def specification_id(self) -> str:
        return self.service.service_specification.id if self.service.service_specification else ""

    @property
    def name(self) -> str:
        return self.service.name or self.specification_id


async def failed_service(inventory: DownstreamSystem, service_id: str) -> FailedService | None:
    """Return a service that has failed; None where inventory has no active one of that id.

    What supports one other service is ordered with that, so that what reads its values follows.

    Raises:
        DownstreamError: when inventory does not answer, or with something that makes no sense.
    """
    service = await inventory.find(at(SERVICE, service_id), ServiceDocument)
    if service is None or service.state != "active":
        return None
    found = await inventory.search(SERVICE, {"supportingService.id": service_id, "limit": _PAGE}, ServiceDocument)
    # An inventory that ignores the filter gives others, too.
    above = [each for each in found if each.state == "active" and _is_supported_by(each, service_id)]
    # What supports the same service beside it may rely on it, too.
    wholes = [each for each in above if not any(_is_supported_by(other, each.id) for other in above)]
    return FailedService(service, wholes[0] if len(wholes) == 1 else service)


async def works(activation: DownstreamSystem, service_id: str) -> bool:
    """Return whether the network has a service active, and not failed.

    Raises:
        DownstreamError: when activation does not answer, or with something that makes no sense.
    """
    there = await activation.find(at(f"{TMF640}/service", service_id), Configured)
    return there is not None and there.state == "active" and not there.has_failed()


def assurance_order(
    failed: FailedService, action: AssuranceAction, event_id: str, reason: str, reported_at: str
) -> Document:
    """Return the body of the service order that is to mend a service, as a client would send it."""
    service, whole = failed.service, failed.whole
    about = Assurance(action=action, service=Reference(id=service.id), reason=reason)
    named: Document = {"id": whole.id} | ({"name": whole.name} if whole.name else {})
    if whole.service_specification:
        named["serviceSpecification"] = {"id": whole.service_specification.id}
    return {
        "externalId": event_id,
        "category": CATEGORY,
        "description": f"{_VERBS[action]} {failed.name} (service {service.id}): {reason}",
        "externalReference": [{"id": event_id, "name": "event", "externalReferenceType": "ServiceStateChangeEvent"}],
        "relatedParty": [each.model_dump(mode="json", exclude_none=True) for each in whole.related_party],
        "note": [
            {
                "id": "1",
                "author": AUTHOR,
                "date": reported_at,
                "text": f"Event {event_id} said that service {service.id} has failed: {reason}",
            }
        ],
        "serviceOrderItem": [
            {
                "id": "1",
                "action": "modify",
                "service": named,
                "assurance": about.model_dump(mode="json", exclude_none=True),
            }
        ],
    }


def _is_supported_by(service: ServiceDocument, part_id: str) -> bool:
    return any(each.id == part_id for each in service.supporting_service)
