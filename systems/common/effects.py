"""Requests that change something: executed once for each Idempotency-Key, logged, and hit by faults on demand.

The effect, the stored answer and the line in the log are one transaction.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any
from uuid import uuid4

from fastapi import Depends, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse
from sqlalchemy import Connection, Row, bindparam, delete, select, text, update

from systems.common import log, tables
from systems.common.bodies import content_of
from systems.common.errors import Refusal
from systems.common.faults import (
    PLAYED_BY_EVERY_SYSTEM,
    SPOILS_THE_ANSWER,
    Circumstances,
    FaultKind,
    FaultRule,
    Lookup,
    fire,
)
from systems.common.spoilt_answers import spoilt
from systems.common.system import System

LONGEST_KEY = 500

# The same words on SQLite and PostgreSQL; on the latter it waits for a transaction that holds the same key.
CLAIM_KEY = text(
    "INSERT INTO stored_answer (key, fingerprint) VALUES (:key, :fingerprint) ON CONFLICT (key) DO NOTHING"
)
STORED_ANSWER = select(tables.stored_answer).where(tables.stored_answer.c.key == bindparam("of_key"))
KEEP_ANSWER = update(tables.stored_answer).where(tables.stored_answer.c.key == bindparam("of_key"))
FORGET_ANSWER = delete(tables.stored_answer).where(tables.stored_answer.c.key == bindparam("of_key"))


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

    connection: Connection
    key: str
    fault: FaultRule | None = None


Work = Callable[[Effect], Answer]


class Call:
    """One request that would change something."""

    def __init__(self, request: Request, key: str) -> None:
        self.system: System = request.app.state.system
        self.key = key
        self._database = self.system.database
        self._request = request
        self._fingerprint = ""

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
        self._fingerprint = await _fingerprint(self._request)
        circumstances = Circumstances(self.key, operation, target, specification)
        try:
            begun = await self._database.writing(self._begin, circumstances, work, PLAYED_BY_EVERY_SYSTEM | plays)
            if isinstance(begun, Response):
                return begun
            if begun.kind in plays or begun.kind in SPOILS_THE_ANSWER:
                response = await self._database.writing(self._execute, circumstances, work, begun)
        except Refusal as refusal:
            await self._note_refusal(circumstances, refusal.status, refusal.reason)
            raise
        if begun.kind == "late":
            self.system.later(begun.seconds, lambda: self._do_late(circumstances, work))
            await self.system.pause(begun.silence)
            raise Refusal(504, "timeout", begun.message or "no answer in time")
        if begun.kind in SPOILS_THE_ANSWER:
            return spoilt(response, begun, self.system.pause)
        return response if begun.kind in plays else await self._stumble(begun, circumstances)

    def _begin(
        self, connection: Connection, circumstances: Circumstances, work: Work, kinds: frozenset[FaultKind]
    ) -> Response | FaultRule:
        """Do the work, or, where a fault of these ``kinds`` concerns it, use up one of its times for good."""
        fault = fire(connection, circumstances, kinds)
        if fault and fault.kind == "forgetsKeys":
            connection.execute(FORGET_ANSWER, {"of_key": self.key})
            fault = None
        return fault or self._execute(connection, circumstances, work, None)

    async def _do_late(self, circumstances: Circumstances, work: Work) -> None:
        """Do what was asked for, now that nobody waits for its answer any more."""
        try:
            await self._database.writing(self._execute, circumstances, work, None)
        except Refusal as refusal:
            await self._note_refusal(circumstances, refusal.status, refusal.reason)

    def _execute(
        self, connection: Connection, circumstances: Circumstances, work: Work, fault: FaultRule | None
    ) -> Response:
        claimed = connection.execute(CLAIM_KEY, {"key": self.key, "fingerprint": self._fingerprint})
        if claimed.rowcount == 0:
            return self._repeat(connection, circumstances)
        answer = work(Effect(connection, self.key, fault))
        said = {"status": answer.status, "headers": answer.headers, "body": answer.body, "target": answer.target}
        connection.execute(KEEP_ANSWER, {"of_key": self.key, **said})
        if not answer.accepted_only:
            log.record(
                connection,
                "done",
                key=self.key,
                operation=circumstances.operation,
                target=answer.target,
                status=answer.status,
            )
        return answer.response()

    def _repeat(self, connection: Connection, circumstances: Circumstances) -> Response:
        stored = self._stored(connection)
        if stored.fingerprint != self._fingerprint:
            raise Refusal(422, "idempotencyKeyReused", f"Idempotency-Key {self.key} was used for another request")
        log.record(
            connection,
            "absorbed",
            key=self.key,
            operation=circumstances.operation,
            target=stored.target,
            status=stored.status,
        )
        answer = Answer(stored.status, stored.body, stored.target, stored.headers)
        return answer.response(**{"Idempotent-Replay": "true"})

    def _stored(self, connection: Connection) -> Row[Any]:
        return connection.execute(STORED_ANSWER, {"of_key": self.key}).one()

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
        await self._database.writing(
            log.record,
            "refused",
            key=self.key,
            operation=circumstances.operation,
            target=circumstances.target,
            status=status,
            reason=reason,
        )


def _key_of(request: Request) -> str | None:
    key = request.headers.get("Idempotency-Key")
    if key is not None and not (0 < len(key) <= LONGEST_KEY and key.isprintable()):
        raise Refusal(
            400, "idempotencyKeyMissing", f"an Idempotency-Key header has 1 to {LONGEST_KEY} visible characters"
        )
    return key


async def _optional_key_of(request: Request) -> str | None:
    return _key_of(request)


OptionalKeyDep = Annotated[str | None, Depends(_optional_key_of)]


async def _call_of(request: Request) -> Call:
    # Who gives no key means every request as one of its own.
    return Call(request, _key_of(request) or f"none:{uuid4()}")


async def _fingerprint(request: Request) -> str:
    try:
        said = json.dumps(await content_of(request), sort_keys=True).encode()
    except (Refusal, RecursionError):
        said = await request.body()
    head = f"{request.method} {request.url.path}?{request.url.query}\n".encode()
    return hashlib.sha256(head + said).hexdigest()


CallDep = Annotated[Call, Depends(_call_of)]
