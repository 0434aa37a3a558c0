"""Instants in bodies and filters of the systems."""

from __future__ import annotations

import httpx2
import pytest

SERVICES = "/tmf-api/serviceInventory/v4/service"


@pytest.mark.anyio
@pytest.mark.parametrize("sent", ["20261224", "2026-12-24", "soon", 20261224])
async def test_what_is_no_instant_is_refused_by_its_path(inventory: httpx2.AsyncClient, sent: object) -> None:
    body = {"state": "active", "serviceSpecification": {"id": "s"}, "endDate": sent}
    answer = await inventory.post(SERVICES, json=body)
    assert answer.status_code == 400
    assert "endDate" in answer.json()["reason"]


@pytest.mark.anyio
@pytest.mark.parametrize(("bound", "found"), [("2026-12-24T08:59:59Z", 1), ("2026-12-24T10:00:00+01:00", 0)])
async def test_filters_compare_instants_however_they_are_spelt(
    inventory: httpx2.AsyncClient, bound: str, found: int
) -> None:
    body = {"state": "active", "serviceSpecification": {"id": "s"}, "endDate": "2026-12-24t09:00:00"}
    assert (await inventory.post(SERVICES, json=body)).status_code == 201
    answer = await inventory.get(SERVICES, params={"endDate.gt": bound})
    assert len(answer.json()) == found
