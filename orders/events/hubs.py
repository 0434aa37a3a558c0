"""The hubs at which listeners register: which events each tells of, and in whose words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from orders.events import v5_events
from orders.events.links import BASE_PATHS, QUALIFICATION_PATHS
from orders.events.order_events import Event, envelope, event_types, listener_path
from orders.events.qualification_events import APIS, qualification_event_types
from orders.lifecycle.states import OrderKind
from tmf.bodies import Document
from tmf.paths import TMF622_V5


@dataclass(frozen=True, slots=True)
class Hub:
    """One API's hub."""

    key: str
    events_of: str
    """The API of the events that it tells of, as `Event.api` has it."""
    types: frozenset[str]
    base_path: str
    """Where the API is; listeners register at `hub` below it."""
    envelope: Callable[[Event, str], Document]
    """Writes an event as this API does; the second argument is the gateway's address."""
    listener_path: Callable[[str], str] = listener_path
    """Returns where below a callback events of a type are taken."""
    listener_type: str | None = None
    """What the API calls the type of a registered listener, where it says one."""

    always: tuple[str, ...] = ()
    """Attributes of a resource that are sent whichever fields a listener asks for, beside `id` and `href`."""

    @property
    def path(self) -> str:
        """Where its listeners are."""
        return f"{self.base_path}/hub"


PRODUCT_ORDER_V5 = "productOrderV5"

HUBS: dict[str, Hub] = {
    kind.value: Hub(kind.value, kind.value, frozenset(types), BASE_PATHS[kind], envelope)
    for kind, types in {
        OrderKind.PRODUCT: event_types(OrderKind.PRODUCT, marks=False),
        OrderKind.SERVICE: event_types(OrderKind.SERVICE),
        OrderKind.RESOURCE: event_types(OrderKind.RESOURCE),
    }.items()
} | {
    **{
        api: Hub(api, api, frozenset(qualification_event_types(api)), QUALIFICATION_PATHS[kind], envelope)
        for kind, api in APIS.items()
    },
    PRODUCT_ORDER_V5: Hub(
        PRODUCT_ORDER_V5,
        OrderKind.PRODUCT.value,
        frozenset(event_types(OrderKind.PRODUCT)),
        TMF622_V5,
        v5_events.envelope,
        listener_type="Hub",
        always=("@type",),
    ),
}
"""All hubs, by their keys."""


def events_of(hub: str) -> str:
    """Return the API of whose events a hub tells; a hub of another release is taken for one of its own events."""
    return HUBS[hub].events_of if hub in HUBS else hub
