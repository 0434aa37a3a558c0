"""The terminal's commands that change orders and settle tasks, against the gateway that answers them."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from rich.console import Console

from api.engine import MessageRefusedError
from console.commands import order as order_commands
from console.commands import task as task_commands
from console.errors import CommandError
from console.gateway import RefusedError
from orders.lifecycle.states import OrderKind, OrderState
from orders.model.revision import NodeAction, NodeChange, Refusal, RevisionState
from orders.model.task import Resolution, TaskAction, TaskKind, TaskState
from orders.model.wanted import WantedValue
from tests.api.conftest import BASE_URL, Bench
from tests.api.ordering.test_change_previews import product, running
from tests.api.test_tasks import NOON, kept, task
from workflows.contracts.payloads import Complete, Hold, Resolve

pytestmark = pytest.mark.anyio

Printed = Callable[[], str]


@pytest.fixture
def console() -> Console:
    return Console(file=io.StringIO(), width=160, markup=False, emoji=False, highlight=False)


@pytest.fixture
def printed(console: Console, connect: Callable[..., None]) -> Printed:
    """What was printed so far; the commands talk to the bench's gateway."""
    connect(order_commands, task_commands)

    def text() -> str:
        assert isinstance(console.file, io.StringIO)
        return console.file.getvalue()

    return text


async def test_an_order_is_cancelled_and_shown_in_its_history(bench: Bench, console: Console, printed: Printed) -> None:
    order_id = await bench.ordered()
    wish = {"cancellationReason": "moves", "author": "ada"}
    await order_commands.cancel(BASE_URL, order_id, wish, console, False)
    told = bench.engine.told[0][1]
    assert f"cancellation {told.task} of order {order_id} is acknowledged" in printed()
    await order_commands.history(BASE_URL, order_id, console, False)
    assert "moves" in printed()
    assert "as it came in" in printed()


@pytest.mark.parametrize(
    ("kind", "order_id"),
    [(OrderKind.SERVICE, "abcdefghij:1:internet"), (OrderKind.RESOURCE, "abcdefghij:1:internet:access")],
)
async def test_orders_of_every_kind_are_known_by_their_ids(
    bench: Bench, console: Console, printed: Printed, kind: OrderKind, order_id: str
) -> None:
    workflow_id = await bench.child(kind, order_id)
    await order_commands.hold_or_resume(BASE_URL, order_id, "hold", {"author": "ada"}, console, False)
    await order_commands.cancel(BASE_URL, order_id, {}, console, True)
    assert bench.engine.asked == [(workflow_id, "hold", Hold(by="ada"))]
    assert [to for to, _ in bench.engine.told] == [workflow_id]
    assert f"order {order_id} is on hold; the order is inProgress" in printed()


async def test_what_is_only_for_product_orders_names_the_product_order(console: Console, printed: Printed) -> None:
    with pytest.raises(CommandError, match="the one that it belongs to is abcdefghij"):
        await order_commands.history(BASE_URL, "abcdefghij:1:internet", console, False)
    assert printed() == ""


async def test_an_order_is_resumed(bench: Bench, console: Console, printed: Printed) -> None:
    order_id = await bench.ordered(state=OrderState.HELD)
    await order_commands.hold_or_resume(BASE_URL, order_id, "resume", {"item": "1"}, console, False)
    assert printed() == f"item 1 of order {order_id} is resumed; the order is held\n"


@pytest.mark.parametrize("change", [{"priority": "1"}, [{"op": "add", "path": "/priority", "value": "1"}]])
async def test_an_amendment_shows_what_it_did(bench: Bench, console: Console, printed: Printed, change: Any) -> None:
    order_id = await bench.ordered(state=OrderState.IN_PROGRESS)
    changes = [NodeChange(key="1:tv", item_id="1", name="TV", action=NodeAction.REPLACE)]

    async def apply() -> None:
        revision = (await bench.revisions.list(order_id))[-1]
        applied = {"state": RevisionState.APPLIED, "changes": changes, "decided_at": NOON}
        await bench.revisions.settle(revision.model_copy(update=applied))

    await order_commands.amend(BASE_URL, order_id, change, console, False)
    assert f"order {order_id} is at revision 2, proposed" in printed()
    await apply()
    await order_commands.history(BASE_URL, order_id, console, False)
    assert "1 replace" in printed()
    assert "priority" in printed()


async def test_a_refused_amendment_is_said_with_its_reasons(bench: Bench, console: Console, printed: Printed) -> None:
    order_id = await bench.ordered(state=OrderState.IN_PROGRESS)

    def refuse(_name: str, _argument: Any) -> None:
        raise MessageRefusedError("too late", [Refusal(item_id="1", reason="TV has begun")], [])

    bench.engine.answer = refuse
    with pytest.raises(RefusedError, match=r"409: .*too late: item 1: TV has begun"):
        await order_commands.amend(BASE_URL, order_id, {"priority": "1"}, console, False)
    await order_commands.history(BASE_URL, order_id, console, False)
    assert "TV has begun" in printed()


async def test_a_preview_says_whether_it_could_be_done(bench: Bench, console: Console, printed: Printed) -> None:
    order_id = await running(bench, product("1"))
    bench.engine.nodes = {"1": {"state": "done"}}
    assert await order_commands.preview(BASE_URL, order_id, {"cancel": True}, console, False)
    possible = printed()
    assert "is undone" in possible
    bench.engine.nodes = {"1": {"state": "done", "past": "billing has begun"}}
    assert not await order_commands.preview(BASE_URL, order_id, {"cancel": True}, console, False)
    refused = printed().removeprefix(possible)
    assert "item 1: " in refused
    assert "nothing would change" in refused
    assert "is undone" not in refused


async def test_tasks_of_both_kinds_are_listed_and_shown(bench: Bench, console: Console, printed: Printed) -> None:
    settled = Resolution(action=TaskAction.COMPLETE, at=NOON, by="bob", reason="by hand", values={"port": 7})
    await kept(
        bench,
        task(1),
        task(2, TaskKind.MANUAL, instructions="Ring twice", wanted=[WantedValue(name="technician", mandatory=True)]),
        task(3, state=TaskState.RESOLVED, resolution=settled),
    )
    await task_commands.list_tasks(BASE_URL, list(TaskKind), {"state": "open"}, console, False)
    assert "port 1 is faulty" in printed()
    assert "abc:2:internet!1" in printed()
    assert "abc:3:internet!1" not in printed()
    await task_commands.show_task(BASE_URL, "abc:2:internet!1", console, False)
    assert "Ring twice" in printed()
    assert "technician (string, mandatory)" in printed()
    await task_commands.show_task(BASE_URL, "abc:3:internet!1", console, False)
    assert "complete by bob" in printed()
    assert "by hand" in printed()
    await task_commands.list_tasks(BASE_URL, [TaskKind.MANUAL], {"system": "none"}, console, False)
    assert printed().endswith("no tasks\n")


async def test_a_task_is_settled_and_one_that_is_not_there_is_named(
    bench: Bench, console: Console, printed: Printed
) -> None:
    await kept(bench, task(1), task(2, TaskKind.MANUAL))
    await task_commands.resolve(BASE_URL, "abc:1:internet!1", {"action": "retry", "author": "ada"}, console, False)
    await task_commands.complete(BASE_URL, "abc:1:internet!1", {"values": {"port": "7"}}, console, False)
    await task_commands.complete(BASE_URL, "abc:2:internet!1", {"author": "ada"}, console, False)
    await task_commands.reschedule(BASE_URL, "abc:2:internet!1", {"dueAt": "2026-12-01T09:00:00Z"}, console, False)
    first, second, third, _ = [argument for _, _, argument in bench.engine.asked]
    assert (first, third) == (
        Resolve(task="abc:1:internet!1", action=TaskAction.RETRY, by="ada"),
        Complete(task="abc:2:internet!1", by="ada"),
    )
    assert (second.action, second.values) == (TaskAction.COMPLETE, {"port": "7"})
    assert "task abc:1:internet!1 is settled: retry" in printed()
    assert "task abc:2:internet!1 is due 2026-12-01 09:00:00" in printed()
    with pytest.raises(CommandError, match="there is no task unknown; `ordersaga task list`"):
        await task_commands.show_task(BASE_URL, "unknown", console, False)


async def test_many_tasks_are_settled_and_those_that_are_not_are_said(
    bench: Bench, console: Console, printed: Printed
) -> None:
    await kept(bench, task(1), task(2, actions=[TaskAction.FAIL]))
    wish = {"action": "retry"}
    assert not await task_commands.resolve_all(BASE_URL, {"system": "activation"}, wish, console, False)
    assert "1 of 2 settled" in printed()
    assert "cannot be settled by retry" in printed()
    assert await task_commands.resolve_all(BASE_URL, {"system": "none"}, wish, console, False)
    assert "no open fallout task has all that" in printed()


async def test_any_answer_can_be_had_as_json(bench: Bench, console: Console, printed: Printed) -> None:
    order_id = await bench.ordered()
    await order_commands.history(BASE_URL, order_id, console, True)
    assert json.loads(printed())["revision"][0]["number"] == 1
