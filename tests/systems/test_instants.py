"""The systems take for an instant what the orchestrator takes for one."""

from __future__ import annotations

from datetime import datetime

import httpx
import pytest
from hypothesis import given, settings

from systems.common.instants import read_day_or_instant, read_instant
from tests.thorough import examples
from tests.tmf.spellings import spellings
from tests.tmf.test_instants import INSTANTS, NO_INSTANTS
from tmf import instants

SERVICES = "/tmf-api/serviceInventory/v4/service"


@settings(max_examples=examples(100, 5_000))
@given(spellings())
def test_any_spelling_is_the_moment_that_it_says(spelt: tuple[str, datetime]) -> None:
    text, moment = spelt
    assert read_instant(text) == moment


@pytest.mark.parametrize("text", [*(sent for sent, _ in INSTANTS), *NO_INSTANTS])
def test_both_read_alike(text: str) -> None:
    def read_by(reader: object) -> datetime | None:
        try:
            return reader(text)  # type: ignore[operator, no-any-return]
        except ValueError:
            return None

    assert read_by(read_instant) == read_by(instants.read_instant)
    assert read_by(read_day_or_instant) == read_by(instants.read_day_or_instant)


@pytest.mark.anyio
@pytest.mark.parametrize("sent", ["20261224", "2026-12-24", "soon", 20261224])
async def test_what_is_no_instant_is_refused_by_its_path(inventory: httpx.AsyncClient, sent: object) -> None:
    body = {"state": "active", "serviceSpecification": {"id": "s"}, "endDate": sent}
    answer = await inventory.post(SERVICES, json=body)
    assert answer.status_code == 400
    assert "endDate" in answer.json()["reason"]


@pytest.mark.anyio
@pytest.mark.parametrize(("bound", "found"), [("2026-12-24T08:59:59Z", 1), ("2026-12-24T10:00:00+01:00", 0)])
async def test_filters_compare_instants_however_they_are_spelt(
    inventory: httpx.AsyncClient, bound: str, found: int
) -> None:
    body = {"state": "active", "serviceSpecification": {"id": "s"}, "endDate": "2026-12-24t09:00:00"}
    assert (await inventory.post(SERVICES, json=body)).status_code == 201
    answer = await inventory.get(SERVICES, params={"endDate.gt": bound})
    assert len(answer.json()) == found
