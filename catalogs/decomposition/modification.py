"""Compares what a service should be with what is installed: add, modify, delete or leave each part alone.

What is new is compared with nothing, so that adding takes this way too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from catalogs.decomposition.assurance import Mending
from catalogs.decomposition.changes import Changed, affected, differing, overlaid
from catalogs.decomposition.teardown import (
    fulfilment_of,
    orient_resources,
    orient_services,
    reliance,
    removed_part,
    removed_resource,
)
from catalogs.model.catalog_set import CatalogSet
from catalogs.model.steps import take_rules
from catalogs.nodes.targets import ResourceTarget, ServiceTarget
from orders.model.installed import InstalledResource, InstalledService
from orders.model.product_orders import Action
from orders.plan.graph import in_order
from orders.plan.keys import CUSTOMER_FACING, REPLACED
from orders.plan.parts import Demand, Move, ResourceItem, ServiceItem

T = TypeVar("T", ServiceTarget, ResourceTarget)


@dataclass(frozen=True)
class PlannedService:
    """The items of a service order, and which characteristics of its service change; None where it is new."""

    action: Action
    items: list[ServiceItem]
    changed: frozenset[str] | None


@dataclass(frozen=True)
class _Compared:
    """One service as it is, as it should be, and as the catalog would have it without this order's changes."""

    target: ServiceTarget
    installed: InstalledService | None
    before: ServiceTarget | None
    catalogs: CatalogSet
    failed: Mending | None = None
    """What is to be done about a service that has failed, this one or a part of it."""

    @property
    def mending(self) -> Mending | None:
        """What is to be done about this one."""
        its = self.failed and self.installed and self.failed.service.id == self.installed.id
        return self.failed if its else None

    @property
    def previous_place(self) -> str | None:
        return where_installed(self.installed, self.before) if self.installed else None

    @property
    def place(self) -> str | None:
        """Where the service is to be; one that the catalog has at no place stays where it is."""
        return self.target.place or self.previous_place

    @property
    def moved_to(self) -> str | None:
        """The other place to which an installed service goes; None where it stays, or where it is is not known."""
        return self.place if self.previous_place not in (None, self.place) else None

    def part(self, target: ServiceTarget) -> _Compared:
        """Return a part; as a new one, where that takes the place of what is installed under its key."""
        installed = self.installed.service(target.key) if self.installed else None
        before = next((each for each in self.before.services if each.key == target.key), None) if self.before else None
        part = _Compared(target, installed, before, self.catalogs, self.failed)
        return replace(part, installed=None) if installed and is_renewed(target, installed, before) else part


def where_installed(installed: InstalledService, before: ServiceTarget | None) -> str | None:
    """Return where a service is: as inventory has it, or else as the catalog had it."""
    return installed.place or (before.place if before else None)


def is_renewed(target: ServiceTarget, installed: InstalledService, before: ServiceTarget | None) -> bool:
    """Return whether a service gives way to a new one: of another kind, or at another place beside which it works on.

    Args:
        before: what the catalog makes of it as it is installed.
    """
    if installed.specification_id != target.specification.id:
        return True
    was_at = where_installed(installed, before)
    moves = None not in (was_at, target.place) and was_at != target.place
    return moves and target.move is Move.OVERLAP


def plan_service(
    target: ServiceTarget,
    installed: InstalledService | None,
    before: ServiceTarget | None,
    inputs: Changed,
    catalogs: CatalogSet,
    failed: Mending | None = None,
) -> PlannedService:
    """Return the items of the service order that turns `installed` into `target`.

    Args:
        before: what the catalog makes of the installed product, to tell which demands this order changes.
        inputs: how services of other service orders change, by the name that late expressions read.
        failed: what is to be done about a service of it that has failed.
    """
    compared = _Compared(target, installed, before, catalogs, failed)
    gone = _gone(compared)
    parts: list[ServiceItem] = []
    changed: dict[str, frozenset[str] | None] = dict.fromkeys(item.key for item in gone)
    relied: dict[str, list[str]] = {}
    for part in _in_order(target.services):
        own = compared.part(part)
        item, changes = _plan_one(own, part.key, part.relies_on, {**inputs, **changed})
        relied[item.key] = [*part.relies_on, *_left_by(own, gone)]
        _follow_supports(item, relied[item.key], changed, part)
        parts.append(item)
        if changes is None or changes:
            changed[item.key] = changes
    supporting = [part.key for part in parts]
    whole, changes = _plan_one(compared, CUSTOMER_FACING, supporting, {**inputs, **changed})
    relied[CUSTOMER_FACING] = [*supporting, *(item.key for item in gone)]
    _follow_supports(whole, relied[CUSTOMER_FACING], changed, target)
    items = [*parts, *gone, whole]
    orient_services(items, relied)
    return PlannedService(_overall(items), items, changes)


def _left_by(compared: _Compared, gone: Iterable[ServiceItem]) -> list[str]:
    """Return the items that take down what supports an installed part, and will not any more."""
    supports = {each.id for each in compared.installed.services} if compared.installed else set()
    return [item.key for item in gone if item.service_id in supports]


def _follow_supports(item: ServiceItem, relied: Iterable[str], changed: Changed, target: ServiceTarget) -> None:
    """Make an item that would be left alone a change where others than before support its service."""
    if not any(key in changed and changed[key] is None for key in relied):
        return
    item.set_up_again = False
    if item.action is Action.NO_CHANGE:
        item.action = Action.MODIFY
        take_rules(item, target.rules)


def _plan_one(
    compared: _Compared, key: str, relies_on: Sequence[str], changed: Changed
) -> tuple[ServiceItem, frozenset[str] | None]:
    target, installed = compared.target, compared.installed
    resources = _plan_resources(compared, changed)
    item = ServiceItem(
        key=key,
        action=Action.ADD,
        specification=target.specification,
        relies_on=list(relies_on),
        place=compared.place,
        move=target.move,
        characteristics=overlaid({}, target.characteristics),
        late=target.late,
        resources=resources,
        activation=target.activation,
        test=target.test,
        policy=target.policy,
    )
    if installed is None:
        take_rules(item, target.rules)
        return item, None
    item.service_id = installed.id
    item.previous_place = compared.previous_place
    item.previous = installed.characteristics
    item.characteristics = overlaid(installed.characteristics, target.characteristics)
    item.late = affected(target.late, assigned=_changes(resources), services=changed)
    changes = differing(installed.characteristics, item.characteristics) | item.late.keys()
    moves = item.place != item.previous_place
    differs = changes or moves or any(each.action is not Action.NO_CHANGE for each in resources)
    item.action = Action.MODIFY if differs else Action.NO_CHANGE
    mending = compared.mending
    if mending:
        mending.applied_to(item)
    take_rules(item, target.rules)
    if mending:
        item.manual = mending.work_of(item)
    return item, changes


def _plan_resources(compared: _Compared, services: Changed) -> list[ResourceItem]:
    """Return what happens to each resource of a service; what leaves starts after all that stays or comes."""
    target, installed = compared.target, compared.installed
    before = {each.key: each.demand for each in compared.before.resources} if compared.before else {}
    staying: list[ResourceItem] = []
    leaving = {each.key: each for each in installed.resources} if installed else {}
    for part in _in_order(target.resources):
        there = leaving.get(part.key)
        exchanged = compared.mending and compared.mending.exchanges(part)
        if there is None or exchanged or _is_replaced(part, there, before.get(part.key), compared.moved_to):
            staying.append(_new_resource(part))
        else:
            staying.append(_kept_resource(part, there, _changes(staying), services))
            del leaving[part.key]
    orient_resources(staying, {each.key: each.relies_on for each in target.resources})
    if not installed:
        return staying
    keys = [each.key for each in staying]
    fulfilment = fulfilment_of(installed, compared.catalogs)
    removed = [
        removed_resource(there, fulfilment, compared.catalogs, f"{key}{REPLACED}" if key in keys else key)
        for key, there in leaving.items()
    ]
    orient_resources(removed, reliance([each.key for each in removed], fulfilment.resources))
    for each in removed:
        each.depends_on = [*keys, *each.depends_on]
    return [*staying, *removed]


def _new_resource(target: ResourceTarget) -> ResourceItem:
    item = ResourceItem(
        key=target.key,
        action=Action.ADD,
        specification=target.specification,
        demand=target.demand,
        characteristics=overlaid({}, target.characteristics),
        late=target.late,
        configuration=target.configuration,
        policy=target.policy,
    )
    take_rules(item, target.rules)
    return item


def _kept_resource(
    target: ResourceTarget, there: InstalledResource, assigned: Changed, services: Changed
) -> ResourceItem:
    characteristics = overlaid(there.characteristics, target.characteristics)
    late = affected(target.late, assigned=assigned, services=services)
    moves = late or differing(there.characteristics, characteristics)
    item = ResourceItem(
        key=target.key,
        action=Action.MODIFY if moves else Action.NO_CHANGE,
        specification=target.specification,
        resource_id=there.id,
        demand=target.demand.model_copy(update={"pool": there.pool or target.demand.pool, "value": there.value}),
        characteristics=characteristics,
        previous=there.characteristics,
        late=late,
        configuration=target.configuration,
        policy=target.policy,
    )
    take_rules(item, target.rules)
    return item


def _is_replaced(target: ResourceTarget, there: InstalledResource, before: Demand | None, moved_to: str | None) -> bool:
    """Return whether another member is needed: of another kind, another value, another pool, place or criteria.

    Args:
        before: what the catalog asked for as the service is installed, where that is known.
        moved_to: the place to which the service goes, if it does.
    """
    wanted = target.demand
    if target.specification.id != there.specification_id or wanted.value not in (None, there.value):
        return True
    if wanted.pool and there.pool and wanted.pool != there.pool:
        return True
    return _is_elsewhere(wanted, there, before, moved_to) or (before is not None and before.criteria != wanted.criteria)


def _is_elsewhere(wanted: Demand, there: InstalledResource, before: Demand | None, moved_to: str | None) -> bool:
    """Return whether a member is bound to another place than is wanted, as far as inventory and catalog know.

    Inventory may say it more closely than orders do, a rack for a site: so the catalog's demands are compared first,
    and what inventory says decides where it names the very place, or where the catalog's earlier demand is unknown.
    """
    if wanted.place is not None and wanted.place in (there.place, moved_to):
        return wanted.place != there.place
    if before is not None:
        return before.place != wanted.place
    return None not in (wanted.place, there.place)


def _gone(compared: _Compared) -> list[ServiceItem]:
    """Return the items that take down installed parts which the target lacks, or has new ones in place of."""
    installed = compared.installed
    if installed is None:
        return []
    stays = {each.key: compared.part(each).installed is not None for each in compared.target.services}
    fulfilment = fulfilment_of(installed, compared.catalogs)
    gone = [
        removed_part(part, fulfilment, compared.catalogs, f"{part.key}{REPLACED}" if part.key in stays else part.key)
        for part in installed.services
        if not stays.get(part.key)
    ]
    relies_on = reliance([each.key for each in gone], fulfilment.services)
    for each in gone:
        each.relies_on = relies_on[each.key]
    return gone


def _changes(items: Iterable[ResourceItem]) -> Changed:
    """Return how resources change, for the late expressions that read them as `assigned`."""
    changed: dict[str, frozenset[str] | None] = {}
    for item in items:
        if item.action in (Action.ADD, Action.DELETE):
            changed.setdefault(item.key.removesuffix(REPLACED), None)
        elif item.action is Action.MODIFY:
            changed[item.key] = differing(item.previous, item.characteristics) | item.late.keys()
    return changed


def _overall(items: Iterable[ServiceItem]) -> Action:
    """Return what a service order does as a whole: one thing, or modify where it does several."""
    actions = {item.action for item in items}
    return actions.pop() if len(actions) == 1 else Action.MODIFY


def _in_order(targets: Sequence[T]) -> list[T]:
    """Return the targets so that each comes after those it relies on."""
    by_key: Mapping[str, T] = {each.key: each for each in targets}
    return [by_key[key] for key in in_order({each.key: each.relies_on for each in targets})]
