"""Checks of items about a service that has failed: that it is theirs, and that something can be done about it."""

from __future__ import annotations

from collections.abc import Iterator

from catalogs.decomposition.assurance import failed_service, mending_of
from catalogs.model.catalog_set import CatalogSet
from catalogs.nodes.services import ServiceNode
from orders.model.assurance import AssuranceAction
from orders.model.product_orders import Action

Found = tuple[str, str, str]
"""Code, the attribute of the item, and what is wrong."""


def faults_of_assurance(node: ServiceNode, catalogs: CatalogSet) -> Iterator[Found]:
    """Yield why an item cannot do about a service that has failed what it says."""
    assurance = node.item.assurance
    if assurance is None:
        return
    if node.item.action is not Action.MODIFY:
        yield "assuranceNotOfChange", "assurance", f"an item to {node.item.action} assures nothing; one to modify does"
    elif node.installed is None:
        return
    elif (service := failed_service(node)) is None:
        wanted = assurance.service.id if assurance.service else ""
        message = f"service {wanted} is neither service {node.installed.id} nor one that supports it"
        yield "assuranceOfAnother", "assurance.service.id", message
    elif why := _out_of_reach(service.specification_id, node, catalogs):
        yield "assuranceNotPossible", "assurance.action", why


def _out_of_reach(specification_id: str, node: ServiceNode, catalogs: CatalogSet) -> str | None:
    specification, mending = catalogs.services.get(specification_id), mending_of(node, catalogs)
    if specification is None or mending is None:
        return f"no catalog has the specification {specification_id!r}, by which to mend the service"
    if mending.action is AssuranceAction.REPLACE and not mending.replaces:
        return f"{specification.name} names no resources in assurance.replaces: there is nothing to replace"
    if specification.fulfilment.activation is None and mending.action is AssuranceAction.REPAIR:
        return f"{specification.name} is not set up in the network: there is nothing to repair"
    return None
