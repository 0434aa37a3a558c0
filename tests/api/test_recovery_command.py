"""`ordersaga recovery` and `ordersaga reconcile` against a gateway."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from rich.console import Console

from console.commands import reconcile, recovery
from console.errors import CommandError
from orders.differences import Difference, DifferenceKind
from tests.api.conftest import Bench
from tests.stage import eventually
from tmf.bodies import Document

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 3, 1, 10, tzinfo=UTC)
LOST = Difference(DifferenceKind.LOST_ORDER, "abcdefghij", "Temporal knows no workflow", "abcdefghij", "po:abcdefghij")


@pytest.fixture(autouse=True)
def _connected(connect: Callable[..., None]) -> None:
    connect(recovery, reconcile)


def lines() -> Console:
    return Console(file=io.StringIO(), width=200)


def printed(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


async def test_recovery_is_switched_and_shown(bench: Bench) -> None:
    console = lines()
    wish = {"reason": "a restore", "author": "ada"}
    await recovery.switch("http://gateway.test", "on", wish, console, as_json=False)
    order_id = await bench.ordered()
    await bench.starter.sweep()
    await recovery.show("http://gateway.test", console, as_json=False)
    said = printed(console)
    assert "sweeps only report since" in said
    assert ", by ada: a restore" in said
    assert f"start would:\n  start the order: {order_id}" in said
    await recovery.switch("http://gateway.test", "off", {}, console, as_json=True)
    assert '"on": false' in printed(console)


async def ended(bench: Bench, **document: object) -> None:
    """Let the reconciliation that was asked for end, as its workflow does."""
    differences = bench.gateway.reconciling.differences

    async def asked() -> bool:
        return bool(bench.engine.reconciled) and await differences.run(bench.engine.reconciled[-1][0]) is not None

    await eventually(asked)
    run_id, mend = bench.engine.reconciled[-1]
    told: Document = {"id": run_id, "state": "done", "startedAt": "2026-03-01T10:00:00.000Z", "mend": mend, **document}
    await differences.put_run(run_id, NOW, told)


SECTIONS = {"orders": {"lookedAt": 7, "found": 1, "whole": True, "differences": 1}}


async def test_reconciliation_is_waited_for_and_its_differences_are_shown_with_what_helps(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconcile, "_LOOKS_EVERY", 0.01)
    for _ in range(2):
        await bench.gateway.reconciling.differences.note([LOST], NOW)
    console = lines()
    ending = asyncio.create_task(ended(bench, sections=SECTIONS))
    assert not await reconcile.run("http://gateway.test", console, mend=True, wait=60, as_json=False)
    await ending
    assert bench.engine.reconciled[0][1] is True
    said = printed(console)
    assert "abcdefghij" in said
    assert "run an order whose workflow Temporal does not know (lostOrder)" in said
    assert "--close abcdefghij" in said
    assert said.rstrip().endswith("1 difference")

    await bench.gateway.reconciling.differences.over(LOST.kind, LOST.id)
    assert await reconcile.show_last("http://gateway.test", console, as_json=False)
    assert printed(console).rstrip().endswith("all agrees")


async def test_what_was_seen_once_is_no_difference_yet(bench: Bench) -> None:
    await bench.gateway.reconciling.differences.note([LOST], NOW)
    assert (await bench.client.get("/recovery/v1/difference")).json() == []
    assert (await bench.client.get("/fallout/v1/stuck")).json() == []


async def test_a_reconciliation_that_could_not_look_at_all_says_so(bench: Bench) -> None:
    console = lines()
    asked = asyncio.create_task(reconcile.run("http://gateway.test", console, mend=False, wait=60, as_json=True))
    billing = {"billing": {"lookedAt": 0, "found": 0, "whole": False, "error": "billing gave no answer"}}
    await ended(bench, state="incomplete", sections=billing)
    assert not await asked
    assert '"error": "billing gave no answer"' in printed(console)


async def test_a_reconciliation_that_does_not_end_is_not_waited_for_for_ever(bench: Bench) -> None:
    with pytest.raises(CommandError, match="has not ended in 0 s"):
        await reconcile.run("http://gateway.test", lines(), mend=False, wait=0, as_json=False)
    bench.engine.away = True
    with pytest.raises(CommandError, match="503"):
        await reconcile.run("http://gateway.test", lines(), mend=False, wait=0, as_json=False)


async def test_an_order_that_has_lost_its_workflow_is_closed(bench: Bench) -> None:
    order_id = await bench.ordered()
    wish = {"reason": "undone by hand", "author": "ada"}
    with pytest.raises(CommandError, match="cancel the order instead"):
        await reconcile.close_order("http://gateway.test", order_id, wish, lines(), as_json=False)
    bench.engine.lost.add(f"po:{order_id}")
    console = lines()
    await reconcile.close_order("http://gateway.test", order_id, wish, console, as_json=False)
    assert printed(console) == f"order {order_id} is failed; nothing of it was undone\n"
    document = (await bench.client.get(f"/tmf-api/productOrderingManagement/v4/productOrder/{order_id}")).json()
    assert document["state"] == "failed"
    assert document["productOrderItem"][0]["state"] == "failed"
