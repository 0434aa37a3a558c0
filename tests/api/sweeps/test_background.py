"""What a gateway does in the background goes on, whatever ends it."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

import api.app
from api.app import create_app
from api.sweeps.sweep import sweep_for_ever
from tests.api.conftest import BASE_URL

pytestmark = pytest.mark.anyio


async def test_work_in_the_background_that_fails_is_begun_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(api.app, "_PAUSE", 0.0)
    begun, over = 0, asyncio.Event()

    async def work() -> None:
        nonlocal begun
        begun += 1
        if begun < 3:
            raise KeyError("a defect")
        over.set()

    app = create_app(cast(Any, SimpleNamespace(base_url=BASE_URL, background=(work,))))
    async with app.router.lifespan_context(app), asyncio.timeout(60):
        await over.wait()
    assert begun == 3
    assert "work in the background failed" in "".join(capsys.readouterr())


async def test_a_sweep_that_never_ends_is_broken_off_and_the_others_have_their_turn() -> None:
    turns, over = list[str](), asyncio.Event()

    async def hangs() -> int:
        turns.append("hangs")
        await asyncio.Event().wait()
        return 0

    async def works() -> int:
        turns.append("works")
        if turns.count("works") == 2:
            over.set()
        return 1

    moment = timedelta(milliseconds=10)
    sweeping = asyncio.create_task(sweep_for_ever({"hangs": hangs, "works": works}, moment, moment))
    async with asyncio.timeout(60):
        await over.wait()
    sweeping.cancel()
    await asyncio.gather(sweeping, return_exceptions=True)
    assert turns[:4] == ["hangs", "works"] * 2
