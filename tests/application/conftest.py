"""Activities against the reference systems, called without a server, or against answers that a test makes up."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import httpx2
import pytest
from temporalio.testing import ActivityEnvironment

from activities.inventory import ChangeService, InventoryActivities, RecordService, ReserveResource
from activities.planning import PlanningActivities
from activities.product_records import Named, RecordProduct
from application.http import DownstreamSystem
from application.planner import Planner
from catalogs.model.catalog_set import CatalogSet
from orders.lifecycle.states import OrderKind
from orders.model import product_orders as tmf
from orders.plan.parts import Demand, ProductPlan, Specification
from store.orders import AcceptedOrder, OrderStore
from store.plans import PlanStore
from store.resource_locks import ResourceLocks
from store.sql.database import Database, open_database
from systems.activation.app import create_app as create_activation
from systems.billing.app import create_app as create_billing
from systems.inventory.app import create_app as create_inventory
from tests.over_httpx import HttpxConnection
from tests.shipped import shipped_catalogs
from tests.systems.reusable import ReusableSystem, reusable

T = TypeVar("T")

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
WHEN = "2026-06-01T10:00:00.000Z"

STOCK = """
pools:
  - specification: gpon-port
    name: Ports
    type: PhysicalResource
    members: {template: "olt-{node}/1/{slot}/{port}", count: 3}
    places: {BER-1: {node: ber1}, HAM-1: {node: ham1}}
  - specification: msisdn
    name: Mobile numbers
    members: {template: "+4915020{n:06d}", first: 100000, count: 12}
    characteristics:
      - {name: category, value: gold, matching: '(\\d)\\1$'}
      - {name: category, value: standard}
coverage:
  - {service: cfs-internet, places: [BER-1], maximum: {downloadSpeed: 1000}}
"""


@dataclass
class Reference:
    """A reference system: as activities see it, and as a test looks behind them."""

    system: DownstreamSystem
    client: httpx2.AsyncClient

    async def get(self, path: str, **params: str) -> Any:
        response = await self.client.get(path, params=params)
        return response.json() if response.is_success else response.status_code

    async def fault(self, kind: str, **rule: Any) -> None:
        """Let something go wrong, once unless `times` says otherwise."""
        match = {name: rule.pop(name) for name in ("operation", "specification", "target") if name in rule}
        response = await self.client.post("/faults", json={"kind": kind, "times": 1, "match": match, **rule})
        assert response.status_code == 201, response.text

    async def effects(self) -> list[tuple[str, str]]:
        """What was really done, oldest first: operation and outcome."""
        return [(line["operation"], line["outcome"]) for line in await self.get("/log")]


@dataclass
class Script:
    """A system that gives the answers it is told, one after the other, and remembers what it was asked."""

    answers: list[httpx2.Response | Exception]
    asked: list[httpx2.Request] = field(default_factory=list)

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.asked.append(request)
        answer = self.answers[min(len(self.asked), len(self.answers)) - 1]
        if isinstance(answer, Exception):
            raise answer
        return answer


def scripted(*answers: httpx2.Response | Exception, name: str = "inventory") -> tuple[DownstreamSystem, Script]:
    """A system with these answers, the last one for ever."""
    script = Script(list(answers))
    client = httpx2.AsyncClient(transport=httpx2.MockTransport(script), base_url="http://system")
    return DownstreamSystem(name, HttpxConnection(client)), script


async def perform(activity: Callable[..., Awaitable[T]], *arguments: Any) -> T:
    """Run an activity as a worker does."""
    return await ActivityEnvironment().run(activity, *arguments)


def example(name: str, **attributes: Any) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((EXAMPLES / f"{name}.json").read_text())
    return {"id": "7f3k2a9d01", "orderDate": WHEN, "state": "acknowledged", **document, **attributes}


async def accept(database: Database, document: dict[str, Any]) -> None:
    await OrderStore(database).accept(
        AcceptedOrder(OrderKind.PRODUCT, document["id"], document, client_id="crm", digest="d")
    )


def planning(catalogs: CatalogSet, inventory: DownstreamSystem, database: Database) -> PlanningActivities:
    orders, plans, locks = OrderStore(database), PlanStore(database), ResourceLocks(database)
    return PlanningActivities(Planner(catalogs, inventory), orders, plans, locks)


def mobile_plan() -> ProductPlan:
    """A mobile plan of customer `c1`, to be put into inventory."""
    return ProductPlan(
        key="1",
        item_id="1",
        unit="1",
        action=tmf.Action.ADD,
        name="Mobile Plan",
        offering=tmf.Reference(id="mobile-plan"),
        specification=Specification(id="mobile-plan", name="Mobile Plan"),
        customer_id="c1",
        characteristics={"simType": "sim", "dataVolumeGb": 20, "roaming": "eu"},
    )


async def install_mobile(stocked: DownstreamSystem, product: ProductPlan) -> tuple[str, str]:
    """Put a product with a service on one number into inventory, and return the ids of both."""
    activities = InventoryActivities(stocked)
    number = await perform(
        activities.reserve_resource,
        ReserveResource(key="reservation", specification="msisdn", demand=Demand()),
    )
    service = RecordService(
        key="s",
        name="Mobile",
        specification=Specification(id="cfs-mobile", name="Mobile"),
        customer_facing=True,
        service_order="x:1:mobile",
        item="service",
    )
    service_id = await perform(activities.record_service, service)
    change = ChangeService(
        key="c", service_id=service_id, state="active", resources=[Named(key="msisdn", id=number.id)]
    )
    await perform(activities.change_service, change)
    request = RecordProduct(key="p", order_id="x", product=product, services=[Named(key="mobile", id=service_id)])
    return await perform(activities.record_product, request), service_id


async def install_internet(stocked: DownstreamSystem, customer: str, place: str) -> tuple[str, str]:
    """Put a product with an internet service at 1000 Mbit/s into inventory, and return the ids of both."""
    activities = InventoryActivities(stocked)
    service = RecordService(
        key="s",
        name="Internet",
        specification=Specification(id="cfs-internet", name="Internet"),
        customer_facing=True,
        service_order="x:1:internet",
        item="service",
        place=place,
    )
    service_id = await perform(activities.record_service, service)
    speed = {"downloadSpeed": 1000, "uploadSpeed": 200}
    change = ChangeService(key="c", service_id=service_id, state="active", characteristics=speed)
    await perform(activities.change_service, change)
    product = ProductPlan(
        key="1",
        item_id="1",
        unit="1",
        action=tmf.Action.ADD,
        name="Internet",
        specification=Specification(id="fibre-internet", name="Internet"),
        place=place,
        customer_id=customer,
        characteristics={"downloadSpeed": 1000},
    )
    request = RecordProduct(key="p", order_id="x", product=product, services=[Named(key="internet", id=service_id)])
    return await perform(activities.record_product, request), service_id


@pytest.fixture(scope="session")
async def small_inventory(anyio_backend: object, tmp_path_factory: pytest.TempPathFactory) -> ReusableSystem:
    folder = tmp_path_factory.mktemp("small-inventory")
    (folder / "stock.yaml").write_text(STOCK)
    return await reusable(folder, partial(create_inventory, stock=folder / "stock.yaml"))


@pytest.fixture(scope="session")
async def full_inventory(anyio_backend: object, tmp_path_factory: pytest.TempPathFactory) -> ReusableSystem:
    return await reusable(tmp_path_factory.mktemp("full-inventory"), create_inventory)


@pytest.fixture(scope="session")
async def network(anyio_backend: object, tmp_path_factory: pytest.TempPathFactory) -> ReusableSystem:
    return await reusable(tmp_path_factory.mktemp("network"), create_activation)


@pytest.fixture(scope="session")
async def charges(anyio_backend: object, tmp_path_factory: pytest.TempPathFactory) -> ReusableSystem:
    return await reusable(tmp_path_factory.mktemp("charges"), create_billing)


@pytest.fixture
async def inventory(small_inventory: ReusableSystem) -> AsyncIterator[Reference]:
    async with small_inventory.as_new() as client:
        yield Reference(DownstreamSystem("inventory", HttpxConnection(client)), client)


@pytest.fixture
async def activation(network: ReusableSystem) -> AsyncIterator[Reference]:
    async with network.as_new() as client:
        yield Reference(DownstreamSystem("activation", HttpxConnection(client)), client)


@pytest.fixture
async def billing(charges: ReusableSystem) -> AsyncIterator[Reference]:
    async with charges.as_new() as client:
        yield Reference(DownstreamSystem("billing", HttpxConnection(client)), client)


@pytest.fixture(scope="session")
def catalogs() -> CatalogSet:
    return shipped_catalogs()


@pytest.fixture
async def database(store_url: str) -> AsyncIterator[Database]:
    opened = open_database(store_url)
    yield opened
    await opened.close()


@pytest.fixture
async def stocked(full_inventory: ReusableSystem) -> AsyncIterator[DownstreamSystem]:
    """An inventory with the stock that it comes with."""
    async with full_inventory.as_new() as client:
        yield DownstreamSystem("inventory", HttpxConnection(client))
