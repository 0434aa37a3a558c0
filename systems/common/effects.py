"""Requests that change something: executed once for each Idempotency-Key, logged, and hit by faults on demand.

The effect, the stored answer and the line in the log are one transaction.
"""

import hashlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Annotated, Any
from uuid import uuid4

from fastapi import Depends, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse
from sqlalchemy import Row, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from systems.common import log, tables
from systems.common.errors import Refusal
from systems.common.faults import PLAYED_BY_EVERY_SYSTEM, Circumstances, FaultKind, FaultRule, Lookup, fire
from systems.common.system import System

LONGEST_KEY = 500

# The same words on SQLite and PostgreSQL; on the latter it waits for a transaction that holds the same key.
CLAIM_KEY = text(
    "INSERT INTO stored_answer (key, fingerprint) VALUES (:key, :fingerprint) ON CONFLICT (key) DO NOTHING"
)


@dataclass(frozen=True)
class Answer:
    """What an effect answers: ``target`` is the id of the thing changed, for the log.

    ``accepted_only`` means that the effect itself, and its line in the log, come later.
    """

    status: int
    body: Any = None
    target: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    accepted_only: bool = False

    def response(self, **extra_headers: str) -> Response:
        """The HTTP answer."""
        headers = self.headers | extra_headers
        if self.body is None:
            return Response(status_code=self.status, headers=headers)
        return JSONResponse(self.body, status_code=self.status, headers=headers)


@dataclass(frozen=True)
class Effect:
    """What the work of one effect is given: the open transaction, the caller's key, and a fault it must play itself."""

    connection: AsyncConnection
    key: str
    fault: FaultRule | None = None


Work = Callable[[Effect], Awaitable[Answer]]


class Call:
    """One request that would change something."""

    def __init__(self, system: System, key: str, fingerprint: str) -> None:
        self.system = system
        self._database = system.database
        self.key = key
        self._fingerprint = fingerprint

    async def effect(
        self,
        operation: str,
        work: Work,
        *,
        target: str,
        specification: str | Lookup | None = None,
        plays: frozenset[FaultKind] = frozenset(),
        latency_ms: int | None = None,
    ) -> Response:
        """Do ``work`` once for this key and answer; a repeat gets the stored answer.

        ``target`` and ``specification`` are what the request concerns; ``plays`` are the kinds of fault that ``work``
        plays itself. Raises Refusal when the work refuses, a fault says so, or the key was used for another request.
        """
        await self.system.pause((self.system.latency_ms if latency_ms is None else latency_ms) / 1000)
        circumstances = Circumstances(self.key, operation, target, specification)
        fault = await fire(self._database, circumstances, PLAYED_BY_EVERY_SYSTEM | plays)
        if fault is not None and fault.kind not in plays and fault.kind != "lostAnswer":
            return await self._stumble(fault, circumstances)
        try:
            response = await self._execute(circumstances, work, fault)
        except Refusal as refusal:
            await self._note_refusal(circumstances, refusal.status, refusal.reason)
            raise
        self.system.deliveries.look()
        if fault is not None and fault.kind == "lostAnswer":
            raise Refusal(500, "lostAnswer", fault.message or "the answer was lost")
        return response

    async def _execute(self, circumstances: Circumstances, work: Work, fault: FaultRule | None) -> Response:
        async with self._database.writing() as connection:
            claimed = await connection.execute(CLAIM_KEY, {"key": self.key, "fingerprint": self._fingerprint})
            if claimed.rowcount == 0:
                return await self._repeat(connection, circumstances)
            answer = await work(Effect(connection, self.key, fault))
            await connection.execute(
                update(tables.stored_answer)
                .where(tables.stored_answer.c.key == self.key)
                .values(status=answer.status, headers=answer.headers, body=answer.body, target=answer.target)
            )
            if not answer.accepted_only:
                await log.record(
                    connection,
                    "done",
                    key=self.key,
                    operation=circumstances.operation,
                    target=answer.target,
                    status=answer.status,
                )
        return answer.response()

    async def _repeat(self, connection: AsyncConnection, circumstances: Circumstances) -> Response:
        stored = await self._stored(connection)
        if stored.fingerprint != self._fingerprint:
            raise Refusal(422, "idempotencyKeyReused", f"Idempotency-Key {self.key} was used for another request")
        await log.record(
            connection,
            "absorbed",
            key=self.key,
            operation=circumstances.operation,
            target=stored.target,
            status=stored.status,
        )
        answer = Answer(stored.status, stored.body, stored.target, stored.headers)
        return answer.response(**{"Idempotent-Replay": "true"})

    async def _stored(self, connection: AsyncConnection) -> Row[Any]:
        found = await connection.execute(select(tables.stored_answer).where(tables.stored_answer.c.key == self.key))
        return found.one()

    async def _stumble(self, fault: FaultRule, circumstances: Circumstances) -> Response:
        message = fault.message or f"{circumstances.operation} of {circumstances.target}: {fault.kind} fault"
        status = fault.status or {"permanent": 422, "transient": 503, "rubbish": 200, "timeout": 504}[fault.kind]
        await self._note_refusal(circumstances, status, message)
        if fault.kind == "rubbish":
            return HTMLResponse("<html><body><h1>It works!</h1></body></html>")
        if fault.kind == "timeout":
            await self.system.pause(fault.seconds)
        headers = {"Retry-After": "0"} if fault.kind == "transient" else {}
        code = {"permanent": "businessFault", "transient": "unavailable", "timeout": "timeout"}[fault.kind]
        raise Refusal(status, code, message, headers)

    async def _note_refusal(self, circumstances: Circumstances, status: int, reason: str) -> None:
        async with self._database.writing() as connection:
            await log.record(
                connection,
                "refused",
                key=self.key,
                operation=circumstances.operation,
                target=circumstances.target,
                status=status,
                reason=reason,
            )


async def _key_of(request: Request) -> str | None:
    key = request.headers.get("Idempotency-Key")
    if key is not None and not (0 < len(key) <= LONGEST_KEY and key.isprintable()):
        raise Refusal(
            400, "idempotencyKeyMissing", f"an Idempotency-Key header has 1 to {LONGEST_KEY} visible characters"
        )
    return key


OptionalKeyDep = Annotated[str | None, Depends(_key_of)]


async def _call_of(request: Request, key: OptionalKeyDep) -> Call:
    # Who gives no key means every request as one of its own.
    return Call(request.app.state.system, key or f"none:{uuid4()}", await _fingerprint(request))


async def _fingerprint(request: Request) -> str:
    body = await request.body()
    try:
        said = json.dumps(json.loads(body), sort_keys=True).encode()
    except (ValueError, RecursionError):
        said = body
    head = f"{request.method} {request.url.path}?{request.url.query}\n".encode()
    return hashlib.sha256(head + said).hexdigest()


CallDep = Annotated[Call, Depends(_call_of)]
