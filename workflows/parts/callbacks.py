"""What systems say of requests that they have accepted, and which of their words ends one."""

from __future__ import annotations

from activities.activation import Operation
from workflows.contracts.payloads import SystemEvent

_TARGETS = {
    Operation.ACTIVATE: frozenset({"active"}),
    Operation.MODIFY: frozenset({"active"}),
    # What is gone has no state, or its last.
    Operation.DEACTIVATE: frozenset({"terminated", ""}),
}
"""The states in which a service or resource is as it was asked to be."""


class Callbacks:
    """Keeps events by the key of the request that they answer, whenever and however often they come."""

    def __init__(self) -> None:
        self._events: dict[str, list[SystemEvent]] = {}

    def take(self, event: SystemEvent) -> None:
        """Take note of an event."""
        self._events.setdefault(event.correlation_id, []).append(event)

    def end(self, key: str, operation: Operation) -> SystemEvent | None:
        """Return the first event that ends a request: its target is reached, or it failed; states on the way do not."""
        return next((each for each in self._events.get(key, []) if _ends(each, operation)), None)

    def last(self, key: str) -> SystemEvent | None:
        """Return the last event of a request, which was taken for its end, whatever it said, by earlier releases."""
        return self._events[key][-1] if key in self._events else None


def _ends(event: SystemEvent, operation: Operation) -> bool:
    # Gateways of earlier releases tell of no state.
    return not event.succeeded or event.state is None or event.state in _TARGETS[operation]
