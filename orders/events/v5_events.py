"""Events of product orders as TMF622 v5 sends them."""

from __future__ import annotations

from orders.events import order_events as events
from orders.events.order_events import Event
from orders.events.v5_links import cancellation_in_v5, order_in_v5
from orders.lifecycle.states import OrderKind
from orders.model.v5 import name_in_v5
from tmf.bodies import Document

_ASKS = "InformationRequiredEvent"


def envelope(event: Event, base_url: str) -> Document:
    """Return an event as TMF622 v5 sends it.

    Its own `fieldPath` stays, in v5's words: v5 has no attribute that says which attributes have changed. So does
    `omittedPath`.
    """
    told = events.envelope(event, base_url)
    resource = _resource(event, base_url)
    told["timeOccurred"] = told.pop("timeOcurred")
    for name in ("fieldPath", "omittedPath"):
        if name in told:
            told[name] = ",".join(map(name_in_v5, told[name].split(",")))
    return {"@type": event.type, **told, "href": resource["href"], "event": {event.resource: resource}}


def _resource(event: Event, base_url: str) -> Document:
    """Return what the event is about: the resource as it was then, or a reference where something is asked for."""
    in_v5 = order_in_v5 if event.resource == OrderKind.PRODUCT else cancellation_in_v5
    shown = in_v5(base_url, {"id": event.subject_id, **event.document})
    if not event.type.endswith(_ASKS):
        return shown
    name = event.type.removesuffix(_ASKS)
    return {"@type": f"{name}Ref", "id": shown["id"], "href": shown["href"], "@referredType": name}
