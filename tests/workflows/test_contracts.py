"""What crosses the wire goes on being read when a later release has added to it; what clients send is not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import BaseModel
from temporalio.api.common.v1 import Payload

from catalogs.model.catalog_set import CatalogSet
from orders.events.order_events import Event
from orders.events.subscription import Subscription
from orders.model.revision import Revision
from orders.plan.orchestration_plan import OrchestrationPlan
from tests.workflows.wire import UNKNOWN, sample, types_of_activities, types_of_workflows, without_unknown
from workflows.connection import DATA_CONVERTER

_KEPT: list[type[BaseModel]] = [OrchestrationPlan, Revision, Event, Subscription]
"""What the order store keeps, beside what activities and workflows name."""


def read(hint: Any, document: Any) -> Any:
    """Return what a process of this release makes of a payload."""
    payload = Payload(metadata={"encoding": b"json/plain"}, data=json.dumps(document).encode())
    return DATA_CONVERTER.payload_converter.from_payloads([payload], [hint])[0]


def written(value: Any) -> Any:
    return json.loads(DATA_CONVERTER.payload_converter.to_payloads([value])[0].data)


def test_what_a_later_release_adds_is_ignored_at_every_depth(shipped: CatalogSet) -> None:
    crossing = [*types_of_workflows(), *types_of_activities(shipped), *((each.__name__, each) for each in _KEPT)]
    deepest = 0
    for what, hint in crossing:
        document = sample(hint)
        if document is None:
            continue
        value = read(hint, document)
        known = read(hint, without_unknown(document))
        assert without_unknown(written(value)) == written(known), what
        deepest = max(deepest, json.dumps(document).count(UNKNOWN))
    assert len(crossing) > 150
    assert deepest > 50


@pytest.mark.parametrize("field", ["ofALaterRelease", "reson"])
def test_a_message_with_a_field_that_is_unknown_is_still_that_message(field: str) -> None:
    hints = {name: hint for name, hint in types_of_workflows() if "signals: cancel" in name}
    for hint in hints.values():
        assert read(hint, {"by": "ada", field: 1}).by == "ada"
    assert hints
