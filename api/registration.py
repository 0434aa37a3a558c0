"""Makes the gateway known to the activation system, so that its events come to the listeners here."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import httpx2
import structlog
from pydantic import SecretStr

from tmf.paths import TMF640, TMF702
from tmf.words import reason_of

_LONGEST_PAUSE = 60.0
_EVENT_TYPES = {TMF640: "ServiceStateChangeEvent", TMF702: "ResourceStateChangeEvent"}

_log = structlog.get_logger(__name__)


class HubRegistration:
    """Registers at both hubs of the activation system, again and again until each has taken it.

    `client` has the activation system's address as its base URL; `base_url` is the gateway's own, and `secret` what
    events are to be signed with. After each attempt it waits twice as long as before, beginning with `pause`, a minute
    at most.
    """

    def __init__(
        self, client: httpx2.AsyncClient, base_url: str, secret: SecretStr, pause: timedelta = timedelta(seconds=5)
    ) -> None:
        self._client = client
        self._base_url = base_url
        self._secret = secret
        self._pause = pause.total_seconds()
        self._left = [TMF640, TMF702]

    async def register(self) -> bool:
        """Try once at each hub that has not taken it yet; return whether all have."""
        self._left = [base for base in self._left if not await self._registered(base)]
        return not self._left

    async def run(self) -> None:
        """Try until all hubs have taken it."""
        pause = self._pause
        while True:
            if await self.register():
                return
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def _registered(self, base: str) -> bool:
        callback = f"{self._base_url}{base}"
        try:
            response = await self._client.post(
                f"{base}/hub",
                json={
                    "callback": callback,
                    "query": f"eventType={_EVENT_TYPES[base]}",
                    "secret": self._secret.get_secret_value(),
                },
                headers={"Idempotency-Key": f"ordersaga:hub:{callback}"},
            )
        except httpx2.HTTPError as error:
            _log.warning("hub not reached", hub=base, reason=reason_of(error))
            return False
        # 409 is how TMF's hubs say that this listener is registered already.
        if not response.is_success and response.status_code != httpx2.codes.CONFLICT:
            _log.warning("hub refused the registration", hub=base, status=response.status_code)
            return False
        _log.info("registered for events", hub=base, callback=callback)
        return True
