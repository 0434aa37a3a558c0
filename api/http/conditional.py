"""Conditional reads: a client that has an answer already is told that it is still right, without getting it again."""

from __future__ import annotations

from fastapi import Request
from starlette.responses import Response


def is_current(request: Request, etag: str) -> bool:
    """Return whether the request says, by `If-None-Match`, that its client has the answer with this entity tag."""
    tags = [tag.strip() for line in request.headers.getlist("If-None-Match") for tag in line.split(",")]
    return any(tag == "*" or tag.removeprefix("W/") == etag for tag in tags)


def not_modified(etag: str) -> Response:
    """Return the answer to a client whose answer is still right."""
    return tagged(Response(status_code=304), etag)


def tagged(answer: Response, etag: str) -> Response:
    """Give an answer its entity tag; whoever keeps it asks before using it again."""
    answer.headers["ETag"] = etag
    answer.headers["Cache-Control"] = "no-cache"
    return answer
