"""The installed base: what the inventories say a customer has, as far as an order touches it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import Field

from orders.model.product_orders import OrderPrice
from tmf.model import Model

_CHANGEABLE = frozenset({"active", "suspended", "pendingActive", "created"})


class InstalledResource(Model):
    """A resource in use, under the key it has in its service."""

    id: str
    key: str
    specification_id: str
    value: str | None = None
    pool: str | None = None
    place: str | None = None
    """Where it is, as far as inventory says so."""
    reserved_by: str | None = None
    """The key of the reservation that holds it."""
    in_use: bool = True
    """Whether it is in use, and not merely reserved or free."""
    characteristics: dict[str, Any] = Field(default_factory=dict)


class InstalledService(Model):
    """A service with its supporting services and resources, under the key it has in its product or service."""

    id: str
    key: str
    specification_id: str
    state: str
    place: str | None = None
    customer_id: str | None = None
    characteristics: dict[str, Any] = Field(default_factory=dict)
    services: list[InstalledService] = Field(default_factory=list)
    resources: list[InstalledResource] = Field(default_factory=list)
    record: dict[str, Any] = Field(default_factory=dict)
    """Its attributes in inventory that an order may change, in the shape they have there; None for one it lacks."""

    def service(self, key: str) -> InstalledService | None:
        return next((each for each in self.services if each.key == key), None)

    def resource(self, key: str) -> InstalledResource | None:
        return next((each for each in self.resources if each.key == key), None)


class InstalledProduct(Model):
    """A product with the services that realise it."""

    id: str
    name: str
    status: str
    offering_id: str | None = None
    specification_id: str | None = None
    customer_id: str | None = None
    place: str | None = None
    billing_account: str | None = None
    characteristics: dict[str, Any] = Field(default_factory=dict)
    prices: list[OrderPrice] = Field(default_factory=list)
    services: list[InstalledService] = Field(default_factory=list)
    components: list[str] = Field(default_factory=list)
    """Ids of the products that this bundle bundles."""
    relies_on: list[str] = Field(default_factory=list)
    """Ids of the products that this one relies on."""
    record: dict[str, Any] = Field(default_factory=dict)
    """Its attributes in inventory that an order may change, in the shape they have there; None for one it lacks."""

    @property
    def in_use(self) -> bool:
        """Whether an order can still change or end it."""
        return self.status in _CHANGEABLE

    def service(self, key: str) -> InstalledService | None:
        return next((each for each in self.services if each.key == key), None)


class InstalledBase(Model):
    """What is installed, as far as an order may refer to it, by id."""

    products: dict[str, InstalledProduct] = Field(default_factory=dict)
    customer_id: str | None = None
    """Whose products these are, beside those that the order names; None where nobody noted it."""
    single_services: dict[str, InstalledService] = Field(default_factory=dict)
    """Services that an order names by themselves."""
    single_resources: dict[str, InstalledResource] = Field(default_factory=dict)
    """Resources that an order names by themselves."""
    owners: dict[str, list[str]] = Field(default_factory=dict)
    """Id of such a service or resource → what it realises or supports and is still there: `product:ID`, `service:ID`,
    nearest first."""

    def services(self) -> Iterator[InstalledService]:
        """Yield every service of every product, and those named by themselves, supporting ones too."""
        queue = [service for product in self.products.values() for service in product.services]
        queue += self.single_services.values()
        while queue:
            service = queue.pop()
            yield service
            queue += service.services

    def of_customer(self, customer_id: str | None) -> list[InstalledProduct]:
        return [each for each in self.products.values() if each.customer_id == customer_id]
