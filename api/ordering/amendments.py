"""Amendments of running orders (PATCH): what one would do, its being put to the order, revisions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Any

import anyio.to_thread
import structlog
from fastapi import APIRouter, Path, Request
from pydantic import BaseModel

from api.caller import client_of
from api.dependencies import Gateway, GatewayDep
from api.documents.documentation import (
    TAGS,
    body_of,
    errors,
    fields_parameter,
    insisting_on,
    list_parameters,
    list_responses,
)
from api.engine import MessageRefusedError, WorkflowEndedError
from api.http.answers import JsonAnswer
from api.http.bodies import read_json
from api.http.errors import InvalidRequestError, NotAllowedError, NotFoundError, UnavailableError
from api.http.patches import amended, amendment
from api.messages import admit, ask
from api.reads import answer_documents, linked_order, stored_order
from api.schemas import CANCEL_PREVIEW_EXAMPLE, ChangePreview
from api.schemas.kinds import ANSWERS, PATCH_EXAMPLES, UPDATES
from application.http import DownstreamError
from application.planner import PlannedOrder, plans_alike
from orders.bounds import OrderLimits
from orders.change.amendment import Amendment, NodeProgress, cancellation, decide
from orders.change.comparison import PLANNED_FROM, compare
from orders.events.links import BASE_PATHS
from orders.lifecycle.admission import Message
from orders.lifecycle.states import ITEM_LISTS, OrderKind, OrderState, in_words, resource_name
from orders.model.order_ids import is_root, root_kind
from orders.model.posted import posted_order
from orders.model.revision import Refusal, Revision, RevisionState
from orders.model.violation import Violation
from orders.plan.orchestration_plan import OrchestrationPlan
from orders.plan.plan_graph import PlanGraph
from tmf.bodies import Document, InvalidBodyError
from tmf.media_types import JSON, JSON_PATCH, MERGE_PATCH, media_type_of
from tmf.patches import apply_operations, merge_patch
from tmf.query.query import parse_list_query
from workflows.contracts.ids import root_workflow
from workflows.contracts.payloads import Amend

_MEDIA_TYPES = (JSON, MERGE_PATCH, JSON_PATCH)

_log = structlog.get_logger(__name__)

OrderId = Annotated[str, Path(alias="id")]

Patch = Callable[[Document], Any]
"""Returns a document as the body of a request changes it."""

Changes = Callable[[Document, Patch, OrderLimits], Document]
"""Returns what a patch sets anew of an order as v4 shows it: attributes in v4's shape, None where they go."""


_PROPOSALS = 5
"""How often an amendment is proposed at most, while others overtake it."""

_NAMING = ("orderId", "number")
"""What names a revision, which has no id."""


class ListedRevision(Revision):
    """A revision in a list; one that `fields` cuts down has `orderId` and `number`."""

    model_config = insisting_on(*_NAMING)


def patch_body(model: type[BaseModel], example: Any) -> dict[str, Any]:
    """Return the description of a body that changes an order, in each media type that it may have."""
    operations = {
        "schema": {"type": "array", "items": {"type": "object"}},
        "example": [{"op": "replace", "path": "/requestedStartDate", "value": "2026-12-01T09:00:00.000Z"}],
    }
    return body_of(model, example, media_types=(JSON, MERGE_PATCH), others={JSON_PATCH: operations})


def _routes(kind: OrderKind) -> APIRouter:
    """Return the routes of one kind's amendments."""
    routes = APIRouter(prefix=f"{BASE_PATHS[kind]}/{kind.value}", tags=[TAGS[kind]])
    words, name, items = in_words(kind), resource_name(kind), ITEM_LISTS[kind]
    of_posted = "" if kind == OrderKind.PRODUCT else " Only an order that was posted can be amended."

    @routes.patch(
        "/{id}",
        summary=f"Amend a {words} while it runs",
        operation_id=f"patch{name}",
        description="Attributes that the body names take their new values; `null` removes one, and a list such as "
        f"`{items}` is replaced whole, so it names every item of the new version. The new version is planned and "
        "compared with what is done: what stays the same is left alone. Where an item is past its point of no return "
        f"the whole amendment is refused, and nothing changes. Each amendment is a revision of the order.{of_posted}",
        responses={
            200: {"model": ANSWERS[kind], "description": "The order as it is recorded now."},
            **errors(400, 404, 409, 413, 415, 422, 503),
        },
        openapi_extra=patch_body(UPDATES[kind], PATCH_EXAMPLES[kind]),
    )
    async def patch(request: Request, gateway: GatewayDep, order_id: OrderId) -> JsonAnswer:
        await amend_order(request, gateway, kind, order_id)
        return JsonAnswer(await linked_order(gateway, kind, order_id))

    @routes.post(
        "/{id}/preview",
        summary=f"See what an amendment or a cancellation of a running {words} would do",
        operation_id=f"preview{name}Change",
        description='The body is what PATCH takes, or `{"cancel": true}`. Nothing is stored, and the order goes on; by '
        f"the time that it is asked for in earnest, more may be done.{of_posted}",
        responses={
            200: {
                "model": ChangePreview,
                "description": "What becomes of each part of the plan, or why it is refused.",
            },
            **errors(400, 404, 409, 413, 415, 503),
        },
        openapi_extra=patch_body(UPDATES[kind], CANCEL_PREVIEW_EXAMPLE),
    )
    async def preview(request: Request, gateway: GatewayDep, order_id: OrderId) -> JsonAnswer:
        body = await read_json(request, gateway.body_limit, _MEDIA_TYPES)
        current = await stored_order(gateway, kind, order_id)
        _admit_posted(kind, current)
        if body == {"cancel": True}:
            admit(kind, current, Message.CANCEL)
            return _preview(await _cancelled(gateway, kind, current))
        attributes = await _attributes(request, gateway, kind, current, body)
        admit(kind, current, Message.AMEND)
        return await _preview_amendment(gateway, kind, current, attributes)

    @routes.get(
        "/{id}/revision",
        summary=f"List the revisions of a {words}",
        operation_id=f"list{name}Revision",
        description="The first is the order as it came in; each amendment is one more, with its author, what it "
        "changed, and what it did to the plan, or why it was refused.",
        responses={**list_responses(ListedRevision), **errors(404)},
        openapi_extra=list_parameters("-number", fields_parameter("state,author", _NAMING)),
    )
    async def list_revisions(request: Request, gateway: GatewayDep, order_id: OrderId) -> JsonAnswer:
        query = parse_list_query(request.query_params.multi_items(), model=Revision)
        if query.fields is not None:
            query = replace(query, fields=(*_NAMING, *query.fields))
        return await answer_documents(map(_revision, await _revisions(gateway, kind, order_id)), query)

    @routes.get(
        "/{id}/revision/{number}",
        summary=f"Retrieve a revision of a {words}",
        operation_id=f"retrieve{name}Revision",
        responses={200: {"model": Revision}, **errors(400, 404, 503)},
    )
    async def retrieve_revision(gateway: GatewayDep, order_id: OrderId, number: int) -> JsonAnswer:
        for revision in await _revisions(gateway, kind, order_id):
            if revision.number == number:
                return JsonAnswer(_revision(revision))
        raise NotFoundError(f"{kind.value} {order_id!r} has no revision {number}")

    return routes


def _admit_posted(kind: OrderKind, current: Document) -> None:
    """Let an order pass that was posted.

    Raises:
        NotAllowedError: when another order has made it; it names that one.
    """
    if not is_root(current["id"]):
        admit(kind, current, Message.AMEND)


async def amend_order(
    request: Request, gateway: Gateway, kind: OrderKind, order_id: str, changes: Changes | None = None
) -> None:
    """Put to an order what the request's body changes in it; where it changes nothing, there is nothing to put.

    Where another amendment overtakes it on its way, it is put once more, as a change of what that one has made.

    Args:
        changes: reads the patch, in the shape that it has; v4's where it is None.

    Raises:
        InvalidRequestError: naming each attribute that cannot be changed or read.
        NotFoundError: when there is no such order.
        NotAllowedError: when it can not be amended any more, or refuses.
    """
    body = await read_json(request, gateway.body_limit, _MEDIA_TYPES)
    for further in reversed(range(_PROPOSALS)):
        current = await stored_order(gateway, kind, order_id)
        _admit_posted(kind, current)
        attributes = await _attributes(request, gateway, kind, current, body, changes)
        admit(kind, current, Message.AMEND)
        try:
            if attributes:
                await _amend(gateway, kind, current, attributes, client_of(request))
        except MessageRefusedError as error:
            if not error.overtaken or not further:
                raise
        else:
            return


async def _attributes(
    request: Request,
    gateway: Gateway,
    kind: OrderKind,
    current: Document,
    body: Any,
    changes: Changes | None = None,
) -> Document:
    """Return what the request's body changes in an order: attributes with their new values, None where they go.

    Raises:
        InvalidRequestError: naming each attribute that cannot be changed or read.
    """
    operations = media_type_of(request.headers.get("Content-Type", "")) == JSON_PATCH
    # As GET shows it, so that a client may send back what it has read with its changes.
    shown = await linked_order(gateway, kind, current["id"])

    def patch(document: Document) -> Any:
        if operations:
            return apply_operations(document, body, gateway.body_limit)
        if not isinstance(body, dict):
            raise InvalidRequestError("the body must be a JSON object")
        return merge_patch(document, body)

    def as_v4(shown: Document, patch: Patch, limits: OrderLimits) -> Document:
        return amendment(shown, patch(shown), kind, limits)

    try:
        return await anyio.to_thread.run_sync(changes or as_v4, shown, patch, gateway.limits)
    except InvalidBodyError as error:
        raise InvalidRequestError(str(error)) from error


async def _amend(gateway: Gateway, kind: OrderKind, current: Document, attributes: Document, author: str) -> None:
    """Propose a revision and put it to the order; one that is refused is kept as such."""
    order_id = current["id"]
    revision = await gateway.revisions.propose(order_id, attributes, author, datetime.now(UTC))
    message = Amend(revision=revision.number, by=author)
    try:
        await ask(gateway, kind, current, Message.AMEND.value, message, update_id=f"amend-{revision.number}")
    except MessageRefusedError as error:
        await _refuse(gateway, revision, error.refusals or _as_refusals(error))
        raise
    except NotAllowedError as error:
        await _refuse(gateway, revision, [Refusal(reason=error.message)])
        raise
    _log.info("order amended", order=order_id, revision=revision.number)


async def _refuse(gateway: Gateway, revision: Revision, refusals: list[Refusal]) -> None:
    """Keep why a revision was refused; where the order's workflow has done so already, that stays."""
    refused = {"state": RevisionState.REFUSED, "refusals": refusals, "decided_at": datetime.now(UTC)}
    await gateway.revisions.settle(revision.model_copy(update=refused))
    _log.info("amendment refused", order=revision.order_id, revision=revision.number)


def _as_refusals(error: MessageRefusedError) -> list[Refusal]:
    broken = [Refusal(item_id=each.item_id, reason=str(each)) for each in error.violations]
    return broken or [Refusal(reason=error.message)]


async def _preview_amendment(gateway: Gateway, kind: OrderKind, current: Document, attributes: Document) -> JsonAnswer:
    order_id = current["id"]
    running = await gateway.plans.load(order_id)
    try:
        with gateway.questions.one_more():
            planned = await _planned(gateway, kind, current, attributes, running)
    except DownstreamError as error:
        raise UnavailableError(error.message) from error
    if planned is None and running is not None:
        return _preview(_decided(running, running, await _progress(gateway, kind, current)))
    if planned is None or planned.plan is None:
        return _preview(Amendment(), planned.violations if planned else [])
    old = running or OrchestrationPlan(order_id=order_id, catalog=planned.plan.catalog)
    progress = await _progress(gateway, kind, current)
    return _preview(await anyio.to_thread.run_sync(_decided, old, planned.plan, progress))


async def _planned(
    gateway: Gateway, kind: OrderKind, current: Document, attributes: Document, running: OrchestrationPlan | None
) -> PlannedOrder | None:
    """Return the new version as it is planned; None where the plan that runs stays as it is.

    Raises:
        DownstreamError: when inventory cannot say what is there.
    """
    revision = running.revision + 1 if running else 1
    installed = await gateway.plans.installed(current["id"])

    async def plan(document: Document) -> PlannedOrder:
        return await gateway.planner.preview(posted_order(kind, document), revision, installed, running)

    if running and not attributes.keys() & {ITEM_LISTS[kind], *PLANNED_FROM}:
        return None
    planned = await plan(amended(current, attributes))
    if running and ITEM_LISTS[kind] not in attributes and plans_alike(planned, await plan(current)):
        return None
    return planned


def _decided(old: OrchestrationPlan, new: OrchestrationPlan, progress: Mapping[str, NodeProgress]) -> Amendment:
    return decide(compare(old, new), old.graph(), new.graph(), progress)


async def _cancelled(gateway: Gateway, kind: OrderKind, current: Document) -> Amendment:
    """Return what a cancellation would undo, or what it is too late for."""
    running = await gateway.plans.load(current["id"])
    return cancellation(running.graph() if running else PlanGraph(), await _progress(gateway, kind, current))


async def _progress(gateway: Gateway, kind: OrderKind, current: Document) -> dict[str, NodeProgress]:
    """Return how far the nodes of an order's plan are; nothing has begun of an order that waits for its start.

    Raises:
        NotAllowedError: when the order has ended.
    """
    try:
        answer = await gateway.engine.progress(root_workflow(current["id"]))
    except WorkflowEndedError as error:
        if current["state"] == OrderState.ACKNOWLEDGED:
            return {}
        raise NotAllowedError(f"{kind.value} {current['id']!r} has ended") from error
    return {key: NodeProgress.model_validate(node) for key, node in answer.get("nodes", {}).items()}


def _preview(decided: Amendment, violations: list[Violation] | None = None) -> JsonAnswer:
    preview = ChangePreview(changes=decided.changes, refusals=decided.refusals, violations=violations or [])
    return JsonAnswer(preview.model_dump(mode="json", exclude_none=True))


async def _revisions(gateway: Gateway, kind: OrderKind, order_id: str) -> list[Revision]:
    """Return the revisions of a posted order of a kind.

    Raises:
        NotFoundError: when there is none.
    """
    known = is_root(order_id) and root_kind(order_id) == kind
    revisions = await gateway.revisions.list(order_id) if known else []
    if not revisions:
        raise NotFoundError(f"there is no {kind.value} {order_id!r} that was posted")
    return revisions


def _revision(revision: Revision) -> Document:
    dumped: Document = revision.model_dump(mode="json", exclude_none=True)
    return {**dumped, "document": revision.document}


router = APIRouter()
for _kind in OrderKind:
    router.include_router(_routes(_kind))
