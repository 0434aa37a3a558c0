"""The form of the events of each hub, by which the queries of its listeners are checked as those of lists are."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Literal

from pydantic import BaseModel, create_model

from api.ordering.cancellations import ANSWERS as CANCELLATIONS
from api.schemas import v5
from api.schemas.kinds import ANSWERS as ORDERS
from orders.events.hubs import HUBS, PRODUCT_ORDER_V5, Hub
from orders.events.links import cancellation_name
from orders.events.qualification_events import APIS
from orders.lifecycle.states import OrderKind
from orders.qualification.offerings import ProductOfferingQualification
from orders.qualification.results import QualificationKind
from orders.qualification.services import CheckServiceQualification, QueryServiceQualification
from tmf.instants import UtcDatetime
from tmf.model import Resource
from tmf.query.matching import admits
from tmf.query.query import Filter, ListQuery, Operator, QueryError, filters_of, parse_query_string

_QUALIFICATIONS: dict[QualificationKind, type[BaseModel]] = {
    QualificationKind.OFFERING: ProductOfferingQualification,
    QualificationKind.SERVICE_CHECK: CheckServiceQualification,
    QualificationKind.SERVICE_QUERY: QueryServiceQualification,
}

_RESOURCES: dict[str, dict[str, type[BaseModel]]] = {
    **{kind.value: {kind.value: ORDERS[kind], cancellation_name(kind): CANCELLATIONS[kind]} for kind in OrderKind},
    PRODUCT_ORDER_V5: {
        OrderKind.PRODUCT.value: v5.ProductOrder,
        cancellation_name(OrderKind.PRODUCT): v5.CancelProductOrder,
    },
    **{
        api: {kind.value: model for kind, model in _QUALIFICATIONS.items() if APIS[kind] == api}
        for api in set(APIS.values())
    },
}
"""Hub → the resources that its events tell of, by their names in an event."""


class _Event(Resource):
    """What the events of all hubs have."""

    id: str
    href: str | None = None
    event_id: str
    event_time: UtcDatetime
    correlation_id: str
    title: str
    description: str
    priority: str
    field_path: str | None = None
    omitted_path: str | None = None


@lru_cache(maxsize=len(HUBS))
def event_form(hub: Hub) -> type[BaseModel]:
    """Return the model of a hub's events as they are sent."""
    resources: dict[str, Any] = {name: (model | None, None) for name, model in _RESOURCES[hub.key].items()}
    own: dict[str, Any] = {
        "event_type": (Literal[tuple(sorted(hub.types))], ...),
        "domain": (Literal[hub.events_of], ...),
        "timeOccurred" if hub.key == PRODUCT_ORDER_V5 else "timeOcurred": (UtcDatetime, ...),
        "event": (create_model("Resource", **resources), ...),
    }
    form: type[BaseModel] = create_model("Event", __base__=_Event, **own)
    return form


def check_event_query(hub: Hub, text: str) -> ListQuery:
    """Return a listener's query, where it can match an event of the hub.

    Raises:
        QueryError: naming the parameter that makes no sense, or can match no event.
    """
    query = parse_query_string(text, model=event_form(hub))
    for name in ("offset", "limit"):
        if getattr(query, name) != getattr(ListQuery(), name):
            raise QueryError(name, "is for lists: a listener's query has filters and fields")
    if not any(_may_match(query, event_type, hub) for event_type in hub.types):
        told = ", ".join(sorted(_RESOURCES[hub.key]))
        raise QueryError("query", f"no event can match all of it: each is of one type and tells of one of {told}")
    return query


def _may_match(query: ListQuery, event_type: str, hub: Hub) -> bool:
    resource = next(name for name in _RESOURCES[hub.key] if _tells_of(event_type, name))
    event = {"eventType": event_type, "domain": hub.events_of}
    return all(any(_may_hold(kept, event, resource) for kept in filters_of(each)) for each in query.filters)


def _may_hold(kept: Filter, event: dict[str, str], resource: str) -> bool:
    """Return whether a filter can let an event of a type through that tells of a resource."""
    if kept.attribute in event:
        return admits([kept], event)
    about_another = kept.path[0] == "event" and kept.path[1] != resource
    return kept.operator == Operator.NE or not about_another


def _tells_of(event_type: str, resource: str) -> bool:
    """Return whether events of a type tell of a resource: `CancelProductOrderCreateEvent` of `cancelProductOrder`."""
    return event_type.startswith(f"{resource[0].upper()}{resource[1:]}")
