"""The search attributes by which operators find orders; `ordersaga up` and `ordersaga register` make them known.

SQL visibility gives a namespace ten Keyword attributes and three of each other type; these leave room for more.
"""

from __future__ import annotations

from typing import Any

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.client import Client
from temporalio.common import SearchAttributeKey, SearchAttributePair, SearchAttributeUpdate, TypedSearchAttributes

from activities.amendments import PlannedAmendment
from orders.lifecycle.states import OrderState
from orders.model.posted import PostedOrder

STATE = SearchAttributeKey.for_keyword("OrderState")
CUSTOMER = SearchAttributeKey.for_keyword("OrderCustomer")
CATEGORY = SearchAttributeKey.for_keyword("OrderCategory")
EXTERNAL_ID = SearchAttributeKey.for_keyword("OrderExternalId")
PRIORITY = SearchAttributeKey.for_int("OrderPriority")
ORDER_DATE = SearchAttributeKey.for_datetime("OrderDate")
START_DATE = SearchAttributeKey.for_datetime("OrderRequestedStart")
DUE_DATE = SearchAttributeKey.for_datetime("OrderRequestedCompletion")

_KEYWORD_LENGTH = 255
"""Characters of a value that are searchable: Temporal refuses to start a workflow with values of any length."""

KEYS: list[SearchAttributeKey[Any]] = [
    STATE,
    CUSTOMER,
    CATEGORY,
    EXTERNAL_ID,
    PRIORITY,
    ORDER_DATE,
    START_DATE,
    DUE_DATE,
]

TYPES = {key.name: key.indexed_value_type.name.title() for key in KEYS}
"""Name → type, as the `temporal` command spells it."""


def of_order(order: PostedOrder) -> TypedSearchAttributes:
    """Return the attributes that a posted order's workflow starts with."""
    pairs: list[SearchAttributePair[Any]] = [SearchAttributePair(STATE, OrderState.ACKNOWLEDGED.value)]
    for keyword, text in (
        (CUSTOMER, order.customer_id()),
        (CATEGORY, order.category),
        (EXTERNAL_ID, order.external_id),
    ):
        if text:
            pairs.append(SearchAttributePair(keyword, text[:_KEYWORD_LENGTH]))
    pairs.append(SearchAttributePair(PRIORITY, priority_number(order.priority)))
    for date, at in (
        (ORDER_DATE, order.order_date),
        (START_DATE, order.requested_start_date),
        (DUE_DATE, order.requested_completion_date),
    ):
        if at:
            pairs.append(SearchAttributePair(date, at))
    return TypedSearchAttributes(pairs)


def of_amendment(planned: PlannedAmendment) -> list[SearchAttributeUpdate[Any]]:
    """Return the changes of what an order is found by that an amendment makes."""
    texts = {
        "relatedParty": (CUSTOMER, planned.customer),
        "category": (CATEGORY, planned.category),
        "externalId": (EXTERNAL_ID, planned.external_id),
    }
    dates = {
        "requestedStartDate": (START_DATE, planned.requested_start_date),
        "requestedCompletionDate": (DUE_DATE, planned.requested_completion_date),
    }
    set_anew = planned.attributes.keys()
    priority = [PRIORITY.value_set(priority_number(planned.priority))] if "priority" in set_anew else []
    return [
        *priority,
        *(_update(key, text and text[:_KEYWORD_LENGTH]) for name, (key, text) in texts.items() if name in set_anew),
        *(_update(key, at) for name, (key, at) in dates.items() if name in set_anew),
    ]


def _update(key: SearchAttributeKey[Any], value: Any) -> SearchAttributeUpdate[Any]:
    return key.value_set(value) if value else key.value_unset()


def priority_number(priority: str | int | None) -> int:
    """Return a priority, "0" (highest) to "4", as a number; anything else counts as "4"."""
    return int(text) if (text := str(priority)) in {"0", "1", "2", "3", "4"} else 4


async def register(client: Client) -> list[str]:
    """Make the attributes known to the client's namespace; return the names that were new."""
    known = await client.operator_service.list_search_attributes(
        ListSearchAttributesRequest(namespace=client.namespace)
    )
    missing = {name: kind for name, kind in TYPES.items() if name not in known.custom_attributes}
    if missing:
        await client.operator_service.add_search_attributes(
            AddSearchAttributesRequest(
                namespace=client.namespace,
                search_attributes={
                    name: IndexedValueType.Value(f"INDEXED_VALUE_TYPE_{kind.upper()}") for name, kind in missing.items()
                },
            )
        )
    return sorted(missing)
