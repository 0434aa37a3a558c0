"""Deleting closed orders, which only administrators may: TMF622, TMF641 and TMF652 v4 alike.

An order goes with all that it has made and all that is kept of it; what it did in other systems stays as it is.
"""

from __future__ import annotations

from typing import Annotated

import structlog
from fastapi import APIRouter, Depends, Path, Response

from api.caller import require_admin
from api.dependencies import Gateway, GatewayDep
from api.documents.documentation import TAGS, errors
from api.engine import Whereabouts
from api.http.errors import NotAllowedError, NotFoundError
from api.reads import stored_order
from api.workflow_ids import workflow_of
from orders.events.links import BASE_PATHS
from orders.lifecycle.states import OrderKind, in_words, resource_name
from store.errors import OrderNotClosedError, OwnedOrderError, UnknownOrderError

_log = structlog.get_logger(__name__)


def _routes(kind: OrderKind) -> APIRouter:
    """Return the route of one kind's orders."""
    routes = APIRouter(prefix=f"{BASE_PATHS[kind]}/{kind.value}", tags=[TAGS[kind]])

    @routes.delete(
        "/{id}",
        status_code=204,
        response_class=Response,
        summary=f"Delete a closed {in_words(kind)}",
        operation_id=f"delete{resource_name(kind)}",
        description="For administrators. The orders that it has made, its plan, tasks, revisions and cancellations go "
        "with it; an order that another one has made is deleted with that one. What other systems hold stays.",
        responses={204: {"description": "It is deleted."}, **errors(401, 403, 404, 409, 503)},
        dependencies=[Depends(require_admin)],
    )
    async def delete(gateway: GatewayDep, order_id: Annotated[str, Path(alias="id")]) -> Response:
        await delete_order(gateway, kind, order_id)
        return Response(status_code=204)

    return routes


async def delete_order(gateway: Gateway, kind: OrderKind, order_id: str) -> None:
    """Delete a closed order, with all that it has made.

    Raises:
        NotFoundError: when there is no such order.
        NotAllowedError: when it is not closed, still has something to do, or was made by another order.
    """
    await stored_order(gateway, kind, order_id)
    if await gateway.engine.look(workflow_of(kind, order_id)) == Whereabouts.RUNNING:
        raise NotAllowedError(f"{kind.value} {order_id!r} still runs: only closed orders can be deleted")
    try:
        removed = await gateway.orders.remove(kind, order_id)
    except UnknownOrderError as error:
        raise NotFoundError(str(error)) from error
    except (OwnedOrderError, OrderNotClosedError) as error:
        raise NotAllowedError(str(error)) from error
    _log.warning("order deleted", order=order_id, kind=kind.value, orders=len(removed))


router = APIRouter()
for _kind in OrderKind:
    router.include_router(_routes(_kind))
