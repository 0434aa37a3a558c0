"""Policies that nothing reads: how fallout waits where nothing is held, `rollback` below a service order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from catalogs.model.catalog_set import Versions
from catalogs.model.entities import ResourceSpecification, ServiceSpecification
from catalogs.model.entries import Entries, Sourced
from catalogs.model.faults import Fault, Loc
from catalogs.model.fulfilment import PolicyBlock, Requirement
from orders.plan.policy import OnFailure

_OF_FALLOUT = ("afterHold", "holdTimeout")


@dataclass(frozen=True)
class _Place:
    """Where a policy may be written: at a requirement, in a specification or in a catalog."""

    sourced: Sourced[Any]
    loc: Loc
    policy: PolicyBlock
    """What is written there, over all that it inherits."""
    below: bool = False
    """Whether its steps are of a resource-facing service or of a resource."""
    needs: tuple[str, str] | None = None
    """Section and id of the specification that a requirement asks for."""

    @property
    def written(self) -> Mapping[str, Any]:
        """What is written at this place alone."""
        node = self.sourced.source.at(*self.loc).node
        return node if isinstance(node, dict) else {}

    @property
    def folder(self) -> str:
        return self.sourced.source.file.split("/")[0]


def policy_warnings(entries: Entries) -> Iterator[Fault]:
    """Yield the keys of policies that have no effect where they are written."""
    requirements = list(_requirements(entries))
    specifications = list(_specifications(entries))
    for place in requirements:
        yield from _unread(place, [])
    for place in specifications:
        entry = place.sourced.entry
        asking = [each for each in requirements if each.needs and each.needs == (_section(entry), entry.id)]
        yield from _unread(place, asking)
    for catalog in entries.catalogs:
        place = _Place(catalog, ["policy"], catalog.entry.policy or PolicyBlock())
        inheriting = [each for each in (*specifications, *requirements) if each.folder == place.folder]
        yield from _unread(place, inheriting)


def _unread(place: _Place, inheriting: Sequence[_Place]) -> Iterator[Fault]:
    written = place.written
    if all(each.policy.on_failure is not OnFailure.HOLD for each in (place, *inheriting)):
        instead = (place.policy.on_failure or OnFailure.FAIL).value
        for key in _OF_FALLOUT:
            if key in written:
                message = f"{key} has no effect: onFailure is {instead!r} here, and only 'hold' waits for people"
                yield place.sourced.fault([*place.loc, key], message)
    if place.below and written.get("onFailure") == OnFailure.ROLLBACK:
        message = (
            "'rollback' has an effect on products and customer-facing services only; "
            "here a failure takes its service order, as with 'fail'"
        )
        yield place.sourced.fault([*place.loc, "onFailure"], message)


def _specifications(entries: Entries) -> Iterator[_Place]:
    for section in (entries.products, entries.services, entries.resources):
        for sourced in section:
            entry = sourced.entry
            below = _section(entry) == "resource" or (
                isinstance(entry, ServiceSpecification) and not entry.customer_facing
            )
            yield _Place(sourced, ["fulfilment", "policy"], entry.fulfilment.policy or PolicyBlock(), below)


def _requirements(entries: Entries) -> Iterator[_Place]:
    services = Versions(each.entry for each in entries.services)
    resources = Versions(each.entry for each in entries.resources)
    for sourced in (*entries.products, *entries.services):
        below = isinstance(sourced.entry, ServiceSpecification)
        for index, need in enumerate(sourced.entry.fulfilment.services):
            target = services.get(need.specification)
            yield _required(sourced, ["services", index], need, target, below=below)
    for service in entries.services:
        for index, part in enumerate(service.entry.fulfilment.resources):
            resource = resources.get(part.specification)
            yield _required(service, ["resources", index], part, resource, below=True)


def _required(
    sourced: Sourced[Any],
    loc: Loc,
    requirement: Requirement,
    target: ServiceSpecification | ResourceSpecification | None,
    *,
    below: bool,
) -> _Place:
    policy = (requirement.policy or PolicyBlock()).over(target.fulfilment.policy if target else None)
    needs = (_section(target), target.id) if target else None
    return _Place(sourced, ["fulfilment", *loc, "policy"], policy, below, needs)


def _section(entry: Any) -> str:
    if isinstance(entry, ServiceSpecification):
        return "service"
    return "resource" if isinstance(entry, ResourceSpecification) else "product"
