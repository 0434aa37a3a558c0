"""Makes the gateway known to the activation system, and keeps it known, so that its events come to the listeners here.

A system that is restored from a backup, or whose listeners were cleared, has forgotten us, and says nothing: so it is
asked again and again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import httpx2
import structlog
from pydantic import SecretStr

from tmf.paths import TMF640, TMF702
from tmf.words import reason_of

_LONGEST_PAUSE = 60.0
_LONGEST_LOOK = 60.0
"""Seconds that a hub may take to be asked and told, however slowly it answers."""
_UNSEEN = 600.0
"""Seconds until a hub that cannot be asked is told once more: TMF640 v4 has no way to read a registration."""
_NOT_THERE = frozenset({404, 410})
_UNREADABLE = frozenset({405, 501})
_EVENT_TYPES = {TMF640: "ServiceStateChangeEvent", TMF702: "ResourceStateChangeEvent"}

_log = structlog.get_logger(__name__)


class HubRegistration:
    """Registers at both hubs of the activation system, and looks regularly whether each still knows us.

    `client` has the activation system's address as its base URL; `base_url` is the gateway's own, and `secret` what
    events are to be signed with. After each attempt that fails it waits twice as long as before, beginning with
    `pause`, a minute at most; while all is well it looks every `interval`.
    """

    def __init__(
        self,
        client: httpx2.AsyncClient,
        base_url: str,
        secret: SecretStr,
        pause: timedelta = timedelta(seconds=5),
        interval: timedelta = timedelta(minutes=1),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._pause = pause.total_seconds()
        self._interval = interval.total_seconds()
        self._hubs = [_Hub(client, base, f"{base_url}{base}", secret, clock) for base in (TMF640, TMF702)]

    async def register(self) -> bool:
        """See to it once that each hub knows us; return whether all do."""
        return all([await hub.knows_us() for hub in self._hubs])

    async def run(self) -> None:
        """Keep us known, for ever."""
        pause = self._pause
        while True:
            if await self.register():
                pause = self._pause
                await asyncio.sleep(self._interval)
            else:
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)


class _Hub:
    """The hub of one API, and what it has said of our registration."""

    def __init__(
        self, client: httpx2.AsyncClient, base: str, callback: str, secret: SecretStr, clock: Callable[[], float]
    ) -> None:
        self._client = client
        self._base = base
        self._callback = callback
        self._secret = secret
        self._clock = clock
        self._key = f"ordersaga:hub:{callback}"
        self._told_at: float | None = None
        self._id: str | None = None
        self._was_seen = False

    async def knows_us(self) -> bool:
        """Return whether the hub knows us, now that it was asked, or told where it did not."""
        try:
            async with asyncio.timeout(_LONGEST_LOOK):
                return await self._is_there() or await self._told()
        except (httpx2.HTTPError, httpx2.InvalidURL, TimeoutError) as error:
            _log.warning("hub not reached", hub=self._base, reason=reason_of(error))
            return False

    async def _is_there(self) -> bool:
        """Return whether a registration of ours is still there, as far as the hub can be asked."""
        if self._told_at is None:
            return False
        if self._id is None:
            return self._clock() - self._told_at < _UNSEEN
        response = await self._client.get(f"{self._base}/hub/{quote(self._id, safe='')}")
        there = response.status_code not in _NOT_THERE
        if response.status_code in _UNREADABLE or not (there or self._was_seen):
            self._id = None
            return True
        if not there:
            _log.warning("the hub has forgotten us", hub=self._base, callback=self._callback)
            # A system that kept the old key would answer as before, and register nothing.
            self._key = f"ordersaga:hub:{self._callback}:after:{self._id}"
            self._told_at = None
            return False
        response.raise_for_status()
        self._was_seen = True
        return True

    async def _told(self) -> bool:
        """Register, which a hub that knows us already takes for a repeat; return whether it was taken."""
        response = await self._client.post(
            f"{self._base}/hub",
            json={
                "callback": self._callback,
                "query": f"eventType={_EVENT_TYPES[self._base]}",
                "secret": self._secret.get_secret_value(),
            },
            headers={"Idempotency-Key": self._key},
        )
        # 409 is how TMF's hubs say that this listener is registered already.
        if not response.is_success and response.status_code != httpx2.codes.CONFLICT:
            _log.warning("hub refused the registration", hub=self._base, status=response.status_code)
            return False
        if self._told_at is None:
            _log.info("registered for events", hub=self._base, callback=self._callback)
        self._id, self._told_at, self._was_seen = _id_in(response), self._clock(), False
        return True


def _id_in(response: httpx2.Response) -> str | None:
    """Return the id that a hub gave a registration, if it says one."""
    try:
        document: Any = response.json() if response.is_success else None
    except ValueError:
        return None
    listener_id = document.get("id") if isinstance(document, dict) else None
    return listener_id if isinstance(listener_id, str) and listener_id else None
