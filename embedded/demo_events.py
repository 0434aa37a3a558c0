"""Events of the demonstration: what people do to its orders, cancel one, amend one, settle the fallout of one."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx2

from application.addresses import SERVICE
from console.gateway import PRODUCT_ORDERS, SERVICE_ORDERS, Gateway, RefusedError
from console.order_tree import OrderTree
from console.views.board import Row
from console.views.change_tables import moment
from embedded import demo_orders
from orders.lifecycle.states import OrderState
from orders.model.assurance import CATEGORY
from tmf.bodies import Document

POLL_SECONDS = 0.9

Tell = Callable[[str], None]

_CANCELLATIONS = f"{PRODUCT_ORDERS.rpartition('/')[0]}/cancelProductOrder"
TASKS = "/fallout/v1/task"
_UNAVAILABLE = 503
_AMENDED = f"{demo_orders.MORE_VPN_SITES} sites, {demo_orders.MOVED_FROM} moved to {demo_orders.MOVED_TO}"


class EventMissedError(Exception):
    """An order did not come to where something was to be done to it, or what was done did not come about."""


@dataclass(slots=True)
class People:
    """Who amends and cancels orders and settles tasks, through the gateway. `tell` is given a line for each act."""

    gateway: Gateway
    activation: str
    """Where the activation system answers."""
    tell: Tell

    # --- the faults of the activation system ---

    async def tv_fails(self, order_id: str) -> str:
        """Let the order's TV fail for good; return the fault's id."""
        return await self._fault(order_id, "cfs-iptv", "asyncFailure", "the TV platform does not know this line")

    async def tv_is_away(self, order_id: str) -> str:
        """Let the TV platform answer «try again later» to the order; return the fault's id."""
        return await self._fault(order_id, "cfs-iptv", "transient", "the TV platform is being repaired")

    async def site_fails(self, order_id: str) -> str:
        """Let one site of a VPN fail for good; return the fault's id."""
        at = f"{order_id}:so:{demo_orders.FAILING_SITE}:access"
        return await self._fault(at, "cfs-site-access", "permanent", "no light on the line's fibre")

    async def service_fails(self, inventory: str, customer: str, specification: str, reason: str) -> Document:
        """Let an active service of a customer fail in the network; return the order that is made of that."""
        async with httpx2.AsyncClient(trust_env=False) as client:
            wanted = {"relatedParty.id": customer, "serviceSpecification.id": specification, "state": "active"}
            found = await client.get(f"{inventory}{SERVICE}", params=wanted)
            service = found.raise_for_status().json()[0]["id"]
            failed = await client.post(f"{self.activation}/failures", json={"service": service, "reason": reason})
        failed.raise_for_status()
        self.tell(f"service {service} fails in the network: {reason}")
        mine = {"category": CATEGORY, "relatedParty.id": customer}
        while True:
            orders, _ = await self.gateway.listing(SERVICE_ORDERS, mine)
            if orders:
                return orders[0]
            await asyncio.sleep(POLL_SECONDS / 3)

    async def _fault(self, order: str, specification: str, kind: str, message: str) -> str:
        match = {"specification": specification, "order": order, "operation": "activate"}
        async with httpx2.AsyncClient(trust_env=False) as client:
            answer = await client.post(
                f"{self.activation}/faults", json={"match": match, "kind": kind, "message": message}
            )
        return str(answer.raise_for_status().json()["id"])

    async def _repair(self, fault_id: str) -> None:
        async with httpx2.AsyncClient(trust_env=False) as client:
            (await client.delete(f"{self.activation}/faults/{fault_id}")).raise_for_status()

    # --- what they do ---

    async def cancel(self, row: Row) -> None:
        """Cancel an order once a part of it is done, by the TMF622 resource for it.

        Raises:
            EventMissedError: when the order ended before, or was not cancelled.
            CommandError: when the gateway refuses.
        """
        tree = await _until(row, lambda tree: _done(tree, "1.internet:internet"))
        preview = await self.gateway.tell("POST", f"{PRODUCT_ORDERS}/{tree.id}/preview", {"cancel": True})
        reason = "The customer moves to another town"
        wish = {"productOrder": {"id": tree.id}, "cancellationReason": reason, "author": "shop"}
        made = await self.gateway.tell("POST", _CANCELLATIONS, wish)
        self.tell(f"{tree.id}  POST cancelProductOrder: {made['state']}, {len(preview['changes'])} parts to be undone")
        await _until(row, lambda tree: tree.ended)
        ended = await self._settled(f"{_CANCELLATIONS}/{made['id']}", {"done", "terminatedWithError"})
        if ended["state"] != "done":
            raise EventMissedError(f"its cancellation is {ended['state']}")
        undone = f"{len(preview['changes'])} parts that had begun were undone"
        row.story.append(f"cancellation {ended['id']} by {ended['author']} is done: «{reason}»; {undone}")

    async def amend(self, row: Row, document: Document) -> None:
        """Put a new version to an order, by PATCH, once a site that it moves is done.

        Raises:
            EventMissedError: when the order ended before, or the amendment was not applied.
            CommandError: when the gateway refuses.
        """
        tree = await _until(row, lambda tree: _done(tree, f"{demo_orders.MOVED_SITE}:access"))
        path = f"{PRODUCT_ORDERS}/{tree.id}"
        preview = await self.gateway.tell("POST", f"{path}/preview", document)
        try:
            await self.gateway.tell("PATCH", path, document)
        except RefusedError as error:
            if error.status != _UNAVAILABLE:  # else it may be applied all the same
                raise
        revision = await self._revision(path)
        if revision["state"] != "applied":
            raise EventMissedError(f"revision {revision['number']} is {revision['state']}")
        did = Counter(str(each["action"]) for each in revision["changes"])
        left = sum(each["action"] == "leave" for each in preview["changes"])
        said = (
            f"{did['do']} parts new, {did['replace']} undone and done anew, {did['modify']} changed, {left} left alone"
        )
        self.tell(f"{tree.id}  PATCH productOrder: revision {revision['number']} applied, {said}")
        row.story.append(f"revision {revision['number']}, {_AMENDED}: {said}")

    async def settle_fallout(self, row: Row, fault_id: str) -> None:
        """See to a step that failed for good: read its task, take the fault away, and have it tried again.

        Raises:
            EventMissedError: when the order ended without any task.
            CommandError: when the gateway refuses.
        """
        task = await self._task(row)
        ways = ", ".join(task["actions"])
        self.tell(f"task {task['id']}  {task['error']}")
        self.tell(f"task {task['id']}  can be settled by {ways}; waits until {moment(task.get('dueAt'))}")
        await _until(row, lambda tree: tree.state == OrderState.HELD)
        await self._repair(fault_id)
        wish = {"action": "retry", "author": "ada", "reason": "The fibre is plugged in again"}
        await self.gateway.tell("POST", f"{TASKS}/{task['id']}/resolution", wish)
        self.tell(f"task {task['id']}  POST resolution: retry")
        tree = await _until(row, lambda tree: tree.ended)
        row.story += [f"task {task['id']}: {ways}", f"  {task['error']}"]
        row.story += [f"  {note['text']}" for note in tree.order.get("note") or []]

    async def _task(self, row: Row) -> Document:
        while True:
            tree = await _until(row, lambda tree: True)
            found, _ = await self.gateway.listing(TASKS, {"orderId": f'"{tree.id}"', "state": "open"})
            if found:
                return found[0]
            if tree.ended:
                raise EventMissedError(f"it is {tree.state}, and nothing of it has fallen out")
            await asyncio.sleep(POLL_SECONDS)

    async def _settled(self, path: str, states: set[str]) -> Document:
        while True:
            document = await self.gateway.read(path)
            if document["state"] in states:
                return document
            await asyncio.sleep(POLL_SECONDS)

    async def _revision(self, path: str) -> Document:
        while True:
            revisions, _ = await self.gateway.listing(f"{path}/revision", {})
            if revisions[-1]["state"] != "proposed":
                return revisions[-1]
            await asyncio.sleep(POLL_SECONDS)


async def _until(row: Row, reached: Callable[[OrderTree], bool]) -> OrderTree:
    """Wait until the order of a row, as the board has it, has come to where it is to be.

    Raises:
        EventMissedError: when it ends before.
    """
    while row.tree is None or not reached(row.tree):
        if row.tree is not None and row.tree.ended:
            raise EventMissedError(f"it was {row.tree.state} before anything could be done to it")
        await asyncio.sleep(POLL_SECONDS)
    return row.tree


def _done(tree: OrderTree, key: str) -> bool:
    document: dict[str, Any] = tree.service_orders.get(f"{tree.id}:{key}") or {}
    return document.get("state") == OrderState.COMPLETED
