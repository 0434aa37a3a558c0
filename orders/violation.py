"""What is wrong with an order, in words for the one who sent it."""

from __future__ import annotations

from orders.model import Model


class Violation(Model):
    """One rule that an order breaks, and where: a JSON path such as `productOrderItem[0].productOffering.id`."""

    code: str
    path: str
    message: str
    item_id: str | None = None

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"
