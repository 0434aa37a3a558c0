"""A listener at the hubs: a process that checks each event's signature and writes down what it has got.

`python -m chaos.listener --port PORT --record FILE`; the secret is in CHAOS_SECRET. What is written is on its way to
the disk before the event is answered, so that a kill forgets nothing that was taken.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from embedded.ports import LOOPBACK
from tmf.signatures import SignatureError, verify


def received(hub: str, event: Mapping[str, Any], problem: str | None) -> dict[str, Any]:
    """Return the line that is written for an event."""
    resource: Mapping[str, Any] = next(iter(event["event"].values()), {})
    return {
        "hub": hub,
        "id": event["eventId"],
        "type": event["eventType"],
        "subject": event["id"],
        "root": event["correlationId"],
        "state": resource.get("state"),
        "problem": problem,
    }


def signature_problem(secret: str, headers: Mapping[str, str], body: bytes) -> str | None:
    """Return what is wrong with the signature of an event, None where it is right."""
    try:
        verify(secret, headers, body, datetime.now(UTC))
    except SignatureError as error:
        return str(error)
    return None


def app(record: Path, secret: str) -> Starlette:
    """Return the listener as an application."""
    lines = record.open("ab", buffering=0)

    async def take(request: Request) -> Response:
        body = await request.body()
        problem = signature_problem(secret, request.headers, body)
        line = received(request.path_params["hub"], json.loads(body), problem)
        lines.write(json.dumps(line).encode() + b"\n")
        return Response(status_code=204)

    async def health(_request: Request) -> Response:
        return Response(status_code=204)

    return Starlette(
        routes=[Route("/health", health), Route("/{hub}/listener/{event}", take, methods=["POST"])],
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--record", type=Path, required=True)
    chosen = parser.parse_args()
    listener = app(chosen.record, os.environ["CHAOS_SECRET"])
    uvicorn.run(listener, host=LOOPBACK, port=chosen.port, log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
