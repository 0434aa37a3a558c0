"""Products as inventory (TMF637) keeps them: what an order makes of each, and how it was before."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from application.answers import prices
from orders.plan.keys import REPLACED
from orders.plan.order_documents import characteristic_list, moved_places, place_reference
from orders.plan.parts import ProductPlan
from tmf.model import Model


class Named(Model):
    """An inventory id under the key that it has in what it supports."""

    key: str
    id: str


class RecordProduct(Model):
    """Record what became of one product of an order; ids are those of product and service inventory."""

    key: str
    order_id: str
    product: ProductPlan
    services: list[Named] = Field(default_factory=list)
    components: list[str] = Field(default_factory=list)
    relies_on: list[str] = Field(default_factory=list)
    ended: list[str] = Field(default_factory=list)
    """Products that the order ends: this one bundles them, or relies on them, no more."""
    asked_before: bool = False
    """Whether this was asked for before, so that it may be done already."""


class RestoreProduct(Model):
    """Undo what an order recorded of a product."""

    key: str
    order_id: str
    product: ProductPlan
    product_id: str | None = None
    again: bool = False
    """Whether it is looked at once more, since the record may have come late."""


def references(named: list[Named]) -> list[dict[str, str]]:
    """Return inventory ids as references, each called by its key."""
    return [{"id": each.id, "name": each.key} for each in named]


def new_product(request: RecordProduct) -> dict[str, Any]:
    """Return a product that an order adds, as it is recorded first."""
    product = request.product
    return {
        **_contents(product),
        **_belongings(product),
        "name": product.name,
        "isBundle": bool(request.components),
        "isCustomerVisible": True,
        "productOrderItem": [
            {"productOrderId": request.order_id, "orderItemId": product.item_id, "planKey": product.key}
        ],
        "relatedParty": [{"id": product.customer_id, "role": "customer"}] if product.customer_id else [],
        "realizingService": references(request.services),
        "productRelationship": _relations(request),
    }


def changed_product(request: RecordProduct) -> dict[str, Any]:
    """Return what a modification makes of a product: what the order does not touch stays with it."""
    product, record = request.product, request.product.record
    touched = {key.rpartition(":")[2].removesuffix(REPLACED) for key in product.services}
    services = [each for each in record.get("realizingService") or [] if each.get("name") not in touched]
    settled = {
        *(("bundles", each) for each in (*request.components, *request.ended)),
        *(("reliesOn", each) for each in (*request.relies_on, *request.ended)),
    }
    relations = [
        each
        for each in record.get("productRelationship") or []
        if (each.get("relationshipType"), each["product"]["id"]) not in settled
    ]
    belongings = {name: value for name, value in _belongings(product).items() if not _same(value, record.get(name))}
    belongings.pop("place", None)
    if product.moves:
        belongings["place"] = moved_places(record.get("place") or [], product.previous_place, product.place)
    # One without a name goes by its id.
    name = {"name": product.name} if product.name not in (record.get("name"), product.product_id) else {}
    return {
        **_contents(product),
        **name,
        "status": record.get("status") or "active",
        **belongings,
        "realizingService": [*services, *references(request.services)],
        "productRelationship": [*relations, *_relations(request)],
    }


def as_before(product: ProductPlan) -> dict[str, Any]:
    """Return how a product was before its order changed it, as far as the plan knows."""
    return {
        "status": "active",
        "productCharacteristic": characteristic_list(product.previous),
        "productPrice": prices(product.previous_prices),
    }


def _contents(product: ProductPlan) -> dict[str, Any]:
    return {
        "status": "active",
        "productCharacteristic": characteristic_list(product.characteristics),
        "productPrice": prices(product.prices),
    }


def _belongings(product: ProductPlan) -> dict[str, Any]:
    """Return what a product was sold as, where it is, and who pays for it."""
    belongings: dict[str, Any] = {}
    if product.offering:
        belongings["productOffering"] = product.offering.model_dump(mode="json", exclude_none=True)
    if product.specification:
        belongings["productSpecification"] = product.specification.model_dump(mode="json")
    if product.place:
        belongings["place"] = [place_reference(product.place)]
    if product.billing_account:
        belongings["billingAccount"] = {"id": product.billing_account}
    return belongings


def _same(new: Any, old: Any) -> bool:
    """Return whether two references, or the first of two lists of them, lead to the same."""
    first_new, first_old = (each[0] if isinstance(each, list) and each else each for each in (new, old))
    return isinstance(first_old, dict) and first_old.get("id") == first_new["id"]


def _relations(request: RecordProduct) -> list[dict[str, Any]]:
    kinds = {"bundles": request.components, "reliesOn": request.relies_on}
    return [
        {"relationshipType": kind, "product": {"id": each}}
        for kind, ids in kinds.items()
        for each in ids
        if each not in request.ended
    ]
