"""Logging of every process: structlog and the standard library's loggers alike, as console lines or as JSON.

structlog writes its lines itself: through the standard library's loggers, which it can use too, each costs thrice as
much, and there are three for each order that is taken in.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable
from typing import Any, Literal

import structlog
from pydantic_core import to_json
from structlog.stdlib import ProcessorFormatter
from structlog.typing import EventDict, Processor

LogFormat = Literal["console", "json"]


def configure_logging(log_format: LogFormat, level: str) -> None:
    """Send all logging of this process to standard error; `level` is a name of the standard library's."""
    own: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        ProcessorFormatter(
            foreign_pre_chain=[*own, structlog.stdlib.ExtraAdder()],
            processors=[ProcessorFormatter.remove_processors_meta, _without_colours, *_renderers(log_format)],
        )
    )
    logging.basicConfig(handlers=[handler], level=level, force=True)
    # Each call to a downstream system is a line there; our own loggers say what matters of it.
    for name in ("httpx2", "httpcore2", "aiosqlite", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.configure(
        processors=[*own, *_renderers(log_format)],
        logger_factory=_NamedLogger,
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )


class _NamedLogger(structlog.WriteLogger):
    """Writes lines to standard error, and knows the name of the logger that they are of."""

    def __init__(self, name: str) -> None:
        super().__init__(sys.stderr)
        self.name = name


def _without_colours(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Drop uvicorn's second spelling of its messages, with escape sequences in it."""
    event.pop("color_message", None)
    return event


def _renderers(log_format: LogFormat) -> list[Processor]:
    if log_format == "json":
        return [structlog.processors.dict_tracebacks, structlog.processors.JSONRenderer(_as_json)]
    return [
        structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback)
    ]


def _as_json(event: EventDict, default: Callable[[Any], Any]) -> str:
    """Return an event as JSON; `default` writes what has no form there."""
    try:
        return to_json(event, fallback=default).decode()
    except ValueError:
        # Half a surrogate pair, which has no bytes, or bytes that are no text: slower, and with escape sequences.
        return json.dumps(event, default=default)
