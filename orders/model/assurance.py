"""Assurance: what an item of a service order does about a service that has failed, its own or one that supports it."""

from __future__ import annotations

from enum import StrEnum

from orders.model.product_orders import Reference
from tmf.model import Resource

CATEGORY = "assurance"
"""The category of orders that were made since a service has failed."""


class AssuranceAction(StrEnum):
    """What is done about it."""

    REPAIR = "repair"
    """It is set up in the network once more, as it is."""
    REPLACE = "replace"
    """Resources of it are exchanged for new ones."""
    MANUAL = "manual"
    """People see to it; then it is set up once more."""


class Assurance(Resource):
    """What an item does about a service that has failed. Without `service`, that is the item's own."""

    action: AssuranceAction
    service: Reference | None = None
    reason: str | None = None
