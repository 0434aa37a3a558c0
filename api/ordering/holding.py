"""Hold and resume: of product, service and resource orders, each as a whole or one item of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import structlog
from fastapi import APIRouter, Path, Request
from pydantic import Field

from api.caller import author_of
from api.dependencies import Gateway, GatewayDep
from api.documents.documentation import TAGS, body_of, errors
from api.http.answers import JsonAnswer
from api.http.bodies import SMALL_BODY, read_as, read_optional_json
from api.http.errors import InvalidRequestError
from api.messages import Words, admit, ask
from api.reads import linked_order, stored_order
from api.schemas.kinds import ANSWERS
from orders.events.links import BASE_PATHS
from orders.lifecycle.admission import Message
from orders.lifecycle.states import ITEM_LISTS, OrderKind, in_words, resource_name
from tmf.bodies import Document
from tmf.words import shown
from workflows.contracts.payloads import Hold, Resume

_log = structlog.get_logger(__name__)


class HoldRequest(Words):
    """What is to be held, or to go on: the whole order, or one item of it."""

    item: str | None = Field(default=None, min_length=1, max_length=300, description="The id of an item of the order.")


_EXAMPLE = {"item": "1", "reason": "The customer is away until Monday", "author": "ada"}


def _routes(kind: OrderKind) -> APIRouter:
    """Return the routes of one kind's orders."""
    routes = APIRouter(prefix=f"{BASE_PATHS[kind]}/{kind.value}", tags=[TAGS[kind]])
    words, name = in_words(kind), resource_name(kind)
    answers = {
        200: {"model": ANSWERS[kind], "description": "The order as it is recorded now."},
        **errors(400, 404, 409, 413, 415, 503),
    }

    @routes.post(
        "/{id}/hold",
        summary=f"Hold a {words}, or one item of it",
        operation_id=f"hold{name}",
        description="Nothing new is started below it from now on; what runs already may finish, and all that does not "
        "depend on it goes on. Deadlines go on too. The body may be left out.",
        responses=answers,
        openapi_extra=body_of(HoldRequest, _EXAMPLE, required=False),
    )
    async def hold(request: Request, gateway: GatewayDep, order_id: Annotated[str, Path(alias="id")]) -> JsonAnswer:
        return await _tell(request, gateway, kind, order_id, Message.HOLD)

    @routes.post(
        "/{id}/resume",
        summary=f"Go on with a {words} that was held, or with one item of it",
        operation_id=f"resume{name}",
        description="The body may be left out.",
        responses=answers,
        openapi_extra=body_of(HoldRequest, _EXAMPLE, required=False),
    )
    async def resume(request: Request, gateway: GatewayDep, order_id: Annotated[str, Path(alias="id")]) -> JsonAnswer:
        return await _tell(request, gateway, kind, order_id, Message.RESUME)

    return routes


async def _tell(request: Request, gateway: Gateway, kind: OrderKind, order_id: str, message: Message) -> JsonAnswer:
    wish = read_as(HoldRequest, await read_optional_json(request, min(gateway.body_limit, SMALL_BODY)))
    document = await stored_order(gateway, kind, order_id)
    if wish.item is not None and wish.item not in _item_ids(document.get(ITEM_LISTS[kind]), ITEM_LISTS[kind]):
        raise InvalidRequestError(f"item: the order has no item {shown(wish.item)}")
    admit(kind, document, message)
    model = Hold if message == Message.HOLD else Resume
    argument = model(item=wish.item, by=author_of(request, wish.author), reason=wish.reason)
    await ask(gateway, kind, document, message.value, argument)
    _log.info("order told", order=order_id, message=message.value, item=wish.item)
    return JsonAnswer(await linked_order(gateway, kind, order_id))


def _item_ids(items: Any, name: str) -> Iterator[str]:
    level: list[Document] = items or []
    for item in level:
        yield str(item.get("id"))
        yield from _item_ids(item.get(name), name)


router = APIRouter()
for _kind in OrderKind:
    router.include_router(_routes(_kind))
