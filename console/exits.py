"""How commands end: the exit codes, the sentence on standard error, and the end of the process itself."""

from __future__ import annotations

import asyncio
import os
import sys
import traceback
from collections.abc import Callable, Coroutine
from typing import Any, NoReturn, TypeVar

import typer
from pydantic import ValidationError

from console.errors import CommandError, UnreachableError
from settings import faults_of

T = TypeVar("T")

REFUSED, WRONG_USAGE, NOT_COMPLETED, UNREACHABLE, INTERRUPTED = 1, 2, 3, 4, 130

EXIT_CODES = """Exit codes: 0 done · 1 refused, or faults found · 2 wrong usage · 3 the order ended, but not completed ·
4 the gateway, Temporal or the order store cannot be reached · 130 interrupted."""


def finish(work: Coroutine[Any, Any, T]) -> T:
    """Run `work` to its end; what keeps it from it becomes a sentence and an exit code.

    Raises:
        typer.Exit: with that code.
    """
    try:
        return asyncio.run(work)
    except CommandError as error:
        fail(str(error), UNREACHABLE if isinstance(error, UnreachableError) else REFUSED)
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None


def fail(message: str, code: int) -> NoReturn:
    """Say why on standard error, and end with `code`."""
    typer.echo(f"ordersaga: {message}", err=True)
    raise typer.Exit(code)


def run_and_exit(command: Callable[[], object]) -> NoReturn:
    """Run a command and end the process at once: Temporal's SDK may abort while an interpreter shuts down."""
    code: int | str | None = 1
    try:
        command()
    except SystemExit as ended:
        code = ended.code
    except ValidationError as error:
        code = _explain_settings(error)
    except BaseException:
        traceback.print_exc()
    if isinstance(code, str):
        print(code, file=sys.stderr)
        code = 1
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            code = code or 1
    os._exit(code or 0)


def _explain_settings(error: ValidationError) -> int:
    for fault in faults_of(error):
        print(f"ordersaga: {fault}", file=sys.stderr)
    return WRONG_USAGE
