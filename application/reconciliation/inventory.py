"""What orders have left in the inventories: resources that are reserved by nobody any more, services of no order."""

from __future__ import annotations

from functools import partial
from typing import Any

from application.addresses import RESERVATION, RESOURCE, SERVICE
from application.answers import ResourceDocument, ServiceDocument
from application.http import DownstreamSystem, at
from application.reconciliation.sections import Page, in_turn, listed
from application.reconciliation.workflows import Workflows, runs
from orders.differences import Difference, DifferenceKind
from orders.lifecycle.states import OrderKind, OrderState
from orders.model.order_ids import root_id, root_kind, root_of_key
from store.posted_orders import PostedOrders, Standing

_D = DifferenceKind
_UNDO = ":undo"
_UNDONE = frozenset({OrderState.FAILED, OrderState.CANCELLED, OrderState.REJECTED})


class MadeService(ServiceDocument):
    """A TMF638 service, with what has made it."""

    def service_order(self) -> str | None:
        """Return the service order of ours that has made it, by the form of its id."""
        named = (each.service_order_id for each in self.service_order_item)
        return next((each for each in named if each and ":" in each), None)


class Reservations:
    """Looks for resources that are reserved by an order that is over, and that no service needs."""

    name = "reservations"
    kinds = frozenset({_D.LEAKED_RESERVATION})

    def __init__(self, posted: PostedOrders, inventory: DownstreamSystem, workflows: Workflows) -> None:
        self._posted = posted
        self._inventory = inventory
        self._workflows = workflows

    async def page(self, cursor: str) -> Page:
        """Look at a page of what is reserved and not in use."""
        wanted = {"resourceStatus": "reserved", "usageState": "idle"}
        resources, then = await listed(self._inventory, RESOURCE, wanted, cursor, ResourceDocument)
        holders = {each.id: root for each in resources if (root := holder_of(each))}
        standings = await self._posted.standings(set(holders.values()))
        found = [
            difference
            for each in resources
            if each.id in holders
            if (difference := await self._difference(each, standings.get(holders[each.id])))
        ]
        return Page(len(resources), found, then)

    async def stands(self, difference: Difference) -> bool:
        """Look at a resource again: whether the same reservation still holds it."""
        resource = await self._inventory.find(at(RESOURCE, difference.id), ResourceDocument)
        root = holder_of(resource) if resource else None
        if resource is None or root is None or root != difference.order_id:
            return False
        standing = (await self._posted.standings([root])).get(root)
        return await self._difference(resource, standing) is not None

    async def mend(self, difference: Difference) -> bool:
        """Give a resource back that the store knows to be reserved for nothing."""
        root = difference.order_id or ""
        if not await self._posted.standings([root]) and not await self._posted.deleted([root]):
            return False
        resource = await self._inventory.find(at(RESOURCE, difference.id), ResourceDocument)
        if resource is None or resource.reservation is None or holder_of(resource) != root:
            return False
        key = f"{resource.reservation.requested_by}/leaked"
        await self._inventory.call("DELETE", at(RESERVATION, resource.id), key=key, accept=(404,))
        return True

    async def _difference(self, resource: ResourceDocument, standing: Standing | None) -> Difference | None:
        holder = resource.reservation.requested_by if resource.reservation else None
        root = holder_of(resource)
        if root is None or resource.usage_state not in (None, "idle"):
            return None
        if standing is None:
            deleted = await self._posted.deleted([root])
            if deleted and root_kind(root) == OrderKind.RESOURCE:
                return None
            state = "which was deleted" if deleted else "which the order store does not know"
        elif not standing.has_ended or _keeps_what_it_reserves(standing):
            return None
        else:
            state = f"which is {standing.state}"
        if await runs(self._workflows, root) or await self._is_needed(resource.id):
            return None
        error = (
            f"{resource.value or resource.id} is reserved by {holder}, of order {root}, {state}; no service needs it"
        )
        return Difference(_D.LEAKED_RESERVATION, resource.id, error, root)

    async def _is_needed(self, resource_id: str) -> bool:
        services = await self._inventory.search(SERVICE, {"supportingResource.id": resource_id}, ServiceDocument)
        return any(
            each.state != "terminated" and resource_id in [used.id for used in each.supporting_resource]
            for each in services
        )


class Services:
    """Looks for services that were made by orders which are undone or unknown."""

    name = "services"
    kinds = frozenset({_D.LEFT_SERVICE, _D.UNKNOWN_SERVICE})

    def __init__(self, posted: PostedOrders, inventory: DownstreamSystem, workflows: Workflows) -> None:
        self._posted = posted
        self._inventory = inventory
        self._workflows = workflows

    async def page(self, cursor: str) -> Page:
        """Look at a page of the services that are reserved, or else active."""
        return await in_turn([partial(self._in_state, "reserved"), partial(self._in_state, "active")], cursor)

    async def stands(self, difference: Difference) -> bool:
        """Look at a service again."""
        service = await self._inventory.find(at(SERVICE, difference.id), MadeService)
        seen = await self._differences([service]) if service and service.state in ("reserved", "active") else []
        return bool(seen) and seen[0].kind == difference.kind

    async def mend(self, difference: Difference) -> bool:
        """Leave it to people: a customer may be using it."""
        return False

    async def _in_state(self, state: str, cursor: str) -> Page:
        services, then = await listed(self._inventory, SERVICE, {"state": state}, cursor, MadeService)
        return Page(len(services), await self._differences([each for each in services if each.state == state]), then)

    async def _differences(self, services: list[MadeService]) -> list[Difference]:
        made = {each.id: order for each in services if (order := each.service_order())}
        orders, roots = set(made.values()), {root_id(order) for order in made.values()}
        standings = await self._posted.standings(orders | roots | {f"{order}{_UNDO}" for order in orders})
        deleted = await self._posted.deleted(roots - standings.keys())
        found = []
        for each in services:
            order = made.get(each.id)
            if order is None or root_id(order) in deleted:
                continue
            root = standings.get(root_id(order))
            if root is not None and not root.has_ended:
                continue
            undo = standings.get(f"{order}{_UNDO}")
            why = _left(each, standings.get(order), undo)
            if why and not await runs(self._workflows, root_id(order)):
                kind = _D.LEFT_SERVICE if order in standings else _D.UNKNOWN_SERVICE
                error = f"it is {each.state} in inventory, and service order {order} {why}"
                found.append(Difference(kind, each.id, error, root_id(order)))
        return found


def _left(service: MadeService, order: Standing | None, undo: Standing | None) -> str | None:
    """Return what speaks against a service; None where it is as its order has left it."""
    if order is None:
        return "is not in the order store"
    if order.state in _UNDONE:
        return f"is {order.state}"
    if undo is not None and undo.state == OrderState.COMPLETED:
        return "was undone"
    if service.state == "reserved" and order.has_ended:
        return f"is {order.state}"
    return None


def _keeps_what_it_reserves(order: Standing) -> bool:
    """Return whether an order is over of which a reservation may be the very purpose."""
    return root_kind(order.id) == OrderKind.RESOURCE and order.state not in _UNDONE


def holder_of(resource: ResourceDocument) -> str | None:
    """Return the order at the top of the tree that a resource is reserved for, by the key of its reservation."""
    key: Any = resource.reservation.requested_by if resource.reservation else None
    return root_of_key(key) if key else None
