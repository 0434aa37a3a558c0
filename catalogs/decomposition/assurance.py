"""Mends a service that has failed: it is set up once more, with other resources, or by people."""

from __future__ import annotations

from dataclasses import dataclass

from catalogs.decomposition.teardown import base_key
from catalogs.model.catalog_set import CatalogSet
from catalogs.nodes.services import ServiceNode
from catalogs.nodes.targets import ResourceTarget
from orders.model.assurance import AssuranceAction
from orders.model.installed import InstalledService
from orders.model.product_orders import Action
from orders.plan.parts import ManualWork, ServiceItem


@dataclass(frozen=True)
class Mending:
    """What is done about one installed service."""

    service: InstalledService
    action: AssuranceAction
    replaces: frozenset[str]
    """Keys of the resources that are exchanged."""
    reason: str

    def exchanges(self, resource: ResourceTarget) -> bool:
        """Return whether a resource gives way to another member; one that was asked for by its value never does."""
        return base_key(resource.key) in self.replaces and resource.demand.value is None

    def applied_to(self, item: ServiceItem) -> None:
        """Have an item touch its service also where nothing of it changes; what changes is an ordinary modification."""
        item.set_up_again = item.action is Action.NO_CHANGE and self.action is not AssuranceAction.REPLACE
        item.action = Action.MODIFY

    def work_of(self, item: ServiceItem) -> ManualWork | None:
        """Return what people do of an item."""
        if self.action is not AssuranceAction.MANUAL:
            return item.manual
        name = f"{item.specification.name} (service {self.service.id})"
        return ManualWork(
            instructions=f"{name} has failed: {self.reason}. See that it can work, and complete this task."
        )


def mending_of(node: ServiceNode, catalogs: CatalogSet) -> Mending | None:
    """Return what an item does about a service that has failed; None where it does something else, or there is none."""
    assurance, service = node.item.assurance, failed_service(node)
    if assurance is None or service is None:
        return None
    specification = catalogs.services.get(service.specification_id)
    policy = specification.fulfilment.assurance if specification else None
    replaces = policy.replaces if policy and assurance.action is AssuranceAction.REPLACE else []
    return Mending(service, assurance.action, frozenset(replaces), assurance.reason or "no reason given")


def failed_service(node: ServiceNode) -> InstalledService | None:
    """Return the service that an item's assurance is about: the installed one, or one that supports it."""
    assurance, installed = node.item.assurance, node.installed
    if assurance is None or installed is None:
        return None
    wanted = assurance.service.id if assurance.service else installed.id
    return next((each for each in (installed, *installed.services) if each.id == wanted), None)
