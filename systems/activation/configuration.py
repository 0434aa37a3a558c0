"""The activation APIs: POST, PATCH, DELETE and GET of what is configured, at once or with a monitor."""

import time
from typing import Literal
from uuid import uuid4

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse

from systems.activation.changes import Change
from systems.activation.completion import Completions
from systems.activation.kinds import Kind
from systems.activation.monitors import accept
from systems.activation.settings import Known, behaviour_for
from systems.common.effects import Answer, CallDep, Effect
from systems.common.errors import Refusal
from systems.common.faults import FaultKind, Lookup
from systems.common.queries import Document, ListQueryDep
from systems.common.system import ReadingDep

Mode = Literal["sync", "async"]
PLAYS: frozenset[FaultKind] = frozenset({"asyncFailure"})


def configuration_router(kind: Kind, completions: Completions) -> APIRouter:
    """The API of one kind.

    A change is asynchronous when ``mode=async`` is in the query or the body, when the settings say so for its
    specification, or when an ``asyncFailure`` fault concerns it.
    """
    documents = kind.documents
    router = APIRouter(prefix=documents.path, tags=[f"{kind.name}Activation"])

    @router.get("")
    async def list_configured(query: ListQueryDep, connection: ReadingDep) -> Response:
        return query.answer(await documents.search(connection, query))

    @router.get("/{target}")
    async def read(target: str, query: ListQueryDep, connection: ReadingDep) -> Response:
        return JSONResponse(query.only_fields(await documents.get(connection, target)))

    @router.post("")
    async def create(body: Document, call: CallDep, mode: Mode | None = None) -> Response:
        mode = mode or _mode_in(body)
        target = str(body.get("id") or uuid4())
        change = Change(kind, "POST", target, _without_mode(body))
        return await _change(call, change, mode, kind.specification(body), completions)

    @router.patch("/{target}")
    async def modify(target: str, body: Document, call: CallDep, mode: Mode | None = None) -> Response:
        mode = mode or _mode_in(body)
        change = Change(kind, "PATCH", target, _without_mode(body))
        return await _change(call, change, mode, kind.specification_of(target), completions)

    @router.delete("/{target}")
    async def remove(target: str, call: CallDep, mode: Mode | None = None) -> Response:
        change = Change(kind, "DELETE", target, {})
        return await _change(call, change, mode, kind.specification_of(target), completions)

    return router


async def _change(
    call: CallDep, change: Change, mode: Mode | None, specification: str | Lookup | None, completions: Completions
) -> Response:
    async with completions.database.reading() as connection:
        known = await specification(connection) if callable(specification) else specification
        behaviour = await behaviour_for(connection, known, Known(latency_ms=call.system.latency_ms, mode="sync"))
    later = (mode or behaviour.mode) == "async"

    async def work(effect: Effect) -> Answer:
        fails_later = effect.fault if effect.fault and effect.fault.kind == "asyncFailure" else None
        if not later and fails_later is None:
            return await change.carry_out(effect.connection)
        await change.check(effect.connection)
        failure = None if fails_later is None else fails_later.message or f"{change.operation} failed in the network"
        due = time.time() + behaviour.latency_ms / 1000
        return await accept(effect.connection, change, key=effect.key, due=due, failure=failure)

    try:
        return await call.effect(
            change.operation,
            work,
            target=change.target,
            specification=known,
            plays=PLAYS,
            latency_ms=0 if later else behaviour.latency_ms,
        )
    finally:
        completions.look()


def _mode_in(body: Document) -> Mode | None:
    mode = body.get("mode")
    if mode not in (None, "sync", "async"):
        raise Refusal(400, "illegalValue", f"mode is sync or async, not {mode!r}")
    chosen: Mode | None = mode
    return chosen


def _without_mode(body: Document) -> Document:
    return {name: value for name, value in body.items() if name != "mode"}
