"""Revisions: numbered one after the other, decided on once, and the first is the order as it came in."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from orders.lifecycle.states import OrderState
from orders.model.revision import NodeAction, NodeChange, Refusal, Revision, RevisionState
from store.errors import UnknownOrderError
from store.orders import OrderStore
from store.revisions import RevisionStore
from tests.store.samples import accepted, change, product_order

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)


async def proposed(revisions: RevisionStore, priority: str = "0") -> Revision:
    return await revisions.propose("o1", {"priority": priority}, "ada", NOW)


def decided(number: int, state: RevisionState) -> Revision:
    """What a workflow says of a revision: all but what it does not know."""
    return Revision(
        order_id="o1",
        number=number,
        state=state,
        requested_at=datetime(2030, 1, 1, tzinfo=UTC),
        decided_at=NOW,
        changes=[NodeChange(key="1", item_id="1", name="Home", action=NodeAction.MODIFY)],
        refusals=[Refusal(item_id="2", reason="the technician is on the way")],
    )


async def test_order_that_was_never_amended_has_one_revision(store: OrderStore, revisions: RevisionStore) -> None:
    await store.accept(accepted("o1", note=[{"text": "mind the dog"}]))
    await store.record([change("o1", 1, OrderState.IN_PROGRESS, items={"1.1": {"state": "inProgress"}})])
    (first,) = await revisions.list("o1")
    assert (first.number, first.state, first.author) == (1, RevisionState.APPLIED, "crm")
    assert first.requested_at == first.decided_at == datetime(2026, 3, 1, 10, tzinfo=UTC)
    assert first.document == {
        "relatedParty": product_order("o1")["relatedParty"],
        "note": [{"text": "mind the dog"}],
        "productOrderItem": [
            {"id": "1", "action": "add", "productOrderItem": [{"id": "1.1", "action": "add"}]},
            {"id": "2", "action": "add"},
        ],
    }
    assert await revisions.get("o1", 1) == first
    assert await revisions.get("o1", 2) is None


async def test_order_that_there_is_not_has_no_revisions(revisions: RevisionStore) -> None:
    assert await revisions.list("o1") == []
    assert await revisions.list("o1\0") == []
    assert await revisions.get("o1", 1) is None
    with pytest.raises(UnknownOrderError, match="there is no productOrder o1"):
        await proposed(revisions)


async def test_first_revision_stays_what_it_was_when_the_order_is_amended(
    store: OrderStore, revisions: RevisionStore
) -> None:
    await store.accept(accepted("o1"))
    first = await revisions.get("o1", 1)
    await proposed(revisions)
    amended = {"productOrderItem": [{"id": "9", "action": "add"}]}
    await store.record([change("o1", 1, attributes=amended)])
    assert await revisions.get("o1", 1) == first


async def test_proposals_are_numbered_one_after_the_other(store: OrderStore, revisions: RevisionStore) -> None:
    await store.accept(accepted("o1"))
    made = await asyncio.gather(*(proposed(revisions, str(number)) for number in range(5)))
    assert sorted(each.number for each in made) == [2, 3, 4, 5, 6]
    assert [each.number for each in await revisions.list("o1")] == [1, 2, 3, 4, 5, 6]
    for each in made:
        assert await revisions.get("o1", each.number) == each
    assert {each.state for each in made} == {RevisionState.PROPOSED}


async def test_proposal_is_decided_on_once(store: OrderStore, revisions: RevisionStore) -> None:
    await store.accept(accepted("o1"))
    await proposed(revisions)
    assert await revisions.settle(decided(2, RevisionState.REFUSED))
    assert not await revisions.settle(decided(2, RevisionState.APPLIED))
    assert not await revisions.settle(decided(1, RevisionState.REFUSED))
    assert not await revisions.settle(decided(3, RevisionState.APPLIED))
    kept = await revisions.get("o1", 2)
    expected = decided(2, RevisionState.REFUSED)
    assert kept == expected.model_copy(update={"author": "ada", "requested_at": NOW, "document": {"priority": "0"}})
    assert (await proposed(revisions)).number == 3


async def test_proposal_can_be_revised_until_it_is_decided_on(store: OrderStore, revisions: RevisionStore) -> None:
    await store.accept(accepted("o1"))
    await proposed(revisions)
    assert await revisions.revise("o1", 2, {"priority": "1", "note": [{"text": "\0"}]})
    await revisions.settle(decided(2, RevisionState.APPLIED))
    assert not await revisions.revise("o1", 2, {"priority": "4"})
    kept = await revisions.get("o1", 2)
    assert kept is not None
    assert kept.document == {"priority": "1", "note": [{"text": "\ufffd"}]}
