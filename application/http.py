"""One downstream system over HTTP: answers as JSON of the shape that is read, every fault as an error that says all.

What is worth another try (no answer, 408, 423, 425, 429, 5xx) is retryable, after the time that `Retry-After` names;
any other refusal, and any answer that makes no sense, is permanent.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Annotated, Any, Protocol, TypeVar
from urllib.parse import quote, urlencode

from pydantic import ConfigDict, StringConstraints, TypeAdapter, ValidationError
from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from application.connections import Connection, NoResponseError, Response
from tmf.form_faults import in_words
from tmf.model import Resource
from tmf.words import bare, shown

T = TypeVar("T")

_RETRYABLE = frozenset({408, 423, 425, 429})
_NOTHING_SAID = frozenset({408, 425, 429, 502, 503, 504})
"""Answers by which a system, or what stands before it, says nothing of the request but that it is not served now."""
_AWAY = frozenset({502, 503, 504})
"""Those of them by which it is away, as far as calls go."""
_QUOTED = 300
_LONGEST_DELAY = timedelta(hours=1)
_CONCURRENT_READS = 20
_MOST_PAGES = 10_000
_MOST_FOUND = 100_000
"""Documents of one list: one that has more does not end, as far as an order goes."""
_LONGEST_TARGET = 65_536
"""Characters. No server takes a longer one, and many give the connection up without a word."""

_reader: Callable[[Any], TypeAdapter[Any]] = cache(TypeAdapter)
"""What reads a shape, made once for each."""


class DownstreamError(ApplicationError):
    """A downstream system did not do what it was asked. `retryable` tells whether trying again may help.

    `said`: the system answered something about this request; it is not merely away, or too busy to look at it.
    `unclear`: the request may have had an effect, or may have one yet. Both are in the error's details, too.
    """

    def __init__(
        self,
        system: str,
        message: str,
        *,
        retryable: bool,
        status: int | None = None,
        delay: timedelta | None = None,
        said: bool = True,
        unclear: bool = False,
        attempt: int | None = None,
        expected: bool = False,
    ) -> None:
        attempt = attempt or (activity.info().attempt if activity.in_activity() else 1)
        super().__init__(
            message,
            {"system": system, "attempt": attempt, "said": said, "unclear": unclear},
            type="DownstreamError",
            non_retryable=not retryable,
            next_retry_delay=delay,
            category=ApplicationErrorCategory.BENIGN if expected else ApplicationErrorCategory.UNSPECIFIED,
        )
        self.system, self.status, self.retryable = system, status, retryable
        self.said, self.unclear = said, unclear

    def in_all(self, attempts: int, *, unclear: bool, final: bool = False, more: str = "") -> DownstreamError:
        """Return what it comes to after so many attempts, of which one may have had an effect if it is `unclear`.

        `final`: it is not worth another try any more. `more` is said behind the message.
        """
        return DownstreamError(
            self.system,
            f"{self.message}{more}",
            retryable=self.retryable and not final,
            status=self.status,
            delay=self.next_retry_delay,
            said=self.said,
            unclear=unclear,
            attempt=attempts,
            expected=not final and self.category == ApplicationErrorCategory.BENIGN,
        )


class SystemAwayError(DownstreamError):
    """A system was not asked at all: it is known to be away, or operators have `paused` it. The call waits for `delay`.

    `held`: nothing is known of its being away; it is paused, or takes calls little by little.
    """

    def __init__(
        self, system: str, message: str, delay: timedelta, *, paused: bool = False, ramping: bool = False
    ) -> None:
        super().__init__(system, message, retryable=True, delay=delay, said=False, expected=True)
        self.paused, self.held = paused, paused or ramping


class Identified(Resource):
    """A document with its id."""

    model_config = ConfigDict(coerce_numbers_to_str=True)

    id: Annotated[str, StringConstraints(min_length=1)]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a system answered: its status and its JSON body, None where it has none."""

    system: str
    asked: str
    status: int
    body: Any = None

    def read_as(self, shape: type[T]) -> T:
        """Return the body as a `shape`, such as a typed document or a list of them.

        Raises:
            DownstreamError: when the body is none.
        """
        try:
            read: T = _reader(shape).validate_python(self.body)
        except ValidationError as error:
            fault = error.errors(include_url=False)[0]
            where = ".".join(map(str, fault["loc"])) or "the body"
            raise self.senseless(f"{where}: {in_words(fault)}") from error
        return read

    def senseless(self, why: str) -> DownstreamError:
        """Return the error that says why an answer makes no sense, with the first of it."""
        said = json.dumps(self.body, ensure_ascii=False)[:_QUOTED]
        return DownstreamError(
            self.system,
            f"{self.system} answered {self.status} to {self.asked} with something that makes no sense ({why}): {said}",
            retryable=False,
            status=self.status,
            unclear=_has_effect(self.asked),
        )


class Gate(Protocol):
    """Whether calls of a system go out: it hears how each one ends."""

    async def admit(self) -> None:
        """Let a call go out; what is let out says that it has `left` the system when it has ended.

        Raises:
            SystemAwayError: when it is to wait.
        """

    def left(self) -> None:
        """A call that was let out has ended."""

    async def answered(self) -> None:
        """The system has answered."""

    async def silent(self, why: str) -> timedelta | None:
        """The system has not answered; return how long the call is to wait where that is for others to find out."""


class OpenGate:
    """Lets everything through."""

    async def admit(self) -> None: ...

    def left(self) -> None: ...

    async def answered(self) -> None: ...

    async def silent(self, why: str) -> timedelta | None:
        return None


class DownstreamSystem:
    """Calls one system. Hold one for each system and process."""

    def __init__(self, name: str, connection: Connection, gate: Gate | None = None) -> None:
        self.name = name
        self._connection = connection
        self._gate = gate or OpenGate()
        self._reads = asyncio.Semaphore(_CONCURRENT_READS)

    async def find(self, path: str, shape: type[T]) -> T | None:
        """Return the document at `path`, or None where the system says that there is none."""
        answer = await self.call("GET", path, accept=(404,))
        return None if answer.status == 404 else answer.read_as(shape)

    async def find_all(self, paths: Iterable[str], shape: type[T]) -> list[T | None]:
        """Return the documents at `paths`, None for each that there is none of; some of them are read at a time."""

        async def read(path: str) -> T | None:
            async with self._reads:
                return await self.find(path, shape)

        return list(await asyncio.gather(*map(read, paths)))

    async def search(self, path: str, params: Mapping[str, str], shape: type[T]) -> list[T]:
        """Return all documents of a list, page by page where the system does not give them at once (206).

        Raises:
            DownstreamError: also when there is no end of them.
        """
        found: list[T] = []
        for _ in range(_MOST_PAGES):
            page = {**params, "offset": str(len(found))} if found else params
            answer = await self.call("GET", path, params=page)
            more = answer.read_as(list[shape])  # type: ignore[valid-type]
            found += more
            if answer.status != 206 or not more:
                return found
            if len(found) > _MOST_FOUND:
                break
        raise DownstreamError(
            self.name, f"{self.name} answered GET {path} with a list that has no end: {len(found)}", retryable=False
        )

    async def create(self, path: str, *, key: str, body: Any) -> str:
        """Have the system make a document and return its id."""
        return (await self.call("POST", path, key=key, body=body)).read_as(Identified).id

    async def call(
        self,
        method: str,
        path: str,
        *,
        key: str | None = None,
        body: Any = None,
        params: Mapping[str, str] | None = None,
        accept: tuple[int, ...] = (),
    ) -> Answer:
        """Send a request and return the answer.

        `key` makes it idempotent: the system absorbs repeats. `accept` names refusals that are answers to the caller.

        Raises:
            DownstreamError: when there is no answer, or one that is not a success.
        """
        asked = f"{method} {path}"
        response = await self._send(
            asked, method, f"{path}?{urlencode(params, quote_via=quote)}" if params else path, key, body
        )
        if response.status in accept:
            return Answer(self.name, asked, response.status)
        if not 200 <= response.status < 300:
            raise await self._refusal(asked, response)
        if response.is_cut:
            raise DownstreamError(
                self.name,
                f"{self.name} answered {response.status} to {asked} with more than {len(response.content)} bytes",
                retryable=False,
                status=response.status,
                unclear=_has_effect(asked),
            )
        if response.status == 204 or not response.content:
            return Answer(self.name, asked, response.status)
        return Answer(self.name, asked, response.status, self._json(asked, response))

    async def _send(self, asked: str, method: str, target: str, key: str | None, body: Any) -> Response:
        headers = {} if key is None else {"Idempotency-Key": key}
        content = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            content = json.dumps(body, ensure_ascii=False, allow_nan=False).encode()
        await self._gate.admit()
        try:
            if len(target) > _LONGEST_TARGET:
                raise NoResponseError("the address is too long", passing=False, sent=False)
            response = await self._connection.send(method, target, headers, content)
        except NoResponseError as error:
            said = "gave no answer to" if error.passing else "cannot be asked"
            message = f"{self.name} {said} {asked[:_QUOTED]}: {error}"
            delay = await self._gate.silent(message) if error.passing else None
            raise DownstreamError(
                self.name,
                message,
                retryable=error.passing,
                delay=delay,
                said=False,
                unclear=error.sent and _has_effect(asked),
                expected=delay is not None,
            ) from error
        finally:
            self._gate.left()
        if response.status not in _AWAY:
            await self._gate.answered()
        return response

    def _json(self, asked: str, response: Response) -> Any:
        try:
            return json.loads(response.content)
        except (ValueError, RecursionError) as error:
            raise DownstreamError(
                self.name,
                f"{self.name} answered {response.status} to {asked} with something that is not JSON: "
                f"{shown(response.text[:_QUOTED], _QUOTED + 2)}",
                retryable=False,
                status=response.status,
                unclear=_has_effect(asked),
            ) from error

    async def _refusal(self, asked: str, response: Response) -> DownstreamError:
        status = response.status
        message = f"{self.name} answered {status} to {asked}: {_reason(response)}"
        parked = await self._gate.silent(message) if status in _AWAY else None
        return DownstreamError(
            self.name,
            message,
            retryable=status >= 500 or status in _RETRYABLE,
            status=status,
            delay=max(filter(None, (_retry_after(response), parked)), default=None),
            expected=parked is not None,
            said=status not in _NOTHING_SAID,
            unclear=status >= 500 and _has_effect(asked),
        )


def at(collection: str, document_id: str) -> str:
    """Return the path of a document: whatever its id has in it stays within one segment."""
    segment = quote(document_id, safe="")
    return f"{collection}/{segment.replace('.', '%2E') if not segment.strip('.') else segment}"


def _has_effect(asked: str) -> bool:
    """Return whether what is asked, by its method, is to change anything."""
    return not asked.startswith("GET ")


def _reason(response: Response) -> str:
    """Return what a refusal says: the reason and message of a TMF error, or the first of whatever came."""
    try:
        body = json.loads(response.content)
    except (ValueError, RecursionError):
        return response.text[:_QUOTED]
    if not isinstance(body, dict):
        return response.text[:_QUOTED]
    parts = [bare(body[name]) for name in ("reason", "message") if body.get(name)]
    return ": ".join(dict.fromkeys(parts))[:_QUOTED] or response.text[:_QUOTED]


def _retry_after(response: Response) -> timedelta | None:
    """Return how long to wait before another try, where the system says it in seconds; an hour at most."""
    seconds = response.headers.get("Retry-After", "")
    if not seconds.isdecimal() or not seconds.strip("0"):
        return None
    return min(timedelta(seconds=int(seconds[:9])), _LONGEST_DELAY)
