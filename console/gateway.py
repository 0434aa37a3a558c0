"""A small client of the gateway: submit, preview, read. Failures are sentences for a person."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote
from uuid import uuid4

import httpx2

from console.errors import CommandError, UnreachableError
from console.order_tree import UNDO, OrderTree, child_ids, kind_of
from console.states import is_terminal
from orders.lifecycle.states import OrderKind
from orders.model.order_ids import root_kind
from tmf.bodies import Document
from tmf.paths import TMF622, TMF641, TMF652
from tmf.words import bare

PRODUCT_ORDERS = f"{TMF622}/productOrder"
SERVICE_ORDERS = f"{TMF641}/serviceOrder"
RESOURCE_ORDERS = f"{TMF652}/resourceOrder"
ORDERS = {
    OrderKind.PRODUCT: PRODUCT_ORDERS,
    OrderKind.SERVICE: SERVICE_ORDERS,
    OrderKind.RESOURCE: RESOURCE_ORDERS,
}
_DEPTH_OF_SERVICES = 2
"""How many `:` the id of a service order has that another order has made."""
_IDS_A_REQUEST = 100
_LOST_CONNECTIONS = 2
"""How many lost connections in a row a request bears."""


class RefusedError(CommandError):
    """The gateway answered with an error; its status and TMF error body are kept."""

    def __init__(self, status: int, body: Mapping[str, Any]) -> None:
        reason, message = bare(body.get("reason") or ""), bare(body.get("message") or "")
        said = f"{reason}: {message}" if reason and message and reason not in message else message or reason
        super().__init__(f"the gateway answered {status}: {said or 'no reason given'}")
        self.status, self.body = status, body


class Gateway:
    """The gateway at `base_url`, as an async context manager."""

    def __init__(self, base_url: str, *, transport: httpx2.AsyncBaseTransport | None = None) -> None:
        self.base_url = base_url.rstrip("/")
        self._client = httpx2.AsyncClient(base_url=self.base_url, timeout=30, transport=transport)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def submit(self, order: Document, idempotency_key: str | None = None) -> Document:
        """Post an order of any kind; return it as it was accepted.

        Where no key is given, its external id tells a repeat from a new order; one without either gets a key.

        Raises:
            CommandError: when it is refused or the gateway cannot be reached.
        """
        key = idempotency_key or (None if order.get("externalId") else uuid4().hex)
        headers = {"Idempotency-Key": key} if key else {}
        return _document(await self._ask("POST", ORDERS[kind_of(order)], json=order, headers=headers))

    async def preview(self, order: Document) -> Document:
        """Return what the gateway would make of an order: `order`, with prices of products, `plan`, `violations`.

        Raises:
            CommandError: when it is refused or the gateway cannot be reached.
        """
        return _document(await self._ask("POST", f"{ORDERS[kind_of(order)]}/preview", json=order))

    async def order(self, order_id: str) -> Document:
        """Return an order.

        Raises:
            CommandError: when there is none or the gateway cannot be reached.
        """
        return await self.read(order_path(order_id))

    async def orders(
        self, filters: Mapping[str, str], kind: OrderKind = OrderKind.PRODUCT
    ) -> tuple[list[Document], int]:
        """Return orders of a kind, and how many match in all.

        Raises:
            CommandError: when a filter is refused or the gateway cannot be reached.
        """
        return await self.listing(ORDERS[kind], filters)

    async def listing(self, path: str, filters: Mapping[str, str]) -> tuple[list[Document], int]:
        """Return the documents of a list, and how many match in all.

        Raises:
            CommandError: when a filter is refused or the gateway cannot be reached.
        """
        answer = await self._ask("GET", path, params=dict(filters))
        documents = answer.json()
        return documents, int(answer.headers.get("X-Total-Count", len(documents)))

    async def read(self, path: str) -> Document:
        """Return the document at a path.

        Raises:
            CommandError: when there is none or the gateway cannot be reached.
        """
        return _document(await self._ask("GET", path))

    async def health(self) -> Document:
        """Return how the gateway is, also where it cannot take orders.

        Raises:
            CommandError: when it cannot be reached.
        """
        try:
            return await self.read("/health/ready")
        except RefusedError as error:
            if "parts" not in error.body:
                raise
            return dict(error.body)

    async def tell(self, method: str, path: str, body: Any, media_type: str = "application/json") -> Document:
        """Send a document to a path; return what is answered.

        Raises:
            CommandError: when it is refused or the gateway cannot be reached.
        """
        content = json.dumps(body).encode()
        return _document(await self._ask(method, path, content=content, headers={"Content-Type": media_type}))

    async def delete(self, path: str, token: str | None = None) -> None:
        """Delete what is at a path; with a token, as the administrator whose it is.

        Raises:
            CommandError: when it is refused or the gateway cannot be reached.
        """
        await self._ask("DELETE", path, headers={"Authorization": f"Bearer {token}"} if token else {})

    async def order_tree(self, order_id: str, before: OrderTree | None = None) -> OrderTree:
        """Return a posted order with its service and resource orders; what had ended `before` is not read again.

        Raises:
            CommandError: when there is no such order or the gateway cannot be reached.
        """
        order = await self.order(order_id)
        known = before or OrderTree(order)
        of_resources = known.kind == OrderKind.RESOURCE
        made = [] if of_resources else child_ids(order)
        services = await self._refresh(SERVICE_ORDERS, made, known.service_orders)
        below = [id_ for document in services.values() for id_ in resource_order_ids(document)]
        wanted = child_ids(order) if of_resources else below
        resources = await self._refresh(RESOURCE_ORDERS, wanted, known.resource_orders)
        return OrderTree(order, services, resources)

    async def _refresh(self, path: str, ids: Iterable[str], known: Mapping[str, Document]) -> dict[str, Document]:
        ended = {id_: document for id_, document in known.items() if is_terminal(document.get("state"))}
        wanted = [id_ for id_ in ids if id_ not in ended]
        chunks = [wanted[start : start + _IDS_A_REQUEST] for start in range(0, len(wanted), _IDS_A_REQUEST)]
        answers = await asyncio.gather(
            *(
                self._ask("GET", path, params={"id": ",".join(f'"{id_}"' for id_ in ids), "limit": str(len(ids))})
                for ids in chunks
            )
        )
        return ended | {str(document["id"]): document for answer in answers for document in answer.json()}

    async def _ask(self, method: str, path: str, **arguments: Any) -> httpx2.Response:
        try:
            answer = await self._request(method, path, **arguments)
        except httpx2.TimeoutException as error:
            raise UnreachableError(f"the gateway at {self.base_url} did not answer in time") from error
        except httpx2.TransportError as error:
            raise UnreachableError(
                f"nothing answers at {self.base_url}; start the stack with `ordersaga up`, or name another gateway "
                "with --gateway or ORDERSAGA_PUBLIC_URL"
            ) from error
        if answer.is_error:
            raise RefusedError(answer.status_code, _error_body(answer))
        return answer

    async def _request(self, method: str, path: str, **arguments: Any) -> httpx2.Response:
        for _ in range(_LOST_CONNECTIONS):
            # A kept connection may be closed from the other side just as it is used again. A repeat does no harm:
            # orders are posted so that they are known again, and whatever else is asked twice is once.
            with contextlib.suppress(httpx2.ReadError, httpx2.WriteError, httpx2.RemoteProtocolError):
                return await self._client.request(method, path, **arguments)
        return await self._client.request(method, path, **arguments)


def order_path(order_id: str) -> str:
    """Return where the gateway has an order of any kind, posted or made by another one, by its id.

    Raises:
        CommandError: for what cannot be an id.
    """
    if not order_id or re.search(r"[\s/]", order_id):
        raise CommandError(f'"{order_id}" is no id of an order; `ordersaga order list` shows those that there are')
    depth = order_id.removesuffix(UNDO).replace(f"{UNDO}:", ":").count(":")
    if depth == 0:
        collection = ORDERS[root_kind(order_id)]
    else:
        of_services = depth <= _DEPTH_OF_SERVICES and root_kind(order_id) != OrderKind.RESOURCE
        collection = SERVICE_ORDERS if of_services else RESOURCE_ORDERS
    return f"{collection}/{quote(order_id, safe=':*~!')}"


def resource_order_ids(service_order: Document) -> list[str]:
    """Return the ids that the resource orders of a service order have, and those that undo them."""
    ids = [f"{service_order['id']}:{item['id']}" for item in service_order.get("serviceOrderItem") or []]
    return [*ids, *(f"{id_}{UNDO}" for id_ in ids)]


def _document(answer: httpx2.Response) -> Document:
    document: Document = answer.json()
    return document


def _error_body(answer: httpx2.Response) -> Mapping[str, Any]:
    try:
        body = answer.json()
    except ValueError:
        return {"message": answer.text[:200]}
    return body if isinstance(body, dict) else {"message": bare(body)[:200]}
