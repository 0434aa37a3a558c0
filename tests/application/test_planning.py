"""Planning: an order, what its customer has, and the catalogs make a priced order and its plan, or every reason not."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest
from temporalio.exceptions import ApplicationError

from activities import planning as planning_of_orders
from activities.feasibility import FeasibilityRequest, QualificationActivities
from activities.inventory import ChangeService, InventoryActivities
from activities.planning import PlanAnswer, PlanningActivities, PlanRequest, too_large
from application.bounded_planning import BoundedPlanning
from application.feasibility import FeasibilityCheck
from application.http import DownstreamError, DownstreamSystem
from application.planner import Planner
from catalogs.model.catalog_set import CatalogSet
from orders.bounds import OrderLimits
from orders.lifecycle.states import ITEM_LISTS, OrderKind
from orders.model.posted import paths_of, posted_order
from orders.model.product_orders import ProductOrder
from orders.plan.orchestration_plan import CatalogVersion, OrchestrationPlan
from orders.plan.plan_graph import NodeKind
from store.orders import OrderStore
from store.plans import PlanStore
from store.resource_locks import ResourceLocks
from store.sql.database import Database
from tests.application.conftest import accept, example, install_mobile, perform, planning, scripted

pytestmark = pytest.mark.anyio

PLAN = PlanRequest(order_id="7f3k2a9d01", revision=1, version=1)


async def test_an_order_is_planned_priced_and_its_plan_kept(
    catalogs: CatalogSet, stocked: DownstreamSystem, database: Database
) -> None:
    await accept(database, example("fibre-bundle"))
    answer = await perform(planning(catalogs, stocked, database).plan_order, PLAN)
    assert answer.violations == []
    kinds = [node.kind for node in answer.graph.nodes]
    assert NodeKind.SERVICE_ORDER in kinds
    assert NodeKind.DELIVERY in kinds
    assert answer.graph == await PlanStore(database).graph("7f3k2a9d01", 1)
    document = await OrderStore(database).get(OrderKind.PRODUCT, "7f3k2a9d01")
    assert document is not None
    assert document["orderTotalPrice"]
    assert document["state"] == "acknowledged"
    plan = await PlanStore(database).load("7f3k2a9d01", 1)
    assert plan is not None
    assert plan.catalog == catalogs.version


async def test_planning_again_gives_the_same_plan(
    catalogs: CatalogSet, stocked: DownstreamSystem, database: Database
) -> None:
    await accept(database, example("mobile"))
    first = await perform(planning(catalogs, stocked, database).plan_order, PLAN)
    again = await perform(planning(catalogs, stocked, database).plan_order, PLAN)
    assert again.model_copy(update={"planned_at": first.planned_at}) == first


async def test_an_order_that_cannot_be_planned_has_every_reason_and_no_plan(
    catalogs: CatalogSet, stocked: DownstreamSystem, database: Database
) -> None:
    items = [
        {"id": "1", "action": "add", "productOffering": {"id": "no-such-offering"}},
        {"id": "2", "action": "delete", "product": {"id": "not\nthere/at?all"}},
        {"id": "3", "action": "add"},
    ]
    await accept(database, example("mobile", productOrderItem=items))
    answer = await perform(planning(catalogs, stocked, database).plan_order, PLAN)
    assert {violation.item_id for violation in answer.violations} == {"1", "2", "3"}
    assert answer.graph.nodes == []
    assert await PlanStore(database).load("7f3k2a9d01") is None


async def test_an_order_that_the_store_does_not_have_is_final(
    catalogs: CatalogSet, stocked: DownstreamSystem, database: Database
) -> None:
    with pytest.raises(ApplicationError, match="order 7f3k2a9d01 is not in the order store") as caught:
        await perform(planning(catalogs, stocked, database).plan_order, PLAN)
    assert (caught.value.type, caught.value.non_retryable) == ("UnknownOrder", True)


async def test_planning_waits_for_an_inventory_that_is_away(catalogs: CatalogSet) -> None:
    system, _ = scripted(httpx2.ConnectError("connection refused"))
    order = ProductOrder.model_validate(example("mobile"))
    with pytest.raises(DownstreamError, match="gave no answer") as caught:
        await Planner(catalogs, system).plan(order)
    assert caught.value.retryable


async def test_the_plan_of_a_change_has_the_records_that_its_undo_gives_back(
    catalogs: CatalogSet, stocked: DownstreamSystem
) -> None:
    added = await Planner(catalogs, stocked).plan(ProductOrder.model_validate(example("mobile")))
    assert added.plan is not None
    assert [product.record for product in added.plan.products] == [{}]
    product_id, service_id = await install_mobile(stocked, added.plan.products[0])
    item = {"id": "1", "action": "delete", "product": {"id": product_id}}

    deleted = await Planner(catalogs, stocked).plan(
        ProductOrder.model_validate(example("mobile", productOrderItem=[item]))
    )

    assert deleted.plan is not None, deleted.violations
    (gone,) = deleted.plan.products
    assert (gone.product_id, gone.record["status"]) == (product_id, "active")
    assert gone.record["realizingService"] == [{"id": service_id, "name": "mobile"}]
    whole = deleted.plan.service_orders[0].customer_facing_item()
    assert (whole.service_id, whole.record["state"]) == (service_id, "active")
    assert [each.reserved_by for each in whole.resources] == ["reservation"]


async def test_an_order_is_planned_once_those_before_it_have_left_what_it_changes(
    catalogs: CatalogSet, stocked: DownstreamSystem, database: Database
) -> None:
    added = await Planner(catalogs, stocked).plan(ProductOrder.model_validate(example("mobile")))
    assert added.plan is not None
    product_id, service_id = await install_mobile(stocked, added.plan.products[0])
    item = {"id": "1", "action": "delete", "product": {"id": product_id}}
    await accept(database, example("mobile", productOrderItem=[item]))
    locks = ResourceLocks(database)
    await locks.acquire("first", "2026-05-01T10:00:00.000Z", [f"product:{product_id}"])
    waiting = await perform(planning(catalogs, stocked, database).plan_order, PLAN)
    assert (waiting.ahead, waiting.graph.nodes, waiting.violations) == (["first"], [], [])
    assert await PlanStore(database).load("7f3k2a9d01") is None

    left = ChangeService(key="left", service_id=service_id, state="active", characteristics={"left": "by the first"})
    await perform(InventoryActivities(stocked).change_service, left)
    assert await locks.release("first") == ["7f3k2a9d01"]
    answer = await perform(planning(catalogs, stocked, database).plan_order, PLAN)
    assert answer.ahead == []
    plan = await PlanStore(database).load("7f3k2a9d01")
    assert plan is not None
    assert plan.service_orders[0].customer_facing_item().previous == {"left": "by the first"}


async def test_a_number_that_another_order_gives_back_is_waited_for(
    catalogs: CatalogSet, stocked: DownstreamSystem, database: Database
) -> None:
    await accept(database, example("mobile"))
    locks = ResourceLocks(database)
    await locks.acquire("first", "2026-05-01T10:00:00.000Z", ["resource:msisdn:+4915020100777"])
    assert (await perform(planning(catalogs, stocked, database).plan_order, PLAN)).ahead == ["first"]
    await locks.release("first")
    assert (await perform(planning(catalogs, stocked, database).plan_order, PLAN)).ahead == []
    assert await locks.acquire("third", "2026-07-01T10:00:00.000Z", ["resource:msisdn:+4915020100777"]) == [
        "7f3k2a9d01"
    ]


async def test_the_plan_comes_with_what_the_order_asks_of_its_dates_and_how_its_items_nest(
    catalogs: CatalogSet, stocked: DownstreamSystem, database: Database
) -> None:
    wishes = {"requestedCompletionDate": "2026-09-01T00:00:00Z", "scheduling": "asLateAsPossible"}
    await accept(database, example("fibre-bundle", **wishes))
    await accept(database, example("mobile", id="other"))
    answer = await perform(planning(catalogs, stocked, database).plan_order, PLAN)
    assert answer.as_late_as_possible
    assert answer.requested_completion_date == datetime(2026, 9, 1, tzinfo=UTC)
    assert answer.parents["1.1"] == "1"
    other = await perform(
        planning(catalogs, stocked, database).plan_order, PlanRequest(order_id="other", revision=1, version=1)
    )
    assert (other.as_late_as_possible, other.requested_completion_date, other.parents) == (False, None, {})


async def test_planning_against_what_is_known_asks_inventory_nothing(
    catalogs: CatalogSet, stocked: DownstreamSystem
) -> None:
    order = ProductOrder.model_validate(example("mobile"))
    first = await Planner(catalogs, stocked).plan(order)
    away, script = scripted(httpx2.ConnectError("connection refused"))
    again = await Planner(catalogs, away).plan(order, 2, first.installed)
    assert again.plan is not None
    assert again.plan.revision == 2
    assert script.asked == []


async def test_an_order_without_a_plan_has_nothing_that_is_not_feasible(
    stocked: DownstreamSystem, database: Database
) -> None:
    activities = QualificationActivities(stocked, PlanStore(database), OrderStore(database))
    assert await perform(activities.check_feasibility, FeasibilityRequest(order_id="x", revision=1)) == []


async def test_the_shipped_examples_are_feasible_with_the_shipped_stock(
    catalogs: CatalogSet, stocked: DownstreamSystem, database: Database
) -> None:
    feasibility = FeasibilityCheck(stocked)
    for name in ("fibre-bundle", "mobile", "mobile-esim", "vpn-8-sites"):
        planned = await Planner(catalogs, stocked).plan(ProductOrder.model_validate(example(name)))
        assert planned.plan is not None, planned.violations
        assert await feasibility.infeasible(planned.plan, paths_of(planned.order)) == []


async def test_what_an_amendment_has_taken_out_since_is_not_asked_about(
    catalogs: CatalogSet, stocked: DownstreamSystem, database: Database
) -> None:
    nowhere = [{"id": "NOWHERE", "role": "installation"}]
    internet = {"productOffering": {"id": "fibre-internet"}, "product": {"place": nowhere}}
    document = example("mobile")
    [item] = document["productOrderItem"]
    planned = {**document, "productOrderItem": [{"id": "gone", "action": "add", **internet}, item]}
    order = ProductOrder.model_validate(planned)
    plan = (await Planner(catalogs, stocked).plan(order)).plan
    assert plan is not None
    assert await FeasibilityCheck(stocked).infeasible(plan, paths_of(order))

    await accept(database, document)
    await PlanStore(database).save(plan)
    activities = QualificationActivities(stocked, PlanStore(database), OrderStore(database))
    assert await perform(activities.check_feasibility, FeasibilityRequest(order_id=document["id"], revision=1)) == []


def test_what_the_engine_takes_is_counted_in_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = OrchestrationPlan(order_id="7f3k2a9d01", catalog=CatalogVersion(label="1", digest="d"))
    answer = PlanAnswer(names={}, parents={"光" * 100: "1"})
    monkeypatch.setattr(planning_of_orders, "LARGEST_ANSWER", len(answer.model_dump_json()))
    assert [each.code for each in too_large(answer, plan)] == ["orderTooLarge"]


async def test_an_order_that_comes_down_to_more_than_the_engine_takes_is_told_so_and_has_no_plan(
    catalogs: CatalogSet, stocked: DownstreamSystem, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await accept(database, example("fibre-bundle"))
    monkeypatch.setattr(planning_of_orders, "LARGEST_ANSWER", 500)
    answer = await perform(planning(catalogs, stocked, database).plan_order, PLAN)
    [violation] = answer.violations
    assert (violation.code, violation.path) == ("orderTooLarge", "productOrderItem")
    assert "make it several orders" in violation.message
    assert answer.graph.nodes == []
    assert await PlanStore(database).load("7f3k2a9d01", 1) is None


async def test_an_order_that_is_too_large_to_be_planned_is_rejected_and_not_tried_again(
    catalogs: CatalogSet, stocked: DownstreamSystem, database: Database
) -> None:
    await accept(database, example("fibre-bundle"))
    bounded = Planner(catalogs, stocked, BoundedPlanning(catalogs, OrderLimits(parts=20)))
    stores = OrderStore(database), PlanStore(database), ResourceLocks(database)
    answer = await perform(PlanningActivities(bounded, *stores).plan_order, PLAN)
    assert [(each.code, each.path) for each in answer.violations] == [("orderTooLarge", "productOrderItem")]
    assert await PlanStore(database).load("7f3k2a9d01", 1) is None


async def test_an_order_of_which_every_item_is_wrong_is_rejected_with_what_goes_through_temporal(
    catalogs: CatalogSet, stocked: DownstreamSystem, database: Database
) -> None:
    offering = {"id": "no-such-offering".ljust(1000, "光")}
    items = [{"id": f"{n}".ljust(90, "x"), "action": "add", "productOffering": offering} for n in range(5000)]
    await accept(database, example("mobile", productOrderItem=items))
    answer = await perform(planning(catalogs, stocked, database).plan_order, PLAN)
    assert answer.violations[0].path.startswith("productOrderItem[0]")
    assert "more reasons" in answer.violations[-1].message
    assert len(answer.names) == 5000
    assert len(answer.model_dump_json().encode()) < planning_of_orders.LARGEST_ANSWER


def broken(kind: OrderKind) -> dict[str, Any]:
    """Return an order of a kind whose first item breaks a rule of the catalogs, and whose second is not possible."""
    nowhere = [{"id": "NOWHERE", "role": "installation"}]
    party = [{"id": "c-1", "role": "customer"}]
    if kind == OrderKind.PRODUCT:
        internet = {"productOffering": {"id": "fibre-internet"}, "product": {"place": nowhere}}
        items = [{"id": "1", "action": "add"}, {"id": "2", "action": "add", **internet}]
    elif kind == OrderKind.SERVICE:
        speed = [{"name": name, "value": 100} for name in ("downloadSpeed", "uploadSpeed")]
        internet = {"serviceSpecification": {"id": "cfs-internet"}, "serviceCharacteristic": speed, "place": nowhere}
        items = [{"id": "1", "action": "add", "service": {}}, {"id": "2", "action": "add", "service": internet}]
    else:
        port = {"resourceSpecification": {"id": "gpon-port"}, "place": nowhere}
        items = [{"id": "1", "action": "add", "resource": {}}, {"id": "2", "action": "add", "resource": port}]
    return {"id": "o", "relatedParty": party, ITEM_LISTS[kind]: items}


@pytest.mark.parametrize(
    ("kind", "reasons"),
    [
        (
            OrderKind.PRODUCT,
            [
                ("offeringMissing", "productOrderItem[0].productOffering"),
                ("unknownPlace", "productOrderItem[1].product.place"),
            ],
        ),
        (
            OrderKind.SERVICE,
            [
                ("specificationMissing", "serviceOrderItem[0].service.serviceSpecification"),
                ("unknownPlace", "serviceOrderItem[1].service.place"),
            ],
        ),
        (
            OrderKind.RESOURCE,
            [
                ("specificationMissing", "orderItem[0].resource.resourceSpecification"),
                ("noCapacity", "orderItem[1].resource"),
            ],
        ),
    ],
)
async def test_what_breaks_a_rule_and_what_is_not_possible_are_told_at_once(
    stocked: DownstreamSystem, catalogs: CatalogSet, kind: OrderKind, reasons: list[tuple[str, str]]
) -> None:
    planned = await Planner(catalogs, stocked).plan(posted_order(kind, broken(kind)))
    assert planned.plan is None
    assert [(each.code, each.path) for each in planned.violations] == reasons


async def test_a_part_is_asked_for_where_its_bundle_is_while_another_part_is_broken(
    stocked: DownstreamSystem, catalogs: CatalogSet
) -> None:
    document = example("fibre-bundle")
    [bundle] = document["productOrderItem"]
    bundle["product"]["place"] = [{"id": "HAM-1", "role": "installation"}]
    paths = {}
    for index, part in enumerate(bundle["productOrderItem"]):
        part["product"].pop("place", None)
        paths[part["productOffering"]["id"]] = f"productOrderItem[0].productOrderItem[{index}].product"
    bundle["productOrderItem"][0]["product"]["productCharacteristic"] = [{"name": "speed", "value": 1}]
    planned = await Planner(catalogs, stocked).plan(ProductOrder.model_validate(document))
    told = {(each.code, each.path) for each in planned.violations}
    assert ("notFeasible", paths["home-tv"]) in told
    assert "unknownCharacteristic" in {code for code, _ in told}


async def test_a_preview_tells_what_is_not_possible_where_no_rule_is_broken(
    stocked: DownstreamSystem, catalogs: CatalogSet
) -> None:
    order = ProductOrder.model_validate(example("mobile"))
    assert (await Planner(catalogs, stocked).preview(order)).plan
    document = example("fibre-bundle")
    [bundle] = document["productOrderItem"]
    for item in (bundle, *bundle["productOrderItem"]):
        item["product"]["place"] = [{"id": "HAM-1", "role": "installation"}]
    planned = await Planner(catalogs, stocked).preview(ProductOrder.model_validate(document))
    assert planned.plan is None
    assert {each.code for each in planned.violations} == {"notFeasible"}
