"""What orders, workflows and systems do not agree about is found, mended where that is safe, and told to operators."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, delete, insert, select
from temporalio.client import WorkflowFailureError

from orders.lifecycle.change import OrderChange
from orders.lifecycle.states import OrderKind, OrderState
from store.begun_calls import BegunCalls
from store.orders import AcceptedOrder
from store.posted_orders import PostedOrders
from store.resource_locks import ResourceLocks
from store.sql.tables import orders
from tests.reconciliation.conftest import differences, reconcile
from tests.stage import Stage, customer_of, eventually, example, outage, stalled
from workflows.contracts.ids import root_workflow
from workflows.reconciliation import NAME, ReconciliationInput

pytestmark = pytest.mark.anyio

RESERVATION = "/tmf-api/resourcePoolManagement/v4/reservation"
SERVICE = "/tmf-api/serviceInventory/v4/service"
PRODUCT = "/tmf-api/productInventory/v4/product"
CONFIGURED = "/tmf-api/ServiceActivationAndConfiguration/v4/service"
CHARGE = "/billing/v1/charge"
DATE = "2026-03-01T10:00:00.000Z"


def mobile() -> dict[str, Any]:
    document = example("mobile")
    customer_of(document)
    return document


async def made(stage: Stage, path: str, body: dict[str, Any], key: str) -> dict[str, Any]:
    answer = await {CONFIGURED: stage.activation, CHARGE: stage.billing}.get(path, stage.inventory).post(
        path, json=body, headers={"Idempotency-Key": key}
    )
    assert answer.is_success, answer.text
    document: dict[str, Any] = answer.json()
    return document


async def test_where_all_agrees_nothing_is_found(stage: Stage) -> None:
    order_id = await stage.submit(mobile())
    assert (await stage.ended(order_id))["state"] == "completed"
    found = await reconcile(stage)
    assert found["state"] == "done"
    assert set(found["sections"]) == {"orders", "locks", "reservations", "services", "network", "billing"}
    assert found["sections"]["services"]["lookedAt"] > 0
    assert found["sections"]["billing"]["lookedAt"] > 1
    assert await differences(stage) == {}
    assert (await stage.gateway.get("/recovery/v1/reconciliation")).json()[0]["id"] == found["id"]


async def test_an_order_whose_workflow_was_terminated_is_found_and_can_be_closed(stage: Stage) -> None:
    with stalled(stage.activation, "po:"):
        order_id = await stage.submit(mobile())
        await stage.until(lambda document: document["state"] == "inProgress", order_id)
        running = f"/recovery/v1/order/{order_id}/close"
        refused = await stage.gateway.post(running)
        assert (refused.status_code, "cancel the order instead" in refused.text) == (409, True)
        await stage.client.get_workflow_handle(root_workflow(order_id)).terminate()
        await eventually(stage.orphans.sweep)
    await nothing_runs_below(stage, order_id)
    await reconcile(stage, mend=True)
    found = (await differences(stage))[f"terminatedOrder {order_id}"]
    assert f"--close {order_id}" in found["advice"]
    stuck = (await stage.gateway.get("/fallout/v1/stuck")).json()
    assert found in stuck

    closed = await stage.gateway.post(running, json={"reason": "undone by hand", "author": "ada"})
    assert closed.status_code == 200, closed.text
    document = closed.json()
    assert (document["state"], document["productOrderItem"][0]["state"]) == ("failed", "failed")
    assert "closed by ada: undone by hand" in document["productOrderErrorMessage"][0]["reason"]
    assert document["residue"][0]["target"] == f"workflow {root_workflow(order_id)}"
    assert (await stage.gateway.post(running)).status_code == 409
    assert (await stage.gateway.post("/recovery/v1/order/unknown/close")).status_code == 404
    await reconcile(stage)
    assert await differences(stage) == {}


async def nothing_runs_below(stage: Stage, order_id: str) -> None:
    below = f"WorkflowId STARTS_WITH '{root_workflow(order_id)}:' AND ExecutionStatus = 'Running'"

    async def ended() -> bool:
        return (await stage.client.count_workflows(below)).count == 0

    await eventually(ended)


async def test_documents_that_differ_from_their_workflows_are_brought_to_where_those_are(stage: Stage) -> None:
    with stalled(stage.activation, "po:"):
        runs = await stage.submit(mobile())
        await stage.until(lambda document: document["state"] == "inProgress", runs)
        over = await stage.submit(mobile())
        items = {"1": {"state": "completed"}}
        ended = {"version": 1000, "state": OrderState.COMPLETED, "items": items, "attributes": {"completionDate": DATE}}
        await stage.orders.record([OrderChange(kind=OrderKind.PRODUCT, order_id=runs, **ended)])
        await reconcile(stage)
        assert list(await differences(stage)) == [f"outdatedDocument {runs}"]
        await mended(stage)
        document = await stage.order(runs)
        assert (document["state"], document["productOrderItem"][0]["state"]) == ("inProgress", "inProgress")
        assert "completionDate" not in document
    assert (await stage.ended(runs))["state"] == "completed", "it follows its workflow from there on"
    assert (await stage.ended(over))["state"] == "completed"

    behind = OrderChange(
        kind=OrderKind.PRODUCT,
        order_id=over,
        version=1,
        state=OrderState.IN_PROGRESS,
        attributes={"completionDate": None},
        items={"1": {"state": "inProgress"}},
    )
    await PostedOrders(stage.orders._database).follow(behind)
    await reconcile(stage)
    assert list(await differences(stage)) == [f"unrecordedEnd {over}"]
    await mended(stage)
    document = await stage.order(over)
    assert (document["state"], document["productOrderItem"][0]["state"]) == ("completed", "completed")
    assert "completionDate" in document
    assert await differences(stage) == {}


async def test_an_order_that_lost_its_workflow_is_started_again_where_it_has_had_no_effect(stage: Stage) -> None:
    lost = await accepted_and_lost(stage, "lost000001")
    touched = await accepted_and_lost(stage, "lost000002")
    await BegunCalls(stage.orders._database).note(f"po:{touched}:so:1:mobile", "a key")
    await reconcile(stage)
    assert sorted(await differences(stage)) == [f"lostOrder {lost}", f"lostOrder {touched}"]
    found = await reconcile(stage, mend=True)
    assert found["sections"]["orders"]["what"] == [f"lostOrder {lost}"]
    assert list(await differences(stage)) == [f"lostOrder {touched}"]
    assert [each.id for each in await stage.orders.unstarted()] == [lost]
    assert await stage.app.state.gateway.starter.sweep() == 1
    assert (await stage.ended(lost))["state"] == "completed"
    assert (await stage.gateway.post(f"/recovery/v1/order/{touched}/close")).status_code == 200
    await reconcile(stage)
    assert await differences(stage) == {}


async def mended(stage: Stage) -> None:
    """Have all mended; a workflow that a busy machine keeps from answering in time is asked by the next one."""

    async def agrees() -> bool:
        await reconcile(stage, mend=True)
        return await differences(stage) == {}

    await eventually(agrees)


async def accepted_and_lost(stage: Stage, order_id: str) -> str:
    """Keep an order as one that was started, of which Temporal knows nothing."""
    document = {**mobile(), "id": order_id, "state": "acknowledged", "orderDate": DATE, "href": order_id}
    await stage.orders.accept(AcceptedOrder(OrderKind.PRODUCT, order_id, document, None, order_id))
    await stage.orders.mark_started([(OrderKind.PRODUCT, order_id)])
    return order_id


async def test_a_workflow_whose_order_the_store_does_not_have_is_found(stage: Stage) -> None:
    with stalled(stage.activation, "po:"):
        order_id = await stage.submit(mobile())
        await stage.until(lambda document: document["state"] == "inProgress", order_id)
        await stage.found(f"WorkflowId = '{root_workflow(order_id)}'", root_workflow(order_id))
        kept = await gone_from_the_store(stage, order_id)
        await reconcile(stage, mend=True)
        assert f"unknownOrder {order_id}" in await differences(stage)
        await stage.orders._database.write(lambda connection: connection.execute(insert(orders).values(**kept)))
    await stage.ended(order_id)
    await reconcile(stage)
    assert await differences(stage) == {}


async def gone_from_the_store(stage: Stage, order_id: str) -> dict[str, Any]:
    """Take an order's row away, and return it."""
    this = orders.c.id == order_id

    def gone(connection: Connection) -> dict[str, Any]:
        row = dict(connection.execute(select(orders).where(this)).one()._mapping)
        connection.execute(delete(orders).where(this))
        return row

    return await stage.orders._database.write(gone)


async def test_leaked_reservations_are_given_back_and_those_in_use_are_not(stage: Stage) -> None:
    order_id = (await stage.done(mobile()))["id"]
    before = await stage.audit()
    wish = {"resourceSpecification": {"id": "msisdn"}, "requestedBy": f"po:{order_id}:so:9:x:ro:y/msisdn/reserve/add/1"}
    unknown = {**wish, "requestedBy": "po:nobodyknows:so:9:x:ro:y/msisdn/reserve/add/1"}
    foreign = {**wish, "requestedBy": "another system"}
    leaked, of_nobody, others = [
        (await made(stage, RESERVATION, each, str(each["requestedBy"])))["id"] for each in (wish, unknown, foreign)
    ]
    await reconcile(stage)
    assert sorted(await differences(stage)) == sorted(f"leakedReservation {each}" for each in (leaked, of_nobody))
    found = await reconcile(stage, mend=True)
    assert found["sections"]["reservations"]["mended"] == 1
    assert list(await differences(stage)) == [f"leakedReservation {of_nobody}"]
    for each in (of_nobody, others):
        await stage.inventory.delete(f"{RESERVATION}/{each}", headers={"Idempotency-Key": each})
    assert await stage.audit() == before
    await reconcile(stage)
    assert await differences(stage) == {}


async def test_services_of_undone_and_unknown_orders_are_found_and_left_to_people(stage: Stage) -> None:
    await stage.fault(stage.activation, match={"specification": "cfs-mobile"}, kind="permanent")
    failed = (await stage.done(mobile()))["id"]
    await stage.heal()
    left = await service_of(stage, f"{failed}:1:mobile")
    unknown = await service_of(stage, "nobodyknows:1:mobile")
    foreign = await service_of(stage, "INC-4711")
    await reconcile(stage, mend=True)
    assert sorted(await differences(stage)) == [f"leftService {left}", f"unknownService {unknown}"]
    for each in (left, unknown, foreign):
        assert (await stage.inventory.delete(f"{SERVICE}/{each}", headers={"Idempotency-Key": each})).is_success
    await reconcile(stage)
    assert await differences(stage) == {}


async def service_of(stage: Stage, service_order: str) -> str:
    """Record an active service that a service order has made."""
    body = {
        "name": "mobile",
        "state": "active",
        "serviceSpecification": {"id": "rfs-mobile-number"},
        "serviceOrderItem": [{"serviceOrderId": service_order, "itemId": "mobile"}],
    }
    return str((await made(stage, SERVICE, body, service_order))["id"])


async def test_what_is_active_in_inventory_or_in_the_network_alone_is_found(stage: Stage) -> None:
    order_id = (await stage.done(mobile()))["id"]
    [cfs] = [
        each["id"] for each in await services_of(stage, order_id) if each["serviceSpecification"]["id"] == "cfs-mobile"
    ]
    body = {"id": "nobodys", "state": "active", "serviceSpecification": {"id": "cfs-mobile"}}
    await made(stage, CONFIGURED, body, "nobodys")
    configured = (await stage.activation.get(f"{CONFIGURED}/{cfs}")).json()
    await stage.activation.delete(f"{CONFIGURED}/{cfs}", headers={"Idempotency-Key": "by hand"})
    await reconcile(stage, mend=True)
    found = await differences(stage)
    assert sorted(found) == sorted(["notInInventory service:nobodys", f"notInNetwork service:{cfs}"])
    assert found[f"notInNetwork service:{cfs}"]["orderId"] == order_id

    await stage.activation.delete(f"{CONFIGURED}/nobodys", headers={"Idempotency-Key": "by hand too"})
    await made(stage, CONFIGURED, configured, "again by hand")
    await reconcile(stage)
    assert await differences(stage) == {}


async def services_of(stage: Stage, order_id: str) -> list[dict[str, Any]]:
    found = (await stage.inventory.get(SERVICE, params={"limit": "1000"})).json()
    return [each for each in found if each["serviceOrderItem"][0]["serviceOrderId"].startswith(order_id)]


async def test_charges_without_a_product_and_products_without_a_charge_are_found(stage: Stage) -> None:
    document = mobile()
    customer = customer_of(document)
    await stage.done(document)
    [product] = [each["id"] for each in await stage.products(customer) if each.get("productPrice")]
    [charge] = (await stage.billing.get(CHARGE, params={"product.id": product})).json()
    await stage.billing.delete(f"{CHARGE}/{charge['id']}", headers={"Idempotency-Key": charge["id"]})
    alone = await made(stage, CHARGE, {"product": {"id": "nobodys"}, "price": []}, "nobodys charge")
    await reconcile(stage, mend=True)
    assert sorted(await differences(stage)) == [
        f"chargeWithoutProduct {alone['id']}",
        f"productWithoutCharge {product}",
    ]
    await stage.billing.delete(f"{CHARGE}/{alone['id']}", headers={"Idempotency-Key": alone["id"]})
    await made(stage, CHARGE, {"product": {"id": product}, "price": []}, "by hand")
    await reconcile(stage)
    assert await differences(stage) == {}


async def test_what_an_order_is_at_work_on_is_no_difference(stage: Stage) -> None:
    """A product is recorded first, and charged for then."""
    with stalled(stage.billing, "po:"):
        order_id = await stage.submit(mobile())

        async def is_recorded() -> bool:
            active = (await stage.inventory.get(PRODUCT, params={"limit": "1000"})).json()
            return order_id in [each["productOrderItem"][0]["productOrderId"] for each in active]

        await eventually(is_recorded)
        await reconcile(stage)
        assert await differences(stage) == {}
    await stage.ended(order_id)


async def test_locks_of_orders_that_are_over_are_released(stage: Stage) -> None:
    order_id = (await stage.done(mobile()))["id"]
    locks = ResourceLocks(stage.orders._database)
    await locks.acquire(order_id, DATE, ["product:1"])
    await reconcile(stage)
    assert list(await differences(stage)) == [f"locksOfEnded {order_id}"]
    await reconcile(stage, mend=True)
    assert await locks.acquire("another", DATE, ["product:1"]) == []
    await locks.release("another")
    assert await differences(stage) == {}


async def test_a_system_that_is_away_leaves_the_rest_to_be_compared(stage: Stage) -> None:
    wish = ReconciliationInput(look_again_after=timedelta(milliseconds=1))
    with outage(stage.billing):
        found = await stage.client.execute_workflow(NAME, wish, id="reconciliation:away", task_queue=stage.queue)
    assert found["state"] == "incomplete"
    assert "billing gave no answer" in found["sections"]["billing"]["error"]
    assert found["sections"]["network"]["whole"]
    found = await reconcile(stage)
    assert found["sections"]["billing"]["lookedAt"] > 0


async def test_one_reconciliation_goes_on_at_a_time(stage: Stage) -> None:
    long = ReconciliationInput(look_again_after=timedelta(hours=1))
    alone = await made(stage, CHARGE, {"product": {"id": "nobodys"}, "price": []}, "another charge")
    first = await stage.client.start_workflow(NAME, long, id="reconciliation:first", task_queue=stage.queue)

    async def looks() -> bool:
        return "billing" in await first.query("progress")

    await eventually(looks)
    second = await stage.client.execute_workflow(NAME, long, id="reconciliation:second", task_queue=stage.queue)
    assert (second["state"], second["reason"]) == ("refused", "reconciliation:first goes on")
    await first.cancel()
    await stage.billing.delete(f"{CHARGE}/{alone['id']}", headers={"Idempotency-Key": alone["id"]})
    with pytest.raises(WorkflowFailureError):
        await first.result()
    found = await reconcile(stage)
    assert found["state"] == "done"
