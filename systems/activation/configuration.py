"""The activation APIs: POST, PATCH, DELETE and GET of what is configured, at once or with a monitor."""

import time
from typing import Annotated, Any
from uuid import uuid4

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from sqlalchemy import Connection

from systems.activation.acceptance import accept
from systems.activation.behaviour import Known, behaviour_for
from systems.activation.changes import Change
from systems.activation.kinds import Kind, Mode
from systems.activation.monitors import Monitor
from systems.common.bodies import fitting, read_object
from systems.common.docs import creates, listed, patches, read_one, removes
from systems.common.effects import Answer, CallDep, Effect
from systems.common.faults import OF_EVENTS, FaultKind, Lookup
from systems.common.patches import read_patch
from systems.common.queries import ListQueryDep, answer, listing
from systems.common.system import DatabaseDep, IdPath
from tmf.query.query import ListQuery

PLAYS: frozenset[FaultKind] = frozenset({"asyncFailure"})


class Ways(BaseModel):
    """Whether a change is asked for at once or with a monitor."""

    mode: Mode | None = None


def configuration_router(kind: Kind) -> APIRouter:
    """The API of one kind.

    A change is asynchronous when ``mode=async`` is in the query or the body, when the settings say so for its
    specification, or when an ``asyncFailure`` fault concerns it.
    """
    documents = kind.documents
    router = APIRouter(prefix=documents.path, tags=[kind.api])

    @router.get("", summary=f"List {kind.name}s", **listed(kind.model, "state", "active"))
    async def list_configured(query: Annotated[ListQuery, listing(kind.model)], database: DatabaseDep) -> Response:
        return answer(query, await database.scanning(documents.page, query))

    @router.get("/{id}", summary=f"Read a {kind.name}", **read_one(kind.model))
    async def read(target: IdPath, query: ListQueryDep, database: DatabaseDep) -> Response:
        return JSONResponse(query.project(await database.reading(documents.get, target)))

    @router.post(
        "", summary=f"Set a {kind.name} up", **_described(creates(kind.model, kind.create_model, kind.example, 423))
    )
    async def create(request: Request, call: CallDep, mode: Mode | None = None) -> Response:
        body = await read_object(request)
        wanted = fitting(kind.create_model, body)
        target = wanted.id or str(uuid4())
        said = {name: value for name, value in body.items() if name != "mode"}
        change = Change(kind, "POST", target, said, call.key)
        return await _change(call, change, mode or wanted.mode, kind.specification(body))

    @router.patch(
        "/{id}",
        summary=f"Change a {kind.name}",
        **_described(patches(kind.model, kind.model, {"state": "active"}, 423)),
    )
    async def modify(target: IdPath, request: Request, call: CallDep, mode: Mode | None = None) -> Response:
        patch = await read_patch(request)
        body = patch.content
        if isinstance(body, dict):
            mode = mode or fitting(Ways, {"mode": body.get("mode")}).mode
            body = {name: value for name, value in body.items() if name != "mode"}
        change = Change(kind, "PATCH", target, body, call.key)
        return await _change(call, change, mode, kind.specification_of(target))

    @router.delete("/{id}", summary=f"Tear a {kind.name} down", **_described(removes(423)))
    async def remove(target: IdPath, call: CallDep, mode: Mode | None = None) -> Response:
        change = Change(kind, "DELETE", target, {}, call.key)
        return await _change(call, change, mode, kind.specification_of(target))

    return router


def _described(route: dict[str, Any]) -> dict[str, Any]:
    """The description of a route that may also accept a change with a monitor."""
    accepted = {"model": Monitor, "description": "Accepted: the monitor tells how far it has come."}
    return {**route, "responses": {202: accepted, **route["responses"]}}


async def _change(call: CallDep, change: Change, mode: Mode | None, specification: str | Lookup | None) -> Response:
    otherwise = Known(latency_ms=call.system.latency_ms, mode="sync")

    def look(connection: Connection) -> tuple[str | None, Known]:
        known = specification(connection) if callable(specification) else specification
        return known, behaviour_for(connection, known, otherwise)

    known, behaviour = await call.system.database.reading(look)
    later = (mode or behaviour.mode) == "async"
    plays = PLAYS | OF_EVENTS if later else PLAYS

    def work(effect: Effect) -> Answer:
        fault = effect.fault if effect.fault and effect.fault.kind in plays else None
        if not later and fault is None:
            return change.carry_out(effect.connection)
        change.check(effect.connection)
        return accept(effect.connection, change, due=time.time() + behaviour.latency_ms / 1000, fault=fault)

    return await call.effect(
        change.operation,
        work,
        target=change.target,
        specification=known,
        plays=plays,
        latency_ms=0 if later else behaviour.latency_ms,
    )
