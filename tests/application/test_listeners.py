"""What events look like to a listener, by what it has asked for."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest

from application.listeners import Listeners
from orders.events import order_events as events
from orders.events.hubs import HUBS, PRODUCT_ORDER_V5, Hub
from orders.events.order_events import Event
from orders.events.subscription import Subscription
from orders.lifecycle.states import OrderKind
from store.outbox import Placed

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 11, 25, 9, tzinfo=UTC)
KIND = OrderKind.PRODUCT
ORDER = {"id": "o1", "state": "acknowledged", "productOrderItem": [{"id": "1", "action": "add"}]}
CANCELLATION = {"id": "c1", "state": "acknowledged", "productOrder": {"id": "o1"}}
EVENTS = [
    events.created(KIND, ORDER, "o1", NOW),
    events.information_required(KIND, ORDER, "o1", "o1:1!1", "1", NOW),
    events.cancellation_created(KIND, CANCELLATION, "o1", NOW),
]


def shown(api: str, query: str, event: Event) -> dict[str, Any]:
    """Return what a listener gets to see of what an event is about."""
    subscription = Subscription(
        id="s1", api=api, callback="http://listener/hook", query=query, secret="whsec_x", created_at=NOW
    )
    listener = Listeners(httpx2.AsyncClient(), "http://gateway").of(subscription)
    told: dict[str, Any] = listener.shown(event)["event"][event.resource]
    return told


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.type)
@pytest.mark.parametrize("query", ["fields=state", "fields=state,@type", "fields=state,@type,id", "fields="])
def test_a_listener_of_v5_is_told_of_what_type_things_are_whichever_fields_it_asks_for(
    event: Event, query: str
) -> None:
    whole, told = shown(PRODUCT_ORDER_V5, "", event), shown(PRODUCT_ORDER_V5, query, event)

    asked = {"state"} if "state" in query else set()
    assert told == {name: whole[name] for name in {"id", "href", "@type", *asked} & whole.keys()}
    assert {"id", "href", "@type"} <= told.keys()


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.type)
def test_a_listener_of_v4_is_told_the_fields_that_it_asks_for(event: Event) -> None:
    assert shown(KIND.value, "fields=state", event).keys() == {"id", "href", "state"}


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.type)
@pytest.mark.parametrize("hub", [HUBS[KIND.value], HUBS[PRODUCT_ORDER_V5]], ids=lambda hub: hub.key)
def test_a_listener_that_asks_for_no_fields_is_told_all(hub: Hub, event: Event) -> None:
    whole = hub.envelope(event, "http://gateway")["event"][event.resource]

    assert shown(hub.key, "eventType=ProductOrderCreateEvent", event) == whole


async def test_an_event_that_cannot_be_written_is_set_aside_and_others_are_told() -> None:
    told, aside = [Placed(number, event) for number, event in enumerate(EVENTS, 1)], list[int]()
    spoilt = EVENTS[0].model_copy(update={"document": {"productOrderItem": 1}})
    told.insert(1, Placed(odd := 9, spoilt))

    async def set_aside(position: int, _error: Exception) -> None:
        aside.append(position)

    subscription = Subscription(id="s1", api=PRODUCT_ORDER_V5, callback="http://l", secret="whsec_x", created_at=NOW)
    wanted = await Listeners(httpx2.AsyncClient(), "http://gateway").of(subscription).wanted(told, set_aside)
    assert [each.position for each in wanted] == [each.position for each in told if each.position != odd]
    assert aside == [odd]
