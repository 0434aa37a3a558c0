from __future__ import annotations

import asyncio

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.guarded import guarded

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    "end",
    [asyncio.CancelledError(), BaseExceptionGroup("some", [GeneratorExit()])],
    ids=["cancelled", "a group of no exceptions"],
)
async def test_what_would_end_the_task_of_all_tests_is_an_ordinary_error(end: BaseException) -> None:
    async def test() -> None:
        raise end

    with pytest.raises(RuntimeError, match=type(end).__name__):
        await guarded(test)()


@pytest.mark.parametrize("end", [ValueError("wrong"), pytest.fail.Exception("wrong"), pytest.skip.Exception("later")])
async def test_an_ordinary_end_is_what_it_was(end: BaseException) -> None:
    async def test() -> None:
        raise end

    with pytest.raises(type(end)) as raised:
        await guarded(test)()
    assert raised.value is end


@settings(max_examples=20, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
async def test_an_example_that_draws_in_vain_is_given_up_and_others_follow(data: st.DataObject) -> None:
    number = data.draw(st.integers(0, 9))
    assert data.draw(st.just(number).filter(lambda each: each > 4)) > 4
