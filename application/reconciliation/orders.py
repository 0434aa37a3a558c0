"""Orders and workflows, in both directions, and the resource locks of orders that are over."""

from __future__ import annotations

from application.reconciliation.sections import PAGE, Page, in_turn
from application.reconciliation.workflows import OrderAsRun, RunOfOrder, RunStatus, Workflows, runs
from orders.differences import Difference, DifferenceKind
from orders.lifecycle.change import OrderChange
from orders.lifecycle.states import ITEM_LISTS, TERMINAL
from store.orders import OrderStore
from store.posted_orders import PostedOrders, Standing
from store.resource_locks import ResourceLocks
from tmf.bodies import Document
from tmf.instants import timestamp

_D = DifferenceKind


class Orders:
    """Compares posted orders with their workflows.

    After a restore every item is compared, which takes a query to each workflow; else the states of orders are.
    """

    name = "orders"
    kinds = frozenset({_D.LOST_ORDER, _D.TERMINATED_ORDER, _D.UNRECORDED_END, _D.OUTDATED_DOCUMENT, _D.UNKNOWN_ORDER})

    def __init__(self, orders: OrderStore, posted: PostedOrders, workflows: Workflows, *, deep: bool = False) -> None:
        self._orders = orders
        self._posted = posted
        self._workflows = workflows
        self._deep = deep

    async def page(self, cursor: str) -> Page:
        """Look at a page of the orders that run by the store, or else by Temporal."""
        return await in_turn([self._stored, self._running], cursor)

    async def stands(self, difference: Difference) -> bool:
        """Look at an order and its workflow again."""
        order_id = difference.id
        found = await self._workflows.find(order_id)
        standing = (await self._posted.standings([order_id])).get(order_id)
        if standing is None:
            return found is not None and found.status == RunStatus.RUNNING
        seen = await self._difference(standing, found)
        return seen is not None and seen.kind == difference.kind

    async def mend(self, difference: Difference) -> bool:
        """Start an order again that has had no effect, or bring its document to where its workflow is."""
        if difference.kind == _D.LOST_ORDER:
            return await self._posted.start_again(difference.id)
        if difference.kind not in (_D.UNRECORDED_END, _D.OUTDATED_DOCUMENT):
            return False
        as_run, found = await self._workflows.ask(difference.id), await self._workflows.find(difference.id)
        standing = (await self._posted.standings([difference.id])).get(difference.id)
        if as_run is None or standing is None:
            return False
        document = await self._orders.get(standing.kind, standing.id)
        if document is None:
            return False
        await self._posted.follow(_correction(standing, document, as_run, found))
        return True

    async def _stored(self, cursor: str) -> Page:
        standings = await self._posted.running(PAGE, cursor)
        found_running = await self._workflows.running([each.id for each in standings])
        found = []
        for each in standings:
            run = found_running.get(each.id) or await self._workflows.find(each.id)
            if difference := await self._difference(each, run):
                found.append(difference)
        return Page(len(standings), found, standings[-1].id if len(standings) == PAGE else None)

    async def _running(self, cursor: str) -> Page:
        running, then = await self._workflows.all_running(cursor)
        standings = await self._posted.standings([run.order_id for run in running])
        found = []
        for run in running:
            standing = standings.get(run.order_id)
            if standing is None:
                error = "its workflow runs, and the order store does not have the order"
                found.append(_of(_D.UNKNOWN_ORDER, run.order_id, run.workflow_id, error))
            elif standing.has_ended:
                found.append(_of(_D.OUTDATED_DOCUMENT, run.order_id, run.workflow_id, _ended_too_early(standing)))
        return Page(len(running), found, then)

    async def _difference(self, standing: Standing, run: RunOfOrder | None) -> Difference | None:
        workflow_id = self._workflows.workflow_id(standing.id)
        if run is None:
            if standing.has_ended or not standing.started:
                return None
            return _of(
                _D.LOST_ORDER, standing.id, workflow_id, f"it is {standing.state}, and Temporal knows no workflow"
            )
        if run.status == RunStatus.RUNNING:
            error = _ended_too_early(standing) if standing.has_ended else await self._behind(standing, run)
            return _of(_D.OUTDATED_DOCUMENT, standing.id, workflow_id, error) if error else None
        if standing.has_ended:
            return None
        if run.status == RunStatus.TERMINATED:
            error = f"it is {standing.state}, and its workflow was terminated, which undoes nothing"
            return _of(_D.TERMINATED_ORDER, standing.id, workflow_id, error)
        error = f"it is {standing.state}, and its workflow has ended" + (f" as {run.state}" if run.state else "")
        return _of(_D.UNRECORDED_END, standing.id, workflow_id, error)

    async def _behind(self, standing: Standing, run: RunOfOrder) -> str | None:
        """Return how the document of an order that runs differs from its workflow."""
        if run.state is not None and run.state != standing.state:
            return f"its document says {standing.state}, its workflow {run.state}"
        if not self._deep:
            return None
        as_run = await self._workflows.ask(standing.id)
        document = await self._orders.get(standing.kind, standing.id)
        if as_run is None or document is None:
            return None
        if as_run.revision != standing.revision:
            return f"its document is at revision {standing.revision}, its workflow at {as_run.revision}"
        stale = sorted(_items_to_correct(standing, document, as_run))
        return f"the items {', '.join(stale[:10])} are at other states in its workflow" if stale else None


class Locks:
    """Looks for resource locks of orders that are over, for which others may wait."""

    name = "locks"
    kinds = frozenset({_D.LOCKS_OF_ENDED})

    def __init__(self, posted: PostedOrders, locks: ResourceLocks, workflows: Workflows) -> None:
        self._posted = posted
        self._locks = locks
        self._workflows = workflows

    async def page(self, cursor: str) -> Page:
        """Look at a page of the orders that hold locks and are over."""
        held = await self._posted.holding_locks(PAGE, cursor)
        error = "it is over, or unknown, and has something locked"
        over = [each for each in held if not await runs(self._workflows, each)]
        found = [_of(_D.LOCKS_OF_ENDED, each, self._workflows.workflow_id(each), error) for each in over]
        return Page(len(held), found, held[-1] if len(held) == PAGE else None)

    async def stands(self, difference: Difference) -> bool:
        """Look at an order's locks again."""
        held = await self._posted.holding_locks(1, only=difference.id)
        return difference.id in held and not await runs(self._workflows, difference.id)

    async def mend(self, difference: Difference) -> bool:
        """Release them; who waits for them is told by the gateway's sweep."""
        await self._locks.release(difference.id)
        return True


def _ended_too_early(standing: Standing) -> str:
    return f"its document says {standing.state}, and its workflow runs"


def _of(kind: DifferenceKind, order_id: str, workflow_id: str, error: str) -> Difference:
    return Difference(kind, order_id, error, order_id, workflow_id)


def _correction(standing: Standing, document: Document, as_run: OrderAsRun, run: RunOfOrder | None) -> OrderChange:
    """Return the change that brings an order's document to where its workflow is."""
    attributes: Document = {}
    if as_run.state in TERMINAL and run is not None and run.closed_at and "completionDate" not in document:
        attributes["completionDate"] = timestamp(run.closed_at)
    return OrderChange(
        kind=standing.kind,
        order_id=standing.id,
        version=as_run.version,
        state=as_run.state,
        revision=as_run.revision,
        attributes=attributes,
        items={item: {"state": as_run.items[item]} for item in _items_to_correct(standing, document, as_run)},
    )


def _items_to_correct(standing: Standing, document: Document, as_run: OrderAsRun) -> set[str]:
    name = ITEM_LISTS[standing.kind]
    known = dict(_states(document.get(name) or [], name))
    return {item for item, state in as_run.items.items() if item in known and known[item] != state}


def _states(items: list[Document], name: str) -> list[tuple[str, str | None]]:
    return [
        state
        for item in items
        for state in [(str(item.get("id")), item.get("state")), *_states(item.get(name) or [], name)]
    ]
