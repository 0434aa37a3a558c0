"""The order store's repository of orchestration plans: kept whole, read in slices."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, and_, exists, insert, select

from orders.lifecycle.states import OrderKind
from orders.model.installed import InstalledBase
from orders.model.revision import RevisionState
from orders.plan.orchestration_plan import OrchestrationPlan
from orders.plan.parts import Delivery, ProductPlan, ResourcePlan, ServiceOrderPlan
from orders.plan.plan_graph import NodeKind, PlanGraph
from store.documents import WrittenJson
from store.errors import UnknownPlanError
from store.sql.database import Database
from store.sql.tables import orders, plan_nodes, plans, revisions
from tmf.bodies import Document, is_storable
from tmf.instants import timestamp

_NODE_LISTS = {
    NodeKind.SERVICE_ORDER: "service_orders",
    NodeKind.PRODUCT: "products",
    NodeKind.DELIVERY: "deliveries",
    NodeKind.RESOURCE_ORDER: "resource_orders",
}
_KINDS = {
    ServiceOrderPlan: NodeKind.SERVICE_ORDER,
    ProductPlan: NodeKind.PRODUCT,
    ResourcePlan: NodeKind.RESOURCE_ORDER,
}

_MOST_RECENT = 1000
"""How many nodes are kept at hand: those of some fifty orders, in tens of megabytes."""

Node = ServiceOrderPlan | ProductPlan | ResourcePlan | Delivery
N = TypeVar("N", ServiceOrderPlan, ProductPlan, ResourcePlan)


class PlanStore:
    """Plans by order and revision; a plan never changes once it is kept, and neither do the values that are returned.

    Nodes that were kept or read lately are at hand: they are read again by each of those that run a part of them.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._recent: OrderedDict[tuple[str, int, str], Node] = OrderedDict()

    async def save(self, plan: OrchestrationPlan, installed: InstalledBase | None = None) -> bool:
        """Keep a plan; where that order's revision has one already, that one stays. Return whether it was kept.

        Args:
            installed: what the plan was made against: amendments are planned against the same.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        values = _plan_row(plan)
        if installed is not None:
            values["installed"] = WrittenJson(installed.model_dump_json())
        row = self._database.insert_if_absent(plans).values(**values)
        nodes = list(_node_rows(plan))

        def saved(connection: Connection) -> bool:
            kept = connection.execute(row).rowcount == 1
            if kept and nodes:
                connection.execute(insert(plan_nodes), nodes)
            return kept

        kept = await self._database.write(saved)
        if kept and len(nodes) <= _MOST_RECENT // 10:
            for _, _, node in _nodes_of(plan):
                self._keep_at_hand(plan.order_id, plan.revision, node)
        return kept

    async def installed(self, order_id: str, revision: int | None = None) -> InstalledBase | None:
        """Return what a plan was made against, of a revision or the one that the order runs; None where none is kept.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        if not is_storable(order_id):
            return None
        chosen = _running() if revision is None else plans.c.revision == revision
        wanted = select(plans.c.installed).where(plans.c.order_id == order_id, chosen, plans.c.installed.is_not(None))
        latest = wanted.order_by(plans.c.revision.desc()).limit(1)
        found = await self._database.read(lambda connection: connection.scalar(latest))
        return None if found is None else InstalledBase.model_validate(found)

    async def graph(self, order_id: str, revision: int) -> PlanGraph:
        """Return the graph of a plan, without the contents of its nodes.

        Raises:
            UnknownPlanError: when there is no such plan.
            StoreUnavailableError: when the database cannot serve.
        """
        wanted = and_(plans.c.order_id == order_id, plans.c.revision == revision)
        found = await self._database.read(lambda connection: connection.scalar(select(plans.c.graph).where(wanted)))
        if found is None:
            raise UnknownPlanError(order_id, revision)
        return PlanGraph.model_validate(found)

    async def service_order(self, order_id: str, revision: int, key: str) -> ServiceOrderPlan:
        """Return the service order with that key.

        Raises:
            UnknownPlanError: when there is no such plan, or it has no such service order.
            StoreUnavailableError: when the database cannot serve.
        """
        return await self._node(order_id, revision, key, ServiceOrderPlan)

    async def product(self, order_id: str, revision: int, key: str) -> ProductPlan:
        """Return the product with that key.

        Raises:
            UnknownPlanError: when there is no such plan, or it has no such product.
            StoreUnavailableError: when the database cannot serve.
        """
        return await self._node(order_id, revision, key, ProductPlan)

    async def resource_order(self, order_id: str, revision: int, key: str) -> ResourcePlan:
        """Return the resource order with that key, of a resource that is ordered by itself.

        Raises:
            UnknownPlanError: when there is no such plan, or it has no such resource order.
            StoreUnavailableError: when the database cannot serve.
        """
        return await self._node(order_id, revision, key, ResourcePlan)

    async def load(self, order_id: str, revision: int | None = None) -> OrchestrationPlan | None:
        """Return a whole plan, unless a revision is named the one that the order runs; None where there is none.

        What an order runs is the plan of its own revision, or of the last one before that changed the plan; of an
        order that is not in the store, the latest there is.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        if not is_storable(order_id):
            return None
        chosen = _running() if revision is None else plans.c.revision == revision
        wanted = (
            select(plans.c.revision, plans.c.document)
            .where(plans.c.order_id == order_id, chosen)
            .order_by(plans.c.revision.desc())
            .limit(1)
        )

        def found(connection: Connection) -> Document | None:
            row = connection.execute(wanted).one_or_none()
            return None if row is None else row.document | _nodes(connection, order_id, row.revision)

        document = await self._database.read(found)
        return None if document is None else OrchestrationPlan.model_validate(document)

    async def _node(self, order_id: str, revision: int, key: str, model: type[N]) -> N:
        node = self._recent.get((order_id, revision, key))
        if not isinstance(node, model):
            node = model.model_validate(await self._document(order_id, revision, key, _KINDS[model]))
        self._keep_at_hand(order_id, revision, node)
        return node

    def _keep_at_hand(self, order_id: str, revision: int, node: Node) -> None:
        self._recent[order_id, revision, node.key] = node
        self._recent.move_to_end((order_id, revision, node.key))
        if len(self._recent) > _MOST_RECENT:
            self._recent.popitem(last=False)

    async def _document(self, order_id: str, revision: int, key: str, kind: NodeKind) -> Document:
        wanted = and_(
            plan_nodes.c.order_id == order_id,
            plan_nodes.c.revision == revision,
            plan_nodes.c.key == key,
            plan_nodes.c.kind == kind.value,
        )
        node = select(plan_nodes.c.document).where(wanted)
        found: Document | None = await self._database.read(lambda connection: connection.scalar(node))
        if found is None:
            raise UnknownPlanError(order_id, revision, key)
        return found


def _running() -> ColumnElement[bool]:
    """Return the condition that a plan has not been made for a revision that its order is not, or not yet, at."""
    order = and_(orders.c.kind.in_([kind.value for kind in OrderKind]), orders.c.id == plans.c.order_id)
    proposal = and_(revisions.c.order_id == plans.c.order_id, revisions.c.number == plans.c.revision)
    return and_(
        ~exists().where(order, orders.c.revision < plans.c.revision),
        ~exists().where(proposal, revisions.c.state != RevisionState.APPLIED.value),
    )


def _plan_row(plan: OrchestrationPlan) -> dict[str, Any]:
    return {
        "order_id": plan.order_id,
        "revision": plan.revision,
        "catalog_digest": plan.catalog.digest,
        "catalog_label": plan.catalog.label,
        "graph": WrittenJson(plan.graph().model_dump_json()),
        "document": WrittenJson(plan.model_dump_json(exclude=set(_NODE_LISTS.values()))),
        "created_at": timestamp(datetime.now(UTC)),
    }


def _node_rows(plan: OrchestrationPlan) -> Iterator[dict[str, Any]]:
    for kind, position, node in _nodes_of(plan):
        yield {
            "order_id": plan.order_id,
            "revision": plan.revision,
            "key": node.key,
            "kind": kind.value,
            "position": position,
            "document": WrittenJson(node.model_dump_json()),
        }


def _nodes_of(plan: OrchestrationPlan) -> Iterator[tuple[NodeKind, int, Node]]:
    """Yield each node with its kind, and its position among those of the kind."""
    for kind, name in _NODE_LISTS.items():
        nodes: list[Node] = getattr(plan, name)
        for position, node in enumerate(nodes):
            yield kind, position, node


def _nodes(connection: Connection, order_id: str, revision: int) -> dict[str, list[Document]]:
    wanted = and_(plan_nodes.c.order_id == order_id, plan_nodes.c.revision == revision)
    rows = connection.execute(
        select(plan_nodes.c.kind, plan_nodes.c.document).where(wanted).order_by(plan_nodes.c.position)
    )
    nodes: dict[str, list[Document]] = {name: [] for name in _NODE_LISTS.values()}
    for row in rows:
        nodes[_NODE_LISTS[NodeKind(row.kind)]].append(row.document)
    return nodes
