"""The keys of a plan's parts.

They are stable from revision to revision: product `1`, its service order `1:internet`, that one's item `access`,
that one's resource `port`; instance n of several has the suffix `*n`, and what gives way to a new one under its key
`~replaced`. Characters of an item's id that could be taken for a separator are percent-encoded, and what is too long
for a workflow's id then ends in its digest.
"""

from __future__ import annotations

import hashlib
from urllib.parse import quote

CUSTOMER_FACING = "service"
"""The key of the item of a service order that is the customer-facing service itself."""

REPLACED = "~replaced"
"""What the key of an installed service or resource ends with where a new one takes its place and its key."""

_LONGEST_SEGMENT = 100
_LONGEST_PRODUCT = 400
"""Characters of a product's key: a workflow's id, of a thousand at most, has it and those of what is below it."""


def segment(item_id: str) -> str:
    """Return an item's id as a segment of a key: at most 100 characters, none of them a separator.

    Separators and what URLs dislike are percent-encoded; of a longer id the beginning stays, and its digest follows.
    """
    encoded = quote(item_id, safe="")
    if len(encoded) <= _LONGEST_SEGMENT:
        return encoded
    # No encoded id has "=" in it, so that none can be taken for a shortened one.
    digest = hashlib.sha256(item_id.encode()).hexdigest()[:32]
    return f"{encoded[: _LONGEST_SEGMENT - 33]}={digest}"


def product_key(item_id: str, instance: int = 1, quantity: int = 1) -> str:
    """Return the key of an item's product, of instance n (from 1) where it orders several."""
    return segment(item_id) if quantity == 1 else f"{segment(item_id)}*{instance}"


def part_key(bundle: str, product_id: str) -> str:
    """Return the key of an installed product that goes with its bundle, without an item of its own.

    However deep it is in bundles, the key is short enough for the ids that are made of it.
    """
    key = f"{bundle}+{segment(product_id)}"
    if len(key) <= _LONGEST_PRODUCT:
        return key
    return f"{key[: _LONGEST_PRODUCT - 33]}={hashlib.sha256(key.encode()).hexdigest()[:32]}"


def service_order_key(product: str, name: str) -> str:
    """Return the key of the service order that realises the service `name` of a product."""
    return f"{product}:{name}"


def delivery_key(unit: str) -> str:
    """Return the key of a unit's delivery."""
    return f"{unit}:!delivered"
