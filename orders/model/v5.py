"""The same product orders in the shapes of TMF622 v5.0, and back: what the two versions say differently, and no more.

Orders are kept in the shape of v4. Version 5 gives every object its `@type`, wraps parties, places and channels in what
they are to the order, lists external identifiers, and names some attributes anew. What neither function knows stays as
it is, so that extensions survive both ways.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tmf.bodies import Document

ORDER = "ProductOrder"
CANCELLATION = "CancelProductOrder"

_PRICE = {
    "price": "Price",
    "priceAlteration": "PriceAlteration",
    "productOfferingPrice": "ProductOfferingPriceRef",
    "billingAccount": "BillingAccountRef",
    "countedCharacteristic": "CountedCharacteristic",
}
_PARTS: dict[str, dict[str, str]] = {
    ORDER: {
        "agreement": "AgreementRef",
        "billingAccount": "BillingAccountRef",
        "channel": "RelatedChannel",
        "externalId": "ExternalIdentifier",
        "note": "Note",
        "orderRelationship": "OrderRelationship",
        "orderTotalPrice": "OrderPrice",
        "payment": "PaymentRef",
        "productOfferingQualification": "ProductOfferingQualificationRef",
        "productOrderErrorMessage": "ProductOrderErrorMessage",
        "productOrderItem": "ProductOrderItem",
        "productOrderJeopardyAlert": "ProductOrderJeopardyAlert",
        "productOrderMilestone": "ProductOrderMilestone",
        "quote": "QuoteRef",
        "relatedParty": "RelatedPartyRefOrPartyRoleRef",
    },
    "ProductOrderItem": {
        "appointment": "AppointmentRef",
        "billingAccount": "BillingAccountRef",
        "itemPrice": "OrderPrice",
        "itemTerm": "OrderTerm",
        "itemTotalPrice": "OrderPrice",
        "note": "Note",
        "payment": "PaymentRef",
        "product": "Product",
        "productOffering": "ProductOfferingRef",
        "productOfferingQualificationItem": "ProductOfferingQualificationItemRef",
        "productOrderItem": "ProductOrderItem",
        "productOrderItemRelationship": "OrderItemRelationship",
        "qualification": "ProductOfferingQualificationRef",
        "quoteItem": "QuoteItemRef",
    },
    "Product": {
        "agreementItem": "AgreementItemRef",
        "billingAccount": "BillingAccountRef",
        "place": "RelatedPlaceRefOrValue",
        "product": "Product",
        "productCharacteristic": "Characteristic",
        "productOffering": "ProductOfferingRef",
        "productOrderItem": "RelatedOrderItem",
        "productPrice": "ProductPrice",
        "productRelationship": "ProductRelationship",
        "productSpecification": "ProductSpecificationRef",
        "productTerm": "ProductTerm",
        "realizingResource": "ResourceRef",
        "realizingService": "ServiceRef",
        "relatedParty": "RelatedPartyOrPartyRole",
    },
    "OrderPrice": _PRICE,
    "ProductPrice": _PRICE,
    "CountedCharacteristic": {"unitPrice": "Price"},
    "PriceAlteration": {"price": "Price", "productOfferingPrice": "ProductOfferingPriceRef"},
    "ProductOrderErrorMessage": {"productOrderItem": "ProductOrderItemRef"},
    "ProductOrderJeopardyAlert": {"productOrderItem": "ProductOrderItemRef"},
    "ProductOrderMilestone": {"productOrderItem": "ProductOrderItemRef"},
    CANCELLATION: {"errorMessage": "ProductOrderErrorMessage", "productOrder": "ProductOrderRef"},
}
"""Type → its attributes that are objects, or lists of them, by their names in v5, with the type of each."""

_RENAMED: dict[str, dict[str, str]] = {
    ORDER: {
        "orderDate": "creationDate",
        "milestone": "productOrderMilestone",
        "jeopardyAlert": "productOrderJeopardyAlert",
    },
    "Product": {"agreement": "agreementItem"},
    "ProductPrice": {"productPriceAlteration": "priceAlteration"},
    "AgreementItemRef": {"id": "agreementId", "href": "agreementHref", "name": "agreementName"},
    "ProductOfferingQualificationItemRef": {"id": "itemId"},
    "QuoteItemRef": {"id": "quoteItemId"},
    "RelatedOrderItem": {"productOrderId": "orderId", "productOrderHref": "orderHref"},
    "ProductOrderItemRef": {"id": "productOrderItemId"},
}
"""Type → the names of attributes in v4 → in v5."""

_WRAPPED: dict[str, tuple[str, tuple[str, ...]]] = {
    "RelatedChannel": ("channel", ("ChannelRef",)),
    "RelatedPartyRefOrPartyRoleRef": ("partyOrPartyRole", ("PartyRef", "PartyRoleRef")),
    "RelatedPartyOrPartyRole": ("partyOrPartyRole", ("PartyRef", "PartyRoleRef", "Individual", "Organization")),
    "RelatedPlaceRefOrValue": (
        "place",
        ("PlaceRef", "GeographicAddress", "GeographicSite", "GeographicLocation"),
    ),
}
"""Type → where v5 puts what v4 says of the thing itself, and the types that it can have, the usual one first."""

WRAPPED = frozenset({"relatedParty", "place", "channel", "productRelationship"})
"""What v5 has in two objects, or v4 has."""

UNKEPT = frozenset({"@type", "@baseType", "@schemaLocation"})
"""Of those, what is not kept as it was sent, since the object of v4 has it once; v5's usual ones are answered."""

_STATUSES = {"completed": "Completed"}
"""How milestones of ours stand → what v5 calls it."""

_STATUS_OF_MILESTONES = ("milestone", "status")
_ROLE = "role"
_IDENTIFIERS = "externalIdentifier"
"""The attribute, not of v4's, that keeps all that v5 says of an order's external identifiers."""


def to_v5(document: Document, kind: str = ORDER) -> Document:
    """Return an order, or with `kind` a cancellation, of v4 in v5's shape."""
    return _to_v5(document, kind)


def from_v5(document: Document, kind: str = ORDER) -> Document:
    """Return an order, or with `kind` a cancellation, of v5 in v4's shape."""
    return _from_v5(document, kind)


def name_in_v5(name: str, kind: str = ORDER) -> str:
    """Return what v5 calls an attribute of v4: `orderDate` → `creationDate`."""
    return _RENAMED.get(kind, {}).get(name, name)


def kept_as(name: str, kind: str = ORDER) -> tuple[str, ...]:
    """Return the attributes that keep what v5 says under a name: of `externalId` two."""
    kept = path_from_v5((name,), kind)
    return (*kept, _IDENTIFIERS) if kind == ORDER and name == "externalId" else kept


def path_from_v5(path: Sequence[str], kind: str = ORDER) -> tuple[str, ...]:
    """Return where v4 has the attribute at a path of v5: `relatedParty.partyOrPartyRole.id` → `relatedParty.id`."""
    if not path:
        return ()
    name, *rest = path
    part = _PARTS.get(kind, {}).get(name, "")
    old = {new: old for old, new in _RENAMED.get(kind, {}).items()}.get(name, name)
    if part == "ExternalIdentifier":
        return (old,) if rest in ([], ["id"]) else (_IDENTIFIERS, *rest)
    if part == "ProductRelationship" and rest and rest[0] != "relationshipType":
        return (old, "product", *rest)
    if part in _WRAPPED and rest and rest[0] == _WRAPPED[part][0]:
        rest = rest[1:]
    return (old, *path_from_v5(rest, part))


def value_from_v5(path: Sequence[str], value: str) -> str:
    """Return what a filter's value in v5's words is at a path as v4 has it."""
    if tuple(path) != _STATUS_OF_MILESTONES:
        return value
    return next((old for old, new in _STATUSES.items() if new == value), value)


def _to_v5(node: Document, kind: str) -> Document:
    if kind in _WRAPPED:
        return _wrapped(node, kind)
    renamed = _RENAMED.get(kind, {})
    parts = _PARTS.get(kind, {})
    written: Document = {"@type": _type_of(node, kind)}
    for name, value in node.items():
        new = renamed.get(name, name)
        if name != "@type" and (kind != ORDER or name != _IDENTIFIERS):
            written[new] = _each(value, parts.get(new), _to_v5)
    match kind:
        case "ProductRelationship":
            related = written.pop("product", None)
            written = {**related, **written} if isinstance(related, dict) else written
        case "ProductOrderMilestone" if "status" in written:
            written["status"] = _STATUSES.get(str(written["status"]), written["status"])
        case _ if kind == ORDER and isinstance(node.get("externalId"), str):
            written["externalId"] = _identifiers(node)
    return written


def _from_v5(node: Document, kind: str) -> Document:
    if kind in _WRAPPED:
        return _unwrapped(node, kind)
    renamed = {new: old for old, new in _RENAMED.get(kind, {}).items()}
    parts = _PARTS.get(kind, {})
    written = {renamed.get(name, name): _each(value, parts.get(name), _from_v5) for name, value in node.items()}
    match kind:
        case "ProductRelationship" if "product" not in written:
            own = {"relationshipType": written.pop("relationshipType", None)}
            written = {**own, "product": {name: value for name, value in written.items() if name != "@type"}}
        case "ProductOrderMilestone" if written.get("status") in _STATUSES.values():
            written["status"] = next(old for old, new in _STATUSES.items() if new == written["status"])
        case _ if kind == ORDER and isinstance(written.get("externalId"), list):
            written |= _external_id(written.pop("externalId"))
    return written


def _each(value: Any, kind: str | None, translate: Callable[[Document, str], Document]) -> Any:
    """Return a part, or each of a list of parts, translated; what is no object stays as it is."""
    match value:
        case dict() if kind:
            return translate(value, kind)
        case list() if kind:
            return [_each(each, kind, translate) for each in value]
        case _:
            return value


def _wrapped(node: Document, kind: str) -> Document:
    inner, types = _WRAPPED[kind]
    if isinstance(node.get(inner), dict):
        return {"@type": kind, **node}
    role = {_ROLE: node[_ROLE]} if _ROLE in node else {}
    about = {name: value for name, value in node.items() if name not in (_ROLE, "@type")}
    usual = types[0] if "id" in node or len(types) == 1 else types[1]
    known = node.get("@type") if node.get("@type") in types else usual
    return {"@type": kind, **role, inner: {"@type": known, **about}}


def _unwrapped(node: Document, kind: str) -> Document:
    inner, _ = _WRAPPED[kind]
    about = node.get(inner)
    if not isinstance(about, dict):
        return node
    outer = {name: value for name, value in node.items() if name not in (inner, "@type")}
    return {**about, **outer, **_referred_type(about, kind)}


def _referred_type(about: Mapping[str, Any], kind: str) -> Document:
    """Return the type of a party that v4 asks for, where v5 does not say it."""
    if "party" not in kind.lower() or "@referredType" in about:
        return {}
    return {"@referredType": "PartyRole" if about.get("@type") == "PartyRoleRef" else "Party"}


def _type_of(node: Document, kind: str) -> str:
    given = node.get("@type")
    if kind == "Characteristic" and given in (None, kind):
        return _type_of_value(node.get("value"))
    return given if isinstance(given, str) and given else kind


def _type_of_value(value: Any) -> str:
    """Return the type that v5 has for a characteristic with such a value."""
    match value:
        case list() if value and len({_scalar_type(each) for each in value}) == 1:
            return f"{_scalar_type(value[0])}ArrayCharacteristic"
        case None | list():
            return "Characteristic"
        case _:
            return f"{_scalar_type(value)}Characteristic"


def _scalar_type(value: Any) -> str:
    match value:
        case bool():
            return "Boolean"
        case int():
            return "Integer"
        case float():
            return "Number"
        case str():
            return "String"
        case _:
            return "Object"


def _identifiers(order: Document) -> list[Any]:
    """Return the external identifiers: all that v5 was told of them, while the first is still that of the order."""
    told = order.get(_IDENTIFIERS)
    if isinstance(told, list) and told and isinstance(told[0], dict) and told[0].get("id") == order["externalId"]:
        return [_each(each, "ExternalIdentifier", _to_v5) for each in told]
    return [{"@type": "ExternalIdentifier", "id": order["externalId"]}]


def _external_id(identifiers: list[Any]) -> Document:
    """Return what v4 says of a list of external identifiers, and what is to be kept of it besides."""
    first = identifiers[0].get("id") if identifiers and isinstance(identifiers[0], dict) else None
    if first is None:
        return {_IDENTIFIERS: identifiers} if identifiers else {}
    plain = len(identifiers) == 1 and identifiers[0].keys() <= {"id", "@type"}
    return {"externalId": first} if plain else {"externalId": first, _IDENTIFIERS: identifiers}
