"""Orders (TMF622, TMF641 and TMF652 v4 alike): taking them in, giving them back, and what they come down to."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request

from api.dependencies import GatewayDep
from api.documents.documentation import (
    FIELDS_PARAMETER,
    LIST_PARAMETERS,
    LOCATION,
    TAGS,
    body_of,
    errors,
    list_responses,
)
from api.http.answers import JsonAnswer
from api.ordering.taking_in import KEY_PARAMETER, plan_of, preview, take_in
from api.reads import answer_list, answer_order
from api.schemas.kinds import ANSWERS, CREATES, EXAMPLES, PREVIEWS
from orders.events.links import BASE_PATHS
from orders.lifecycle.states import OrderKind, in_words, resource_name
from orders.plan.orchestration_plan import OrchestrationPlan


def _routes(kind: OrderKind) -> APIRouter:
    """Return the routes of one kind's orders."""
    routes = APIRouter(prefix=f"{BASE_PATHS[kind]}/{kind.value}", tags=[TAGS[kind]])
    name, order, things = resource_name(kind), in_words(kind), in_words(kind).replace(" order", "s")
    model, body = ANSWERS[kind], body_of(CREATES[kind], EXAMPLES[kind])

    @routes.post(
        "",
        status_code=201,
        summary=f"Order {things}",
        operation_id=f"create{name}",
        description="Takes an order in; it runs as a workflow of its own. Whether it makes sense is found out by its "
        "execution: an order that does not becomes `rejected`, with every reason. `id`, `href`, `state`, `orderDate` "
        "and other attributes that the orchestrator sets are ignored; unknown attributes are kept and given back.",
        responses={
            201: {
                "model": model,
                "description": "The order as it was taken in; for a repeated request, as it stands now.",
                "headers": LOCATION,
            },
            **errors(400, 409, 413, 415, 503),
        },
        openapi_extra={**body, "parameters": [KEY_PARAMETER]},
    )
    async def create(request: Request, gateway: GatewayDep) -> JsonAnswer:
        return await take_in(request, gateway, kind)

    @routes.post(
        "/preview",
        summary=f"See what an order of {things} would come down to",
        operation_id=f"preview{name}",
        description="Plans the order of the body, and prices one of products, as if it had been taken in. Nothing is "
        "stored or executed.",
        responses={
            200: {
                "model": PREVIEWS[kind],
                "description": "The order with its plan, or all that would have it rejected.",
            },
            **errors(400, 413, 415, 503),
        },
        openapi_extra=body,
    )
    async def preview_order(request: Request, gateway: GatewayDep) -> JsonAnswer:
        return await preview(request, gateway, kind)

    @routes.get(
        "",
        summary=f"List or find {order}s",
        operation_id=f"list{name}",
        responses=list_responses(model),
        openapi_extra=LIST_PARAMETERS,
    )
    async def list_orders(request: Request, gateway: GatewayDep) -> JsonAnswer:
        return await answer_list(request, gateway, kind, model)

    @routes.get(
        "/{id}",
        summary=f"Retrieve a {order}",
        operation_id=f"retrieve{name}",
        responses={200: {"model": model}, **errors(400, 404, 503)},
        openapi_extra={"parameters": [FIELDS_PARAMETER]},
    )
    async def retrieve(request: Request, gateway: GatewayDep, order_id: Annotated[str, Path(alias="id")]) -> JsonAnswer:
        return await answer_order(request, gateway, kind, order_id)

    @routes.get(
        "/{id}/plan",
        summary=f"Retrieve what a {order} comes down to",
        operation_id=f"retrieve{name}Plan",
        description="The orchestration plan of the latest revision of an order that was posted: the orders below it, "
        "their items, and what waits for what.",
        responses={200: {"model": OrchestrationPlan}, **errors(404, 503)},
    )
    async def retrieve_plan(gateway: GatewayDep, order_id: Annotated[str, Path(alias="id")]) -> JsonAnswer:
        return await plan_of(gateway, kind, order_id)

    return routes


router = APIRouter()
for _kind in OrderKind:
    router.include_router(_routes(_kind))
