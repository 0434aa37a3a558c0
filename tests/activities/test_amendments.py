"""Amendments: planned against what the order was planned against, checked as far as they differ, applied or refused."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from typing import Any

import pytest
from temporalio.exceptions import ApplicationError

from activities import planning as planning_of_orders
from activities.inventory import InventoryActivities, ReserveResource
from activities.planning import PlanRequest
from activities.product_records import RecordProduct
from application.http import DownstreamSystem
from catalogs.model.catalog_set import CatalogSet
from orders.change.comparison import Comparison
from orders.lifecycle.states import OrderState
from orders.model.product_orders import Action
from orders.model.revision import RevisionState
from orders.plan.parts import Demand
from store.plans import PlanStore
from store.resource_locks import ResourceLocks
from store.sql.database import Database
from tests.activities.amendment_bench import ORDER, Bench
from tests.application.conftest import accept, example, perform, planning

pytestmark = pytest.mark.anyio


@pytest.fixture
def bench(catalogs: CatalogSet, stocked: DownstreamSystem, database: Database) -> Bench:
    return Bench(catalogs, stocked, database)


def set_characteristic(item: dict[str, Any], name: str, value: Any) -> None:
    for each in item["product"]["productCharacteristic"]:
        if each["name"] == name:
            each["value"] = value


async def test_an_amendment_of_dates_leaves_the_plan_alone(bench: Bench) -> None:
    await bench.take("mobile", requestedStartDate="2026-07-01T00:00:00Z", description="soon")
    number = await bench.propose(requestedStartDate="2026-08-01T02:00:00+02:00", description=None, priority="0")
    amendment = await bench.plan(number)
    assert (amendment.graph, amendment.comparison, amendment.violations) == (None, {}, [])
    assert amendment.requested_start_date == datetime(2026, 8, 1, tzinfo=UTC)
    assert (amendment.requested_completion_date, amendment.priority) == (None, "0")
    assert set(amendment.attributes) == {"requestedStartDate", "description", "priority"}
    assert amendment.names == {"1": "Mobile Plan"}

    before = await bench.document()
    for _ in range(2):
        await bench.apply(number, 2, _1=OrderState.IN_PROGRESS)
    after = await bench.document()
    assert (after["requestedStartDate"], after["priority"]) == ("2026-08-01T02:00:00+02:00", "0")
    assert "description" not in after
    assert after["productOrderItem"] == before["productOrderItem"]
    assert (await bench.revision(number)).state == RevisionState.APPLIED
    plan = await PlanStore(bench.database).load(ORDER)
    assert plan is not None
    assert plan.revision == 1


CUSTOMER = {"id": "c-new", "role": "customer", "@referredType": "Customer"}


async def test_another_customer_or_account_without_items_is_planned_like_any_amendment(bench: Bench) -> None:
    await bench.take("mobile")
    account = await bench.plan(await bench.propose(billingAccount={"id": "acct-new"}))
    assert account.comparison == {"1:mobile": Comparison.SAME, "1": Comparison.MOVED}
    number = await bench.propose(relatedParty=[CUSTOMER], billingAccount={"id": "acct-new"})
    customer = await bench.plan(number)
    assert customer.comparison == account.comparison | {"1:mobile": Comparison.MOVED}
    assert (customer.customer, customer.violations) == ("c-new", [])
    plan = await PlanStore(bench.database).load(ORDER, number)
    assert plan is not None
    assert [(each.customer_id, each.billing_account) for each in plan.products] == [("c-new", "acct-new")]


async def test_what_leaves_the_plan_as_it_is_is_no_new_plan(bench: Bench) -> None:
    [customer] = (await bench.take("mobile"))["relatedParty"]
    parties = [customer, {"id": "s-1", "role": "seller", "@referredType": "Organization"}]
    for header in ({"relatedParty": parties}, {"category": "b2b", "externalId": "x-9", "description": "later"}):
        amendment = await bench.plan(await bench.propose(**header))
        assert (amendment.graph, amendment.violations) == (None, [])


@pytest.mark.parametrize("base", [None, 1])
async def test_an_amendment_to_two_customers_is_refused_with_the_reason(bench: Bench, base: int | None) -> None:
    await bench.take("mobile")
    two = [CUSTOMER, CUSTOMER | {"id": "c-newer"}]
    amendment = await bench.plan(await bench.propose(relatedParty=two), base)
    assert [(each.code, each.path) for each in amendment.violations] == [("customerAmbiguous", "relatedParty")]


async def test_what_is_somebody_elses_is_not_changed_for_another_customer(bench: Bench) -> None:
    await changing(bench)
    amendment = await bench.plan(await bench.propose(relatedParty=[CUSTOMER]))
    assert [each.code for each in amendment.violations] == ["productNotOfCustomer"]


async def test_only_what_is_new_or_different_is_not_the_same(bench: Bench) -> None:
    order = await bench.take("vpn-8-sites")
    (vpn,) = order["productOrderItem"]
    sites = vpn["productOrderItem"]
    sites.append(copy.deepcopy(sites[-1]) | {"id": "1.9"})
    sites[-1]["product"]["place"][0]["id"] = "SITE-9"
    set_characteristic(sites[-1], "siteName", "Branch 9")
    set_characteristic(sites[2], "bandwidth", 200)
    amendment = await bench.plan(await bench.propose(productOrderItem=[vpn]))
    assert amendment.violations == []
    assert amendment.graph is not None
    assert set(amendment.comparison) == {node.key for node in amendment.graph.nodes}
    items = {node.key: node.item_id for node in amendment.graph.nodes}
    touched = {items[key] for key, comparison in amendment.comparison.items() if comparison != Comparison.SAME}
    assert touched == {"1", "1.1", "1.9"}
    added = {items[key] for key, comparison in amendment.comparison.items() if comparison == Comparison.ADDED}
    assert added == {"1.9"}
    assert amendment.parents["1.9"] == "1"
    assert amendment.names["1.9"] == "VPN Spoke Site"


async def test_planning_an_amendment_again_gives_the_same_answer(bench: Bench) -> None:
    (item,) = (await bench.take("mobile"))["productOrderItem"]
    set_characteristic(item, "dataVolumeGb", 50)
    number = await bench.propose(productOrderItem=[item])
    first, again = await bench.plan(number), await bench.plan(number)
    assert again.model_copy(update={"planned_at": first.planned_at}) == first


async def test_nothing_of_the_order_changes_until_the_amendment_is_applied(bench: Bench) -> None:
    (item,) = (await bench.take("mobile"))["productOrderItem"]
    before = await bench.document()
    set_characteristic(item, "dataVolumeGb", 50)
    await bench.plan(await bench.propose(productOrderItem=[item]))
    assert await bench.document() == before
    plan = await PlanStore(bench.database).load(ORDER)
    assert plan is not None
    assert plan.revision == 1


async def test_the_new_version_is_written_with_its_prices_and_the_states_of_its_items(bench: Bench) -> None:
    order = await bench.take("vpn-8-sites")
    total = (await bench.document())["orderTotalPrice"]
    (vpn,) = order["productOrderItem"]
    gone = vpn["productOrderItem"].pop()
    number = await bench.propose(productOrderItem=[vpn], description="seven sites")
    await bench.plan(number)
    states = {"_1": OrderState.IN_PROGRESS, "_1_core": OrderState.COMPLETED}
    await bench.apply(number, 2, **states)
    after = await bench.document()
    await bench.apply(number, 2)
    assert await bench.document() == after
    assert (after["state"], after["description"]) == ("inProgress", "seven sites")
    (bundle,) = after["productOrderItem"]
    parts = {part["id"]: part for part in bundle["productOrderItem"]}
    assert gone["id"] not in parts
    assert (bundle["state"], parts["1.core"]["state"], parts["1.1"]["state"]) == (
        "inProgress",
        "completed",
        "acknowledged",
    )
    assert parts["1.1"]["itemPrice"]
    assert bundle["itemTotalPrice"] == after["orderTotalPrice"]
    assert after["orderTotalPrice"] != total
    plan = await PlanStore(bench.database).load(ORDER)
    assert plan is not None
    assert plan.revision == number
    assert (await bench.revision(number)).author == "ada"


async def test_what_the_order_has_already_is_not_asked_for_again(bench: Bench) -> None:
    (item,) = (await bench.take("mobile"))["productOrderItem"]
    number = next(each["value"] for each in item["product"]["productCharacteristic"] if each["name"] == "msisdn")
    reserve = ReserveResource(key="of the order", specification="msisdn", demand=Demand(value=number))
    await perform(InventoryActivities(bench.inventory).reserve_resource, reserve)
    set_characteristic(item, "roaming", "eu")
    assert (await bench.plan(await bench.propose(productOrderItem=[item]))).violations == []

    set_characteristic(item, "msisdn", "+4915020100778")
    taken = ReserveResource(key="another's", specification="msisdn", demand=Demand(value="+4915020100778"))
    await perform(InventoryActivities(bench.inventory).reserve_resource, taken)
    amendment = await bench.plan(await bench.propose(productOrderItem=[item]))
    assert [(each.code, each.item_id) for each in amendment.violations] == [("noCapacity", "1")]
    assert amendment.graph is None


async def test_a_version_that_makes_no_sense_has_every_reason(bench: Bench) -> None:
    await bench.take("mobile")
    items = [{"id": "1", "action": "add", "productOffering": {"id": "no-such-offering"}}, {"id": "2", "action": "add"}]
    number = await bench.propose(productOrderItem=items)
    amendment = await bench.plan(number)
    assert {violation.item_id for violation in amendment.violations} == {"1", "2"}
    assert amendment.graph is None
    assert await PlanStore(bench.database).load(ORDER, number) is None


async def changing(bench: Bench) -> str:
    """Take an order that changes an installed product, which inventory then has as changed; return the product's id."""
    product_id, _ = await bench.install()
    await bench.take("mobile", productOrderItem=[modification(product_id, 50)])
    plan = await PlanStore(bench.database).load(ORDER)
    assert plan is not None
    record = RecordProduct(key="k", order_id=ORDER, product=plan.products[0])
    await perform(InventoryActivities(bench.inventory).record_product, record)
    return product_id


def modification(product_id: str, volume: int, item_id: str = "1") -> dict[str, Any]:
    characteristics = [{"name": "dataVolumeGb", "value": volume}]
    product = {"id": product_id, "productCharacteristic": characteristics}
    return {"id": item_id, "action": "modify", "product": product}


async def test_an_amendment_is_planned_against_what_there_was_before_the_order(bench: Bench) -> None:
    product_id = await changing(bench)
    number = await bench.propose(productOrderItem=[modification(product_id, 5)])
    assert (await bench.plan(number)).violations == []
    plans = [await PlanStore(bench.database).load(ORDER, each) for each in (1, number)]
    first, amended = (plan.products[0] for plan in plans if plan)
    assert amended.record == first.record
    assert (first.previous["dataVolumeGb"], first.characteristics["dataVolumeGb"]) == (20, 50)
    assert (amended.previous["dataVolumeGb"], amended.characteristics["dataVolumeGb"]) == (20, 5)
    assert await PlanStore(bench.database).installed(ORDER, number) == await PlanStore(bench.database).installed(ORDER)


async def test_a_product_that_only_the_amendment_names_is_read_from_inventory_with_its_services(bench: Bench) -> None:
    product_id, service_id = await bench.install()
    (item,) = (await bench.take("mobile"))["productOrderItem"]
    noted = await PlanStore(bench.database).installed(ORDER)
    assert noted is not None
    assert (noted.products[product_id].services, noted.products[product_id].record) == ([], {})

    gone = {"id": "2", "action": "delete", "product": {"id": product_id}}
    number = await bench.propose(productOrderItem=[item, gone])
    amendment = await bench.plan(number)
    assert amendment.violations == []
    plan = await PlanStore(bench.database).load(ORDER, number)
    assert plan is not None
    ended = next(each for each in plan.service_orders if each.item_id == "2")
    assert (ended.action, ended.customer_facing_item().service_id) == (Action.DELETE, service_id)


async def test_what_another_order_changes_cannot_be_amended_into_this_one_before_that_has_ended(bench: Bench) -> None:
    product_id, _ = await bench.install()
    (item,) = (await bench.take("mobile"))["productOrderItem"]
    locks = ResourceLocks(bench.database)
    await locks.acquire("other", "2026-06-01T11:00:00.000Z", [f"product:{product_id}"])
    gone = {"id": "2", "action": "delete", "product": {"id": product_id}}
    amendment = await bench.plan(await bench.propose(productOrderItem=[item, gone]))
    assert [each.code for each in amendment.violations] == ["changedByAnotherOrder"]
    assert "order other must end first" in amendment.violations[0].message
    assert await locks.release("other") == []
    assert (await bench.plan(await bench.propose(productOrderItem=[item, gone]))).violations == []


async def test_a_refused_amendment_changes_nothing_and_keeps_nothing_from_others(bench: Bench) -> None:
    product_id, _ = await bench.install()
    (item,) = (await bench.take("mobile"))["productOrderItem"]
    before = await bench.document()
    gone = {"id": "2", "action": "delete", "product": {"id": product_id}}
    number = await bench.propose(productOrderItem=[item, gone])
    await bench.plan(number)
    locks = ResourceLocks(bench.database)
    assert await locks.acquire("other", "2026-06-01T11:00:00.000Z", [f"product:{product_id}"]) == [ORDER]
    for _ in range(2):
        await bench.refuse(number)
    assert await locks.acquire("other", "2026-06-01T11:00:00.000Z", [f"product:{product_id}"]) == []
    number_wanted = "resource:msisdn:+4915020100777"
    assert await locks.acquire("third", "2026-06-01T12:00:00.000Z", [number_wanted]) == [ORDER]
    assert await bench.document() == before
    refused = await bench.revision(number)
    assert refused.state == RevisionState.REFUSED
    assert refused.refusals[0].reason == "activate Mobile has begun"
    assert len(refused.document["productOrderItem"]) == 2
    plan = await PlanStore(bench.database).load(ORDER)
    assert plan is not None
    assert plan.revision == 1


async def test_an_order_without_a_plan_is_amended_as_it_stands_once_that_makes_sense(bench: Bench) -> None:
    document = example("mobile")
    await accept(bench.database, document)
    (item,) = copy.deepcopy(document["productOrderItem"])
    wrong = await bench.plan(await bench.propose(productOrderItem=[{"id": "1", "action": "add"}]), base=None)
    assert wrong.violations
    set_characteristic(item, "dataVolumeGb", 50)
    number = await bench.propose(productOrderItem=[item, {**item, "id": "2"}])
    right = await bench.plan(number, base=None)
    assert (right.violations, right.graph, set(right.names)) == ([], None, {"1", "2"})
    await bench.apply(number, 1)
    request = PlanRequest(order_id=ORDER, revision=number, version=2)
    await perform(planning(bench.catalogs, bench.inventory, bench.database).plan_order, request)
    graph = await PlanStore(bench.database).graph(ORDER, number)
    assert {node.item_id for node in graph.nodes if node.item_id} == {"1", "2"}


async def test_what_the_store_does_not_have_is_final(bench: Bench) -> None:
    await accept(bench.database, example("mobile"))
    with pytest.raises(ApplicationError, match=f"order {ORDER} has no revision 7") as revision:
        await bench.plan(7)
    number = await bench.propose(productOrderItem=example("mobile")["productOrderItem"])
    with pytest.raises(ApplicationError, match="no plan of order 7f3k2a9d01, revision 1") as plan:
        await bench.plan(number, base=1)
    assert revision.value.non_retryable
    assert plan.value.non_retryable


async def test_a_version_that_comes_down_to_more_than_the_engine_takes_is_refused_with_that(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = await bench.take("mobile")
    set_characteristic(document["productOrderItem"][0], "dataVolumeGb", 5)
    number = await bench.propose(productOrderItem=document["productOrderItem"])
    monkeypatch.setattr(planning_of_orders, "LARGEST_ANSWER", 500)
    amendment = await bench.plan(number)
    assert [each.code for each in amendment.violations] == ["orderTooLarge"]
    assert (amendment.graph, amendment.comparison) == (None, {})


async def test_what_an_amendment_sets_stays_in_the_store_but_for_what_the_order_goes_by(bench: Bench) -> None:
    await bench.take("mobile")
    number = await bench.propose(description="x" * 3_000_000, category="x" * 3_000_000, scheduling="asLateAsPossible")
    amendment = await bench.plan(number)
    assert amendment.attributes == {"description": None, "category": None, "scheduling": "asLateAsPossible"}
    assert len(amendment.model_dump_json()) < 10_000
