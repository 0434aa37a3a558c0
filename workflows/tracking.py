"""How an order's workflow is seen from outside: its states in the order store, in the Web UI and in search.

Every change goes through the life cycle's table. Writes to the store are local activities; changes that fall together
are written together.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any

from temporalio import workflow
from temporalio.exceptions import FailureError

from activities.records import RecordActivities
from orders.change import OrderChange
from orders.instants import timestamp
from orders.lifecycle import ITEM_LISTS, TERMINAL, TRANSITIONS, OrderKind, OrderState, item_transition, transition
from orders.outcome import Failure, Residue
from workflows import policies, search_attributes
from workflows.messages import Carried, OrderView, TimelineEntry

_ERROR_MESSAGES = {
    OrderKind.PRODUCT: "productOrderErrorMessage",
    OrderKind.SERVICE: "errorMessage",
    OrderKind.RESOURCE: "errorMessage",
}
"""The attribute that says why an order was rejected or failed."""

_ROWS_SHOWN = 100
_TIMELINE_KEPT = 500
_STANDING = frozenset({OrderState.ACKNOWLEDGED, OrderState.PENDING, OrderState.HELD})
_ENDED = frozenset({OrderState.REJECTED, OrderState.CANCELLED, OrderState.FAILED})


@dataclass
class OrderTracker:
    """The one place in which an order's workflow changes its states."""

    kind: OrderKind
    order_id: str
    items: dict[str, OrderState] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    state: OrderState = OrderState.ACKNOWLEDGED
    version: int = 0
    waiting_for: list[str] = field(default_factory=list)
    timeline: list[TimelineEntry] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    _attributes: dict[str, Any] = field(default_factory=dict)
    _appended: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    _items: dict[str, dict[str, Any]] = field(default_factory=dict)
    _passed: list[OrderState] = field(default_factory=list)
    """The states that the order has come to since it was last written."""
    _dirty: bool = False
    _writer: asyncio.Task[None] | None = None
    _paused: bool = False
    _shows: bool = False

    def follow(self, names: dict[str, str]) -> None:
        """Begin to follow these items (id → name), all of them acknowledged."""
        self.names = names
        self.items = dict.fromkeys(names, OrderState.ACKNOWLEDGED)
        self._changed(write=False)

    def carry_on(self, carried: Carried) -> None:
        """Go on where an earlier run has come to."""
        self.state, self.version = carried.state, carried.version
        self.items, self.names, self.timeline = carried.items, carried.names, carried.timeline
        self._changed(write=False)

    def to(self, state: OrderState, **attributes: Any) -> None:
        """Bring the order to `state`, and set attributes of its document (in their JSON names)."""
        if state != self.state:
            for each in (*self._by_way_of(self.state, state), state):
                self.state = transition(self.kind, self.state, each)
                self._passed.append(each)
            self.note(f"order {state}")
            workflow.upsert_search_attributes([search_attributes.STATE.value_set(state)])
        self.set(**attributes)

    def set(self, **attributes: Any) -> None:
        """Set attributes of the order's document, in their JSON names; None removes one."""
        self._attributes |= attributes
        self._changed()

    def append(self, attribute: str, *entries: dict[str, Any]) -> None:
        """Add entries to a list of the order's document."""
        self._appended.setdefault(attribute, []).extend(entries)
        self._changed()

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
        self._changed()

    def item_set(self, item: str | None, **attributes: Any) -> None:
        """Set attributes of an item; of one that is an object itself, those of its attributes that are given."""
        if item in self.items:
            self._items.setdefault(item, {}).update(attributes)
            self._changed()

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
        self._changed(write=False)

    def _by_way_of(self, current: OrderState, target: OrderState) -> tuple[OrderState, ...]:
        """Return the states between two that the life cycle joins through inProgress only."""
        direct = target in TRANSITIONS[self.kind][current]
        joined = current in _STANDING and target in TRANSITIONS[self.kind][OrderState.IN_PROGRESS]
        return (OrderState.IN_PROGRESS,) if joined and not direct else ()

    def waits(self, *what: str) -> None:
        """Say what the order waits for; nothing, when called without."""
        self.waiting_for = list(what)
        self._changed(write=False)

    def note(self, what: str) -> None:
        """Add a line to the order's timeline."""
        self.timeline = [*self.timeline, TimelineEntry(at=workflow.now(), what=what)][-_TIMELINE_KEPT:]

    def remark(self, failure: Failure) -> None:
        """Show a failure among the details of the Web UI."""
        self.remarks.append(failure.message)
        self.note(failure.message)
        self._changed(write=False)

    def next_version(self) -> int:
        """Return the version of the next change to be written."""
        self.version += 1
        return self.version

    def view(self) -> OrderView:
        return OrderView(id=self.order_id, state=self.state, items=self.items, waiting_for=self.waiting_for)

    @property
    def ended(self) -> bool:
        return self.state in TERMINAL

    async def flushed(self) -> None:
        """Wait until the order store has every change."""
        while self._dirty or (self._writer is not None and not self._writer.done()):
            if self._writer is None or self._writer.done():
                await workflow.wait_condition(lambda: not self._paused)
                self._changed(write=False)
            elif self._writer is not None:
                await asyncio.shield(self._writer)

    async def apart(self, write: Callable[[int], Awaitable[Any]]) -> None:
        """Have something else write the order's document, under a version of its own between all other writes."""
        self._paused = True
        while self._writer is not None and not self._writer.done():
            await asyncio.shield(self._writer)
        try:
            await write(self.next_version())
        except FailureError:
            self._paused = False
            raise
        self._paused = False
        self._changed(write=False)

    def _changed(self, *, write: bool = True) -> None:
        if not self._shows:
            self._shows = True
            asyncio.get_running_loop().call_soon(self._show)
        self._dirty = self._dirty or write
        if self._dirty and not self._paused and (self._writer is None or self._writer.done()):
            self._writer = asyncio.create_task(self._write())

    def _show(self) -> None:
        """Show the order in the Web UI; once for all changes that fall together, since there may be thousands."""
        self._shows = False
        workflow.set_current_details(self._markdown())

    async def _write(self) -> None:
        while self._dirty and not self._paused:
            change = OrderChange(
                kind=self.kind,
                order_id=self.order_id,
                version=self.next_version(),
                state=self.state,
                attributes=self._attributes,
                items=self._items,
                appended=self._appended,
                passed=self._passed[:-1],
            )
            self._attributes, self._items, self._appended, self._passed, self._dirty = {}, {}, {}, [], False
            await workflow.execute_local_activity_method(
                RecordActivities.record, change, summary=f"record {change.state}", **policies.LOCAL
            )

    def _markdown(self) -> str:
        lines = [f"**{self.state}**" + (f", waiting for {', '.join(self.waiting_for)}" if self.waiting_for else ""), ""]
        lines += [f"> {remark}" for remark in self.remarks[-10:]]
        shown = islice(self.items.items(), _ROWS_SHOWN)
        lines += ["", *(f"- `{item}` {self.names.get(item, '')}: **{state}**" for item, state in shown)]
        if len(self.items) > _ROWS_SHOWN:
            lines.append(f"- and {len(self.items) - _ROWS_SHOWN} more")
        return "\n".join(lines)


def reasons_document(
    kind: OrderKind, failures: list[Failure], items: Collection[str], at: datetime
) -> dict[str, list[dict[str, Any]] | None]:
    """Return the attribute by which a document says why its order failed, or items of it; None where nothing did.

    Failures whose time is not known are of the time `at`.
    """
    told = [
        {
            "code": failure.code,
            "reason": failure.message,
            "timestamp": timestamp(failure.at or at),
            **({ITEM_LISTS[kind]: [{"id": failure.step}]} if failure.step in items else {}),
        }
        for failure in failures
    ]
    return {_ERROR_MESSAGES[kind]: told or None}


def residue_document(residue: list[Residue]) -> dict[str, Any]:
    """Return the attribute by which a document says what an undo left behind; none where it left nothing."""
    return {"residue": [each.model_dump(mode="json") for each in residue]} if residue else {}
