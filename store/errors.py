"""Errors of the order store: what can go wrong between it and a caller.

StoreError
 ├─ StoreUnavailableError      the database cannot be reached or cannot serve just now: try again later
 ├─ SchemaTooNewError          a newer release has taken away what this one needs of the tables
 ├─ UnsupportedDatabaseError   the URL names no database that the store runs on
 ├─ IdempotencyConflictError   an id is taken by an order with another body
 │   └─ DeletedOrderError      an id was that of an order which was deleted
 ├─ UnknownOrderError          a change names an order that the store does not hold
 ├─ OwnedOrderError            an order cannot be deleted alone: another one has made it
 ├─ OrderNotClosedError        an order cannot be deleted yet: it may still change
 ├─ UnknownPlanError           a plan, or a node of one, that the store does not hold
 ├─ UnstorableDocumentError    a document holds what no database can keep
 └─ ListTimeoutError           a list took longer than a list may
"""

from __future__ import annotations


class StoreError(Exception):
    """The base of all errors of the order store."""


class StoreUnavailableError(StoreError):
    """The database cannot be reached, or cannot serve just now; the same call may succeed later."""


class SchemaTooNewError(StoreError):
    """A newer release has taken away, or made otherwise, what this one needs of the tables."""

    def __init__(self, current: str, oldest: str | None, own: str | None) -> None:
        super().__init__(
            f"the order store's tables are at revision {current}, which works with processes from revision "
            f"{oldest or current} on, and this one is at {own}: run a newer release, or restore a backup"
        )


class UnsupportedDatabaseError(StoreError):
    """A database URL that names neither an SQLite file nor a PostgreSQL database."""


class IdempotencyConflictError(StoreError):
    """An order id is taken by an order that was made from another request body."""

    def __init__(self, kind: str, order_id: str) -> None:
        super().__init__(f"{kind} {order_id} exists already and was made from another request")
        self.kind, self.order_id = kind, order_id


class DeletedOrderError(IdempotencyConflictError):
    """An order id was that of an order which was deleted; it is not given to another."""

    def __init__(self, kind: str, order_id: str) -> None:
        StoreError.__init__(self, f"{kind} {order_id} was deleted; what it was known by cannot name another one")
        self.kind, self.order_id = kind, order_id


class UnknownOrderError(StoreError):
    """A change was to be recorded on an order that the store does not hold."""

    def __init__(self, kind: str, order_id: str) -> None:
        super().__init__(f"there is no {kind} {order_id}")
        self.kind, self.order_id = kind, order_id


class OwnedOrderError(StoreError):
    """An order was to be deleted that another one has made; `root_id` is the order that it goes with."""

    def __init__(self, kind: str, order_id: str, root_id: str) -> None:
        super().__init__(f"{kind} {order_id!r} is part of order {root_id!r}: it is deleted with that one")
        self.kind, self.order_id, self.root_id = kind, order_id, root_id


class OrderNotClosedError(StoreError):
    """An order was to be deleted that may still change."""

    def __init__(self, kind: str, order_id: str, state: str) -> None:
        super().__init__(f"{kind} {order_id!r} is {state}: only closed orders can be deleted")
        self.kind, self.order_id, self.state = kind, order_id, state


class UnknownPlanError(StoreError):
    """The store holds no plan for an order's revision, or that plan has no such node."""

    def __init__(self, order_id: str, revision: int, key: str | None = None) -> None:
        node = "" if key is None else f" with a node {key}"
        super().__init__(f"there is no plan of order {order_id}, revision {revision}{node}")
        self.order_id, self.revision, self.key = order_id, revision, key


class UnstorableDocumentError(StoreError):
    """A document holds a value that no database keeps: a NUL character, half a surrogate pair, or NaN."""

    def __init__(self, path: str) -> None:
        super().__init__(f"{path}: holds a character or number that cannot be stored")
        self.path = path


class ListTimeoutError(StoreError):
    """The database was stopped after the time that reading a list may take."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"a list took over {seconds:g} s")
        self.seconds = seconds
