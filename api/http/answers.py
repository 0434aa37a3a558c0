"""Answers in JSON."""

from __future__ import annotations

from typing import Any

from fastapi.responses import JSONResponse
from pydantic_core import to_json


class JsonAnswer(JSONResponse):
    """An answer in JSON, written by pydantic-core: the standard library takes five times as long."""

    def render(self, content: Any) -> bytes:
        return to_json(content)
