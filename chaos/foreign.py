"""What belongs to somebody else: in the systems before the run, and not to be touched by any order."""

from __future__ import annotations

from dataclasses import dataclass, field

from application.addresses import PRODUCT, RESERVATION, SERVICE
from chaos.stack.stack import Stack
from tmf.bodies import Document

_PARTY = [{"id": "somebody-else", "role": "customer", "@referredType": "Customer"}]
_RESOURCE = "/tmf-api/resourceInventoryManagement/v4/resource"
_PRODUCT_ID = "product-of-somebody-else"


@dataclass(slots=True)
class Foreign:
    """Somebody else's things, as they were made."""

    before: dict[str, Document] = field(default_factory=dict)
    """What it is, such as `product 4711` → the document."""
    _paths: dict[str, tuple[str, str]] = field(default_factory=dict)

    async def make(self, stack: Stack) -> None:
        """Have the systems hold a product, services, resources of several kinds and a charge for somebody else.

        Raises:
            httpx2.HTTPError: when a system does not take one.
        """
        for specification in ("esim-profile", "msisdn", "imsi", "ont", "cpe-router", "vpn-cpe"):
            wish = {"resourceSpecification": {"id": specification}, "requestedBy": f"somebody-else/{specification}"}
            await self._made(stack, "resource", "inventory", RESERVATION, wish, _RESOURCE)
        for specification in ("cfs-mobile", "cfs-internet"):
            service = {
                "state": "active",
                "category": "CFS",
                "serviceSpecification": {"id": specification},
                "relatedParty": _PARTY,
            }
            await self._made(stack, "service", "inventory", SERVICE, service, SERVICE)
        product = {"status": "active", "productOffering": {"id": "mobile-plan"}, "relatedParty": _PARTY}
        await self._made(stack, "product", "inventory", PRODUCT, {"id": _PRODUCT_ID, **product}, PRODUCT)
        charge = {"product": {"id": _PRODUCT_ID}, "customer": {"id": "somebody-else"}, "price": [{"name": "by hand"}]}
        await self._made(stack, "charge", "billing", "/billing/v1/charge", charge, "/billing/v1/charge")

    async def compared(self, stack: Stack) -> dict[str, tuple[Document | None, Document | None]]:
        """Return what each thing was, and what it is now; None where it is gone."""
        return {what: (before, await self._read(stack, *self._paths[what])) for what, before in self.before.items()}

    async def _made(self, stack: Stack, what: str, system: str, path: str, body: Document, at: str) -> None:
        key = {"Idempotency-Key": f"somebody-else/{len(self.before)}"}
        answer = (await stack.http.post(f"{stack.systems[system]}{path}", json=body, headers=key)).raise_for_status()
        made = answer.json()["id"]
        name = f"{what} {made}"
        self._paths[name] = system, f"{at}/{made}"
        document = await self._read(stack, *self._paths[name])
        assert document is not None
        self.before[name] = document

    async def _read(self, stack: Stack, system: str, path: str) -> Document | None:
        answer = await stack.http.get(f"{stack.systems[system]}{path}")
        if answer.status_code == 404:
            return None
        document: Document = answer.raise_for_status().json()
        return document
