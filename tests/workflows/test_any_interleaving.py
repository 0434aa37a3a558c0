"""Whatever people and systems do to an order, in any sequence: it ends by legal steps, and inventory is exact."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from temporalio.client import WorkflowUpdateFailedError
from temporalio.service import RPCError, RPCStatusCode

from orders.lifecycle.states import TERMINAL, TRANSITIONS, OrderKind, OrderState
from tests.stage import PRODUCT_ORDER, Stage, customer_of, eventually
from tests.thorough import examples
from tests.workflows.saga.test_exactness import FAULTS, check_exact
from tests.workflows.saga.test_failure_and_undo import nothing_is_left, two_items
from tests.workflows.saga.test_fallout import small_vpn
from workflows.contracts import ids

pytestmark = [pytest.mark.anyio, pytest.mark.long]


def faster(items: list[dict[str, Any]]) -> None:
    """Change what an item asks for."""
    for item in parts(items):
        for each in item.get("product", {}).get("productCharacteristic", []):
            if each["name"] == "downloadSpeed":
                each["value"] = 1000
            elif each["name"] == "bandwidth":
                each["value"] = 200 if each["value"] != 200 else 300


def fewer(items: list[dict[str, Any]]) -> None:
    """Do without the last item."""
    several = items if len(items) > 1 else items[0].get("productOrderItem", [])
    if len(several) > 2 or several is items:
        several.pop()


def more(items: list[dict[str, Any]]) -> None:
    """Ask for one more like the last."""
    several = items if len(items) > 1 else items[0].get("productOrderItem", items)
    several.append({**several[-1], "id": f"{several[-1]['id']}x"})


CHANGES = [faster, fewer, more]

steps = st.one_of(
    st.tuples(st.just("fault"), st.sampled_from(FAULTS), st.sampled_from(["permanent", "transient", "asyncFailure"])),
    st.tuples(st.just("heal")),
    st.tuples(st.just("hold"), st.sampled_from([None, "1", "2"])),
    st.tuples(st.just("resume"), st.sampled_from([None, "1", "2"])),
    st.tuples(st.just("amend"), st.sampled_from(CHANGES)),
    st.tuples(st.just("settle"), st.sampled_from(["retry", "fail", "rollback"])),
    st.tuples(st.just("cancel")),
)


@settings(
    max_examples=examples(3, 45),
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(
    make=st.sampled_from([two_items, small_vpn]),
    story=st.lists(st.tuples(st.integers(0, 12), steps), min_size=2, max_size=6),
)
async def test_an_order_ends_exactly_whatever_comes_in_between(
    shared_stage: Stage, make: Any, story: list[tuple[int, Any]]
) -> None:
    stage = shared_stage
    await stage.heal()
    document = make()
    customer = customer_of(document)
    order_id = await stage.submit(document)

    for effects, step in story:
        await more_effects(stage, order_id, effects)
        await act(stage, order_id, *step)
    await bring_to_an_end(stage, order_id)
    order = await stage.order(order_id)

    assert "residue" not in order, order["residue"]
    if order["state"] in ("failed", "rejected", "cancelled"):
        await nothing_is_left(stage, order_id, customer)
    await check_exact(stage, order_id, customer)
    await check_legal(stage, order_id)


async def more_effects(stage: Stage, order_id: str, count: int) -> None:
    """Wait until the systems did so much more for the order, or until nothing goes on."""
    before = await effects_of(stage, order_id)
    quiet = 0

    async def enough() -> bool:
        nonlocal quiet
        quiet += 1
        state = (await stage.order(order_id))["state"]
        return state in TERMINAL or quiet > 20 or await effects_of(stage, order_id) - before >= count

    await eventually(enough)


async def effects_of(stage: Stage, order_id: str) -> int:
    return sum([len(await stage.log(each, order_id)) for each in (stage.inventory, stage.activation, stage.billing)])


async def act(stage: Stage, order_id: str, what: str, *more: Any) -> None:
    """Do one thing to the order; a refusal is as good an answer as any."""
    root = ids.root_workflow(order_id)
    try:
        match what:
            case "fault":
                system, operation = more[0]
                match = {"operation": operation, "order": order_id}
                await stage.fault(getattr(stage, system), match=match, kind=more[1], times=2)
            case "heal":
                await stage.heal()
            case "amend":
                order = await stage.order(order_id)
                more[0](order["productOrderItem"])
                patch = {"productOrderItem": order["productOrderItem"]}
                answer = await stage.gateway.patch(f"{PRODUCT_ORDER}/{order_id}", json=patch)
                assert answer.status_code in (200, 409, 422), answer.text
            case "settle":
                for task in await stage.tasks(order_id):
                    await stage.tell(root, "resolve", task=task["id"], action=more[0])
            case _:
                await stage.tell(root, what, **({"item": more[0]} if more and more[0] else {}))
    except WorkflowUpdateFailedError:
        pass
    except RPCError as error:
        if error.status != RPCStatusCode.NOT_FOUND:
            raise


async def bring_to_an_end(stage: Stage, order_id: str) -> None:
    """Take all faults away, let go what is held, and settle what waits, until the order has ended."""
    await stage.heal()

    async def over() -> bool:
        if (await stage.order(order_id))["state"] in TERMINAL:
            return True
        await act(stage, order_id, "resume")
        for item in ("1", "2"):
            await act(stage, order_id, "resume", item)
        await act(stage, order_id, "settle", "retry")
        return False

    await eventually(over)
    await stage.ended(order_id)


async def check_legal(stage: Stage, order_id: str) -> None:
    """Check each step of the order's state against the life cycle."""
    timeline = await stage.client.get_workflow_handle(ids.root_workflow(order_id)).query("timeline")
    states = [OrderState.ACKNOWLEDGED]
    for entry in timeline:
        word, _, state = entry["what"].partition(" ")
        if word == "order" and state in set(OrderState):
            states.append(OrderState(state))
    legal = TRANSITIONS[OrderKind.PRODUCT]
    through = legal[OrderState.IN_PROGRESS]
    for before, after in pairwise(states):
        assert after in legal[before] or (OrderState.IN_PROGRESS in legal[before] and after in through), states


def parts(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [each for item in items for each in (item, *item.get("productOrderItem", []))]
