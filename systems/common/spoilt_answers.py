"""Answers that go wrong on their way, after the effect is done: lost, coming drop by drop, or endless."""

from collections.abc import AsyncIterator, Awaitable, Callable

from fastapi import Response
from fastapi.responses import StreamingResponse

from systems.common.errors import Refusal
from systems.common.faults import FaultRule

SPACES = b" " * 1024 * 1024
# How many drops a slow answer comes in.
DROPS = 1000

Pause = Callable[[float], Awaitable[None]]


def spoilt(answer: Response, fault: FaultRule, pause: Pause) -> Response:
    """What becomes of ``answer`` under ``fault``; one without a body gets an empty document.

    Raises Refusal where it is lost.
    """
    content = bytes(answer.body) or b"{}"
    match fault.kind:
        case "slowBody":
            body = _drops(content, fault.seconds / DROPS, pause)
        case "hugeBody":
            body = _with_spaces(content, fault.megabytes)
        case _:
            raise Refusal(500, "lostAnswer", fault.message or "the answer was lost")
    status = 200 if answer.status_code == 204 else answer.status_code
    return StreamingResponse(body, status, media_type="application/json")


async def _drops(content: bytes, interval: float, pause: Pause) -> AsyncIterator[bytes]:
    for byte in content.ljust(DROPS):
        yield bytes([byte])
        await pause(interval)


async def _with_spaces(content: bytes, megabytes: int) -> AsyncIterator[bytes]:
    yield content
    for _ in range(megabytes):
        yield SPACES
