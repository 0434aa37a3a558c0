"""Posted orders of services and of resources as clients may send them, drawn for the shipped catalogs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hypothesis import strategies as st

from catalogs.model.catalog_set import CatalogSet
from catalogs.model.characteristics import default_of
from catalogs.model.entities import CharacteristicSpecification, ResourceSpecification, ServiceSpecification, ValueType
from orders.model.installed import InstalledResource, InstalledService
from tests.catalogs.generated_orders import PLACES, parties, places_around, values_among
from tests.catalogs.sample_orders import TODAY
from tmf.bodies import Document

OF_NAME: dict[str, st.SearchStrategy[Any]] = {
    "simType": st.sampled_from(["sim", "esim"]),
    "redundancy": st.sampled_from(["none", "dual"]),
    "installation": st.sampled_from(["self", "technician"]),
    "mode": st.sampled_from(["router", "mesh"]),
}
"""Characteristics whose values decide what a service comes down to."""

OF_TYPE: dict[ValueType, st.SearchStrategy[Any]] = {
    ValueType.INTEGER: st.sampled_from([1, 2, 3, 2.0]),
    ValueType.NUMBER: st.sampled_from([1, 2.5]),
    ValueType.BOOLEAN: st.booleans(),
    ValueType.ARRAY: st.lists(st.sampled_from(["a", "b"]), max_size=2),
    ValueType.OBJECT: st.just({}),
    ValueType.STRING: st.sampled_from(["one", "other"]),
}

# A number that somebody chooses could be another's already.
CHOSEN_NUMBERS = frozenset({"wantedNumber"})


def chosen(specification: ServiceSpecification | ResourceSpecification) -> list[CharacteristicSpecification]:
    """Return the characteristics that an order may choose: all but those that the catalog works out."""
    worked_out = (
        specification.fulfilment.characteristics if isinstance(specification, ServiceSpecification) else frozenset()
    )
    return [each for each in specification.characteristics if each.name not in worked_out]


def choices(catalogs: CatalogSet, specification_id: str) -> dict[str, Any]:
    """Return what an order may choose of a service or resource, each with its default."""
    known = catalogs.services.get(specification_id) or catalogs.resources.get(specification_id)
    assert known
    return {each.name: default_of(each) for each in chosen(known)}


@st.composite
def values(draw: st.DrawFn, known: Sequence[CharacteristicSpecification], new: bool) -> list[Document]:
    """Draw values: of a new thing all that it must have; of the others some, left out or null."""
    needed: list[Document] = []
    free: list[Document] = []
    for each in known:
        if each.name not in CHOSEN_NUMBERS:
            value = {"name": each.name, "value": draw(OF_NAME.get(each.name, OF_TYPE[each.value_type]))}
            must = new and each.min_cardinality and default_of(each) is None
            (needed if must else free).append(value)
    return draw(st.permutations([*needed, *draw(values_among(free))]))


@st.composite
def related(draw: st.DrawFn, items: Sequence[Document], relation: str) -> list[Document]:
    """Draw which items start after earlier ones."""
    written = list(items)
    for number, each in enumerate(items):
        if number and draw(st.integers(0, 3)) == 0:
            other = draw(st.sampled_from(items[:number]))["id"]
            kind = draw(st.sampled_from(["dependency", "reliesOn", "sameAs"]))
            written[number] = each | {relation: [{"relationshipType": kind, "orderItem": {"itemId": other}}]}
    return draw(st.permutations(written))


@st.composite
def posted(draw: st.DrawFn, key: str, items: Sequence[Document], order_id: str) -> Document:
    """Draw an order of these items, for the customer or for nobody."""
    document: Document = {"id": order_id, "orderDate": TODAY.isoformat()}
    relation = f"{key}Relationship"
    if who := draw(st.one_of(parties(), st.sampled_from([None, []]))):
        document["relatedParty"] = who
    if draw(st.integers(0, 4)) == 0:
        document["allOrNothing"] = True
    return document | {key: draw(related(items, "orderItemRelationship" if key == "orderItem" else relation))}


# --- services ---


@st.composite
def new_service(draw: st.DrawFn, catalogs: CatalogSet, name: str, depth: int = 0) -> Document:
    specification = catalogs.services.get(draw(st.sampled_from(sorted(catalogs.services.ids()))))
    assert specification
    service: Document = {"serviceSpecification": {"id": specification.id}}
    if draw(st.integers(0, 4)):
        service["place"] = draw(places_around(draw(PLACES)))
    service["serviceCharacteristic"] = draw(values(chosen(specification), new=True))
    written: Document = {"id": name, "action": "add", "service": service}
    if depth < 1 and draw(st.integers(0, 3)) == 0:
        written["serviceOrderItem"] = [draw(new_service(catalogs, f"{name}.1", depth + 1))]
    return written


@st.composite
def changed_service(draw: st.DrawFn, catalogs: CatalogSet, there: InstalledService, name: str) -> Document:
    action = draw(st.sampled_from(["modify", "modify", "delete", "noChange"]))
    specification = catalogs.services.get(there.specification_id)
    assert specification
    service: Document = {"id": there.id}
    if draw(st.booleans()):
        service["serviceSpecification"] = {"id": there.specification_id}
    if action == "modify":
        service["serviceCharacteristic"] = draw(some(draw(values(chosen(specification), new=False))))
        if draw(st.integers(0, 2)) == 0:
            service["place"] = draw(places_around(draw(PLACES)))
    elif action == "noChange":
        service |= draw(as_there(there.place, there.characteristics, "serviceCharacteristic"))
    return {"id": name, "action": action, "service": service}


@st.composite
def some(draw: st.DrawFn, given: Sequence[Document]) -> list[Document]:
    return [each for each in given if draw(st.booleans())]


@st.composite
def as_there(draw: st.DrawFn, place: str | None, characteristics: Mapping[str, Any], name: str) -> Document:
    """Draw what an item repeats of a thing that it leaves alone."""
    words: Document = {}
    if place and draw(st.booleans()):
        words["place"] = draw(places_around(place))
    if draw(st.booleans()):
        words[name] = [
            {"name": each, "value": value} for each, value in draw(st.permutations([*characteristics.items()]))
        ]
    return words


@st.composite
def service_orders(
    draw: st.DrawFn, catalogs: CatalogSet, there: Mapping[str, InstalledService], order_id: str
) -> Document:
    """Draw an order that changes some of the services that are there, and adds others."""
    items = [
        draw(changed_service(catalogs, service, f"{order_id}-c{number}"))
        for number, service in enumerate(there.values())
        if draw(st.integers(0, 3))
    ]
    more = draw(st.integers(0 if items else 1, 2 if there else 3))
    items += [draw(new_service(catalogs, f"{order_id}-n{number}")) for number in range(more)]
    if len(items) > 1 and draw(st.integers(0, 4)) == 0:
        group: Document = {"id": f"{order_id}-g", "action": "noChange", "service": {}, "serviceOrderItem": items[1:]}
        items = [items[0], group]
    return draw(posted("serviceOrderItem", items, order_id))


# --- resources ---


@st.composite
def new_resource(draw: st.DrawFn, catalogs: CatalogSet, name: str) -> Document:
    specification = catalogs.resources.get(draw(st.sampled_from(sorted(catalogs.resources.ids()))))
    assert specification
    resource: Document = {"resourceCharacteristic": draw(values(chosen(specification), new=True))}
    if draw(st.integers(0, 3)) == 0:
        resource["resourceCharacteristic"].append({"name": "grade", "value": draw(st.sampled_from(["gold", None]))})
    if draw(st.booleans()):
        resource["place"] = draw(where(draw(PLACES)))
    if draw(st.integers(0, 3)) == 0:
        resource["category"] = draw(st.sampled_from(["pool-1", "pool-2"]))
    if draw(st.integers(0, 3)) == 0:
        resource["value"] = f"{specification.id}/of {name}"
    written: Document = {"id": name, "action": "add", "resource": resource}
    (resource if draw(st.booleans()) else written)["resourceSpecification"] = {"id": specification.id}
    return written


@st.composite
def where(draw: st.DrawFn, place: str) -> Any:
    """Draw the place of a resource: TMF652 has one, and clients send lists."""
    places = draw(places_around(place))
    return places[0] if len(places) == 1 and draw(st.booleans()) else places


@st.composite
def changed_resource(draw: st.DrawFn, catalogs: CatalogSet, there: InstalledResource, name: str) -> Document:
    action = draw(st.sampled_from(["modify", "modify", "delete", "noChange"]))
    specification = catalogs.resources.get(there.specification_id)
    assert specification
    resource: Document = {"id": there.id}
    if action == "modify":
        resource["resourceCharacteristic"] = draw(some(draw(values(chosen(specification), new=False))))
        if draw(st.integers(0, 2)) == 0:
            resource["place"] = draw(where(draw(PLACES)))
        if draw(st.integers(0, 4)) == 0:
            resource["value"] = draw(st.sampled_from([there.value, "another"]))
        if draw(st.integers(0, 4)) == 0:
            resource["category"] = draw(st.sampled_from([there.pool, "pool-1"]))
    elif action == "noChange":
        resource |= draw(as_there(there.place, {}, "resourceCharacteristic"))
        if draw(st.booleans()):
            resource |= {"value": there.value, "category": there.pool}
    return {"id": name, "action": action, "resource": resource}


@st.composite
def resource_orders(
    draw: st.DrawFn, catalogs: CatalogSet, there: Mapping[str, InstalledResource], order_id: str
) -> Document:
    """Draw an order that changes some of the resources that are there, and adds others."""
    items = [
        draw(changed_resource(catalogs, resource, f"{order_id}-c{number}"))
        for number, resource in enumerate(there.values())
        if draw(st.integers(0, 3))
    ]
    more = draw(st.integers(0 if items else 1, 2 if there else 3))
    items += [draw(new_resource(catalogs, f"{order_id}-n{number}")) for number in range(more)]
    return draw(posted("orderItem", items, order_id))
