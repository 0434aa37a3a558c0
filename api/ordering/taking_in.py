"""Taking orders in, and telling what one would come down to, or comes down to: alike for all three kinds."""

from __future__ import annotations

import re
import secrets
from datetime import UTC, datetime
from itertools import count
from typing import Any

import structlog
from fastapi import Request

from api.caller import client_of
from api.dependencies import Gateway
from api.http.answers import JsonAnswer
from api.http.bodies import read_json, worked_on
from api.http.errors import ConflictError, InvalidRequestError, NotFoundError, UnavailableError
from api.reads import stored_order
from api.schemas.kinds import CREATES
from application.http import DownstreamError
from orders.events.links import href, with_links
from orders.intake import accept, check_order, derived_id, fingerprint, order_id_from
from orders.lifecycle.states import OrderKind, OrderState
from orders.model.order_ids import is_root, root_id
from orders.model.posted import posted_order
from store.errors import DeletedOrderError, IdempotencyConflictError
from store.orders import AcceptedOrder
from tmf.bodies import Document, InvalidBodyError

_KEY_HEADER = "Idempotency-Key"
_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_PREVIEW_ID = "preview"

KEY_PARAMETER = {
    "name": _KEY_HEADER,
    "in": "header",
    "description": "1 to 255 visible characters that name this request: a repeat with the same key and body gives the "
    "same order back. Without it the body's `externalId`, where there is one, serves as the key.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
    "example": "0f9d6a52-5a2e-4f0f-8d0c-3c1d6a1f9b10",
}

_log = structlog.get_logger(__name__)


async def take_in(request: Request, gateway: Gateway, kind: OrderKind) -> JsonAnswer:
    """Take in the order of the request's body, and answer with it as it is stored.

    Raises:
        ApiError, StoreError: as `taken_in`.
    """
    document = await taken_in(request, gateway, kind, await read_json(request, gateway.body_limit))
    location = href(gateway.base_url, kind, document["id"])
    return JsonAnswer(with_links(gateway.base_url, kind, document), status_code=201, headers={"Location": location})


async def taken_in(request: Request, gateway: Gateway, kind: OrderKind, body: Any) -> Document:
    """Take in the order that a body in v4's shape asks for, and return it as it is stored.

    A request that is repeated gets the same order back, as it stands now.

    Raises:
        InvalidRequestError: with every fault of form.
        ConflictError: when its key was used with another body, and the order that has it was not rejected.
        DeletedOrderError: when its key was that of an order that was deleted.
    """
    key = _idempotency_key(request)
    checked = await _checked(request, gateway, body, kind)
    for attempt in count(1):
        order_id = _order_id(client_of(request), key, checked, kind, attempt)
        try:
            document, new = await gateway.orders.accept(
                AcceptedOrder(
                    kind=kind,
                    id=order_id,
                    document=accept(checked, order_id, datetime.now(UTC), kind),
                    client_id=client_of(request),
                    digest=fingerprint(checked),
                )
            )
        except DeletedOrderError:
            raise
        except IdempotencyConflictError as error:
            taken = await gateway.orders.get(kind, order_id) or {}
            # An order that was rejected is repaired and sent again: that is another one under the same external id.
            if key is None and taken.get("state") == OrderState.REJECTED:
                continue
            raise ConflictError(_conflict(gateway, kind, key, checked, taken)) from error
        break
    _log.info("order accepted" if new else "order request repeated", order=order_id)
    if new:
        await gateway.starter.start(order_id, document)
    return document


def _conflict(gateway: Gateway, kind: OrderKind, key: str | None, sent: Document, taken: Document) -> str:
    """Say which key was sent, which order has it, and what to do."""
    named = f"externalId {sent.get('externalId')}" if key is None else f"the header {_KEY_HEADER} {key}"
    where = href(gateway.base_url, kind, str(taken.get("id")))
    return (
        f"{named} names {kind.value} {taken.get('id')} already, which is {taken.get('state')} and was made of another "
        f"body: {where}; send the same body to get that order, change it by PATCH, or send this one under another key"
    )


async def preview(request: Request, gateway: Gateway, kind: OrderKind) -> JsonAnswer:
    """Answer with what the order of the request's body would come down to; nothing is stored or executed."""
    checked = await _checked(request, gateway, await read_json(request, gateway.body_limit), kind)
    order = posted_order(kind, accept(checked, _PREVIEW_ID, datetime.now(UTC), kind))
    try:
        with gateway.questions.one_more():
            planned = await gateway.planner.preview(order)
    except DownstreamError as error:
        raise UnavailableError(error.message) from error
    return JsonAnswer(
        {
            "order": planned.order.model_dump(mode="json", exclude_none=True, exclude={"id", "href"}),
            "plan": planned.plan.model_dump(mode="json") if planned.plan else None,
            "violations": [violation.model_dump(mode="json", exclude_none=True) for violation in planned.violations],
        }
    )


async def plan_of(gateway: Gateway, kind: OrderKind, order_id: str) -> JsonAnswer:
    """Answer with the plan of a posted order's latest revision.

    Raises:
        NotFoundError: when there is no such order, or it has no plan of its own.
    """
    document = await stored_order(gateway, kind, order_id)
    plan = await gateway.plans.load(order_id)
    if plan is None and not is_root(order_id):
        raise NotFoundError(f"{kind.value} {order_id!r} is a part of the plan of order {root_id(order_id)!r}")
    if plan is None:
        raise NotFoundError(f"{kind.value} {order_id!r} has no plan; the order is {document['state']}")
    return JsonAnswer(plan.model_dump(mode="json"))


def _idempotency_key(request: Request) -> str | None:
    keys = set(request.headers.getlist(_KEY_HEADER))
    if not keys:
        return None
    if len(keys) > 1 or not _KEY.fullmatch(key := keys.pop()):
        raise InvalidRequestError(f"{_KEY_HEADER}: must be one value of 1 to 255 visible characters")
    return key


def _order_id(client: str, key: str | None, document: Document, kind: OrderKind, attempt: int = 1) -> str:
    """Return the id that a repeat of the same request would have too, where the request can be told from others.

    Args:
        attempt: how often an order has been sent under its external id, repaired each time that it was rejected.
    """
    if key is not None:
        return derived_id(client, "idempotencyKey", key, kind)
    if external_id := document.get("externalId"):
        known_as = "externalId" if attempt == 1 else f"externalId/{attempt}"
        return derived_id(client, known_as, external_id, kind)
    return order_id_from(secrets.token_bytes(10), kind)


async def _checked(request: Request, gateway: Gateway, body: Any, kind: OrderKind) -> Document:
    try:
        return await worked_on(request, check_order, kind, body, CREATES[kind], gateway.limits)
    except InvalidBodyError as error:
        raise InvalidRequestError(str(error)) from error
