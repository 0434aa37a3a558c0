"""The question whether systems filter the lists in which an order's effects are looked up."""

from __future__ import annotations

import httpx2
import pytest

from application.filters import ignored_filters
from tests.application.conftest import Reference, scripted

pytestmark = pytest.mark.anyio


async def test_systems_that_filter_ignore_none(inventory: Reference, billing: Reference) -> None:
    assert await ignored_filters({"inventory": inventory.system, "billing": billing.system}) == []


async def test_a_list_that_is_not_filtered_is_named(inventory: Reference, billing: Reference) -> None:
    await inventory.fault("wrongFilter", times=1)

    ignored = await ignored_filters({"inventory": inventory.system, "billing": billing.system})

    assert ignored == [
        "inventory ignores the filter reservation.requestedBy of /tmf-api/resourceInventoryManagement/v4/resource"
    ]


@pytest.mark.parametrize(("status", "asked"), [(404, 6), (405, 6), (501, 6), (503, 2)])
async def test_a_system_that_is_away_or_cannot_be_asked_is_not_named(status: int, asked: int) -> None:
    system, script = scripted(httpx2.Response(status))
    assert await ignored_filters({"inventory": system, "billing": system}) == []
    assert len(script.asked) == asked
