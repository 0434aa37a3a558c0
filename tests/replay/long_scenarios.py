"""Orders whose workflows go on in further runs, each brought to its end by what a person or a system does."""

from __future__ import annotations

from copy import deepcopy

from tests.stage import Stage, customer_of, example, stalled
from workflows.contracts import ids

SHORT_RUNS = 60
"""Events, about, after which those whose names begin with `long` go on in a new run."""


async def long(stage: Stage) -> str:
    """A VPN of eight sites that goes on in new runs."""
    document = example("vpn-8-sites")
    customer_of(document)
    return str((await stage.done(document))["id"])


async def _in_the_middle(stage: Stage) -> str:
    """A VPN whose sites all have their access, but for one which is held up."""
    document = example("vpn-8-sites")
    customer_of(document)
    order_id = await stage.submit(document)
    await stage.reached(order_id, {f"1.{site}:access": "done" for site in ("hub", "1", "2", "3", "4", "5", "7")})
    return order_id


async def long_cancelled(stage: Stage) -> str:
    with stalled(stage.activation, ":so:1.6:access") as go_on:
        order_id = await _in_the_middle(stage)
        await stage.tell(ids.root_workflow(order_id), "cancel", reason="the customer has moved on")
        go_on.set()
        await stage.ended(order_id)
    return order_id


async def long_held(stage: Stage) -> str:
    with stalled(stage.activation, ":so:1.6:access") as go_on:
        order_id = await _in_the_middle(stage)
        await stage.tell(ids.root_workflow(order_id), "hold")
        go_on.set()
        await stage.tell(ids.root_workflow(order_id), "resume")
        await stage.ended(order_id)
    return order_id


async def long_amended(stage: Stage) -> str:
    """A VPN one site of which is moved in flight."""
    with stalled(stage.activation, ":so:1.6:access") as go_on:
        order_id = await _in_the_middle(stage)
        items = deepcopy((await stage.order(order_id))["productOrderItem"])
        site = next(each for each in items[0]["productOrderItem"] if each["id"] == "1.3")
        site["product"]["place"] = [{"id": "SITE-11", "role": "installationAddress"}]
        answer = await stage.amend(order_id, productOrderItem=items)
        if answer.status_code != 200:
            raise RuntimeError(answer.text)
        go_on.set()
        await stage.ended(order_id)
    return order_id


async def long_fallen_out(stage: Stage) -> str:
    """A VPN that one site's fallout holds up."""
    await stage.fault(
        stage.activation,
        match={"specification": "cfs-site-overlay", "operation": "activate"},
        kind="permanent",
        times=1,
    )
    document = example("vpn-8-sites")
    customer_of(document)
    order_id = await stage.submit(document)
    task = await stage.task(order_id)
    await stage.gateway.post(f"/fallout/v1/task/{task['id']}/resolution", json={"action": "retry", "author": "test"})
    await stage.ended(order_id)
    return order_id
