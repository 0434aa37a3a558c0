"""The recovery mode over HTTP: how it stands, and switching it, of all gateways at once."""

from __future__ import annotations

from fastapi import APIRouter, Request
from pydantic import Field

from api.caller import author_of
from api.dependencies import Gateway, GatewayDep
from api.documents.documentation import body_of, errors
from api.http.answers import JsonAnswer
from api.http.bodies import SMALL_BODY, read_as, read_optional_json
from api.messages import Words
from tmf.instants import UtcDatetime
from tmf.model import Model

PATH = "/recovery/v1"
TAG = "Recovery"
_NO_REASON = "no reason given"
_EXAMPLE = {"reason": "Temporal was restored from the backup of 03:00", "author": "ada"}

router = APIRouter(prefix=PATH, tags=[TAG])


class Recovery(Model):
    """Whether sweeps only report."""

    on: bool = Field(description="Whether the sweeps of this gateway only report what they would do.")
    forced: bool = Field(description="Whether ORDERSAGA_RECOVERY is set for this gateway, whatever the switch says.")
    since: UtcDatetime | None = Field(default=None, description="When it was switched last.")
    author: str | None = Field(default=None, description="Who switched it.")
    reason: str | None = None
    withheld: dict[str, list[str]] = Field(
        default_factory=dict, description="What each sweep of this gateway would do, the first of it."
    )


class Switch(Words):
    """Why recovery is switched, and by whom."""


@router.get(
    "",
    summary="Whether sweeps only report",
    operation_id="retrieveRecovery",
    responses={200: {"model": Recovery}, **errors(503)},
)
async def retrieve_recovery(gateway: GatewayDep) -> JsonAnswer:
    return await _answer(gateway)


@router.post(
    "/on",
    summary="Have sweeps only report",
    operation_id="switchRecoveryOn",
    description="Nothing is started, passed on, released, cancelled or forgotten by the sweeps of any gateway until it "
    "is switched off. Orders are taken in, and wait. Documents follow their workflows from whatever moment on those go "
    "on.",
    responses={200: {"model": Recovery}, **errors(400, 413, 415, 503)},
    openapi_extra=body_of(Switch, _EXAMPLE, required=False),
)
async def switch_on(request: Request, gateway: GatewayDep) -> JsonAnswer:
    return await _switch(request, gateway, on=True)


@router.post(
    "/off",
    summary="Have sweeps act again",
    operation_id="switchRecoveryOff",
    responses={200: {"model": Recovery}, **errors(400, 413, 415, 503)},
    openapi_extra=body_of(Switch, {"reason": "what was lost is seen to", "author": "ada"}, required=False),
)
async def switch_off(request: Request, gateway: GatewayDep) -> JsonAnswer:
    return await _switch(request, gateway, on=False)


async def _switch(request: Request, gateway: Gateway, *, on: bool) -> JsonAnswer:
    wish = read_as(Switch, await read_optional_json(request, min(gateway.body_limit, SMALL_BODY)))
    await gateway.recovery.switch(author_of(request, wish.author), wish.reason or _NO_REASON, on=on)
    return await _answer(gateway)


async def _answer(gateway: Gateway) -> JsonAnswer:
    recovery = gateway.recovery
    on, state = await recovery.is_on(), await recovery.state()
    told = Recovery(
        on=on,
        forced=recovery.forced,
        since=state.since,
        author=state.who or None,
        reason=state.why or None,
        withheld=dict(recovery.withheld()),
    )
    return JsonAnswer(told.model_dump(mode="json", exclude_none=True))
