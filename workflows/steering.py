"""What people and the family of an order tell its workflow: cancel, hold, resume, and what becomes of its tasks.

Each message is there as a signal, for a terminal or the Web UI, and as an update, which is answered. A message that
the order's state does not allow is refused, and changes nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from activities.cancellations import CancellationActivities, SettleCancellation
from orders.admission import Message, refusal
from orders.instants import timestamp
from orders.lifecycle import ITEM_LISTS, OrderState
from orders.outcome import Residue
from orders.revision import Refusal
from orders.task import Task, TaskKind, TaskState
from workflows import policies
from workflows.desk import check_settlement
from workflows.family import Family
from workflows.messages import Cancel, Complete, Hold, Reschedule, Resolve, Resume, Word
from workflows.refusals import RefusedError, in_words
from workflows.waiting import came


class Steering(Family):
    """The messages of an order's workflow, and what they have changed."""

    undoing: bool

    def __init__(self) -> None:
        super().__init__()
        self.process: asyncio.Task[Any] | None = None
        self.cancelling = False
        """Whether a cancellation has been accepted."""
        self.cancelled_by_engine = False
        self.cancellation = Cancel()
        self.cancellations: list[str] = []
        """The TMF cancellation resources that wait for the end of the cancellation."""
        self.to_cancel: list[Cancel] = []
        """Cancellations that are asked for at a later date."""
        self.continues = False
        """Whether a new run of the order goes on from here."""
        self.all_held = False
        self.items_held: set[str] = set()
        self._started_children: set[str] = set()
        self._held_children: set[str] = set()
        self._in_turn: dict[str, asyncio.Lock] = {}
        self._residue_shown: list[Residue] = []
        self._shown_held = False

    # --- what people tell it ---

    @workflow.signal(name="cancel", description="Cancel the order: it is undone, unless an item cannot be any more.")
    def cancel_signal(self, word: Cancel | None = None) -> None:
        self._heed(lambda: self._cancel(word or Cancel()), "cancel")

    @workflow.update(name="cancel", description="Cancel the order: it is undone, unless an item cannot be any more.")
    def cancel_update(self, word: Cancel | None = None) -> None:
        self._cancel(word or Cancel())

    @workflow.signal(name="hold", description="Start nothing new below the order, or one item of it, until `resume`.")
    def hold_signal(self, word: Hold | None = None) -> None:
        self._heed(lambda: self._hold(word or Hold()), "hold")

    @workflow.update(name="hold", description="Start nothing new below the order, or one item of it, until `resume`.")
    def hold_update(self, word: Hold | None = None) -> None:
        self._hold(word or Hold())

    @workflow.signal(name="resume", description="Go on with the order, or with one item of it, after `hold`.")
    def resume_signal(self, word: Resume | None = None) -> None:
        self._heed(lambda: self._resume(word or Resume()), "resume")

    @workflow.update(name="resume", description="Go on with the order, or with one item of it, after `hold`.")
    def resume_update(self, word: Resume | None = None) -> None:
        self._resume(word or Resume())

    @workflow.signal(
        name="resolve", description="Settle a fallout task: retry, complete (with values), fail, rollback."
    )
    def resolve_signal(self, word: Resolve) -> None:
        self._heed(lambda: self._settle(word, Message.RESOLVE), "resolve")

    @workflow.update(
        name="resolve", description="Settle a fallout task: retry, complete (with values), fail, rollback."
    )
    def resolve_update(self, word: Resolve) -> None:
        self._settle(word, Message.RESOLVE)

    @workflow.signal(name="complete", description="Say that a manual task is done, with the values that it gave.")
    def complete_signal(self, word: Complete) -> None:
        self._heed(lambda: self._settle(word, Message.COMPLETE), "complete")

    @workflow.update(name="complete", description="Say that a manual task is done, with the values that it gave.")
    def complete_update(self, word: Complete) -> None:
        self._settle(word, Message.COMPLETE)

    @workflow.signal(name="reschedule", description="Plan a manual task for another date.")
    def reschedule_signal(self, word: Reschedule) -> None:
        self._heed(lambda: self._settle(word, Message.RESCHEDULE), "reschedule")

    @workflow.update(name="reschedule", description="Plan a manual task for another date.")
    def reschedule_update(self, word: Reschedule) -> None:
        self._settle(word, Message.RESCHEDULE)

    def admit(self, message: Message) -> None:
        """Let a message in, or refuse it for the state that the order is in.

        Raises:
            RefusedError: when it is not allowed now.
        """
        state = OrderState.PENDING_CANCELLATION if self.cancelling and not self.tracker.ended else self.tracker.state
        if reason := refusal(self.tracker.kind, state, message):
            raise RefusedError(reason)
        early = state == OrderState.ACKNOWLEDGED and message in (Message.HOLD, Message.RESUME)
        if early and not workflow.patched("held-while-it-is-planned"):
            raise RefusedError(f"order {self.tracker.order_id} is being planned")
        if self.undoing and message in (Message.CANCEL, Message.HOLD):
            raise RefusedError(
                f"order {self.tracker.order_id} takes another one back; it can be neither cancelled nor held"
            )

    def _heed(self, act: Callable[[], None], message: str) -> None:
        """Do as a signal says; note a refusal, since nobody waits for the answer."""
        try:
            act()
        except ApplicationError as error:
            self.tracker.note(f"{message} refused: {error.message}")

    def _cancel(self, word: Cancel) -> None:
        try:
            self.admit(Message.CANCEL)
            if word.at and word.at > workflow.now():
                self.cancel_at(word)
                return
            self._assess(word)
        except RefusedError as error:
            if word.task:
                self.settle_cancellation(word.task, "terminatedWithError", errorMessage=self._denial(error))
            raise

    def _denial(self, error: RefusedError) -> dict[str, Any]:
        """Return why a cancellation is denied, as TM Forum's error messages have it, and for which items."""
        about = dict.fromkeys(each.item_id for each in error.refusals if each.item_id)
        items = {ITEM_LISTS[self.tracker.kind]: [{"id": item} for item in about]} if about else {}
        return {"code": "refused", "reason": error.message, **items}

    def _assess(self, word: Cancel) -> None:
        """Cancel, where nothing is past its point of no return.

        Raises:
            RefusedError: when something is; the order is as it was before.
        """
        if not self.cancelling and (refusals := self.refusals()):
            self.tracker.denies_cancellation()
            raise RefusedError(f"too late to cancel: {in_words(refusals)}", refusals)
        if word.task and word.task not in self.cancellations:
            self.cancellations.append(word.task)
            self.settle_cancellation(word.task, "inProgress")
        if self.cancelling:
            return
        self.cancelling, self.cancellation = True, word
        self.tracker.note(_said("cancel", word))
        if self.process is not None:
            self.process.cancel()

    def cancel_at(self, word: Cancel) -> None:
        """Cancel at the date that the message names; a message that comes again is the same."""
        if word in self.to_cancel:
            return
        self.to_cancel.append(word)
        self.errand(self._cancel_later(word))

    async def _cancel_later(self, word: Cancel) -> None:
        assert word.at is not None
        self.tracker.note(f"cancel at {timestamp(word.at)}")
        over = word.at - workflow.now()
        await came(lambda: self.tracker.ended or self.continues, over, "requested cancellation")
        if self.continues or word not in self.to_cancel:
            return
        self.to_cancel.remove(word)
        self._heed(lambda: self._cancel(word), "cancel")

    def engine_cancels(self) -> None:
        """Heed a cancellation by the engine: an operator's at the top, which is assessed; the parent's word below."""
        self.cancelled_by_engine = True
        if self.cancelling or self.tracker.ended:
            return
        if self.parent is None:
            self._heed(lambda: self._cancel(Cancel(reason="its workflow was cancelled")), "cancel")
        else:
            self.cancelling = True
            if self.process is not None:
                self.process.cancel()

    def refusals(self) -> list[Refusal]:
        """Return why the order cannot be cancelled any more, node by node."""
        gone = self.graph.withdrawn if self.graph else set[str]()
        return [
            Refusal(item_id=self.item_of(key), key=key, reason=reason)
            for key, reason in self.past.items()
            if key not in gone
        ]

    def settle_cancellation(self, task: str, state: str, **attributes: Any) -> None:
        """Bring a TMF cancellation resource to a state."""
        settled = SettleCancellation(kind=self.tracker.kind, task=task, state=state, attributes=attributes)
        self.errand(
            workflow.start_local_activity_method(
                CancellationActivities.settle_cancellation, settled, summary=f"cancellation {state}", **policies.LOCAL
            )
        )

    def cancellation_is_done(self) -> None:
        """Settle all that have asked for the cancellation."""
        later = [word.task for word in self.to_cancel if word.task]
        self.to_cancel.clear()
        for task in dict.fromkeys([*self.cancellations, *later]):
            self.settle_cancellation(task, "done", effectiveCancellationDate=timestamp(workflow.now()))
        self.cancellations = []

    def _hold(self, word: Hold) -> None:
        self.admit(Message.HOLD)
        if word.item is None:
            self.all_held = True
        else:
            self._known(word.item)
            self.items_held.add(word.item)
        self.tracker.note(_said(f"hold {word.item or 'all'}", word))
        self._tell_children()
        self.standing_changed()

    def _resume(self, word: Resume) -> None:
        self.admit(Message.RESUME)
        below = any(report.held for report in self.reports.values())
        if word.item is None:
            if not (self.all_held or self.items_held or below):
                raise RefusedError(f"nothing of order {self.tracker.order_id} is on hold{self._settle_instead()}")
            self.all_held = False
            self.items_held.clear()
            for child, report in self.reports.items():
                if report.held:
                    self._held_children.add(child)
        else:
            self._known(word.item)
            if word.item not in self.items_held:
                whole = "; the whole order is, resume that" if self.all_held else self._settle_instead()
                raise RefusedError(f"item {word.item} of order {self.tracker.order_id} is not on hold{whole}")
            self.items_held.discard(word.item)
        self.tracker.note(_said(f"resume {word.item or 'all'}", word))
        self._tell_children()
        self.standing_changed()

    def _known(self, item: str) -> None:
        # An order whose items are still to be loaded knows none of them.
        if self.tracker.items and item not in self.tracker.items:
            known = ", ".join(self.tracker.items)
            raise RefusedError(f"order {self.tracker.order_id} has no item {item!r}; its items are {known}")

    def _settle_instead(self) -> str:
        tasks = self.tasks()
        return f"; it waits for task {', '.join(tasks)} to be settled" if tasks else ""

    def _settle(self, word: Resolve | Complete | Reschedule, message: Message) -> None:
        """Settle a task of this workflow, or pass the word on to the one that waits for it."""
        self.admit(message)
        below = {task: at for task, at in self.tasks().items() if at != self.workflow_id}
        if word.task is None and len(below) + len(self.desk.open) == 1 and below:
            word = word.model_copy(update={"task": next(iter(below))})
        waits = below.get(word.task or "") or self.expected_at(word.task)
        if waits:
            if not isinstance(word, Reschedule) and word.task and (asked := self.asked().get(word.task)):
                check_settlement(word.task, asked, word)
            self.errand(workflow.get_external_workflow_handle(waits).signal(message.value, word))
        elif isinstance(word, Reschedule):
            self.desk.reschedule(word)
        else:
            self.desk.settle(word)

    # --- hold ---

    def show_early_hold(self) -> None:
        """Show a hold that came before there was anything to be held."""
        # An order that ran before may have been held as it was asked whether it is possible still, and showed nothing.
        if (self.all_held or self.items_held) and workflow.patched("held-while-it-is-planned"):
            self.standing_changed()

    async def may_start(self, key: str) -> None:
        """Wait until neither the order nor the item that `key` belongs to is on hold."""
        if self.is_on_hold(key):
            await workflow.wait_condition(lambda: not self.is_on_hold(key))

    def is_on_hold(self, key: str) -> bool:
        """Return whether a person has put the node or item on hold."""
        item = self.item_of(key)
        return self.all_held or (item is not None and not self.items_held.isdisjoint(self.around(item)))

    def around(self, item: str) -> list[str]:
        """Return an item and the bundles around it."""
        return [item]

    def held_items(self) -> set[str]:
        """Return the items that go on only when a person has acted."""
        if self.all_held:
            return set(self.tracker.items)
        held = {item for key in self.held_keys() if (item := self.item_of(key)) is not None}
        if self.items_held:
            held |= {item for item in self.tracker.items if not self.items_held.isdisjoint(self.around(item))}
        return held

    def held_keys(self) -> set[str]:
        """Return the nodes or items that wait for a person to settle a task, here or below."""
        waiting = {task.item for task in self.desk.open.values() if task.item and _holds(task)}
        below = {key for child, key in self.children.items() if (told := self.reports.get(child)) and told.held}
        return waiting | below

    def goes_on(self) -> bool:
        """Return whether anything of the order goes on by itself: then it is not held, though items of it may be."""
        return OrderState.IN_PROGRESS in self.tracker.items.values()

    def standing_changed(self) -> None:
        """Bring the states of items and order to what is held now, and tell the parent."""
        if not self.cancelling and not self.undoing and self.tracker.state in _STANDING:
            self.show_held()
        residue = self.residue_so_far()
        if residue != self._residue_shown and not self.tracker.ended:
            self._residue_shown = residue
            self.tracker.set(residue=[each.model_dump(mode="json") for each in residue] or None)
        super().standing_changed()

    def show_held(self) -> None:
        """Hold what is held, and let go on what is not."""
        held = self.held_items()
        if not held and self.tracker.state != OrderState.HELD and not self._shown_held:
            return
        for item, state in list(self.tracker.items.items()):
            if state == OrderState.IN_PROGRESS and item in held:
                self.tracker.item_to(item, OrderState.HELD)
            elif state == OrderState.HELD and item not in held:
                self.tracker.item_to(item, OrderState.IN_PROGRESS)
        self._shown_held = OrderState.HELD in self.tracker.items.values()
        if self.all_held or (self._shown_held and not self.goes_on()):
            self.tracker.to(OrderState.HELD)
        elif self.tracker.state == OrderState.HELD:
            self.tracker.to(self.state_when_not_held())

    def state_when_not_held(self) -> OrderState:
        return OrderState.IN_PROGRESS

    def greet(self, workflow_id: str) -> None:
        """Tell a child whose start is known from now on what there is to tell."""
        self._started_children.add(workflow_id)
        self._tell_children()

    def release(self, workflow_id: str) -> None:
        self._started_children.discard(workflow_id)
        self._in_turn.pop(workflow_id, None)
        self._held_children.discard(workflow_id)
        super().release(workflow_id)

    def _tell_children(self) -> None:
        """Pass a hold on to the children that it concerns, and its end."""
        for child, key in self.children.items():
            on_hold = self.is_on_hold(key)
            told = child not in self._started_children or on_hold == (child in self._held_children)
            if told or child.endswith(":undo"):
                continue
            (self._held_children.add if on_hold else self._held_children.discard)(child)
            self.errand(self._tell(child, "hold" if on_hold else "resume"))

    async def _tell(self, child: str, message: str) -> None:
        """Tell a child, word by word: two that are on their way at once may arrive in either order."""
        async with self._in_turn.setdefault(child, asyncio.Lock()):
            await workflow.get_external_workflow_handle(child).signal(message)


_STANDING = frozenset({OrderState.PENDING, OrderState.IN_PROGRESS, OrderState.HELD})


def _holds(task: Task) -> bool:
    return task.kind == TaskKind.FALLOUT and task.state == TaskState.OPEN and not task.undoing


def _said(what: str, word: Word) -> str:
    return what + (f" by {word.by}" if word.by else "") + (f": {word.reason}" if word.reason else "")
