"""Facts as a run without any fault would leave them; tests take something away, or add what must not be."""

from __future__ import annotations

from typing import Any

from chaos.facts import EffectFact, EventFact, Facts, PlacedFact, ReceivedFact, WorkflowFact

ORDER, CHILD = "abc", "abc:1:mobile"
OTHERS = {"id": "p-other", "status": "active", "productPrice": []}


def event(position: int, subject: str, state: str, what: str = "StateChange", **other: Any) -> EventFact:
    api = "productOrder" if subject == ORDER else "serviceOrder"
    kind = api[0].upper() + api[1:]
    fact = EventFact(position, f"e{position}", api, f"{kind}{what}Event", ORDER, subject, state)
    return EventFact(**{**_fields(fact), **other})


def received(events: list[EventFact]) -> list[ReceivedFact]:
    return [ReceivedFact(each.api, each.id, each.root) for each in events]


def sound_facts(**other: Any) -> Facts:
    """Return the facts of a mobile plan that was added, with others in the place of some."""
    product = {
        "id": "p1",
        "status": "active",
        "productCharacteristic": [{"name": "dataVolumeGb", "value": 20}],
        "productPrice": [{"name": "monthly"}],
        "realizingService": [{"id": "s1"}],
    }
    item = {
        "id": "1",
        "action": "add",
        "state": "completed",
        "product": {"id": "p1", "productCharacteristic": [{"name": "dataVolumeGb", "value": 20}]},
    }
    events = [
        event(1, ORDER, "acknowledged", "Create"),
        event(2, ORDER, "inProgress"),
        event(3, CHILD, "acknowledged", "Create"),
        event(4, CHILD, "inProgress"),
        event(5, CHILD, "completed"),
        event(6, ORDER, "completed"),
    ]
    facts: dict[str, Any] = {
        "placed": [PlacedFact(ORDER, "productOrder", "add", "c1")],
        "orders": {
            ORDER: {"id": ORDER, "state": "completed", "productOrderItem": [item]},
            CHILD: {"id": CHILD, "state": "completed"},
        },
        "outbox": events,
        "received": received(events),
        "workflows": [
            WorkflowFact("po:abc", "COMPLETED", "completed"),
            WorkflowFact("po:abc:so:1:mobile", "COMPLETED"),
        ],
        "products": [product, OTHERS],
        "services": [
            {
                "id": "s1",
                "state": "active",
                "serviceSpecification": {"id": "cfs-mobile"},
                "supportingResource": [{"id": "r1"}],
            }
        ],
        "resources": [{"id": "r1", "specification": "imsi", "usageState": "active", "requestedBy": "po:abc:so:1"}],
        "network": [{"id": "s1", "kind": "service", "specification": "cfs-mobile"}],
        "charges": [{"id": "c1", "state": "active", "product": {"id": "p1"}, "price": [{"name": "monthly"}]}],
        "effects": [EffectFact("inventory", "po:abc/1/reserve", "reserve", "r1", "done")],
        "foreign": {"product p-other": (OTHERS, OTHERS)},
    }
    return Facts(**{**facts, **other})


def _fields(fact: EventFact) -> dict[str, Any]:
    return {name: getattr(fact, name) for name in EventFact.__slots__}
