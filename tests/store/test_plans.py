"""Plans are kept whole and read in slices."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from orders.lifecycle.states import OrderState
from orders.model.installed import InstalledBase, InstalledProduct
from orders.model.product_orders import Action, Money, OrderPrice, Price
from orders.model.revision import Revision, RevisionState
from orders.plan.keys import delivery_key, service_order_key
from orders.plan.orchestration_plan import CatalogVersion, OrchestrationPlan
from orders.plan.parts import Delivery, ProductPlan, ResourceItem, ServiceItem, ServiceOrderPlan, Specification
from orders.plan.policy import OnFailure, Policy
from store.errors import UnknownPlanError
from store.orders import OrderStore
from store.plans import PlanStore
from store.revisions import RevisionStore
from store.sql.database import Database
from tests.store.samples import accepted, change

pytestmark = pytest.mark.anyio


def bundle(
    revision: int = 1, label: str = "2026.1", names: tuple[str, ...] = ("voice", "internet")
) -> OrchestrationPlan:
    """A bundle's plan: service orders that are not in the order of their keys, a delivery, two products."""
    return OrchestrationPlan(
        order_id="o1",
        revision=revision,
        catalog=CatalogVersion(digest="sha256:1", label=label),
        service_orders=[service_order(name) for name in names],
        deliveries=[
            Delivery(key=delivery_key("1"), unit="1", depends_on=[service_order_key("1", name) for name in names])
        ],
        products=[
            ProductPlan(
                key=key,
                item_id=key,
                unit="1",
                action=Action.ADD,
                name="Home",
                depends_on=[delivery_key("1")],
                prices=[OrderPrice(price_type="recurring", price=Price(tax_included_amount=Money(value=39.99)))],
            )
            for key in ("2", "1")
        ],
    )


def service_order(name: str) -> ServiceOrderPlan:
    port = ResourceItem(key="port", action=Action.ADD, specification=Specification(id="port", name="Port"))
    access = ServiceItem(
        key="service",
        action=Action.ADD,
        specification=Specification(id="access", name="Access"),
        characteristics={"downloadSpeed": 1000, "ratio": 0.5, "fixed": True, "tags": ["a", None]},
        late={"vlan": "assigned.vlan.value"},
        resources=[port],
    )
    return ServiceOrderPlan(
        key=service_order_key("1", name),
        item_id="1",
        unit="1",
        action=Action.ADD,
        specification=Specification(id=name, name=name.title()),
        items=[access],
        policy=Policy(attempt_timeout=timedelta(seconds=2.5), on_failure=OnFailure.ROLLBACK),
    )


async def test_plan_is_read_back_as_it_was(plan_store: PlanStore) -> None:
    assert await plan_store.save(bundle())
    assert await plan_store.load("o1") == bundle()
    assert await plan_store.load("o1", 1) == bundle()


async def test_plan_without_nodes_is_a_plan(plan_store: PlanStore) -> None:
    empty = OrchestrationPlan(order_id="o2", catalog=CatalogVersion(digest="d", label="l"))
    await plan_store.save(empty)
    assert await plan_store.load("o2") == empty
    assert (await plan_store.graph("o2", 1)).nodes == []


async def test_each_part_is_read_alone(plan_store: PlanStore) -> None:
    plan = bundle()
    await plan_store.save(plan)
    assert await plan_store.graph("o1", 1) == plan.graph()
    assert await plan_store.service_order("o1", 1, "1:internet") == service_order("internet")
    assert await plan_store.product("o1", 1, "2") == plan.products[0]


async def test_each_part_is_read_as_another_process_has_kept_it_and_once(
    plan_store: PlanStore, database: Database
) -> None:
    plan = bundle()
    await plan_store.save(plan)
    other = PlanStore(database)
    assert await other.service_order("o1", 1, "1:internet") == service_order("internet")
    assert await other.product("o1", 1, "2") == plan.products[0]
    assert await other.product("o1", 1, "2") is await other.product("o1", 1, "2")
    with pytest.raises(UnknownPlanError):
        await other.service_order("o1", 1, "2")


async def test_parts_at_hand_are_bounded(plan_store: PlanStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("store.plans._MOST_RECENT", 1)
    await plan_store.save(bundle())
    first = await plan_store.product("o1", 1, "1")
    assert await plan_store.product("o1", 1, "1") is first
    await plan_store.product("o1", 1, "2")
    again = await plan_store.product("o1", 1, "1")
    assert (again, again is first) == (first, False)


async def test_first_plan_of_a_revision_stays(plan_store: PlanStore) -> None:
    assert await plan_store.save(bundle())
    assert not await plan_store.save(bundle(label="2026.2", names=("tv",)))
    assert await plan_store.load("o1") == bundle()


async def test_plan_saved_many_times_at_once_is_one_whole_plan(plan_store: PlanStore) -> None:
    candidates = [bundle(label=f"{number}", names=(f"service-{number}",)) for number in range(6)]
    kept = await asyncio.gather(*(plan_store.save(plan) for plan in candidates))
    assert sum(kept) == 1
    assert await plan_store.load("o1") == candidates[kept.index(True)]


async def test_latest_revision_is_loaded_unless_one_is_named(plan_store: PlanStore) -> None:
    revised = bundle(revision=2, names=("internet",))
    await plan_store.save(revised)
    await plan_store.save(bundle())
    assert await plan_store.load("o1") == revised
    assert await plan_store.load("o1", 1) == bundle()


async def amended(revisions: RevisionStore, state: RevisionState | None) -> int:
    """Propose a revision, and decide on it where there is a state."""
    proposed = await revisions.propose("o1", {}, None, datetime(2026, 3, 1, tzinfo=UTC))
    if state is not None:
        await revisions.settle(Revision.model_validate({**proposed.model_dump(), "state": state}))
    return proposed.number


async def test_plan_of_an_order_is_that_of_its_own_revision(
    store: OrderStore, plan_store: PlanStore, revisions: RevisionStore
) -> None:
    await store.accept(accepted("o1"))
    await plan_store.save(bundle())
    for state in (RevisionState.REFUSED, None):
        await plan_store.save(bundle(revision=await amended(revisions, state), names=("tv",)))
        assert await plan_store.load("o1") == bundle()
    applied = bundle(revision=await amended(revisions, RevisionState.APPLIED), names=("internet",))
    await plan_store.save(applied)
    assert await plan_store.load("o1") == bundle()
    await store.record([change("o1", 1).model_copy(update={"revision": applied.revision})])
    assert await plan_store.load("o1") == applied


async def test_revision_that_left_the_plan_alone_has_the_plan_that_was_applied_before(
    store: OrderStore, plan_store: PlanStore, revisions: RevisionStore
) -> None:
    await store.accept(accepted("o1"))
    await plan_store.save(bundle())
    await plan_store.save(bundle(revision=await amended(revisions, RevisionState.REFUSED), names=("tv",)))
    dates_only = await amended(revisions, RevisionState.APPLIED)
    await store.record([change("o1", 1, OrderState.PENDING).model_copy(update={"revision": dates_only})])
    assert await plan_store.load("o1") == bundle()


async def test_installed_base_is_kept_beside_the_plan(plan_store: PlanStore) -> None:
    bases = [
        InstalledBase(products={name: InstalledProduct(id=name, name=name, status="active", place="BER-1")})
        for name in ("p-1", "p-2")
    ]
    await plan_store.save(bundle(), bases[0])
    await plan_store.save(bundle(revision=2), bases[1])
    await plan_store.save(bundle(revision=3))
    assert await plan_store.installed("o1") == bases[1]
    assert await plan_store.installed("o1", 1) == bases[0]
    assert await plan_store.installed("o1", 3) is None
    assert await plan_store.installed("o2") is None
    await plan_store.save(bundle(revision=2), bases[0])
    assert await plan_store.installed("o1", 2) == bases[1]


async def test_what_is_not_there_is_named(plan_store: PlanStore) -> None:
    await plan_store.save(bundle())
    assert await plan_store.load("o2") is None
    assert await plan_store.load("o1", 2) is None
    assert await plan_store.load("o1\0") is None
    with pytest.raises(UnknownPlanError, match="order o1, revision 2"):
        await plan_store.graph("o1", 2)
    with pytest.raises(UnknownPlanError, match="revision 1 with a node 1:tv"):
        await plan_store.service_order("o1", 1, "1:tv")
    with pytest.raises(UnknownPlanError, match="with a node 1:internet"):
        await plan_store.product("o1", 1, "1:internet")
