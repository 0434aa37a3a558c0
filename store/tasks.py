"""The order store's repository of tasks: what people are asked to do or to decide, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, false, func, not_, or_, select

from orders.events.order_events import Event, information_required
from orders.lifecycle.states import OrderKind
from orders.model.task import Task, TaskKind, TaskState
from store.documents import storable
from store.order_entries import apart, item_list, partly, some_entries
from store.outbox import append
from store.sql.database import Database
from store.sql.tables import orders, tasks
from tmf.bodies import is_storable
from tmf.instants import timestamp
from tmf.query.query import Condition, Filter, Operator, filters_of


@dataclass(frozen=True, slots=True)
class TaskFilter:
    """Which tasks to find: those for which all that is given here holds."""

    kind: TaskKind | None = None
    state: TaskState | None = None
    order_id: str | None = None
    """The order whose step it is, or the root order of that one."""
    item: str | None = None
    step: str | None = None
    system: str | None = None
    error_code: str | None = None
    error: str | None = None
    """A part of the error's text, in upper or lower case."""


@dataclass(frozen=True, slots=True)
class TaskPage:
    """A part of a list: how many tasks match in all, and the tasks of this part."""

    total: int
    tasks: list[Task]


class TaskStore:
    """Tasks, written by the workflows that wait for them, and read by whoever settles them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def save(self, task: Task) -> bool:
        """Keep a task as it is now; return whether it was kept: one that is settled never changes.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        statement = self._database.insert_or_update(tasks, where=tasks.c.state == TaskState.OPEN.value)

        def saved(connection: Connection) -> bool:
            new = connection.scalar(select(tasks.c.id).where(tasks.c.id == task.id)) is None
            kept = connection.execute(statement.values(**_row(task))).rowcount == 1
            if new and kept and task.kind == TaskKind.MANUAL:
                append(connection, _information_required(connection, task))
            return kept

        return await self._database.write(saved)

    async def get(self, task_id: str) -> Task | None:
        """Return a task; None where there is none.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        if not is_storable(task_id):
            return None
        this = select(tasks.c.document).where(tasks.c.id == task_id)
        found = await self._database.read(lambda connection: connection.scalar(this))
        return None if found is None else Task.model_validate(found)

    async def find(
        self, wanted: TaskFilter, offset: int = 0, limit: int = 100, *, conditions: Sequence[Condition] = ()
    ) -> TaskPage:
        """Return a part of the list of the tasks that match, oldest first, with the count of all that do.

        Args:
            conditions: what must hold as well, by `eq` and `ne`; paths are names of a `TaskFilter`.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        given = {field.name: value for field in fields(wanted) if (value := getattr(wanted, field.name)) is not None}
        if not all(map(is_storable, given.values())):
            return TaskPage(0, [])
        asked = [*(_condition(name, value) for name, value in given.items()), *map(_either, conditions)]
        matching = select(tasks.c.document).where(*asked)
        count = select(func.count()).select_from(tasks).where(*asked)
        page = matching.order_by(tasks.c.created_at, tasks.c.id).offset(offset).limit(limit)

        def found(connection: Connection) -> TaskPage:
            total = connection.scalar(count)
            return TaskPage(total or 0, [Task.model_validate(document) for document in connection.scalars(page)])

        return await self._database.read(found)


def _information_required(connection: Connection, task: Task) -> list[Event]:
    """Return the events that say that an order, and its root order, wait for what people are to do and to tell."""
    concerned = orders.c.id.in_({task.order_id, task.root_id}), orders.c.root_id == task.root_id
    columns = orders.c.kind, orders.c.id, orders.c.document, orders.c.entries_size
    ordered = select(*columns).order_by(orders.c.kind, orders.c.id)
    # Locked, so that the events of an order are in the sequence in which they are committed.
    found = connection.execute(ordered.where(*concerned).with_for_update()).all()
    return [_asked(connection, row, task) for row in found]


def _asked(connection: Connection, row: Row[Any, Any, Any, Any], task: Task) -> Event:
    item = storable(task.item) if row.id == task.order_id else None
    document, partial = row.document, list[str]()
    if row.entries_size is not None:
        key = row.kind, row.id
        asking = some_entries(connection, {key: {item_list(row.kind): [item] if item else []}})
        document, partial = partly(row.kind, document, asking.get(key, {})), apart(row.kind, document)
    told = OrderKind(row.kind), document, task.root_id, task.id, item, task.created_at
    return information_required(*told, partial=partial)


def _either(condition: Condition) -> ColumnElement[bool]:
    return or_(*map(_holds, filters_of(condition)))


def _holds(kept: Filter) -> ColumnElement[bool]:
    found = or_(*(_condition(kept.attribute, value) for value in kept.values))
    # What has no value there is none of those that are not wanted.
    return found if kept.operator == Operator.EQ else not_(func.coalesce(found, false()))


def _condition(name: str, value: str) -> ColumnElement[bool]:
    match name:
        case "order_id":
            return or_(tasks.c.root_id == value, tasks.c.order_id == value)
        case "error":
            return tasks.c.error.icontains(value, autoescape=True)
        case _:
            return tasks.c[name] == str(value)


def _row(task: Task) -> dict[str, Any]:
    row: dict[str, Any] = storable(
        {
            "id": task.id,
            "kind": task.kind.value,
            "state": task.state.value,
            "order_id": task.order_id,
            "root_id": task.root_id,
            "item": task.item,
            "step": task.step,
            "system": task.system,
            "error_code": task.error_code,
            "error": task.error,
            "created_at": timestamp(task.created_at),
            "document": task.model_dump(mode="json"),
        }
    )
    return row
