"""The tracker of an order: how it is seen from outside, in the order store, in the Web UI and in search.

Every change goes through the life cycle's table. What has changed is written once the workflow has nothing more to do
at once, and never piece by piece; a child that ends hands its last changes to its parent.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from itertools import islice
from typing import Any

from temporalio import workflow

from activities.records import RecordActivities
from orders.lifecycle.change import OrderChange, OrderEntries, OrderUpdate
from orders.lifecycle.states import TERMINAL, TRANSITIONS, OrderKind, OrderState, item_transition, transition
from orders.plan.outcome import Failure
from tmf.instants import timestamp
from workflows.contracts import search_attributes
from workflows.contracts.carried import Carried
from workflows.contracts.payloads import OrderView, TimelineEntry
from workflows.runtime.calls import Calls

_ROWS_SHOWN = 100
_REMARKS_SHOWN = 10
_TIMELINE_KEPT = 500
_STANDING = frozenset({OrderState.ACKNOWLEDGED, OrderState.PENDING, OrderState.HELD})
_ENDED = frozenset({OrderState.REJECTED, OrderState.CANCELLED, OrderState.FAILED})


class OrderTracker:
    """The one place in which an order's workflow changes its states."""

    def __init__(
        self, kind: OrderKind, order_id: str, calls: Calls, above: Sequence[tuple[OrderKind, str]] = ()
    ) -> None:
        self.kind = kind
        self.order_id = order_id
        self.items: dict[str, OrderState] = {}
        self.names: dict[str, str] = {}
        self.state = OrderState.ACKNOWLEDGED
        self.version = 0
        self.waiting_for: list[str] = []
        self._calls = calls
        self._above = above
        self._timeline: deque[TimelineEntry] = deque(maxlen=_TIMELINE_KEPT)
        self._remarks: deque[str] = deque(maxlen=_REMARKS_SHOWN)
        self._attributes: dict[str, Any] = {}
        self._appended: dict[str, list[dict[str, Any]]] = {}
        self._items: dict[str, dict[str, Any]] = {}
        self._passed: list[OrderState] = []
        """The states that the order has come to since it was last written."""
        self._changed = self._again = False
        self._others: list[OrderUpdate] = []
        """Changes of the orders around it that are still to be written."""
        self._writing = False
        self._paused = False
        self._shows = False
        self._is_searched = not above
        self._writer: asyncio.Task[None] | None = None

    def follow(self, names: dict[str, str]) -> None:
        """Begin to follow these items (id → name), all of them acknowledged."""
        self.names = names
        self.items = dict.fromkeys(names, OrderState.ACKNOWLEDGED)
        self._show_soon()

    def carry_on(self, carried: Carried) -> None:
        """Go on where an earlier run has come to."""
        self.state, self.version = carried.state, carried.version
        self.items, self.names = carried.items, carried.names
        self._timeline.extend(carried.timeline)
        self._remarks.extend(carried.remarks)
        self._show_soon()

    def to(self, state: OrderState, **attributes: Any) -> None:
        """Bring the order to `state`, and set attributes of its document (in their JSON names)."""
        if state != self.state:
            for each in (*self._by_way_of(self.state, state), state):
                self.state = transition(self.kind, self.state, each)
                self._passed.append(each)
            self.note(f"order {state}")
            self._show_in_search()
        self.set(**attributes)

    def set(self, **attributes: Any) -> None:
        """Set attributes of the order's document, in their JSON names; None removes one."""
        self._attributes |= attributes
        self._touch()

    def tell(self, attribute: str, *entries: dict[str, Any]) -> None:
        """Add entries, each with an id, to a list of the order's document, and of the documents of those above it."""
        self._appended.setdefault(attribute, []).extend(entries)
        self._others += [
            OrderEntries(kind=kind, order_id=order_id, appended={attribute: list(entries)})
            for kind, order_id in self._above
        ]
        self._touch()

    def alert(self, kind: str, key: str, name: str, message: str) -> None:
        """Say that the order is in jeopardy: on its document, and on those of the orders above it."""
        self.note(f"jeopardy: {message}")
        at = timestamp(workflow.now())
        self.tell(
            "jeopardyAlert",
            {
                # The same may be late more than once, and each time it is told.
                "id": f"{self.order_id}:{key}:{kind}:{at}",
                "name": name,
                "jeopardyType": kind,
                "alertDate": at,
                "message": message,
            },
        )

    def item_to(self, item: str, state: OrderState, **attributes: Any) -> None:
        """Bring an item to `state`, by way of inProgress where its life cycle asks for that."""
        current = self.items[item]
        if state == current and not attributes:
            return
        for each in (*self._by_way_of(current, state), state):
            current = item_transition(self.kind, current, each)
        self.items[item] = current
        self.note(f"{self.names.get(item) or 'item'} ({item}) {state}")
        self._items.setdefault(item, {}).update({"state": state, **attributes})
        self._touch()

    def item_set(self, item: str | None, **attributes: Any) -> None:
        """Set attributes of an item; of one that is an object itself, those of its attributes that are given."""
        if item in self.items:
            self._items.setdefault(item, {}).update(attributes)
            self._touch()

    def cancel_begins(self) -> None:
        """Take the order and its unfinished items the way that a cancellation has to take."""
        for state in (OrderState.ASSESSING_CANCELLATION, OrderState.PENDING_CANCELLATION):
            for item, current in self.items.items():
                if current not in _ENDED:
                    self.item_to(item, state)
            self.to(state)

    def cancel_ends(self, **attributes: Any) -> None:
        """Bring the order and its unfinished items to `cancelled`."""
        for item, current in self.items.items():
            if current not in _ENDED:
                self.item_to(item, OrderState.CANCELLED)
        self.to(OrderState.CANCELLED, **attributes)

    def denies_cancellation(self) -> None:
        """Show that a cancellation was assessed and refused: the order is as it was before."""
        before = self.state
        self.to(OrderState.ASSESSING_CANCELLATION)
        self.to(before)

    def amended(self, names: dict[str, str]) -> None:
        """Follow the items of a new version: those that stay keep their states, new ones are acknowledged."""
        self.names = names
        self.items = {item: self.items.get(item, OrderState.ACKNOWLEDGED) for item in names}
        self._items = {item: changes for item, changes in self._items.items() if item in names}
        self._show_soon()

    def _by_way_of(self, current: OrderState, target: OrderState) -> tuple[OrderState, ...]:
        """Return the states between two that the life cycle joins through inProgress only."""
        direct = target in TRANSITIONS[self.kind][current]
        joined = current in _STANDING and target in TRANSITIONS[self.kind][OrderState.IN_PROGRESS]
        return (OrderState.IN_PROGRESS,) if joined and not direct else ()

    def waits(self, *what: str) -> None:
        """Say what the order waits for; nothing, when called without."""
        self.waiting_for = list(what)
        self._show_soon()

    def note(self, what: str) -> None:
        """Add a line to the order's timeline."""
        self._timeline.append(TimelineEntry(at=workflow.now(), what=what))

    def remark(self, failure: Failure) -> None:
        """Show a failure among the details of the Web UI."""
        self._remarks.append(failure.message)
        self.note(failure.message)
        self._show_soon()

    def next_version(self) -> int:
        """Return the version of the next change to be written."""
        self.version += 1
        return self.version

    def view(self) -> OrderView:
        return OrderView(id=self.order_id, state=self.state, items=self.items, waiting_for=self.waiting_for)

    def timeline(self, last: int = _TIMELINE_KEPT) -> list[TimelineEntry]:
        """Return what happened, first to last: the last entries of it."""
        return list(self._timeline)[-last:]

    @property
    def remarks(self) -> list[str]:
        """What the Web UI shows above the items."""
        return list(self._remarks)

    @property
    def to_be_written(self) -> bool:
        """Whether the order store does not have every change."""
        return self._changed or bool(self._others) or self._writing

    @property
    def ended(self) -> bool:
        return self.state in TERMINAL

    def forward(self, changes: Sequence[OrderUpdate]) -> None:
        """Have changes written of an order below, which has ended."""
        self._others += changes
        self._write_soon()

    def take_changes(self) -> list[OrderUpdate]:
        """Return all that is still to be written, which whoever takes it has to write."""
        taken, self._others = self._others, []
        if self._changed:
            own = OrderChange(
                kind=self.kind,
                order_id=self.order_id,
                version=self.next_version(),
                state=self.state,
                attributes=self._attributes,
                items=self._items,
                appended=self._appended,
                passed=self._passed[:-1],
                again=self._again,
            )
            taken.append(own)
            self._attributes, self._items, self._appended, self._passed = {}, {}, {}, []
            self._changed = self._again = False
        return taken

    async def last_changes(self) -> list[OrderUpdate]:
        """Return all that is still to be written, once nothing else is being written of the order."""
        if self._writing or self._paused:
            await workflow.wait_condition(lambda: not (self._writing or self._paused))
        return self.take_changes()

    async def flushed(self) -> None:
        """Wait until the order store has every change."""
        while self.to_be_written:
            if self._writing or self._paused:
                await workflow.wait_condition(lambda: not (self._writing or self._paused))
            else:
                await self._write()

    async def apart(self, write: Callable[[int], Awaitable[Any]]) -> None:
        """Have something else write the order's document, under a version of its own between all other writes."""
        self._paused = True
        try:
            if self._writing:
                await workflow.wait_condition(lambda: not self._writing)
            await write(self.next_version())
        finally:
            self._paused = False
        self._show_soon()

    def _touch(self) -> None:
        self._changed = True
        self._show_soon()
        self._write_soon()

    def _show_soon(self) -> None:
        """Show the order in the Web UI; once for all changes that fall together, since there may be thousands."""
        if not self._shows:
            self._shows = True
            asyncio.get_running_loop().call_soon(self._show)

    def _show(self) -> None:
        self._shows = False
        workflow.set_current_details(self._markdown())

    def _show_in_search(self) -> None:
        """Make the state one to be found by; of an order below, only once it has been held: the rest says its run."""
        self._is_searched = self._is_searched or self.state == OrderState.HELD
        if self._is_searched:
            workflow.upsert_search_attributes([search_attributes.STATE.value_set(self.state)])

    def _write_soon(self) -> None:
        if self._writer is None:
            self._writer = asyncio.create_task(self._write_when_idle())

    async def _write_when_idle(self) -> None:
        while True:
            await workflow.wait_condition(self._is_time_to_write)
            # Another may have begun to write in the same moment.
            if self._is_time_to_write():
                await self._write()

    def _is_time_to_write(self) -> bool:
        return self.to_be_written and self._calls.idle and not (self._writing or self._paused)

    async def _write(self) -> None:
        self._writing = True
        changes = self.take_changes()
        try:
            outdated = await self._calls.local(RecordActivities.record, changes, f"record {self.state}")
        finally:
            self._writing = False
        own = changes[-1] if changes else None
        if outdated and isinstance(own, OrderChange) and own.order_id == self.order_id in outdated:
            self._tell_again(own)

    def _tell_again(self, change: OrderChange) -> None:
        """Have a change written with the next one: a workflow task that was lost had used its version for another."""
        items = {item: {**told, **self._items.get(item, {})} for item, told in change.items.items()}
        self._items = {**self._items, **items}
        self._attributes = {**change.attributes, **self._attributes}
        names = [*change.appended, *self._appended]
        self._appended = {name: [*change.appended.get(name, []), *self._appended.get(name, [])] for name in names}
        self._passed = [*change.passed, change.state, *self._passed]
        self._again = True
        self._touch()

    def _markdown(self) -> str:
        lines = [f"**{self.state}**" + (f", waiting for {', '.join(self.waiting_for)}" if self.waiting_for else ""), ""]
        lines += [f"> {remark}" for remark in self._remarks]
        shown = islice(self.items.items(), _ROWS_SHOWN)
        lines += ["", *(f"- `{item}` {self.names.get(item, '')}: **{state}**" for item, state in shown)]
        if len(self.items) > _ROWS_SHOWN:
            lines.append(f"- and {len(self.items) - _ROWS_SHOWN} more")
        return "\n".join(lines)
