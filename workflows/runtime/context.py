"""The context of an order's workflow: who it is, how it calls and is shown, and who wants to know."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from temporalio import workflow

from orders.lifecycle.admission import Message, refusal
from orders.lifecycle.states import OrderKind, OrderState
from orders.model.order_ids import root_id
from workflows.contracts import ids
from workflows.contracts.refusals import RefusedError
from workflows.runtime.background import Background
from workflows.runtime.calls import Calls
from workflows.runtime.tracker import OrderTracker

Observer = Callable[[Collection[str]], None]
"""Is told that something of an order has changed, and which nodes of its graph are concerned, where any are."""


@dataclass
class OrderContext:
    """One order's workflow, as its parts see it."""

    kind: OrderKind
    workflow_id: str
    order_id: str
    undoing: bool
    """Whether this order undoes another one: then nothing of it is undone in turn, and steps do not give up."""
    calls: Calls
    background: Background
    tracker: OrderTracker
    revision: int
    """The revision that the order is at."""
    being_cancelled: bool = False
    """Whether a cancellation has been accepted; `Cancellation` sets it."""
    pausing: bool = False
    """Whether nothing new is begun because the order is about to go on in a new run; `NextRun` sets it."""
    adoptions: int = 0
    """How many new runs of the order above went on with this one; the last is to be told when it ends."""
    _observers: list[Observer] = field(default_factory=list)

    @classmethod
    def of_this_workflow(cls, kind: OrderKind, revision: int, *, undoing: bool = False) -> OrderContext:
        """Return the context of the workflow that runs."""
        workflow_id = workflow.info().workflow_id
        calls = Calls(undoing=undoing)
        tracker = OrderTracker(kind, ids.order_id(workflow_id), calls, above=ids.orders_above(workflow_id))
        return cls(kind, workflow_id, tracker.order_id, undoing, calls, Background(), tracker, revision)

    @property
    def root_id(self) -> str:
        """The id of the order at the top."""
        return root_id(self.order_id)

    @property
    def stopping(self) -> bool:
        """Whether nothing new is begun: the order is being cancelled, or has ended."""
        return self.being_cancelled or self.tracker.ended

    def key(self, *parts: str, revision: int | None = None) -> str:
        """Return the idempotency key of a call: business item, step, action and revision."""
        return "/".join([self.workflow_id, *parts, str(revision or self.revision)])

    async def goes_on(self) -> None:
        """Wait while the order is about to go on in a new run, which begins what waits here."""
        if self.pausing:
            await workflow.wait_condition(lambda: not self.pausing)

    def observe(self, observer: Observer) -> None:
        """Have `observer` called, after those before it, whenever something of the order has changed."""
        self._observers.append(observer)

    def observe_first(self, *observers: Observer) -> None:
        """Have these called as `observe` does, before all others."""
        self._observers[:0] = observers

    def changed(self, nodes: Collection[str] = ()) -> None:
        """Tell the observers that something of the order has changed, and which nodes have, if any."""
        for observer in self._observers:
            observer(nodes)

    def admit(self, message: Message) -> None:
        """Let a message in, or refuse it for the state that the order is in.

        Raises:
            RefusedError: when it is not allowed now.
        """
        tracker = self.tracker
        state = OrderState.PENDING_CANCELLATION if self.being_cancelled and not tracker.ended else tracker.state
        if reason := refusal(self.kind, state, message):
            raise RefusedError(reason)
        if self.undoing and message in (Message.CANCEL, Message.HOLD):
            raise RefusedError(f"order {self.order_id} undoes another one; it can be neither cancelled nor held")
