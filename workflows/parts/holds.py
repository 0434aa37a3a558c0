"""Holds: a person stops an order, or an item of it, from beginning anything new, until it is resumed."""

from __future__ import annotations

import asyncio

from temporalio import workflow

from orders.lifecycle.admission import Message
from orders.lifecycle.states import OrderState
from orders.model.task import Task, TaskKind, TaskState
from workflows.contracts import policies
from workflows.contracts.carried import Carried
from workflows.contracts.payloads import Hold, Resume
from workflows.contracts.refusals import RefusedError, said
from workflows.parts.children import Children
from workflows.parts.human_tasks import HumanTasks
from workflows.parts.structure import Structure
from workflows.runtime.context import OrderContext
from workflows.saga.saga_graph import SagaGraph


class Holds:
    """What of an order is on hold, and what waits for a person to settle a task, which is shown as held, too."""

    def __init__(
        self, context: OrderContext, structure: Structure, saga: SagaGraph, tasks: HumanTasks, children: Children
    ) -> None:
        self.whole = False
        """Whether the whole order is on hold."""
        self.items: set[str] = set()
        """The items that are on hold by themselves."""
        self.times = 0
        """How often anything was put on hold."""
        self._context = context
        self._structure = structure
        self._saga = saga
        self._tasks = tasks
        self._children = children
        self._started_children: set[str] = set()
        self._held_children: set[str] = set()
        self._in_turn: dict[str, asyncio.Lock] = {}
        self._shown = False

    def hold(self, command: Hold) -> None:
        """Put the order, or an item of it, on hold.

        Raises:
            RefusedError: when its state does not allow that, or it has no such item.
        """
        self._context.admit(Message.HOLD)
        if self.times >= policies.MOST_HOLDS:
            raise RefusedError(f"order {self._context.order_id} was held {self.times} times; it is not held any more")
        if command.item is None:
            self.whole = True
        else:
            self._known(command.item)
            self.items.add(command.item)
        self.times += 1
        self._changed(said(f"hold {command.item or 'all'}", command))

    def resume(self, command: Resume) -> None:
        """Let the order, or an item of it, go on.

        Raises:
            RefusedError: when its state does not allow that, or it is not on hold.
        """
        self._context.admit(Message.RESUME)
        if command.item is None:
            self._resume_all()
        else:
            self._resume_item(command.item)
        self._changed(said(f"resume {command.item or 'all'}", command))

    async def may_start(self, key: str) -> None:
        """Wait until neither the order nor the item that `key` belongs to is on hold."""
        if self.is_on_hold(key):
            await workflow.wait_condition(lambda: not self.is_on_hold(key))

    def is_on_hold(self, key: str) -> bool:
        """Return whether a person has put the node or item on hold."""
        item = self._structure.item_of(key)
        return self.whole or (item is not None and self._is_held(item))

    def named(self) -> list[str]:
        """Return what a person has put on hold: `order`, or items."""
        return ["order"] if self.whole else sorted(self.items)

    def show(self) -> None:
        """Bring the states of items and order to what is held now."""
        tracker = self._context.tracker
        held = self._held_items()
        if not held and tracker.state != OrderState.HELD and not self._shown:
            return
        for item, state in list(tracker.items.items()):
            if state == OrderState.IN_PROGRESS and item in held:
                tracker.item_to(item, OrderState.HELD)
            elif state == OrderState.HELD and item not in held:
                tracker.item_to(item, OrderState.IN_PROGRESS)
        self._shown = OrderState.HELD in tracker.items.values()
        if self.whole or (self._shown and not self._goes_on()):
            tracker.to(OrderState.HELD)
        elif tracker.state == OrderState.HELD:
            tracker.to(self._structure.state_when_not_held())

    @property
    def held_children(self) -> list[str]:
        """The children that were told to hold."""
        return sorted(self._held_children)

    def go_on_from(self, carried: Carried) -> None:
        """Go on where an earlier run has come to."""
        self.whole, self.items, self.times = carried.all_held, set(carried.items_held), carried.holds
        self._held_children = set(carried.children.held)

    def child_started(self, workflow_id: str) -> None:
        """Tell a child whose start is known from now on what there is to tell."""
        self._started_children.add(workflow_id)
        self._tell_children()

    def child_ended(self, workflow_id: str) -> None:
        """Forget a child."""
        self._started_children.discard(workflow_id)
        self._in_turn.pop(workflow_id, None)
        self._held_children.discard(workflow_id)

    def _changed(self, what: str) -> None:
        self._context.tracker.note(what)
        self._tell_children()
        self._context.changed()

    def _resume_all(self) -> None:
        below = [child for child, report in self._children.reports.items() if report.held]
        if not (self.whole or self.items or below):
            raise RefusedError(f"nothing of order {self._context.order_id} is on hold{self._settle_instead()}")
        self.whole = False
        self.items.clear()
        self._held_children.update(below)

    def _resume_item(self, item: str) -> None:
        self._known(item)
        if item not in self.items:
            whole = "; the whole order is, resume that" if self.whole else self._settle_instead()
            raise RefusedError(f"item {item} of order {self._context.order_id} is not on hold{whole}")
        self.items.discard(item)

    def _known(self, item: str) -> None:
        tracker = self._context.tracker
        # An order whose items are still to be loaded knows none of them.
        if tracker.items and item not in tracker.items:
            known = ", ".join(tracker.items)
            raise RefusedError(f"order {tracker.order_id} has no item {item!r}; its items are {known}")

    def _settle_instead(self) -> str:
        tasks = [*(task.id for task in self._tasks.waiting()), *self._children.tasks()]
        return f"; it waits for task {', '.join(tasks)} to be settled" if tasks else ""

    def _is_held(self, item: str) -> bool:
        return not self.items.isdisjoint(self._structure.around(item))

    def _held_items(self) -> set[str]:
        """Return the items that go on only when a person has acted."""
        items = self._context.tracker.items
        if self.whole:
            return set(items)
        held = {item for key in self._waiting() if (item := self._structure.item_of(key)) is not None}
        return held | {item for item in items if self._is_held(item)} if self.items else held

    def _waiting(self) -> set[str]:
        """Return the nodes or items that wait for a person to settle a task, here or below."""
        return {task.item for task in self._tasks.open.values() if task.item and _holds(task)} | self._children.held()

    def _goes_on(self) -> bool:
        """Return whether anything of the order goes on by itself: then it is not held, though items of it may be."""
        waiting = self._waiting()
        return self._saga.undoing or any(
            key not in waiting and not self.is_on_hold(key) for key in self._structure.running()
        )

    def _tell_children(self) -> None:
        """Pass a hold on to the children that it concerns, and its end."""
        for child, key in self._children.running.items():
            on_hold = self.is_on_hold(key)
            told = child not in self._started_children or on_hold == (child in self._held_children)
            if told or child.endswith(":undo"):
                continue
            (self._held_children.add if on_hold else self._held_children.discard)(child)
            self._context.background.start(self._tell(child, "hold" if on_hold else "resume"))

    async def _tell(self, child: str, message: str) -> None:
        """Tell a child, message by message: two that are on their way at once may arrive in either order."""
        async with self._in_turn.setdefault(child, asyncio.Lock()):
            await workflow.get_external_workflow_handle(child).signal(message)


def _holds(task: Task) -> bool:
    return task.kind == TaskKind.FALLOUT and task.state == TaskState.OPEN and not task.undoing
