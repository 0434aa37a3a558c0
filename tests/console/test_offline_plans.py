"""Planning by catalogs alone takes and refuses what the gateway would."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from catalogs.loader import default_catalogs
from console.errors import CommandError
from console.offline import offline_plans

pytestmark = pytest.mark.anyio

MOBILE = json.loads((Path(__file__).parents[2] / "docs" / "examples" / "mobile.json").read_text())


async def test_an_order_is_planned_as_a_client_could_have_sent_it() -> None:
    shown = await offline_plans(default_catalogs())(
        {**MOBILE, "id": "mine", "state": "completed", "orderTotalPrice": "free"}
    )
    assert shown["plan"]["orderId"] == "preview"
    assert shown["violations"] == []


@pytest.mark.parametrize(
    ("sent", "named"),
    [
        ({"allOrNothing": "true"}, "allOrNothing: must be true or false"),
        ({"priority": "urgent"}, "priority: must be a digit in quotes"),
        ({"requestedStartDate": "20261224"}, "requestedStartDate: «20261224» is no date and time"),
        ({"state": "draft"}, "state: drafts are not taken"),
    ],
)
async def test_what_the_gateway_would_not_take_is_refused(sent: dict[str, Any], named: str) -> None:
    with pytest.raises(CommandError, match="this is not an order") as refused:
        await offline_plans(default_catalogs())({**MOBILE, **sent})
    assert named in str(refused.value)
