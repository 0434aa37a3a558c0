"""Inventory and the network: what is active in one of them and not in the other."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import partial

from application.addresses import RESOURCE, SERVICE
from application.answers import Configured, ResourceDocument, ServiceDocument
from application.http import DownstreamSystem, at
from application.installed_base import owners_of
from application.reconciliation.inventory import MadeService, holder_of
from application.reconciliation.sections import Page, in_turn, listed
from orders.differences import Difference, DifferenceKind
from orders.model.order_ids import root_id
from store.posted_orders import PostedOrders
from tmf.paths import TMF640, TMF702

_D = DifferenceKind
_CONFIGURED = {"service": f"{TMF640}/service", "resource": f"{TMF702}/resource"}
_RECORDED = {"service": SERVICE, "resource": RESOURCE}


@dataclass(frozen=True, slots=True)
class Activated:
    """Which specifications are set up in the network, by what the catalogs say today."""

    services: Collection[str]
    resources: Collection[str]


class Network:
    """Compares what is active in inventory with what is active in the network; ids are `service:ID`, `resource:ID`."""

    name = "network"
    kinds = frozenset({_D.NOT_IN_NETWORK, _D.NOT_IN_INVENTORY})

    def __init__(
        self, posted: PostedOrders, inventory: DownstreamSystem, activation: DownstreamSystem, activated: Activated
    ) -> None:
        self._posted = posted
        self._inventory = inventory
        self._activation = activation
        self._activated = activated

    async def page(self, cursor: str) -> Page:
        """Look at a page of what is active in the network, or else in inventory."""
        ways = [partial(self._configured, "service"), partial(self._configured, "resource")]
        return await in_turn([*ways, self._services, self._resources], cursor)

    async def stands(self, difference: Difference) -> bool:
        """Look at a thing again: whether it is active here and not there, and no order is about it."""
        kind, _, thing = difference.id.partition(":")
        configured = await self._activation.find(at(_CONFIGURED[kind], thing), Configured)
        in_network = configured is not None and configured.state == "active"
        in_use = thing in await self._in_use(kind, [thing])
        wanted = (False, True) if difference.kind == _D.NOT_IN_NETWORK else (True, False)
        return (in_network, in_use) == wanted and not await self._is_busy(kind, thing)

    async def mend(self, difference: Difference) -> bool:
        """Leave it to people: which of the two is right nobody knows."""
        return False

    async def _configured(self, kind: str, cursor: str) -> Page:
        found, then = await listed(self._activation, _CONFIGURED[kind], {"state": "active"}, cursor, Configured)
        active = [each.id for each in found if each.state == "active"]
        in_use = await self._in_use(kind, active)
        error = "it is active in the network, and inventory has no active record of it"
        missing = [each for each in active if each not in in_use]
        return Page(len(found), [Difference(_D.NOT_IN_INVENTORY, f"{kind}:{each}", error) for each in missing], then)

    async def _services(self, cursor: str) -> Page:
        found, then = await listed(self._inventory, SERVICE, {"state": "active"}, cursor, MadeService)
        orders = {f"service:{each.id}": order for each in found if (order := each.service_order())}
        active = {
            f"service:{each.id}": each.id
            for each in found
            if each.state == "active" and _is_of(each, self._activated.services)
        }
        return Page(len(found), await self._not_in_network(active, {k: root_id(v) for k, v in orders.items()}), then)

    async def _resources(self, cursor: str) -> Page:
        found, then = await listed(self._inventory, RESOURCE, {"usageState": "active"}, cursor, ResourceDocument)
        orders = {f"resource:{each.id}": root for each in found if (root := holder_of(each))}
        active = {
            f"resource:{each.id}": each.id
            for each in found
            if each.usage_state == "active" and _is_of(each, self._activated.resources)
        }
        return Page(len(found), await self._not_in_network(active, orders), then)

    async def _not_in_network(self, active: Mapping[str, str], orders: Mapping[str, str]) -> list[Difference]:
        paths = [at(_CONFIGURED[name.partition(":")[0]], each) for name, each in active.items()]
        configured = await self._activation.find_all(paths, Configured)
        error = "it is active by inventory, and not in the network"
        return [
            Difference(_D.NOT_IN_NETWORK, name, error, orders.get(name))
            for name, found in zip(active, configured, strict=True)
            if found is None or found.state != "active"
        ]

    async def _in_use(self, kind: str, ids: list[str]) -> set[str]:
        """Return those of these that inventory has as active."""
        paths = [at(_RECORDED[kind], each) for each in ids]
        if kind == "service":
            services = await self._inventory.find_all(paths, ServiceDocument)
            return {each.id for each in services if each and each.state == "active"}
        resources = await self._inventory.find_all(paths, ResourceDocument)
        return {each.id for each in resources if each and each.usage_state == "active"}

    async def _is_busy(self, kind: str, thing: str) -> bool:
        """Return whether an order that has not ended is about a thing, or about what needs it."""
        installed = f"installedResource:{thing}" if kind == "resource" else f"service:{thing}"
        owners = await owners_of(self._inventory, f"{kind}:{thing}")
        if await self._posted.locked([installed, *owners]):
            return True
        made = await self._maker(kind, thing)
        standing = (await self._posted.standings([made])).get(made) if made else None
        return standing is not None and not standing.has_ended

    async def _maker(self, kind: str, thing: str) -> str | None:
        if kind == "service":
            service = await self._inventory.find(at(SERVICE, thing), MadeService)
            order = service.service_order() if service else None
            return root_id(order) if order else None
        resource = await self._inventory.find(at(RESOURCE, thing), ResourceDocument)
        return holder_of(resource) if resource else None


def _is_of(document: ServiceDocument | ResourceDocument, specifications: Collection[str]) -> bool:
    named = document.service_specification if isinstance(document, ServiceDocument) else document.resource_specification
    return named is not None and named.id in specifications
