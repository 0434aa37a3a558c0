"""Attributes that only the orchestrator writes: a client's are left out. `docs/api.md` has them as a table.

Prices are among it. What an order costs follows from the catalogs, so that no price stands on an order, nor in an event
of it, that nobody will charge; what the client was offered is named by `quote` and `quoteItem`, which are kept.
"""

from __future__ import annotations

from typing import Any

from orders.lifecycle.states import ITEM_LISTS, OrderKind
from tmf.bodies import Document

_OF_ALL = frozenset(
    {
        "id",
        "href",
        "state",
        "orderDate",
        "completionDate",
        "expectedCompletionDate",
        "cancellationDate",
        "cancellationReason",
        "residue",
        "milestone",
        "jeopardyAlert",
    }
)

SERVER_SET: dict[OrderKind, frozenset[str]] = {
    OrderKind.PRODUCT: _OF_ALL | {"productOrderErrorMessage", "orderTotalPrice"},
    OrderKind.SERVICE: _OF_ALL | {"errorMessage", "startDate"},
    OrderKind.RESOURCE: _OF_ALL | {"errorMessage", "startDate"},
}
"""Attributes of an order that only the orchestrator writes."""

REALIZED_PRODUCT = "realizedProduct"
"""The attribute of an item, not of TM Forum's, that names the products which it made, where it ordered several."""

ITEMS_SERVER_SET: dict[OrderKind, frozenset[str]] = {
    OrderKind.PRODUCT: frozenset({"state", "itemPrice", "itemTotalPrice", REALIZED_PRODUCT}),
    OrderKind.SERVICE: frozenset({"state", "errorMessage"}),
    OrderKind.RESOURCE: frozenset({"state"}),
}
"""The same of its items."""


CANCELLATION = frozenset(
    {"id", "href", "creationDate", "state", "effectiveCancellationDate", "completionMessage", "errorMessage"}
)
"""The same of a cancellation."""

QUALIFICATION = frozenset(
    {
        "id",
        "href",
        "state",
        "qualificationResult",
        "effectiveQualificationDate",
        "expirationDate",
        "estimatedResponseDate",
        "expectedPOQCompletionDate",
        "productOfferingQualificationDate",
        "checkServiceQualificationDate",
        "queryServiceQualificationDate",
    }
)
"""The same of a qualification, of TMF679 and of TMF645."""

QUALIFIED_OFFERINGS = frozenset(
    {
        "state",
        "qualificationItemResult",
        "qualificationResult",
        "eligibilityUnavailabilityReason",
        "alternateProductOfferingProposal",
        "alternateServiceProposal",
        "expirationDate",
        "terminationError",
    }
)
"""The same of the items of TMF679."""

QUALIFIED_SERVICES = QUALIFIED_OFFERINGS | {"expectedActivationDate"}
"""The same of the items of TMF645's checks; in TMF679 that date is what the asker wishes."""


def as_sent(kind: OrderKind, document: Document) -> Document:
    """Return an order, which need not be one yet, as a client could have sent it."""
    sent = {name: value for name, value in document.items() if name not in SERVER_SET[kind]}
    name = ITEM_LISTS[kind]
    return {**sent, name: items_as_sent(kind, sent[name])} if name in sent else sent


def items_as_sent(kind: OrderKind, items: Any) -> Any:
    """Return the items of an order, and those nested in them, as a client could have sent them."""
    return [_item_as_sent(kind, each) for each in items] if isinstance(items, list) else items


def _item_as_sent(kind: OrderKind, item: Any) -> Any:
    if not isinstance(item, dict):
        return item
    sent = {name: value for name, value in item.items() if name not in ITEMS_SERVER_SET[kind]}
    name = ITEM_LISTS[kind]
    return {**sent, name: items_as_sent(kind, sent[name])} if name in sent else sent
