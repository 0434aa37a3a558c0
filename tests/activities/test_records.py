"""The order store's part of an order: what its workflows load, open, record and compute."""

from __future__ import annotations

import pytest
from temporalio.exceptions import ApplicationError

from activities.planning import PlanRequest
from activities.records import LoadGraph, LoadProduct, OpenOrder, OpenResourceOrder, RecordActivities
from application.http import DownstreamSystem
from application.planner import Planner
from catalogs.model.catalog_set import CatalogSet
from orders.lifecycle.change import OrderChange
from orders.lifecycle.states import OrderKind, OrderState
from orders.model.product_orders import ProductOrder
from orders.plan.outcome import AssignedResource, RealisedService, Redo, ServiceOrderOutcome
from orders.plan.plan_graph import NodeKind
from store.begun_calls import BegunCalls
from store.orders import OrderStore
from store.plans import PlanStore
from store.resource_locks import ResourceLocks
from store.sql.database import Database
from tests.application.conftest import WHEN, accept, example, perform, planning

pytestmark = pytest.mark.anyio

PLAN = PlanRequest(order_id="7f3k2a9d01", revision=1, version=1)


def records(database: Database) -> RecordActivities:
    return RecordActivities(OrderStore(database), PlanStore(database), ResourceLocks(database), BegunCalls(database))


async def planned(catalogs: CatalogSet, stocked: DownstreamSystem, database: Database) -> str:
    """Plan the mobile example and return the key of its service order."""
    await accept(database, example("mobile"))
    answer = await perform(planning(catalogs, stocked, database).plan_order, PLAN)
    return next(node.key for node in answer.graph.nodes if node.kind == NodeKind.SERVICE_ORDER)


async def test_an_order_that_the_store_does_not_have_has_no_items(database: Database) -> None:
    with pytest.raises(ApplicationError, match="is not in the order store") as caught:
        await perform(records(database).item_names, "7f3k2a9d01")
    assert caught.value.non_retryable


async def test_an_order_that_the_store_has_lost_goes_on_all_the_same(database: Database) -> None:
    change = OrderChange(kind=OrderKind.PRODUCT, order_id="lost", version=1, state=OrderState.COMPLETED)
    await perform(records(database).record, [change])
    assert await OrderStore(database).get(OrderKind.PRODUCT, "lost") is None


async def test_a_workflow_learns_which_of_its_effects_had_begun(database: Database) -> None:
    await BegunCalls(database).note("po:7f3k2a9d01:so:1:internet", "7f3k2a9d01:1:internet/record")
    assert await perform(records(database).begun_calls, "po:7f3k2a9d01:so:1:internet") == [
        "7f3k2a9d01:1:internet/record"
    ]
    assert await perform(records(database).begun_calls, "po:7f3k2a9d01") == []


async def test_items_are_named_by_what_they_order(catalogs: CatalogSet, database: Database) -> None:
    await accept(database, example("fibre-bundle"))
    names = await perform(records(database).item_names, "7f3k2a9d01")
    order = ProductOrder.model_validate(example("fibre-bundle"))
    assert names == {item.id: item.subject() for item, _, _ in order.items()}
    assert all(names.values())


async def test_service_and_resource_orders_get_their_plans_and_their_places_in_the_store(
    catalogs: CatalogSet, stocked: DownstreamSystem, database: Database
) -> None:
    key = await planned(catalogs, stocked, database)
    opened = OpenOrder(
        order_id=f"7f3k2a9d01:{key}",
        parent_id="7f3k2a9d01",
        root_id="7f3k2a9d01",
        revision=1,
        service_order=key,
        order_date=WHEN,
    )
    plan = await perform(records(database).open_service_order, opened)
    assert plan.key == key
    document = await OrderStore(database).get(OrderKind.SERVICE, opened.order_id)
    assert document is not None
    assert [item["id"] for item in document["serviceOrderItem"]] == [item.key for item in plan.items]
    item = next(item for item in plan.items if item.resources)
    below = OpenResourceOrder(
        **{
            **opened.model_dump(by_alias=False),
            "order_id": f"{opened.order_id}:{item.key}",
            "parent_id": opened.order_id,
        },
        item=item.key,
    )
    resources = await perform(records(database).open_resource_order, below)
    assert resources.resources == item.resources
    for _ in range(2):
        await perform(records(database).open_resource_order, below)
    assert await OrderStore(database).children(OrderKind.RESOURCE, opened.order_id) == [below.order_id]


async def test_an_undo_is_opened_with_the_plan_taken_the_other_way(
    catalogs: CatalogSet, stocked: DownstreamSystem, database: Database
) -> None:
    key = await planned(catalogs, stocked, database)
    plan = await PlanStore(database).service_order("7f3k2a9d01", 1, key)
    done = ServiceOrderOutcome(
        services={
            item.key: RealisedService(
                id=f"s-{item.key}",
                resources={
                    each.key: AssignedResource(id=f"r-{each.key}", value=f"v-{each.key}") for each in item.resources
                },
            )
            for item in plan.items
        }
    )
    opened = OpenOrder(
        order_id=f"7f3k2a9d01:{key}:undo",
        parent_id="7f3k2a9d01",
        root_id="7f3k2a9d01",
        revision=1,
        service_order=key,
        order_date=WHEN,
        undo=done,
    )
    undo = await perform(records(database).open_service_order, opened)
    assert {item.service_id for item in undo.items} == {f"s-{item.key}" for item in plan.items}
    assert {item.action for item in undo.items} == {"delete"}
    item = next(item for item in plan.items if len(item.resources) > 1)
    part = dict(list(done.services[item.key].resources.items())[:1])
    below = OpenResourceOrder(
        **{**opened.model_dump(by_alias=False, exclude={"undo"}), "order_id": f"{opened.order_id}:{item.key}"},
        item=item.key,
        undo_resources=part,
    )
    resources = await perform(records(database).open_resource_order, below)
    assert [(each.action, each.resource_id) for each in resources.resources] == [
        ("delete", resource.id) for resource in part.values()
    ]


async def test_what_an_earlier_revision_did_is_changed_to_what_the_new_one_wants_and_back_again(
    catalogs: CatalogSet, stocked: DownstreamSystem, database: Database
) -> None:
    key = await planned(catalogs, stocked, database)
    old = await PlanStore(database).service_order("7f3k2a9d01", 1, key)
    document = example("mobile")
    (volume,) = [
        each
        for each in document["productOrderItem"][0]["product"]["productCharacteristic"]
        if each["name"] == "dataVolumeGb"
    ]
    volume["value"] = 50
    amended = await Planner(catalogs, stocked).plan(ProductOrder.model_validate(document), 2)
    assert amended.plan is not None
    await PlanStore(database).save(amended.plan)
    done = ServiceOrderOutcome(
        services={
            item.key: RealisedService(
                id=f"s-{item.key}",
                characteristics=item.characteristics,
                resources={each.key: AssignedResource(id=f"r-{each.key}", value="v") for each in item.resources},
            )
            for item in old.items
        }
    )
    opened = OpenOrder(
        order_id=f"7f3k2a9d01:{key}:r2",
        parent_id="7f3k2a9d01",
        root_id="7f3k2a9d01",
        revision=2,
        service_order=key,
        order_date=WHEN,
        redo=Redo(revision=1, done=done),
    )
    change = await perform(records(database).open_service_order, opened)
    assert change.action == "modify"
    assert {item.service_id for item in change.items} <= {f"s-{item.key}" for item in old.items}
    changed = [item for item in change.items if item.action == "modify"]
    volumes = {(item.previous.get("dataVolumeGb"), item.characteristics.get("dataVolumeGb")) for item in changed}
    assert (20, 50) in volumes

    undo = opened.model_copy(update={"order_id": f"{opened.order_id}:undo", "undo": done})
    back = await perform(records(database).open_service_order, undo)
    assert [item.action for item in back.items if item.key == changed[0].key] == ["modify"]
    assert 20 in {item.characteristics.get("dataVolumeGb") for item in back.items}


async def test_a_service_order_that_cannot_be_changed_in_place_is_final(
    catalogs: CatalogSet, stocked: DownstreamSystem, database: Database
) -> None:
    key = await planned(catalogs, stocked, database)
    plan = await PlanStore(database).load("7f3k2a9d01", 1)
    assert plan is not None
    others = [each.model_copy(update={"customer_id": "another"}) for each in plan.service_orders]
    await PlanStore(database).save(plan.model_copy(update={"revision": 2, "service_orders": others}))
    opened = OpenOrder(
        order_id=f"7f3k2a9d01:{key}:r2",
        parent_id="7f3k2a9d01",
        root_id="7f3k2a9d01",
        revision=2,
        service_order=key,
        order_date=WHEN,
        redo=Redo(revision=1, done=ServiceOrderOutcome()),
    )
    with pytest.raises(ApplicationError, match="cannot be changed in place") as caught:
        await perform(records(database).open_service_order, opened)
    assert (caught.value.type, caught.value.non_retryable) == ("NotChangeable", True)


async def test_the_graph_of_a_plan_is_loaded_alone(
    catalogs: CatalogSet, stocked: DownstreamSystem, database: Database
) -> None:
    await planned(catalogs, stocked, database)
    plan = await PlanStore(database).load("7f3k2a9d01", 1)
    assert plan is not None
    request = LoadGraph(order_id="7f3k2a9d01", revision=1)
    assert await perform(records(database).load_graph, request) == plan.graph()


async def test_a_product_is_loaded_as_it_was_planned(
    catalogs: CatalogSet, stocked: DownstreamSystem, database: Database
) -> None:
    await planned(catalogs, stocked, database)
    plan = await PlanStore(database).load("7f3k2a9d01", 1)
    assert plan is not None
    for product in plan.products:
        request = LoadProduct(order_id="7f3k2a9d01", revision=1, key=product.key)
        assert await perform(records(database).load_product, request) == product


async def test_a_late_record_does_not_take_an_order_back(database: Database) -> None:
    await accept(database, example("mobile"))
    changes = [
        OrderChange(kind=OrderKind.PRODUCT, order_id="7f3k2a9d01", version=version, state=state)
        for version, state in ((2, OrderState.COMPLETED), (1, OrderState.IN_PROGRESS), (2, OrderState.HELD))
    ]
    for change in changes:
        await perform(records(database).record, [change])
    document = await OrderStore(database).get(OrderKind.PRODUCT, "7f3k2a9d01")
    assert document is not None
    assert document["state"] == "completed"
