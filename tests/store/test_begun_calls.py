"""What workflows were about to do by local calls is known until their order ends."""

from __future__ import annotations

import asyncio

import pytest

from store.begun_calls import BegunCalls
from store.resource_locks import ResourceLocks

pytestmark = pytest.mark.anyio

ORDER, SERVICE_ORDER, UNDO = "po:o1", "po:o1:so:1:internet@2", "po:o1:so:1:internet@2:undo"


async def test_each_workflow_has_its_own_and_each_effect_once(begun: BegunCalls) -> None:
    for workflow_id, key in ((SERVICE_ORDER, "b"), (SERVICE_ORDER, "a"), (SERVICE_ORDER, "b"), (UNDO, "c")):
        await begun.note(workflow_id, key)
    assert [await begun.of(each) for each in (ORDER, SERVICE_ORDER, UNDO)] == [[], ["a", "b"], ["c"]]


async def test_what_is_noted_at_the_same_moment_is_all_kept(begun: BegunCalls) -> None:
    await asyncio.gather(*(begun.note(SERVICE_ORDER, f"{number % 10}") for number in range(30)))
    assert await begun.of(SERVICE_ORDER) == [str(number) for number in range(10)]


async def test_an_order_that_ends_leaves_those_of_others(begun: BegunCalls, locks: ResourceLocks) -> None:
    others = ("po:o10", "so:s-o1", "ro:r-o1:ro:1")
    for workflow_id in (ORDER, SERVICE_ORDER, UNDO, *others):
        await begun.note(workflow_id, "a")
    await locks.release("o1")
    assert [await begun.of(each) for each in (ORDER, SERVICE_ORDER, UNDO)] == [[], [], []]
    assert [await begun.of(each) for each in others] == [["a"], ["a"], ["a"]]
