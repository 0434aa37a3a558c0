"""Changes in place: the service order that brings what another has done to what a new version of it wants.

It is a plan like any other: what is the same is left alone, what differs is modified, what is new is added, what the
new version does without is deleted. Values are compared plan with plan: where both versions say the same of a name, it
keeps what it came to (what a pool or a person gave, too); where they differ, the new one counts. Expressions are
evaluated anew where they differ, or where something that they read may have changed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from orders.change.comparison import can_be_changed, reads
from orders.model.product_orders import Action
from orders.plan.graph import in_order, orient, reverse
from orders.plan.keys import CUSTOMER_FACING, REPLACED
from orders.plan.order_documents import characteristic_list, moved_places
from orders.plan.outcome import AssignedResource, RealisedService, ServiceOrderOutcome
from orders.plan.parts import Characteristics, Demand, ManualWork, ResourceItem, ServiceItem, ServiceOrderPlan

Changed = Mapping[str, frozenset[str] | None]
"""Name of a service or resource → its characteristics that change, None where any may: it is new, or gone."""

Item = TypeVar("Item", ServiceItem, ResourceItem)
T = TypeVar("T")

_MISSING = object()


def modified_service_order(
    old: ServiceOrderPlan,
    done: ServiceOrderOutcome,
    new: ServiceOrderPlan,
    changed_inputs: Changed | None = None,
) -> ServiceOrderPlan:
    """Return the service order that brings what `old` has come to, `done`, to what `new` wants.

    Items of it under the key of `old` have the ids and values of `done`; what gives way to a new resource under its key
    is deleted under the key `~replaced`.

    Args:
        changed_inputs: how the services named in `inputs` differ from those that `old` ran with; None where any may.

    Raises:
        ValueError: when `new` cannot be reached in place; `orders.change.comparison.compare` calls it moved then.
    """
    if not can_be_changed(old, new):
        raise ValueError(f"service order {new.key} cannot be changed in place: it must be undone and done anew")
    inputs = dict.fromkeys(new.inputs) if changed_inputs is None else changed_inputs
    redo = _Redo(old, _standing(done), new, _read_from_others(old, new, inputs))
    return new.model_copy(update={"action": Action.MODIFY, "items": redo.items()})


def merged_outcome(
    old: ServiceOrderOutcome, delta_plan: ServiceOrderPlan, delta: ServiceOrderOutcome
) -> ServiceOrderOutcome:
    """Return what a service order has come to after the change `delta_plan`, which came to `delta`.

    What it had added itself and has deleted since is not part of it; what was installed before and is deleted, is. So
    the new version's plan can be undone with it in one go, and asks for nothing that was given away on the way.
    """
    services = dict(_standing(old))
    for item in delta_plan.items:
        before = services.pop(item.key, None)
        if item.key in delta.services and not (_is_gone(item) and before):
            service = delta.services[item.key]
            resources = _merged_resources(item, before.resources if before else {}, service.resources)
            services[item.key] = service.model_copy(update={"resources": resources})
    return ServiceOrderOutcome(services=services)


def _merged_resources(
    item: ServiceItem, before: Mapping[str, AssignedResource], done: Mapping[str, AssignedResource]
) -> dict[str, AssignedResource]:
    own = {each.key for each in item.resources if _is_gone(each) and each.key.removesuffix(REPLACED) in before}
    stays = {key: each for key, each in before.items() if key not in own or key.endswith(REPLACED)}
    return {**stays, **{key: each for key, each in done.items() if key not in own}}


def differing(before: Characteristics, after: Characteristics) -> frozenset[str]:
    """Return the names of the characteristics that differ."""
    names = before.keys() | after.keys()
    return frozenset(name for name in names if before.get(name, _MISSING) != after.get(name, _MISSING))


def _standing(outcome: ServiceOrderOutcome) -> dict[str, RealisedService]:
    return outcome.services if outcome.standing is None else outcome.standing


def _read_from_others(old: ServiceOrderPlan, new: ServiceOrderPlan, inputs: Changed) -> Changed:
    """Return how services of other service orders change, by the names that expressions use."""
    given = {
        name: differing(old.given[name], values) if name in old.given else None for name, values in new.given.items()
    }
    return {**given, **inputs}


class _Redo:
    """One service order as it was planned, with what it came to, on its way to another version."""

    def __init__(
        self,
        old: ServiceOrderPlan,
        there: Mapping[str, RealisedService],
        new: ServiceOrderPlan,
        others: Changed,
    ) -> None:
        self.old, self.new = old, new
        self.before = {item.key: item for item in old.items}
        self.there = _still_there(self.before, there)
        self.others = others
        self.wanted: dict[str, ServiceItem] = {}
        self.changed: dict[str, frozenset[str] | None] = {}

    def items(self) -> list[ServiceItem]:
        """Return the items that lead to the new version, each with what it starts after."""
        self.wanted = _still_wanted(self.before, self.new.items)
        gone = [self._removed(self.before[key], self.there[key]) for key in self.there if key not in self.wanted]
        self.changed = dict.fromkeys(item.key for item in gone)
        items = [self._item(self.wanted[key]) for key in in_order(_relied(self.wanted.values()))]
        together = [*items, *gone]
        after = orient(self._reliance(items, gone), {item.key: item.action for item in together})
        for item in items:
            after[item.key] += [key for key in item.depends_on if key in after and key not in after[item.key]]
        return [item.model_copy(update={"depends_on": after[item.key]}) for item in together]

    def _item(self, item: ServiceItem) -> ServiceItem:
        if item.key in self.there:
            item = self._kept(self.before[item.key], self.there[item.key], item)
        if _moves(item):
            self.changed[item.key] = _changes(item)
        return item

    def _kept(self, old: ServiceItem, done: RealisedService, item: ServiceItem) -> ServiceItem:
        """Return the item that changes a service in place, or leaves it alone."""
        relied = {*old.relies_on, *item.relies_on}
        services = {name: changes for name, changes in self.others.items() if name not in item.relies_on}
        services |= {name: changes for name, changes in self.changed.items() if name in relied}
        resources = _resources(old, done, item, services)
        late = _affected(old, item, _all_changes(resources), services)
        characteristics = _merged(old, done.characteristics, item, late)
        was_at, place = self.old.place_of(old), self.new.place_of(item)
        goes = place != was_at
        differs = bool(late) or characteristics != done.characteristics
        supports = {key for key in old.relies_on if key in self.there}
        moves = goes or differs or any(map(_moves, resources)) or supports != {*item.relies_on} & self.wanted.keys()
        return item.model_copy(
            update={
                "action": Action.MODIFY if moves else Action.NO_CHANGE,
                "service_id": done.id,
                "place": place,
                "previous_place": was_at,
                "characteristics": characteristics,
                "previous": done.characteristics,
                "late": late,
                "resources": resources,
                "record": self._record(old, done),
                "manual": _work(old, item, by_people=goes or (differs and item.activation is None)),
                "milestones": [],
            }
        )

    def _removed(self, old: ServiceItem, done: RealisedService) -> ServiceItem:
        """Return the item that takes down a service that the new version does without."""
        return old.model_copy(
            update={
                "action": Action.DELETE,
                "service_id": done.id,
                "place": self.old.place_of(old),
                "previous_place": self.old.place_of(old),
                "characteristics": done.characteristics,
                "previous": done.characteristics,
                "late": {},
                "resources": _removed_resources(old.resources, done.resources, {}, []),
                "test": None,
                "record": self._record(old, done),
                "manual": _taken_back(old.manual),
                "point_of_no_return": None,
                "milestones": [],
            }
        )

    def _reliance(self, items: Iterable[ServiceItem], gone: Iterable[ServiceItem]) -> dict[str, list[str]]:
        """Return what each item relies on, or did; the service itself on all that leaves, too."""
        relied = {**_relied(items), **_relied(gone)}
        leaving = _relied(gone).keys()
        for key, old in self.before.items():
            if key in relied and key not in leaving:
                more = leaving if key == CUSTOMER_FACING else leaving & set(old.relies_on)
                relied[key] = [*relied[key], *(each for each in leaving if each in more)]
        return relied

    def _record(self, old: ServiceItem, done: RealisedService) -> dict[str, Any]:
        """Return what inventory records of a service now, in the shape that it has there."""
        if old.action == Action.NO_CHANGE and old.record:
            return old.record
        services = {key: self.there[key].id for key in old.relies_on if key in self.there}
        resources = {key: each.id for key, each in _still_there(_by_key(old.resources), done.resources).items()}
        # What an earlier release noted of an installed service says nothing of its place.
        known = not old.record or "place" in old.record
        places = moved_places(old.record.get("place") or [], old.previous_place, self.old.place_of(old))
        return {
            "state": "active",
            **({"place": places} if known else {}),
            "serviceCharacteristic": characteristic_list(done.characteristics),
            "supportingService": [{"id": each, "name": key} for key, each in services.items()],
            "supportingResource": [{"id": each, "name": key} for key, each in resources.items()],
        }


def _resources(old: ServiceItem, done: RealisedService, new: ServiceItem, services: Changed) -> list[ResourceItem]:
    """Return what happens to each resource of a service; what leaves starts after all that stays or comes."""
    before = _by_key(old.resources)
    there = _still_there(before, done.resources)
    wanted = _still_wanted(before, new.resources)
    leaving = {key: key for key in there if key not in wanted}
    assigned: dict[str, frozenset[str] | None] = dict.fromkeys(leaving)
    items: list[ResourceItem] = []
    for key in in_order({key: each.depends_on for key, each in wanted.items()}):
        item = wanted[key]
        if key in there and _is_same_member(before[key], there[key], item):
            item = _kept_resource(before[key], there[key], item, assigned, services)
        elif key in there:
            leaving[key] = f"{key}{REPLACED}"
        assigned |= _all_changes([item])
        items.append(item.model_copy(update={"depends_on": [need for need in item.depends_on if need in wanted]}))
    stays = [each.key for each in items if not _is_gone(each)]
    return [*items, *_removed_resources(old.resources, {key: there[key] for key in leaving}, leaving, stays)]


def _is_same_member(old: ResourceItem, done: AssignedResource, new: ResourceItem) -> bool:
    """Return whether the resource that is there is one that the new version would take."""
    if old.specification.id != new.specification.id:
        return False
    wanted = new.demand.model_copy(update={"value": old.demand.value}) == old.demand
    return new.resource_id is not None or (wanted and new.demand.value in (None, done.value))


def _kept_resource(
    old: ResourceItem, done: AssignedResource, item: ResourceItem, assigned: Changed, services: Changed
) -> ResourceItem:
    late = _affected(old, item, assigned, services)
    characteristics = _merged(old, done.characteristics, item, late)
    differs = bool(late) or characteristics != done.characteristics
    return item.model_copy(
        update={
            "action": Action.MODIFY if differs else Action.NO_CHANGE,
            "resource_id": done.id,
            "demand": item.demand.model_copy(update={"value": done.value}),
            "characteristics": characteristics,
            "previous": done.characteristics,
            "late": late,
            "manual": _work(old, item, by_people=differs and item.configuration is None),
            "milestones": [],
        }
    )


def _removed_resources(
    old: Sequence[ResourceItem], done: Mapping[str, AssignedResource], renamed: Mapping[str, str], after: list[str]
) -> list[ResourceItem]:
    """Return the items that give back those of `old` that are in `done`, after `after`, last first."""
    graph = reverse({each.key: each.depends_on for each in old}, done)
    return [
        each.model_copy(
            update={
                "key": renamed.get(each.key, each.key),
                "action": Action.DELETE,
                "depends_on": [*after, *(renamed.get(need, need) for need in graph[each.key])],
                "resource_id": done[each.key].id,
                "demand": Demand(pool=each.demand.pool, place=each.demand.place, value=done[each.key].value),
                "characteristics": done[each.key].characteristics,
                "previous": done[each.key].characteristics,
                "late": {},
                "manual": _taken_back(each.manual),
                "point_of_no_return": None,
                "milestones": [],
            }
        )
        for each in reversed(old)
        if each.key in done
    ]


def _merged(
    old: ServiceItem | ResourceItem, done: Characteristics, new: ServiceItem | ResourceItem, late: Collection[str]
) -> Characteristics:
    """Return the characteristics that a part is to have; of those that are evaluated when it runs, what is planned."""
    if new.action == Action.NO_CHANGE:
        return new.previous  # whatever the old version made of it: it is as it was installed
    planned = new.characteristics
    merged: Characteristics = {}
    for name in {**done, **planned}:
        if name in new.late:
            kept = name not in late
        else:
            kept = name not in old.late and old.characteristics.get(name, _MISSING) == planned.get(name, _MISSING)
        if kept and name in done:
            merged[name] = done[name]
        elif not kept and name in planned:
            merged[name] = planned[name]
    return merged


def _affected(
    old: ServiceItem | ResourceItem, new: ServiceItem | ResourceItem, assigned: Changed, services: Changed
) -> dict[str, str]:
    """Return those late expressions that differ, or fall back on something else, or read something that changes."""
    changed = {"assigned": assigned, "services": services}
    agreed = {
        name
        for name, text in new.late.items()
        if old.late.get(name) == text
        and old.characteristics.get(name, _MISSING) == new.characteristics.get(name, _MISSING)
    }
    return {name: text for name, text in new.late.items() if name not in agreed or _follows(text, changed)}


def _follows(text: str, changed: Mapping[str, Changed]) -> bool:
    for variable, name, attribute in reads(text):
        candidates = changed[variable]
        names = candidates.values() if name is None else [candidates[name]] if name in candidates else []
        if any(each is None or (attribute is None and each) or attribute in each for each in names):
            return True
    return False


def _all_changes(items: Iterable[ResourceItem]) -> dict[str, frozenset[str] | None]:
    """Return how resources change, by the names that expressions use; those that do not are left out."""
    return {each.key.removesuffix(REPLACED): _changes(each) for each in items if _moves(each)}


def _changes(item: ServiceItem | ResourceItem) -> frozenset[str] | None:
    if item.action in (Action.ADD, Action.DELETE):
        return None
    return differing(item.previous, item.characteristics) | item.late.keys()


def _work(old: ServiceItem | ResourceItem, new: ServiceItem | ResourceItem, *, by_people: bool) -> ManualWork | None:
    """Return what people do to change a part in place: nothing again, where a system can do it without them."""
    if new.manual is None or old.action == Action.NO_CHANGE:
        return new.manual
    return new.manual.model_copy(update={"undo": new.manual.instructions}) if by_people else None


def _taken_back(work: ManualWork | None) -> ManualWork | None:
    """Return what people do to undo what they did, and to do it once more should that be undone."""
    return ManualWork(instructions=work.undo, undo=work.instructions, values=[]) if work and work.undo else None


def _still_there(before: Mapping[str, ServiceItem] | Mapping[str, ResourceItem], done: Mapping[str, T]) -> dict[str, T]:
    """Return what is there of what was done: what was deleted is not."""
    return {key: each for key, each in done.items() if key in before and not _is_gone(before[key])}


def _still_wanted(before: Collection[str], items: Iterable[Item]) -> dict[str, Item]:
    """Return what is wanted yet: what is to be deleted by either version is gone already."""
    return {each.key: each for each in items if not (_is_gone(each) and each.key in before)}


def _by_key(items: Iterable[Item]) -> dict[str, Item]:
    return {each.key: each for each in items}


def _relied(items: Iterable[ServiceItem]) -> dict[str, list[str]]:
    return {item.key: item.relies_on for item in items}


def _is_gone(item: ServiceItem | ResourceItem) -> bool:
    return item.action == Action.DELETE


def _moves(item: ServiceItem | ResourceItem) -> bool:
    return item.action != Action.NO_CHANGE
