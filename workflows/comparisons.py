"""The sections of a reconciliation, put together from the store, the systems and Temporal."""

from __future__ import annotations

from collections.abc import Mapping

from temporalio.client import Client

from activities.reconciliation import SectionsOf
from application.http import DownstreamSystem
from application.reconciliation.billing import Billing
from application.reconciliation.inventory import Reservations, Services
from application.reconciliation.network import Activated, Network
from application.reconciliation.orders import Locks, Orders
from application.reconciliation.sections import Section
from catalogs.model.catalog_set import CatalogSet
from store.orders import OrderStore
from store.posted_orders import PostedOrders
from store.resource_locks import ResourceLocks
from store.sql.database import Database
from workflows.contracts import policies
from workflows.lookups import TemporalWorkflows


def comparisons(database: Database, catalogs: CatalogSet, systems: Mapping[str, DownstreamSystem]) -> SectionsOf:
    """Return what makes the sections; `systems` has one entry for each of `policies.SYSTEMS`."""
    orders, posted, locks = OrderStore(database), PostedOrders(database), ResourceLocks(database)
    inventory = systems[policies.INVENTORY]
    activated = Activated(
        {each.id for each in catalogs.services if each.fulfilment.activation},
        {each.id for each in catalogs.resources if each.fulfilment.configuration},
    )

    def sections(client: Client, task_queue: str, deep: bool) -> list[Section]:
        workflows = TemporalWorkflows(client, task_queue)
        return [
            Orders(orders, posted, workflows, deep=deep),
            Locks(posted, locks, workflows),
            Reservations(posted, inventory, workflows),
            Services(posted, inventory, workflows),
            Network(posted, inventory, systems[policies.ACTIVATION], activated),
            Billing(posted, inventory, systems[policies.BILLING]),
        ]

    return sections
