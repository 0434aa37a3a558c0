"""The address by which a system is reached: what `href` begins with."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from fastapi import Request

_ADDRESS: ContextVar[str] = ContextVar("address", default="")


def here() -> str:
    """The address by which the present request reached the system, without a slash at its end."""
    return _ADDRESS.get()


@contextmanager
def reached_by(address: str) -> Iterator[None]:
    """What is done in the block was asked for by way of ``address``."""
    before = _ADDRESS.set(address)
    try:
        yield
    finally:
        _ADDRESS.reset(before)


async def note_address(request: Request) -> None:
    """Note for the rest of the request by what address it came; the ``public_url`` of the system goes before."""
    _ADDRESS.set((request.app.state.system.public_url or str(request.base_url)).rstrip("/"))
