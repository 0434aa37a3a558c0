"""Faults on demand: rules that make a system refuse, stumble or lose its answers, for tests and demonstrations."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from sqlalchemy import Connection, delete, insert, or_, select, update

from systems.common import tables
from systems.common.database import Database
from systems.common.docs import EMPTY, errors
from systems.common.errors import Refusal

FaultKind = Literal[
    "permanent",
    "transient",
    "rubbish",
    "timeout",
    "lostAnswer",
    "late",
    "forgetsKeys",
    "wrongFilter",
    "slowBody",
    "hugeBody",
    "asyncFailure",
    "eventEachState",
    "eventTwice",
    "eventsOutOfOrder",
]

# Finds the specification of a thing that a request names by its id only.
Lookup = Callable[[Connection], str | None]

# How the end of a change that was accepted is told, where that is odd.
OF_EVENTS: frozenset[FaultKind] = frozenset({"eventEachState", "eventTwice", "eventsOutOfOrder"})
# A system does not deny what it has done: these kinds spare a repeat of an executed request.
SPARES_REPEATS: frozenset[FaultKind] = OF_EVENTS | {"permanent", "asyncFailure"}
# A key is forgotten only once it was known.
CONCERNS_REPEATS: frozenset[FaultKind] = frozenset({"forgetsKeys"})
PLAYED_BY_LISTS: frozenset[FaultKind] = frozenset({"wrongFilter"})
# The effect is done and committed, and its answer goes wrong.
SPOILS_THE_ANSWER: frozenset[FaultKind] = frozenset({"lostAnswer", "slowBody", "hugeBody"})
PLAYED_BY_EVERY_SYSTEM: frozenset[FaultKind] = SPOILS_THE_ANSWER | {
    "permanent",
    "transient",
    "rubbish",
    "timeout",
    "late",
    "forgetsKeys",
}

IS_LIVE = or_(tables.fault.c.remaining.is_(None), tables.fault.c.remaining > 0)
LIVE = select(tables.fault.c.id, tables.fault.c.rule).where(IS_LIVE).order_by(tables.fault.c.id)
LARGEST = 2**31 - 1
Text = Annotated[str, StringConstraints(max_length=1000, pattern=r"^[^\x00]*$")]


class FaultMatch(BaseModel):
    """Which requests a rule concerns; what is left out matches everything.

    ``order`` is any part of the Idempotency-Key.
    """

    model_config = ConfigDict(extra="forbid")

    specification: Text | None = None
    order: Text | None = None
    operation: Text | None = None
    target: Text | None = None


class FaultRule(BaseModel):
    """What goes wrong, for which requests, and how often (``times``; None = for ever).

    - ``permanent``: refused with ``status`` (4xx, 422 by default) and ``message``;
    - ``transient``: ``status`` (5xx or 429, 503 by default) with ``Retry-After: 0``; nothing is done;
    - ``rubbish``: 200 with an HTML page; nothing is done;
    - ``timeout``: no answer for ``seconds``, then 504; nothing is done;
    - ``lostAnswer``: the effect is done and committed, the answer is 500;
    - ``late``: 504 after ``silence``; the effect is done and committed ``seconds`` after the request, answered or not;
    - ``forgetsKeys``: the system has forgotten the Idempotency-Key of a repeat, which is done once more;
    - ``wrongFilter``: a list (operation ``list`` of ``target``, such as ``service``) holds everything;
    - ``slowBody``: the effect is done and committed, the answer comes drop by drop over ``seconds``;
    - ``hugeBody``: the effect is done and committed, the answer has ``megabytes`` of spaces behind it;
    - ``asyncFailure``: activation only: accepted with 202, later ends failed;
    - ``eventEachState``, ``eventTwice``, ``eventsOutOfOrder``: activation only: the end of a change that was accepted
      with 202 is told by an event for each state on the way, by the same event twice, or by those of all states, the
      last one first.
    """

    model_config = ConfigDict(extra="forbid")

    match: FaultMatch = FaultMatch()
    kind: FaultKind
    times: int | None = Field(default=None, ge=1, le=LARGEST)
    status: int | None = Field(default=None, ge=400, le=599)
    message: Text | None = None
    seconds: float = Field(default=30, ge=0, le=3600)
    silence: float = Field(default=0, ge=0, le=3600)
    megabytes: int = Field(default=100, ge=1, le=10_000)

    @model_validator(mode="after")
    def _status_fits_kind(self) -> Self:
        if self.status is None:
            return self
        fits = {"permanent": 400 <= self.status <= 499, "transient": 500 <= self.status <= 599 or self.status == 429}
        if not fits.get(self.kind, False):
            raise ValueError(f"status {self.status} does not suit a {self.kind} fault")
        return self


class KeptRule(FaultRule):
    """A rule that is set; ``remaining`` is how often it will still apply (None = for ever)."""

    id: str
    remaining: int | None


@dataclass(frozen=True)
class Circumstances:
    """What a rule is compared with: one request that would change something."""

    key: str
    operation: str
    target: str
    specification: str | Lookup | None

    def look_up_specification(self, connection: Connection) -> str | None:
        """The specification of the thing concerned."""
        return self.specification(connection) if callable(self.specification) else self.specification

    def meet(self, match: FaultMatch, specification: str | None) -> bool:
        """Whether ``match`` concerns this request, for a thing of ``specification``."""
        return (
            match.specification in (None, specification)
            and match.operation in (None, self.operation)
            and match.target in (None, self.target)
            and (match.order is None or match.order in self.key)
        )


def fire(connection: Connection, circumstances: Circumstances, kinds: frozenset[FaultKind]) -> FaultRule | None:
    """The oldest live rule among ``kinds`` that concerns the request; one of its times is used up."""
    rows = connection.execute(LIVE).all()
    live = [(row.id, rule) for row in rows if (rule := FaultRule.model_validate(row.rule)).kind in kinds]
    if not live:
        return None
    specification = circumstances.look_up_specification(connection)
    executed = _is_executed(connection, circumstances.key)
    for number, rule in live:
        spared = rule.kind in (SPARES_REPEATS if executed else CONCERNS_REPEATS)
        if not spared and circumstances.meet(rule.match, specification) and _use_up(connection, number):
            return rule
    return None


def _is_executed(connection: Connection, key: str) -> bool:
    return connection.scalar(select(tables.stored_answer.c.key).where(tables.stored_answer.c.key == key)) is not None


def _use_up(connection: Connection, number: int) -> bool:
    used = connection.execute(
        update(tables.fault).where(tables.fault.c.id == number, IS_LIVE).values(remaining=tables.fault.c.remaining - 1)
    )
    return used.rowcount == 1


def fault_router(database: Database) -> APIRouter:
    """``/faults``: set, list and clear the rules."""
    router = APIRouter(prefix="/faults", tags=["faults"])

    @router.post("", status_code=201, summary="Set a rule: from now on this goes wrong", responses=errors(400))
    async def set_fault(rule: FaultRule) -> KeptRule:
        made = insert(tables.fault).values(rule=rule.model_dump(mode="json"), remaining=rule.times)
        number = await database.writing(lambda connection: connection.scalars(made.returning(tables.fault.c.id)).one())
        return _kept(number, rule.model_dump(mode="json"), rule.times)

    @router.get("", summary="List the rules", responses=errors())
    async def list_faults() -> list[KeptRule]:
        rules = select(tables.fault).order_by(tables.fault.c.id)
        rows = await database.reading(lambda connection: connection.execute(rules).all())
        return [_kept(row.id, row.rule, row.remaining) for row in rows]

    @router.delete("/{fault_id}", summary="Clear a rule", response_class=Response, **EMPTY)
    async def clear_fault(fault_id: Annotated[int, Path(ge=0, le=LARGEST)]) -> None:
        clearing = delete(tables.fault).where(tables.fault.c.id == fault_id)
        if await database.writing(lambda connection: connection.execute(clearing).rowcount) == 0:
            raise Refusal(404, "notFound", f"no fault rule {fault_id}")

    @router.delete("", status_code=204, summary="Clear all rules", response_class=Response, responses=errors())
    async def clear_faults() -> None:
        await database.writing(lambda connection: connection.execute(delete(tables.fault)))

    return router


def _kept(number: int, rule: dict[str, Any], remaining: int | None) -> KeptRule:
    return KeptRule.model_validate({**rule, "id": str(number), "remaining": remaining})
