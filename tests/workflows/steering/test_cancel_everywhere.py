"""A cancellation at the boundary of every step: wherever it comes, nothing is left of the order in any system.

The boundaries are not chosen by hand. An order that nobody disturbs shows them: each effect that it has in a system is
one, by its idempotency key. Then for each of them an order of its own is cancelled in the moment in which just that
effect is done and the order does not know it yet. An ordinary run takes some boundaries, evenly spread, a thorough one
takes them all.
"""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any

import httpx2
import pytest
from temporalio.client import WorkflowFailureError

from tests.stage import Stage, customer_of, example
from tests.thorough import chosen
from workflows.contracts import ids

pytestmark = [pytest.mark.anyio, pytest.mark.long]

CANCELLATION = "/tmf-api/productOrderingManagement/v4/cancelProductOrder"
RESOURCE = "/tmf-api/resourceInventoryManagement/v4/resource"
RESERVATION = "/tmf-api/resourcePoolManagement/v4/reservation"
SUBSCRIPTION = "iptv-subscription"
AT_ONCE = 4
LONGEST_SECONDS = 100
SOME = 3
"""How many boundaries of an order an ordinary run takes."""
ACCEPTED = "accepted"
"""The boundary before the first effect: the order has just been accepted."""

_ORDER = re.compile(r"po:(?P<id>[^:/]+)")


class Watch:
    """Cancels orders when the effect is done that each is to be cancelled at; an effect waits until that is known."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.seen: dict[str, list[str]] = defaultdict(list)
        """Order → the boundaries it has come to, in the order in which it did."""
        self.cancellations: dict[str, str] = {}
        """Order → the cancellation that was asked for."""
        self._at: dict[str, asyncio.Future[str | None]] = defaultdict(asyncio.Future)

    def cancel_at(self, order_id: str, boundary: str | None) -> None:
        """Say at which boundary an order is to be cancelled; None for never."""
        self._at[order_id].set_result(boundary)

    async def done(self, key: str) -> None:
        """Take note that an effect is done, by its idempotency key."""
        order_id, boundary = boundary_of(key)
        at = await asyncio.shield(self._at[order_id])
        self.seen[order_id].append(boundary)
        if boundary == at and order_id not in self.cancellations:
            await self.cancel(order_id)

    async def cancel(self, order_id: str) -> None:
        answer = await self.stage.gateway.post(CANCELLATION, json={"productOrder": {"id": order_id}})
        assert answer.status_code == 201, answer.text
        self.cancellations[order_id] = answer.json()["id"]


class _Watched(httpx2.AsyncBaseTransport):
    """Tells a watch of each request that has had an effect, before the answer goes back."""

    def __init__(self, system: httpx2.AsyncBaseTransport, watch: Watch) -> None:
        self._system = system
        self._watch = watch

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        response = await self._system.handle_async_request(request)
        key = request.headers.get("Idempotency-Key")
        if key is not None and response.is_success:
            await self._watch.done(key)
        return response


@contextmanager
def watched(stage: Stage) -> Iterator[Watch]:
    """Watch all systems for a while."""
    watch, systems = Watch(stage), (stage.inventory, stage.activation, stage.billing)
    transports = [system._transport for system in systems]
    for system in systems:
        system._transport = _Watched(system._transport, watch)
    try:
        yield watch
    finally:
        for system, transport in zip(systems, transports, strict=True):
            system._transport = transport


@asynccontextmanager
async def tv_by_callback(stage: Stage) -> AsyncIterator[None]:
    """Let the activation of TV be accepted first, and completed a little later, by callback."""
    later = {"specifications": {"cfs-iptv": {"mode": "async", "latencyMs": 50}}}
    assert (await stage.activation.post("/settings", json=later)).is_success
    try:
        yield
    finally:
        await stage.activation.post("/settings", json={"specifications": {}})


def boundary_of(key: str) -> tuple[str, str]:
    """Return the order that an idempotency key belongs to, and the key without it: the same for all such orders."""
    found = _ORDER.match(key)
    assert found, key
    return found["id"], key.replace(found["id"], "*", 1)


def fibre_bundle() -> dict[str, Any]:
    return example("fibre-bundle")


def small_vpn() -> dict[str, Any]:
    """Return an order of a VPN with a hub and one branch."""
    document = example("vpn-8-sites")
    vpn = document["productOrderItem"][0]
    vpn["productOrderItem"] = vpn["productOrderItem"][:3]
    return document


@pytest.mark.parametrize("document", [fibre_bundle, small_vpn], ids=["fibre-bundle", "vpn"])
async def test_a_cancellation_at_any_step_leaves_the_systems_as_they_were(
    stage: Stage, document: Callable[[], dict[str, Any]]
) -> None:
    async with tv_by_callback(stage):
        with watched(stage) as watch:
            undisturbed = await ended(watch, document(), None)
            assert (await stage.order(undisturbed))["state"] == "completed"
            await check_too_late(stage, undisturbed)
            steps = watch.seen[undisturbed]
            assert sorted(steps) == sorted(await logged(stage, undisturbed))
            of_services = [step for step in steps if ":so:" in step]
            boundaries = chosen([ACCEPTED, *of_services], SOME)
            before = await held(stage)
            cancelled = await all_cancelled(watch, document, boundaries)
            after = await held(stage)
            for step in chosen([step for step in steps if step not in of_services], 2):
                await check_at_the_end(watch, document, step)

    wrong = [each for order_id, at in cancelled.items() if (each := await not_undone(watch, order_id, at))]
    assert wrong == []
    assert after == before, cancelled
    assert (await stage.audit())["consistent"]


async def check_at_the_end(watch: Watch, document: Callable[[], dict[str, Any]], step: str) -> None:
    """Check that a cancellation at a step of a product is in time, or refused: then all of the order stands.

    All services work by then, and the products may all be recorded and billed within one workflow task, the last one.
    """
    order_id = await ended(watch, document(), step)
    order = await watch.stage.order(order_id)
    assert order_id in watch.cancellations, f"never came to {step}: {order}"
    cancellation = (await watch.stage.gateway.get(f"{CANCELLATION}/{watch.cancellations[order_id]}")).json()
    told = (order["state"], cancellation["state"], order.get("residue"))
    assert told in (("cancelled", "done", None), ("completed", "terminatedWithError", None))
    if order["state"] == "completed":
        # A workflow task that is lost calls again by the same keys: the systems had each effect once.
        assert sorted(set(watch.seen[order_id])) == sorted(await logged(watch.stage, order_id))
        assert {item["state"] for item in order["productOrderItem"]} == {"completed"}


async def all_cancelled(
    watch: Watch, document: Callable[[], dict[str, Any]], boundaries: Sequence[str]
) -> dict[str, str]:
    """Cancel an order at each of the boundaries, some orders side by side; return where each was cancelled."""
    room = asyncio.Semaphore(AT_ONCE)

    async def one(boundary: str) -> str:
        async with room:
            return await ended(watch, document(), boundary)

    orders = await asyncio.gather(*map(one, boundaries))
    return dict(zip(orders, boundaries, strict=True))


async def ended(watch: Watch, document: dict[str, Any], boundary: str | None) -> str:
    """Place an order for a customer of its own, cancel it at a boundary, and return its id once it has ended."""
    customer_of(document)
    order_id = await watch.stage.submit(document)
    if boundary == ACCEPTED:
        await watch.cancel(order_id)
    watch.cancel_at(order_id, boundary)
    # What is wrong with an order that failed, or that did not end, is on the order.
    with suppress(WorkflowFailureError, TimeoutError):
        async with asyncio.timeout(LONGEST_SECONDS):
            await watch.stage.client.get_workflow_handle(ids.root_workflow(order_id)).result()
    return order_id


async def not_undone(watch: Watch, order_id: str, boundary: str) -> str | None:
    """Return what is wrong with an order that was cancelled at a boundary."""
    order = await watch.stage.order(order_id)
    if boundary != ACCEPTED and boundary not in watch.seen[order_id]:
        return f"{order_id} never came to {boundary}: {order['state']}"
    cancellation = (await watch.stage.gateway.get(f"{CANCELLATION}/{watch.cancellations[order_id]}")).json()
    told = (order["state"], cancellation["state"], order.get("residue"))
    return None if told == ("cancelled", "done", None) else f"{order_id} at {boundary}: {told}"


async def check_too_late(stage: Stage, order_id: str) -> None:
    """Check that an order that has ended refuses to be cancelled, and stays as it is."""
    before = await stage.order(order_id), await held(stage)
    answer = await stage.gateway.post(CANCELLATION, json={"productOrder": {"id": order_id}})
    assert answer.status_code == 409
    assert (await stage.order(order_id), await held(stage)) == before


async def logged(stage: Stage, order_id: str) -> list[str]:
    """Return the boundaries that the systems' own logs know of an order."""
    systems = (stage.inventory, stage.activation, stage.billing)
    entries = [entry for system in systems for entry in await stage.log(system, order_id)]
    return [boundary_of(entry["key"])[1] for entry in entries if entry["outcome"] == "done"]


async def held(stage: Stage) -> dict[str, Any]:
    """Return all that the systems hold for anybody: resources, services and products, the network, and charges."""
    audits = [(await system.get("/audit")).json() for system in (stage.inventory, stage.activation, stage.billing)]
    return {name: value for audit in audits for name, value in audit.items()}


async def test_what_an_undo_gave_back_may_be_another_orders_at_once(stage: Stage) -> None:
    system = stage.inventory._transport
    taken: list[httpx2.Response] = []

    async def pass_on(request: httpx2.Request) -> httpx2.Response:
        answer = await system.handle_async_request(request)
        if request.method == "DELETE" and "/reservation/" in request.url.path:
            member = (await stage.inventory.get(f"{RESOURCE}/{request.url.path.rpartition('/')[2]}")).json()
            body = {"resourceSpecification": {"id": SUBSCRIPTION}, "value": member["value"], "requestedBy": "another"}
            if member["resourceSpecification"]["id"] == SUBSCRIPTION:
                taken.append(await stage.inventory.post(RESERVATION, json=body, headers={"Idempotency-Key": "another"}))
        return answer

    await stage.fault(stage.billing, match={"operation": "startCharge"}, kind="permanent")
    document = example("fibre-bundle")
    customer_of(document)
    stage.inventory._transport = httpx2.MockTransport(pass_on)
    try:
        order = await stage.done(document)
    finally:
        stage.inventory._transport = system

    assert [each.status_code for each in taken] == [201]
    assert (order["state"], order.get("residue")) == ("failed", None)
    gone = await stage.inventory.delete(f"{RESERVATION}/{taken[0].json()['id']}", headers={"Idempotency-Key": "gone"})
    assert gone.status_code == 204
