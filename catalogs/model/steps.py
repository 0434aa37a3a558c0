"""The steps of products, services and resources by what happens to them, and what a catalog says of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Generic, Literal, TypeVar

from pydantic import ConfigDict, Field, PrivateAttr

from orders.model.product_orders import Action
from orders.model.wanted import WantedValue
from orders.plan.parts import ManualWork, Milestone, ProductPlan, ResourceItem, ServiceItem, Step
from tmf.model import StrictModel

T = TypeVar("T")

Change = Literal[Action.ADD, Action.MODIFY, Action.DELETE]
CHANGES: tuple[Change, ...] = (Action.ADD, Action.MODIFY, Action.DELETE)

Steps = Mapping[Action, tuple[Step, ...]]

PRODUCT_STEPS: Steps = dict.fromkeys(CHANGES, (Step.RECORD, Step.BILL))
SERVICE_STEPS: Steps = {
    Action.ADD: (Step.RECORD, Step.RESOURCES, Step.MANUAL, Step.ACTIVATE, Step.TEST, Step.COMPLETE),
    Action.MODIFY: (Step.RESOURCES, Step.MANUAL, Step.ACTIVATE, Step.TEST, Step.COMPLETE),
    Action.DELETE: (Step.MANUAL, Step.ACTIVATE, Step.RESOURCES, Step.COMPLETE),
}
RESOURCE_STEPS: Steps = {
    Action.ADD: (Step.RESERVE, Step.MANUAL, Step.CONFIGURE, Step.INSTALL),
    Action.MODIFY: (Step.MANUAL, Step.CONFIGURE, Step.INSTALL),
    Action.DELETE: (Step.INSTALL, Step.MANUAL, Step.CONFIGURE, Step.RELEASE),
}
"""The workflows do the steps in this sequence, and leave out those that a specification has no use for."""


class ByChange(StrictModel, Generic[T]):
    """Something for each kind of change, or nothing."""

    add: T | None = None
    modify: T | None = None
    delete: T | None = None

    def of(self, action: Action) -> T | None:
        """Return what is said of a kind of change; of `noChange`, nothing."""
        return {Action.ADD: self.add, Action.MODIFY: self.modify, Action.DELETE: self.delete}.get(action)


class StepByChange(ByChange[Step]):
    """A step for each kind of change; a class with a name, so that catalogs can go to other processes."""


class MilestoneRule(Milestone):
    """A milestone, and the kinds of change that reach it."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1)
    actions: list[Change] = Field(default=[Action.ADD], min_length=1)

    def as_milestone(self) -> Milestone:
        """Return what a plan says of it."""
        return Milestone(name=self.name, after=self.after, description=self.description)


class StepRules(StrictModel):
    """What a specification says of its steps, by what happens to the product, service or resource."""

    point_of_no_return: StepByChange = Field(default_factory=StepByChange)
    milestones: list[MilestoneRule] = Field(default_factory=list)


class WorkRule(StrictModel):
    """What people do in a step, and which characteristics they give when it is done."""

    instructions: str
    undo: str | None = None
    gives: dict[str, Literal["required", "optional"]] | None = None
    """Name of a characteristic → whether it must be given; any may be, where it is None."""


class WorkByChange(ByChange[WorkRule]):
    """Manual work for each kind of change."""


class WorkRules(StepRules):
    """The rules of what people may do a part of."""

    manual: WorkByChange = Field(default_factory=WorkByChange)
    _known: list[WantedValue] = PrivateAttr(default_factory=list)

    def know(self, characteristics: list[WantedValue]) -> None:
        """Take the characteristics of the specification, of which people may give values."""
        self._known = characteristics

    def work_of(self, action: Action) -> ManualWork | None:
        """Return what people do for a kind of change, as a plan says it."""
        rule = self.manual.of(action)
        if rule is None:
            return None
        return ManualWork(instructions=rule.instructions, undo=rule.undo, values=self._values(rule))

    def _values(self, rule: WorkRule) -> list[WantedValue]:
        if rule.gives is None:
            return self._known
        wanted = [each for each in self._known if each.name in rule.gives]
        return [each.model_copy(update={"mandatory": rule.gives[each.name] == "required"}) for each in wanted]


def take_rules(item: ProductPlan | ServiceItem | ResourceItem, rules: StepRules | None) -> None:
    """Set what the catalog says of the steps of an item, by what happens to it; nothing where nothing does."""
    rules = rules or StepRules()
    item.point_of_no_return = rules.point_of_no_return.of(item.action)
    item.milestones = [
        each.as_milestone() for each in rules.milestones if item.action in each.actions and _happens(item, each.after)
    ]
    if not isinstance(item, ProductPlan):
        item.manual = rules.work_of(item.action) if isinstance(rules, WorkRules) else None


def _happens(item: ProductPlan | ServiceItem | ResourceItem, step: Step) -> bool:
    """Return whether this order takes the step: which resources a service has depends on the order."""
    if step is Step.RESOURCES and isinstance(item, ServiceItem):
        return any(each.action is not Action.NO_CHANGE for each in item.resources)
    return True
