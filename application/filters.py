"""Whether the systems filter their lists: one that ignores what it does not know answers with everything it has.

What an order has made is looked up by filters. What comes back is read back from each document in any case; a system
that does not filter makes such a look-up slow, and leaves it to people once it has many documents.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Final

from application.addresses import CHARGE, PRODUCT, RESOURCE, SERVICE
from application.http import DownstreamError, DownstreamSystem

_NOBODYS: Final = "ordersaga-asks-whether-this-filters"
_FILTERS: Final = {
    "inventory": (
        (RESOURCE, "reservation.requestedBy"),
        (SERVICE, "serviceOrderItem.serviceOrderId"),
        (SERVICE, "serviceOrderItem.itemId"),
        (PRODUCT, "productOrderItem.productOrderId"),
        (PRODUCT, "productOrderItem.planKey"),
    ),
    "billing": ((CHARGE, "product.id"),),
}
CANNOT_BE_ASKED: Final = (404, 405, 501)
"""Answers to a list by which a system says that it has no such list."""


async def ignored_filters(systems: Mapping[str, DownstreamSystem]) -> list[str]:
    """Return a sentence for each list that is not filtered; nothing of a system that is away, or cannot be asked."""
    ignored = []
    for name, filters in _FILTERS.items():
        with suppress(DownstreamError):
            for path, attribute in filters:
                if await _ignores(systems[name], path, attribute):
                    ignored.append(f"{name} ignores the filter {attribute} of {path}")
    return ignored


async def _ignores(system: DownstreamSystem, path: str, attribute: str) -> bool:
    answer = await system.call("GET", path, params={attribute: _NOBODYS, "limit": "1"}, accept=CANNOT_BE_ASKED)
    return answer.status not in CANNOT_BE_ASKED and bool(answer.body)
