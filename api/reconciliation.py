"""Reconciliations over HTTP: started, read, and what they have found; and closing orders without a workflow."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request
from pydantic import Field

from api.caller import author_of
from api.dependencies import GatewayDep
from api.documents.documentation import body_of, errors
from api.http.answers import JsonAnswer
from api.http.bodies import SMALL_BODY, read_as, read_optional_json
from api.http.errors import NotAllowedError, NotFoundError
from api.messages import Words
from api.reads import linked_order, list_answer
from api.recovery import PATH, TAG
from api.sweeps.reconciling import StillRunsError
from api.sweeps.stuck import SHOWN, Stuck, different
from orders.lifecycle.states import TERMINAL
from orders.model.order_ids import is_root, root_kind
from tmf.instants import UtcDatetime
from tmf.model import Resource, StrictModel

router = APIRouter(prefix=PATH, tags=[TAG])

RunId = Annotated[str, Path(alias="id", description="The id of a reconciliation, which is that of its workflow.")]
OrderId = Annotated[str, Path(alias="id", description="The id of a posted order.")]


class ReconciliationRequest(StrictModel):
    """What a reconciliation is to do."""

    mend: bool = Field(default=False, description="Whether what is safe to mend is mended.")


class SectionResult(Resource):
    """What came of one comparison."""

    looked_at: int = 0
    found: int = Field(default=0, description="What did not agree at the first look.")
    differences: int = Field(default=0, description="What did not agree at the second look either.")
    mended: int = 0
    whole: bool = Field(default=False, description="Whether all was looked at; else the next one goes on there.")
    error: str | None = Field(default=None, description="Why it could not go on.")


class Reconciliation(Resource):
    """A reconciliation: `requested`, `running`, then `done`, or `incomplete` where not all could be looked at."""

    id: str
    state: str
    started_at: UtcDatetime
    ended_at: UtcDatetime | None = None
    mend: bool = False
    sections: dict[str, SectionResult] = Field(default_factory=dict)


@router.post(
    "/reconciliation",
    summary="Start a reconciliation",
    operation_id="startReconciliation",
    description="Orders, workflows, inventories, network and billing are compared, which takes minutes. With `mend`, "
    "what is safe is mended. One goes on at a time: while another does, this one ends as `refused`.",
    status_code=202,
    responses={202: {"model": Reconciliation, "description": "It has begun."}, **errors(400, 413, 415, 503)},
    openapi_extra=body_of(ReconciliationRequest, {"mend": True}, required=False),
)
async def start_reconciliation(request: Request, gateway: GatewayDep) -> JsonAnswer:
    body = await read_optional_json(request, min(gateway.body_limit, SMALL_BODY))
    wish = read_as(ReconciliationRequest, body)
    return JsonAnswer(await gateway.reconciling.start(mend=wish.mend), status_code=202)


@router.get(
    "/reconciliation",
    summary="List the reconciliations",
    operation_id="listReconciliations",
    description="The last hundred, the newest first.",
    responses={200: {"model": list[Reconciliation]}, **errors(503)},
)
async def list_reconciliations(gateway: GatewayDep) -> JsonAnswer:
    found = await gateway.reconciling.differences.runs()
    return list_answer(found, len(found))


@router.get(
    "/reconciliation/{id}",
    summary="Retrieve a reconciliation",
    operation_id="retrieveReconciliation",
    responses={200: {"model": Reconciliation}, **errors(404, 503)},
)
async def retrieve_reconciliation(gateway: GatewayDep, run_id: RunId) -> JsonAnswer:
    document = await gateway.reconciling.differences.run(run_id)
    if document is None:
        raise NotFoundError(f"there is no reconciliation {run_id!r}")
    return JsonAnswer(document)


@router.get(
    "/difference",
    summary="List what does not agree",
    operation_id="listDifferences",
    description="What the last reconciliation has seen twice, the oldest first, "
    f"{SHOWN} at most, each with the command that helps.",
    responses={
        200: {"description": "All of it.", "model": list[Stuck]},
        206: {"description": "A part of it.", "model": list[Stuck]},
        **errors(503),
    },
)
async def list_differences(gateway: GatewayDep) -> JsonAnswer:
    found, numbers = await gateway.reconciling.differences.standing(SHOWN)
    shown = [different(each).model_dump(mode="json", exclude_none=True) for each in found]
    return list_answer(shown, sum(numbers.values()))


@router.post(
    "/order/{id}/close",
    summary="Let an order end that has lost its workflow",
    operation_id="closeOrder",
    description="It becomes `failed`, and its resource locks are released. Nothing is undone: undo by hand first what "
    "it has done. An order whose workflow runs is cancelled instead.",
    responses={200: {"description": "The order as it is recorded now."}, **errors(400, 404, 409, 413, 415, 503)},
    openapi_extra=body_of(Words, {"reason": "lost in the restore; undone by hand", "author": "ada"}, required=False),
)
async def close_order(request: Request, gateway: GatewayDep, order_id: OrderId) -> JsonAnswer:
    wish = read_as(Words, await read_optional_json(request, min(gateway.body_limit, SMALL_BODY)))
    kind = root_kind(order_id)
    known = await gateway.orders.get(kind, order_id, ("state",)) if is_root(order_id) else None
    if known is None:
        raise NotFoundError(f"there is no posted order {order_id!r}")
    if known["state"] in TERMINAL:
        raise NotAllowedError(f"order {order_id!r} is {known['state']} already")
    try:
        by = author_of(request, wish.author)
        await gateway.reconciling.close(order_id, by, wish.reason or "its workflow is gone")
    except StillRunsError:
        raise NotAllowedError(f"the workflow of order {order_id!r} runs: cancel the order instead") from None
    return JsonAnswer(await linked_order(gateway, kind, order_id))
