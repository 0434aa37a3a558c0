"""Events: none is missing, each order tree's are in their order, and each was delivered at least once."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from chaos.facts import Facts


def the_outbox_has_no_gap(facts: Facts) -> Iterator[str]:
    """Positions are 1, 2, 3 and so on, and no event is in it twice."""
    positions = [each.position for each in facts.outbox]
    if None in positions:
        yield f"{positions.count(None)} events have no position"
    placed = sorted(each for each in positions if each is not None)
    missing = sorted(set(range(1, len(placed) + 1)) - set(placed))
    if missing:
        yield f"the outbox has no event at {', '.join(map(str, missing[:5]))}"
    for event_id, times in Counter(each.id for each in facts.outbox).items():
        if times > 1:
            event = next(each for each in facts.outbox if each.id == event_id)
            yield f"event {event.type} of {event.subject} is in the outbox {times} times"


def every_event_arrives(facts: Facts) -> Iterator[str]:
    """The listener has every event of the outbox at least once, signed, and none that is not there."""
    arrived = {each.id for each in facts.received}
    known = {each.id for each in facts.outbox}
    for event in facts.outbox:
        if event.told and event.id not in arrived:
            yield f"event {event.position}, {event.type} of {event.subject}, never arrived"
    for each in facts.received:
        if each.id not in known:
            yield f"event {each.id} of {each.root} arrived, and is not in the outbox"
        if each.problem:
            yield f"event {each.id} of {each.root} arrived with a bad signature: {each.problem}"


def events_arrive_in_order(facts: Facts) -> Iterator[str]:
    """At each hub the events of an order tree arrive in the order of the outbox, repeats left out."""
    positions = {each.id: each.position or 0 for each in facts.outbox}
    last: dict[tuple[str, str], int] = defaultdict(int)
    seen: set[str] = set()
    for each in facts.received:
        if each.id in seen or each.id not in positions:
            continue
        seen.add(each.id)
        tree = each.hub, each.root
        if positions[each.id] < last[tree]:
            yield f"event {positions[each.id]} of {each.root} arrived after event {last[tree]}"
        last[tree] = max(last[tree], positions[each.id])
