"""Deleting a closed order takes all that it has made, and leaves everything else."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import Connection, func, select

from orders.differences import Difference, DifferenceKind
from orders.lifecycle.states import OrderKind, OrderState
from orders.plan.orchestration_plan import CatalogVersion, OrchestrationPlan
from store.begun_calls import BegunCalls
from store.cancellations import CancelStore
from store.differences import DifferenceStore
from store.errors import DeletedOrderError, OrderNotClosedError, OwnedOrderError, UnknownOrderError
from store.order_entries import SPLIT_ABOVE
from store.orders import OrderStore
from store.plans import PlanStore
from store.resource_locks import ResourceLocks
from store.revisions import RevisionStore
from store.saga_log import SagaLog
from store.setbacks import Setbacks, Tried, Work
from store.sql.database import Database
from store.sql.operation_tables import systems
from store.sql.tables import (
    deleted_orders,
    events,
    metadata,
    order_count_changes,
    order_counts,
    qualifications,
    reconciliations,
    recovery,
    schema_support,
    service_failures,
    subscriptions,
)
from store.tasks import TaskStore
from tests.store.samples import accepted, change
from tests.store.test_tasks import fallout
from tmf.query.query import ListQuery

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 3, 1, 10, tzinfo=UTC)
DATE = "2026-03-01T10:00:00.000Z"


async def order_tree(database: Database, order_id: str, state: OrderState = OrderState.COMPLETED) -> None:
    """Keep an order with a service order, a resource order, and everything that is kept beside them."""
    store = OrderStore(database)
    parts = [{"id": "1.1", "action": "add"}]
    large = [{"id": "1", "action": "add", "text": "x" * SPLIT_ABOVE, "productOrderItem": parts}]
    await store.accept(accepted(order_id, productOrderItem=large))
    service, resource = f"{order_id}:1:internet", f"{order_id}:1:internet:port"
    document = {"state": "completed", "orderDate": DATE, "relatedParty": [{"id": "customer-1"}]}
    await store.open(OrderKind.SERVICE, service, {"id": service, **document}, order_id, order_id, 1)
    await store.open(OrderKind.RESOURCE, resource, {"id": resource, **document}, service, order_id, 1)
    catalog = CatalogVersion(digest="d", label="test")
    await PlanStore(database).save(OrchestrationPlan(order_id=order_id, revision=1, catalog=catalog))
    await RevisionStore(database).propose(order_id, {"priority": "0"}, "ada", NOW)
    await TaskStore(database).save(fallout(1, id=f"{service}!1", order_id=service, root_id=order_id))
    await ResourceLocks(database).acquire(order_id, DATE, [f"product:{order_id}"])
    await BegunCalls(database).note(f"po:{order_id}:so:1:internet", f"{service}/record")
    await SagaLog(database).write(order_id, {"1:internet": [{"done": True}]})
    await Setbacks(database).note(Tried(Work.START, order_id, "start the order", order_id), "no worker")
    lost = Difference(DifferenceKind.LOST_ORDER, order_id, "Temporal does not know it", order_id)
    await DifferenceStore(database).note([lost], NOW)
    for kind, cancelled in ((OrderKind.PRODUCT, order_id), (OrderKind.SERVICE, service)):
        cancel = {"id": f"c-{order_id}", "state": "acknowledged", kind.value: {"id": cancelled}}
        await CancelStore(database).open(kind, f"c-{order_id}", cancelled, cancel, NOW)
    await store.record([change(order_id, 1, state)])


_OF_NO_ORDER = (schema_support, service_failures, subscriptions, qualifications, recovery, reconciliations, systems)
_NOT_COUNTED = (deleted_orders, order_counts, order_count_changes, events, *_OF_NO_ORDER)
"""The trace of what was deleted, numbers, what is told of it, and what is no order's."""


async def counts(database: Database) -> dict[str, int]:
    """Return how many rows each table has that is about orders."""

    def counted(connection: Connection) -> dict[str, int]:
        tables = (table for table in metadata.sorted_tables if table not in _NOT_COUNTED)
        return {table.name: connection.scalar(select(func.count()).select_from(table)) or 0 for table in tables}

    return await database.read(counted)


async def test_an_order_goes_with_all_that_is_kept_of_it_and_nothing_else(database: Database) -> None:
    await order_tree(database, "o1")
    before = await counts(database)
    await order_tree(database, "o2")
    removed = await OrderStore(database).remove(OrderKind.PRODUCT, "o2")
    assert await counts(database) == before
    assert [(each.kind, each.id) for each in removed] == [
        (OrderKind.PRODUCT, "o2"),
        (OrderKind.SERVICE, "o2:1:internet"),
        (OrderKind.RESOURCE, "o2:1:internet:port"),
    ]
    assert removed[0].document["state"] == "completed"
    page = await OrderStore(database).find(OrderKind.PRODUCT, ListQuery())
    assert [document["id"] for document in page.documents] == ["o1"]


async def test_every_table_but_the_trace_is_looked_at(database: Database) -> None:
    await order_tree(database, "o1")
    empty = [name for name, rows in (await counts(database)).items() if rows == 0]
    assert empty == ["plan_nodes"]


async def test_an_order_that_may_still_change_stays(database: Database) -> None:
    await order_tree(database, "o1", OrderState.HELD)
    before = await counts(database)
    with pytest.raises(OrderNotClosedError, match="'o1' is held"):
        await OrderStore(database).remove(OrderKind.PRODUCT, "o1")
    assert await counts(database) == before


@pytest.mark.parametrize(
    ("kind", "order_id"), [(OrderKind.SERVICE, "o1:1:internet"), (OrderKind.RESOURCE, "o1:1:internet:port")]
)
async def test_an_order_that_another_has_made_is_not_deleted_alone(
    database: Database, kind: OrderKind, order_id: str
) -> None:
    await order_tree(database, "o1")
    with pytest.raises(OwnedOrderError, match="order 'o1'") as refused:
        await OrderStore(database).remove(kind, order_id)
    assert refused.value.root_id == "o1"


async def test_an_order_is_deleted_once_and_its_id_is_not_given_away(store: OrderStore, database: Database) -> None:
    await order_tree(database, "o1")
    await store.remove(OrderKind.PRODUCT, "o1")
    with pytest.raises(UnknownOrderError):
        await store.remove(OrderKind.PRODUCT, "o1")
    with pytest.raises(DeletedOrderError, match="o1 was deleted"):
        await store.accept(accepted("o1"))
    assert await store.get(OrderKind.PRODUCT, "o1") is None
