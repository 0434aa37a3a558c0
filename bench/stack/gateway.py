"""Orders as a CRM places them: by the gateway's published API, and by nothing else of the product."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

from application.addresses import PRODUCT
from bench.stack.stacks import Stack
from tmf.paths import TMF622

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
ORDERS = ("fibre-bundle", "mobile-esim")
"""Examples of the documentation that are measured, the largest first."""
MODIFICATION = "modify-fibre"
SUCCEEDED = "completed"

PATH = f"{TMF622}/productOrder"
_CANCELLATIONS = f"{TMF622}/cancelProductOrder"


class Gateway:
    """Places orders and looks at them."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._url = f"{stack.layout.gateway_url}{PATH}"

    async def place(self, document: dict[str, Any]) -> str:
        """Place an order; return its id.

        Raises:
            RuntimeError: with its answer, when the gateway does not take it.
            httpx2.HTTPError: when it gives none.
        """
        answer = await self._stack.http.post(self._url, json=document)
        if answer.is_error:
            raise RuntimeError(f"the gateway answers {answer.status_code}: {answer.text}")
        return str(answer.json()["id"])

    async def cancel(self, order_id: str) -> None:
        """Ask for the cancellation of an order.

        Raises:
            httpx2.HTTPError: when it is refused.
        """
        body = {"productOrder": {"id": order_id}, "cancellationReason": "bench"}
        url = f"{self._stack.layout.gateway_url}{_CANCELLATIONS}"
        (await self._stack.http.post(url, json=body)).raise_for_status()

    async def over(self, order_id: str) -> None:
        """Wait until the workflow of an order is over: Temporal says so, and the gateway is asked nothing."""
        await self._stack.temporal.get_workflow_handle(workflow_id(order_id)).result()

    async def order(self, order_id: str) -> dict[str, Any]:
        document: dict[str, Any] = (await self._get(f"{self._url}/{order_id}")).json()
        return document

    async def succeeded(self, order_id: str) -> None:
        """Wait until an order is over.

        Raises:
            RuntimeError: when it did not complete.
        """
        await self.over(order_id)
        document = await self.order(order_id)
        if document["state"] != SUCCEEDED:
            raise RuntimeError(f"order {order_id} is {document['state']}: {document.get('note')}")

    async def plan(self, order_id: str) -> dict[str, Any]:
        plan: dict[str, Any] = (await self._get(f"{self._url}/{order_id}/plan")).json()
        return plan

    async def counted(self, **filters: str) -> int:
        """Return how many orders there are by these filters."""
        answer = await self._stack.http.get(self._url, params={**filters, "limit": "1"})
        return int(answer.raise_for_status().headers["X-Total-Count"])

    async def product_of(self, order_id: str, specification: str) -> str:
        """Return the id of a product that an order made, as product inventory has it."""
        wanted = {"productOrderItem.productOrderId": order_id, "productSpecification.id": specification}
        answer = await self._stack.http.get(f"{self._stack.systems['inventory']}{PRODUCT}", params=wanted)
        return str(answer.raise_for_status().json()[0]["id"])

    async def _get(self, url: str) -> Any:
        return (await self._stack.http.get(url)).raise_for_status()


def workflow_id(order_id: str) -> str:
    """Return the id of the workflow that runs a product order."""
    return f"po:{order_id}"


def new_customer() -> str:
    """Return the id of a customer who has nothing yet."""
    return f"customer-{uuid4().hex[:12]}"


def example(name: str, customer: str, **replacements: str) -> dict[str, Any]:
    """Return an example order of the documentation, of a customer and with an external id of its own."""
    text = (EXAMPLES / f"{name}.json").read_text()
    for placeholder, value in replacements.items():
        text = text.replace(f"${placeholder}", value)
    document: dict[str, Any] = json.loads(text)
    document["externalId"] = f"BENCH-{uuid4().hex}"
    document["relatedParty"] = [{"id": customer, "role": "customer", "name": customer, "@referredType": "Customer"}]
    return document
