"""The two kinds of thing that are configured: services and resources."""

from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection

from systems.common import tmf
from systems.common.dates import Dates
from systems.common.documents import Collection
from systems.common.events import EventSource
from systems.common.faults import Lookup
from tmf.bodies import Document
from tmf.paths import TMF640, TMF702
from tmf.query.values import texts_at

Mode = Literal["sync", "async"]


class ConfiguredService(tmf.Service):
    """A TMF640 service, as it is configured in the network."""


class ConfiguredResource(tmf.Resource):
    """A TMF702 resource, as it is configured in the network."""

    state: tmf.ServiceState | None = None


class ServiceActivation(tmf.ServiceCreate):
    """A service to configure, at once or with a monitor (``mode`` is not kept)."""

    mode: Mode | None = None


class ResourceActivation(ConfiguredResource):
    """A resource to configure, at once or with a monitor (``mode`` is not kept)."""

    mode: Mode | None = None


@dataclass(frozen=True)
class Kind:
    """One kind: its API, what is configured, its models, and what its operations are called in the log."""

    api: str
    base: str
    documents: Collection
    model: type[ConfiguredService] | type[ConfiguredResource]
    create_model: type[ServiceActivation] | type[ResourceActivation]
    example: dict[str, Any]
    defaults: dict[str, Any]
    required: tuple[str, ...]
    dates: Dates
    operations: dict[str, str]

    @property
    def name(self) -> str:
        """``service`` or ``resource``."""
        return self.documents.kind

    @property
    def events(self) -> EventSource:
        """Where the events of what is configured come from."""
        return EventSource(self.base, self.name, "activation")

    @property
    def monitor_events(self) -> EventSource:
        """Where the events of its monitors come from."""
        return EventSource(self.base, "monitor", "activation")

    def specification(self, document: Document) -> str | None:
        """The id of the specification ``document`` refers to."""
        return next(texts_at(document, f"{self.name}Specification.id"), None)

    def specification_of(self, document_id: str) -> Lookup:
        """Looks up the specification of what is configured under an id; None when nothing is."""

        def look(connection: Connection) -> str | None:
            return self.specification(self.documents.find(connection, document_id) or {})

        return look


SERVICES = Kind(
    api="TMF640 Service Activation",
    base=TMF640,
    documents=Collection(
        "service",
        f"{TMF640}/service",
        ["state", "serviceSpecification.id"],
        ConfiguredService,
    ),
    model=ConfiguredService,
    create_model=ServiceActivation,
    example={
        "id": "internet-1",
        "state": "active",
        "serviceSpecification": {"id": "rfs-internet"},
        "serviceCharacteristic": [{"name": "downloadSpeed", "value": 250}],
    },
    defaults={"@type": "Service", "state": "active"},
    required=("state", "serviceSpecification"),
    dates=Dates("startDate", "endDate", "serviceDate"),
    operations={"POST": "activate", "PATCH": "modify", "DELETE": "deactivate"},
)
RESOURCES = Kind(
    api="TMF702 Resource Activation",
    base=TMF702,
    documents=Collection(
        "resource",
        f"{TMF702}/resource",
        ["state", "resourceSpecification.id"],
        ConfiguredResource,
    ),
    model=ConfiguredResource,
    create_model=ResourceActivation,
    example={
        "id": "port-1",
        "resourceSpecification": {"id": "gpon-port"},
        "resourceCharacteristic": [{"name": "vlan", "value": 100}],
    },
    defaults={"@type": "Resource", "state": "active", "operationalState": "enable"},
    required=("state",),
    dates=Dates("startOperatingDate"),
    operations={"POST": "configure", "PATCH": "reconfigure", "DELETE": "deconfigure"},
)
KINDS = {kind.name: kind for kind in (SERVICES, RESOURCES)}
