"""An order's events as a stream (server-sent events): what has happened so far, and from then on as it happens."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from datetime import timedelta
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Header, Path, Response
from fastapi.responses import StreamingResponse
from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event

from api.dependencies import Gateway, GatewayDep
from api.documents.documentation import TAGS, errors
from api.reads import stored_order
from orders.events.hubs import HUBS
from orders.events.links import BASE_PATHS
from orders.lifecycle.states import TERMINAL, OrderKind
from store.errors import StoreUnavailableError
from store.outbox import Placed

_BATCH = 100
_STATE = ("state",)
_BREATH = timedelta(seconds=15)
"""How often something is sent where nothing happens, so that no proxy takes the stream for dead."""

_MEDIA_TYPE = "text/event-stream"
_SCHEMA = {
    "type": "object",
    "description": "One of its events.",
    "properties": {
        "id": {"type": "string", "description": "For `Last-Event-ID`."},
        "event": {"type": "string", "description": "The type, as in `ProductOrderStateChangeEvent`."},
        "data": {"type": "string", "description": "The event as a listener gets it, in JSON."},
    },
}
_LAST_EVENT_ID = r"^[0-9]{1,18}$"


def _routes(kind: OrderKind) -> APIRouter:
    routes = APIRouter(prefix=f"{BASE_PATHS[kind]}/{kind.value}", tags=[TAGS[kind]])

    @routes.get(
        "/{id}/events",
        summary="Follow an order by its events",
        operation_id=f"follow{kind.value[0].upper()}{kind.value[1:]}",
        description="Server-sent events: first all that there are of the order and of those that it has made, then "
        "each as it happens, until the order has ended. `Last-Event-ID` goes on behind the one with that id.",
        response_class=StreamingResponse,
        responses={
            200: {"description": "The stream.", "content": {_MEDIA_TYPE: {"schema": _SCHEMA}}},
            204: {"description": "The order has ended, and nothing comes behind that id: do not come back."},
            **errors(400, 404, 503),
        },
    )
    async def follow(
        gateway: GatewayDep,
        order_id: Annotated[str, Path(alias="id")],
        last_event_id: Annotated[str | None, Header(alias="Last-Event-ID", pattern=_LAST_EVENT_ID)] = None,
    ) -> Response:
        order = await stored_order(gateway, kind, order_id, _STATE)
        after = int(last_event_id or 0)
        if after > await gateway.outbox.end():
            after = 0  # The order store was restored: its ids are given anew.
        if last_event_id is not None and order["state"] in TERMINAL and await _is_over(gateway, order_id, after):
            return Response(status_code=204)
        stream = _events(gateway, kind, order_id, after)
        unbuffered = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(stream, media_type=_MEDIA_TYPE, headers=unbuffered)

    return routes


async def _events(gateway: Gateway, kind: OrderKind, order_id: str, after: int) -> AsyncGenerator[bytes, None]:
    """Yield the events of an order's tree behind a position, until the order has ended, or the gateway does."""
    root_id = order_id.partition(":")[0]

    try:
        while True:
            ended = (await gateway.orders.get(kind, order_id, _STATE) or {}).get("state") in TERMINAL
            end = await gateway.outbox.end()
            if end < after:
                after = 0  # The order store was restored: its ids are given anew.
            found = await gateway.outbox.read(after, _BATCH, root_id=root_id)
            for placed in found:
                after = placed.position
                if _is_told(placed, order_id) and (written := await _written(gateway, placed)):
                    yield written
            if len(found) < _BATCH:
                after = max(after, end)  # Behind the last one there may be some that cannot be read.
            if gateway.closing.is_set() or (ended and not found):
                return
            is_there = partial(gateway.outbox.is_behind, after, root_id=root_id)
            if not found and not await gateway.outbox_poller.wait_for_events(
                after, is_there, _BREATH, gateway.closing.is_set
            ):
                yield KEEPALIVE_COMMENT
    except StoreUnavailableError:
        # The client comes back by itself, with the id of the last event that it has.
        return


async def _is_over(gateway: Gateway, order_id: str, after: int) -> bool:
    """Return whether no event of an order comes behind a position."""
    root_id = order_id.partition(":")[0]
    while found := await gateway.outbox.read(after, _BATCH, root_id=root_id):
        if any(_is_told(placed, order_id) for placed in found):
            return False
        after = found[-1].position
    return True


def _is_told(placed: Placed, order_id: str) -> bool:
    """Return whether an event is about an order, one that it has made, or the cancellation of one of them.

    Only events that the hub of their API knows are told: some came with a later version.
    """
    event = placed.event
    hub = HUBS.get(event.api)
    if hub is None or event.type not in hub.types:
        return False
    cancelled = [part["id"] for part in event.document.values() if isinstance(part, dict) and "id" in part]
    concerned = [event.subject_id, *(cancelled if event.resource.startswith("cancel") else [])]
    return any(each == order_id or each.startswith(f"{order_id}:") for each in concerned)


async def _written(gateway: Gateway, placed: Placed) -> bytes | None:
    try:
        told = HUBS[placed.event.api].envelope(placed.event, gateway.base_url)
    except Exception as error:  # Whatever is wrong with one event is no matter of the others.
        await gateway.outbox.set_aside(placed.position, error)
        return None
    data = json.dumps(told, ensure_ascii=False, separators=(",", ":"))
    return format_sse_event(data_str=data, event=placed.event.type, id=str(placed.position))


router = APIRouter()
for _kind in OrderKind:
    router.include_router(_routes(_kind))
