"""Orders as clients may send them, drawn for the shipped catalogs: new products, and changes of what is there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from orders.model.installed import InstalledBase, InstalledProduct
from tests.catalogs.sample_orders import CUSTOMER, TODAY, add, item
from tmf.bodies import Document

Values = st.SearchStrategy[dict[str, Any]]

PLACES = st.sampled_from(["BER-1", "BER-2", "HAM-1"])
ACCOUNTS = st.sampled_from(["account-1", "account-2"])

VOICE: Values = st.fixed_dictionaries({"numberCount": st.integers(1, 3)})
TV: Values = st.fixed_dictionaries({"package": st.sampled_from(["basic", "premium"]), "setTopBoxes": st.integers(0, 3)})
ROUTER: Values = st.fixed_dictionaries({"installation": st.sampled_from([None, "self", "technician"])})
INTERNET: Values = st.fixed_dictionaries({"downloadSpeed": st.sampled_from([100, 250, 500, 1000])})
MOBILE: Values = st.fixed_dictionaries(
    {
        "simType": st.sampled_from(["sim", "esim"]),
        "dataVolumeGb": st.sampled_from([5, 20, 50]),
        "roaming": st.sampled_from(["none", "eu", "world"]),
        "msisdn": st.sampled_from([None, "+4915020100001", "+4915020100002"]),
    }
)
SITE: Values = st.fixed_dictionaries(
    {
        "siteName": st.just("Site"),
        "bandwidth": st.integers(10, 1000),
        "redundancy": st.sampled_from(["none", "dual"]),
        "siteSurvey": st.sampled_from([None, False, True]),
    }
)
CORE: Values = st.fixed_dictionaries({"topology": st.sampled_from(["hubAndSpoke", "anyToAny"])})
NOTHING: Values = st.just({})

VALUES: dict[str, Values] = {
    "fibre-internet": INTERNET,
    "home-router": ROUTER,
    "home-voice": VOICE,
    "home-tv": TV,
    "mobile-plan": MOBILE,
    "vpn-core": CORE,
    "vpn-hub-site": SITE,
    "vpn-spoke-site": SITE,
}
"""Offering → the values that its characteristics may have."""

EXTRAS = {
    "fibre-home-bundle": ["home-voice", "home-tv", "static-ip", "wifi-mesh"],
    "business-vpn": ["vpn-spoke-site"],
}
"""Bundle → the parts that it can have and can do without."""


# --- new products ---


@st.composite
def fibre_items(draw: st.DrawFn, name: str) -> Document:
    parts = [add(f"{name}.i", "fibre-internet", **draw(INTERNET)), add(f"{name}.r", "home-router", **draw(ROUTER))]
    if draw(st.booleans()):
        parts.append(add(f"{name}.v", "home-voice", **draw(VOICE)))
    if draw(st.booleans()):
        parts.append(add(f"{name}.t", "home-tv", **draw(TV)))
    if draw(st.booleans()):
        parts.append(item(f"{name}.m", "add", offering="wifi-mesh", quantity=draw(st.integers(1, 3))))
    return add(name, "fibre-home-bundle", *draw(st.permutations(parts)), place=draw(PLACES))


@st.composite
def vpn_items(draw: st.DrawFn, name: str) -> Document:
    spokes = draw(st.lists(SITE, max_size=4))
    sites = [
        add(f"{name}.{number}", "vpn-spoke-site", place=f"SITE-{number}", **site) for number, site in enumerate(spokes)
    ]
    hub = add(f"{name}.h", "vpn-hub-site", place="SITE-HUB", **draw(SITE))
    return add(name, "business-vpn", *draw(st.permutations([add(f"{name}.c", "vpn-core"), hub, *sites])))


@st.composite
def mobile_items(draw: st.DrawFn, name: str) -> Document:
    quantity = draw(st.integers(1, 3))
    return item(name, "add", offering="mobile-plan", quantity=quantity, characteristics=draw(MOBILE))


@st.composite
def internet_items(draw: st.DrawFn, name: str) -> Document:
    return add(name, "fibre-internet", place=draw(PLACES), **draw(INTERNET))


KINDS = [fibre_items, vpn_items, mobile_items, internet_items]


@st.composite
def additions(draw: st.DrawFn, prefix: str, least: int = 1, most: int = 3) -> list[Document]:
    """Draw items for a few new products, each written in one of the ways that clients have."""
    count = draw(st.integers(least, most))
    made = [draw(draw(st.sampled_from(KINDS))(f"{prefix}{number}")) for number in range(count)]
    return [draw(furnished(each)) for each in made]


# --- the ways to write it ---


@st.composite
def furnished(draw: st.DrawFn, document: Document) -> Document:
    """Draw the item, and its parts, with accounts, further places, other spellings, and values left out or null."""
    written = dict(document)
    if draw(st.integers(0, 3)) == 0:
        written["billingAccount"] = {"id": draw(ACCOUNTS)}
    product = dict(written.get("product") or {})
    if places := product.get("place"):
        product["place"] = draw(places_around(places[0]["id"]))
    if given := product.get("productCharacteristic"):
        product["productCharacteristic"] = draw(values_among(given))
    if product:
        written["product"] = product
    if parts := written.get("productOrderItem"):
        written["productOrderItem"] = [draw(furnished(each)) for each in parts]
    return written


@st.composite
def places_around(draw: st.DrawFn, place: str) -> list[Document]:
    """Draw a way to write that something is at a place, or, seldom, one that leaves open where it is."""
    role = draw(st.sampled_from(["installation", "Installation", "INSTALLATION"]))
    other = {"id": "HEAD-OFFICE", "role": draw(st.sampled_from(["billingAddress", "Billing Address", "delivery"]))}
    return draw(
        st.permutations(
            draw(
                st.sampled_from([[{"id": place}], [{"id": place, "role": role}], [{"id": place, "role": role}, other]])
            )
        )
    )


WAYS = st.sampled_from(["given", "given", "given", "missing", "null"])


@st.composite
def values_among(draw: st.DrawFn, given: Sequence[Document]) -> list[Document]:
    """Draw some of the values in any sequence: of those that are not there, some are left out and some are null."""
    written: list[Document] = []
    for each in draw(st.permutations(given)):
        way = "given" if each["name"] == "siteName" else draw(WAYS)
        if way == "given":
            written.append(each)
        elif way == "null":
            written.append({"name": each["name"], "value": None})
    return written


@st.composite
def parties(draw: st.DrawFn, customer: str = CUSTOMER) -> list[Document]:
    """Draw a way to write for whom an order is."""
    role = draw(st.sampled_from(["customer", "Customer", "CUSTOMER"]))
    alone = [{"id": customer}]
    one = [{"id": customer, "role": role}]
    others = [{"id": "shop-1", "role": "Seller"}, {"id": "agent-7", "role": "Requester"}]
    return list(draw(st.permutations(draw(st.sampled_from([alone, one, [*one, others[0]], [*one, *others]])))))


def without_numbers(document: Document) -> Document:
    """Return an order in which nobody chooses a number: two who choose the same would stand in each other's way."""

    def left(value: Any) -> Any:
        match value:
            case dict():
                return {name: left(each) for name, each in value.items()}
            case list():
                return [left(each) for each in value if not (isinstance(each, dict) and each.get("name") == "msisdn")]
            case _:
                return value

    written: Document = left(document)
    return written


# --- changes of what is there ---


@st.composite
def change_items(draw: st.DrawFn, base: InstalledBase, prefix: str) -> list[Document]:
    """Draw items that change some of what is installed, and end or confirm other of it, with some new products."""
    parts = {part for product in base.products.values() for part in product.components}
    roots = [product for key, product in base.products.items() if key not in parts]
    items: list[Document] = []
    for number, root in enumerate(roots):
        if draw(st.integers(0, 4)):
            items.append(draw(change_of(root, base, f"{prefix}{number}")))
    return [*items, *draw(additions(f"{prefix}new", least=0 if items else 1, most=1))]


@st.composite
def change_of(
    draw: st.DrawFn, product: InstalledProduct, base: InstalledBase, name: str, optional: bool = True
) -> Document:
    """Draw an item that changes, confirms or ends a product, with some of its parts."""
    actions = ["modify", "modify", "noChange", *(["delete"] if optional else [])]
    action = draw(st.sampled_from(actions))
    inner = [] if action == "delete" else draw(changed_parts(product, base, name))
    made = item(name, action, *inner, product=product.id)
    if action == "modify":
        made["product"] |= draw(new_words(product))
        if draw(st.integers(0, 5)) == 0:
            made["billingAccount"] = {"id": draw(ACCOUNTS)}
    elif action == "noChange" and draw(st.booleans()):
        made["product"] |= draw(old_words(product))
    if product.offering_id and draw(st.booleans()):
        made["productOffering"] = {"id": product.offering_id}
    return made


@st.composite
def new_words(draw: st.DrawFn, product: InstalledProduct) -> Document:
    """Draw what an item says of a product that it changes."""
    words: Document = {}
    values = draw(VALUES.get(product.offering_id or "", NOTHING))
    chosen = [{"name": name, "value": value} for name, value in values.items() if value is not None]
    if draw(st.booleans()) and chosen:
        words["productCharacteristic"] = draw(values_among(chosen))
    if product.place and draw(st.integers(0, 3)) == 0:
        words["place"] = draw(places_around(draw(PLACES)))
    return words


@st.composite
def old_words(draw: st.DrawFn, product: InstalledProduct) -> Document:
    """Draw what an item repeats of a product that it leaves alone."""
    words: Document = {}
    if product.place and draw(st.booleans()):
        words["place"] = [{"id": product.place, "role": "installation"}]
    kept = [{"name": name, "value": value} for name, value in product.characteristics.items()]
    if draw(st.booleans()) and kept:
        words["productCharacteristic"] = draw(st.permutations(kept))
    return words


@st.composite
def changed_parts(draw: st.DrawFn, bundle: InstalledProduct, base: InstalledBase, name: str) -> list[Document]:
    """Draw changes of some parts of a bundle; those that it can do without may go, and new ones come."""
    extras = EXTRAS.get(bundle.offering_id or "", [])
    items: list[Document] = []
    for number, key in enumerate(bundle.components):
        part = base.products[key]
        if draw(st.booleans()):
            items.append(draw(change_of(part, base, f"{name}.{number}", optional=part.offering_id in extras)))
    there = [base.products[key].offering_id for key in bundle.components]
    for offering in extras:
        if (offering not in there or offering == "vpn-spoke-site") and draw(st.integers(0, 2)) == 0:
            values = draw(VALUES.get(offering, NOTHING))
            place = "SITE-9" if offering == "vpn-spoke-site" else None
            items.append(draw(furnished(add(f"{name}.{offering}", offering, place=place, **values))))
    return items


@st.composite
def order_documents(draw: st.DrawFn, items: Sequence[Document], order_id: str = "order-1") -> Document:
    """Draw an order of these items for the customer."""
    document: Document = {
        "id": order_id,
        "orderDate": TODAY.isoformat(),
        "relatedParty": draw(parties()),
        "productOrderItem": list(items),
    }
    if draw(st.booleans()):
        document["billingAccount"] = {"id": draw(ACCOUNTS)}
    if draw(st.integers(0, 4)) == 0:
        document["allOrNothing"] = True
    return document


def changes_or_additions(base: InstalledBase) -> st.SearchStrategy[list[Document]]:
    return change_items(base, "c") if base.products else additions("c")


# --- other versions of an order that is on its way ---


@st.composite
def amended(draw: st.DrawFn, document: Document) -> Document:
    """Draw the attributes by which an order becomes another: parties, account, items, or several of them."""
    changes: Document = {}
    new = all(each["action"] == "add" for each in document["productOrderItem"])
    if new and draw(st.integers(0, 3)) == 0:
        customer = f"{_customer_of(document)}-other"
        changes["relatedParty"] = [{"id": customer, "role": "customer", "@referredType": "Customer"}]
    if draw(st.integers(0, 2)) == 0:
        changes["billingAccount"] = {"id": draw(ACCOUNTS)}
    if draw(st.booleans()) or not changes:
        items = [draw(other_version(each)) for each in document["productOrderItem"]]
        changes["productOrderItem"] = [*items, *draw(additions("other", least=0, most=1))]
    return changes


@st.composite
def other_version(draw: st.DrawFn, document: Document) -> Document:
    """Draw an item with other values, another place or account, and without some parts that it can do without."""
    written = dict(document)
    offering = document["productOffering"]["id"] if document["action"] == "add" else ""
    product = dict(document.get("product") or {})
    values = [{"name": name, "value": value} for name, value in draw(VALUES.get(offering, NOTHING)).items()]
    if draw(st.booleans()) and values:
        product["productCharacteristic"] = [each for each in values if each["value"] is not None]
    if product.get("place") and document["action"] != "noChange" and draw(st.integers(0, 3)) == 0:
        product["place"] = draw(places_around(draw(PLACES)))
    if product:
        written["product"] = product
    if document["action"] in ("add", "modify") and draw(st.integers(0, 3)) == 0:
        written["billingAccount"] = {"id": draw(ACCOUNTS)}
    if parts := document.get("productOrderItem"):
        extras = EXTRAS.get(offering, [])
        kept = [each for each in parts if not _is_extra(each, extras) or draw(st.integers(0, 2))]
        written["productOrderItem"] = [draw(other_version(each)) for each in kept]
    return written


def _is_extra(item: Document, extras: Sequence[str]) -> bool:
    return item["action"] != "add" or item["productOffering"]["id"] in extras


def _customer_of(document: Document) -> str:
    parties = document["relatedParty"]
    return str(next(each["id"] for each in parties if len(parties) == 1 or each["role"].lower() == "customer"))
