"""Limits of questions answered at a time: more are told to come again, so that orders are still taken."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from api.http.errors import UnavailableError


class AtOnce:
    """Counts previews and qualifications while they are worked out."""

    def __init__(self, most: int = 20) -> None:
        self._most = most
        self._now = 0

    @contextmanager
    def one_more(self) -> Iterator[None]:
        """Have one worked out.

        Raises:
            UnavailableError: when as many are as may be.
        """
        if self._now >= self._most:
            raise UnavailableError(f"{self._most} previews and qualifications are being worked out, as many as may be")
        self._now += 1
        try:
            yield
        finally:
            self._now -= 1
