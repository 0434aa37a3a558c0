"""The two kinds of thing that are configured: services and resources."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from systems.common.documents import Collection
from systems.common.faults import Lookup
from systems.common.queries import Document, texts_at


@dataclass(frozen=True)
class Kind:
    """One kind: where its API is, what is configured, and what its operations are called in the log."""

    base: str
    documents: Collection
    defaults: dict[str, Any]
    operations: dict[str, str]

    @property
    def name(self) -> str:
        """``service`` or ``resource``."""
        return self.documents.kind

    @property
    def event_type(self) -> str:
        """The type of the event that tells of a completed change."""
        return f"{self.name.capitalize()}StateChangeEvent"

    def specification(self, document: Document) -> str | None:
        """The id of the specification ``document`` refers to."""
        return next(texts_at(document, f"{self.name}Specification.id"), None)

    def specification_of(self, document_id: str) -> Lookup:
        """Looks up the specification of what is configured under an id; None when nothing is."""

        async def look(connection: AsyncConnection) -> str | None:
            return self.specification(await self.documents.find(connection, document_id) or {})

        return look


_SERVICE_BASE = "/tmf-api/ServiceActivationAndConfiguration/v4"
_RESOURCE_BASE = "/tmf-api/resourceActivationAndConfiguration/v4"

SERVICES = Kind(
    base=_SERVICE_BASE,
    documents=Collection("service", f"{_SERVICE_BASE}/service", ["state", "serviceSpecification.id"]),
    defaults={"@type": "Service", "state": "active"},
    operations={"POST": "activate", "PATCH": "modify", "DELETE": "deactivate"},
)
RESOURCES = Kind(
    base=_RESOURCE_BASE,
    documents=Collection("resource", f"{_RESOURCE_BASE}/resource", ["state", "resourceSpecification.id"]),
    defaults={"@type": "Resource", "state": "active", "operationalState": "enable"},
    operations={"POST": "configure", "PATCH": "reconfigure", "DELETE": "deconfigure"},
)
KINDS = {kind.name: kind for kind in (SERVICES, RESOURCES)}
