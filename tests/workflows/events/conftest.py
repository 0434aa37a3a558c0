"""A listener for each test, and none left behind."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.listener import Listener, listening
from tests.stage import Stage
from tests.workflows.events.subscribers import PRODUCT_HUB, SERVICE_HUB


@pytest.fixture
async def listener() -> AsyncIterator[Listener]:
    async with listening() as one:
        yield one


@pytest.fixture(autouse=True)
async def _nobody_left_to_tell(stage: Stage) -> AsyncIterator[None]:
    """Take all listeners off in the end: those that are gone would be tried again and again."""
    yield
    for hub in (PRODUCT_HUB, SERVICE_HUB):
        for each in (await stage.gateway.get(hub)).json():
            assert (await stage.gateway.delete(each["href"])).status_code == 204
