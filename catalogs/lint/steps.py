"""Faults of steps: points of no return and milestones at steps that a kind of change does not have."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from catalogs.model.entries import Entries, Section, Sourced
from catalogs.model.faults import Fault, Loc, did_you_mean
from catalogs.model.fulfilment import ProductFulfilment, ResourceFulfilment, ServiceFulfilment
from catalogs.model.steps import (
    CHANGES,
    PRODUCT_STEPS,
    RESOURCE_STEPS,
    SERVICE_STEPS,
    Change,
    Steps,
    WorkRule,
    WorkRules,
)
from orders.model.product_orders import Action
from orders.plan.parts import Step

_GERUND = {Action.ADD: "adding", Action.MODIFY: "modifying", Action.DELETE: "deleting"}

_Fulfilment = ProductFulfilment | ServiceFulfilment | ResourceFulfilment


def step_faults(entries: Entries) -> Iterator[Fault]:
    """Yield the faults of `pointOfNoReturn`, `manual` and `milestones` of all specifications."""
    sections: tuple[tuple[Section[Any], str, Steps], ...] = (
        (entries.products, "product", PRODUCT_STEPS),
        (entries.services, "service", SERVICE_STEPS),
        (entries.resources, "resource", RESOURCE_STEPS),
    )
    for section, kind, steps in sections:
        for sourced in section:
            whole = sourced.entry.id not in section.broken
            yield from _PartFaults(sourced, kind, steps, whole=whole).find()


class _PartFaults:
    """The faults of one specification; where parts of it could not be read, no step of it is told to be missing."""

    def __init__(self, sourced: Sourced[Any], kind: str, steps: Steps, *, whole: bool) -> None:
        self.sourced, self.kind, self.steps, self.whole = sourced, kind, steps, whole
        self.fulfilment: _Fulfilment = sourced.entry.fulfilment

    def find(self) -> Iterator[Fault]:
        for change in CHANGES:
            if step := self.fulfilment.point_of_no_return.of(change):
                yield from self._step_faults(["pointOfNoReturn", change.value], change, step)
            if isinstance(self.fulfilment, WorkRules) and (work := self.fulfilment.manual.of(change)):
                yield from self._work_faults(["manual", change.value], work)
        yield from self._milestone_faults()

    def _milestone_faults(self) -> Iterator[Fault]:
        names: set[tuple[str, Change]] = set()
        for index, milestone in enumerate(self.fulfilment.milestones):
            twice = sorted({change.value for change in milestone.actions if (milestone.name, change) in names})
            if twice:
                message = f"the milestone {milestone.name!r} is declared twice for {', '.join(twice)}"
                yield self._fault(["milestones", index, "name"], message)
            for change in dict.fromkeys(milestone.actions):
                names.add((milestone.name, change))
                yield from self._step_faults(["milestones", index, "after"], change, milestone.after)

    def _step_faults(self, loc: Loc, change: Change, step: Step) -> Iterator[Fault]:
        if step not in self.steps[change]:
            known = ", ".join(self.steps[change])
            verb = _GERUND[change]
            yield self._fault(loc, f"{step.value!r} is no step of {verb} a {self.kind}; its steps are {known}")
        elif self.whole and (missing := self._missing(change, step)):
            yield self._fault(loc, f"{self.sourced.entry.id!r} has no {missing}, so that {step.value!r} never happens")

    def _missing(self, change: Change, step: Step) -> str | None:
        """Return what a specification would need for a step, where it has none of it."""
        fulfilment = self.fulfilment
        if step is Step.MANUAL and isinstance(fulfilment, WorkRules) and not fulfilment.manual.of(change):
            return f"manual work for {change}"
        if isinstance(fulfilment, ServiceFulfilment):
            needs = {Step.RESOURCES: "resources", Step.ACTIVATE: "activation", Step.TEST: "test"}
        elif isinstance(fulfilment, ResourceFulfilment):
            needs = {Step.CONFIGURE: "configuration"}
        else:
            needs = {}
        name = needs.get(step)
        return name if name and not getattr(fulfilment, name) else None

    def _work_faults(self, loc: Loc, work: WorkRule) -> Iterator[Fault]:
        for name, text in (("instructions", work.instructions), ("undo", work.undo)):
            if text is not None and not text.strip():
                yield self._fault([*loc, name], "says nothing; tell people what to do")
        known = [each.name for each in self.sourced.entry.characteristics]
        for name in work.gives or ():
            if self.whole and name not in known:
                message = f"{self.sourced.entry.id!r} has no characteristic {name!r}{did_you_mean(name, known)}"
                yield self._fault([*loc, "gives", name], message)

    def _fault(self, loc: Loc, message: str) -> Fault:
        return self.sourced.fault(["fulfilment", *loc], message)
