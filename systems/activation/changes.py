"""One change of what is configured in the network: checked, and carried out at once or later."""

from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import ColumnElement, and_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from systems.activation.kinds import Kind
from systems.activation.monitors import read_row, response_of, tell_of
from systems.activation.tables import monitor
from systems.common import events, log
from systems.common.bodies import as_object, fitting
from systems.common.effects import Answer
from systems.common.errors import Refusal, error_body
from systems.common.patches import Patch, check_removed, check_unchanged
from systems.common.queries import Document

READ_ONLY = ("id", "href", "serviceDate")
Method = Literal["POST", "PATCH", "DELETE"]


@dataclass(frozen=True)
class Change:
    """``method`` as of the request, which had ``key``; ``target`` is the id of what changes.

    ``body`` is its document, or the patch; ``monitored`` if the request was accepted with a monitor.
    """

    kind: Kind
    method: Method
    target: str
    body: Document | list[Any]
    key: str
    monitored: bool = False

    @property
    def operation(self) -> str:
        """The change's name in the log and in fault rules."""
        return self.kind.operations[self.method]

    async def check(self, connection: AsyncConnection) -> None:
        """Raises Refusal when the change cannot be made as things stand.

        400 for a patch that does not fit, 404 for an unknown id, 409 for an id that is active already, and 423 while
        another change of it is under way; only a deletion does not wait: it supersedes that change.
        """
        documents = self.kind.documents
        current = await documents.find(connection, self.target, lock=True)
        under_way = await self._under_way(connection)
        if self.method == "DELETE":
            if current is None and not under_way:
                raise documents.absent(self.target)
        elif under_way:
            raise Refusal(423, "changeInProgress", f"another change of {self.kind.name} {self.target} is under way")
        elif self.method == "PATCH":
            if current is None:
                raise documents.absent(self.target)
            self._patched(current)
        elif self.method == "POST" and current is not None and current["state"] == "active":
            raise Refusal(409, "alreadyActive", f"{self.kind.name} {self.target} is active already")

    async def carry_out(self, connection: AsyncConnection) -> Answer:
        """Make the change. Raises Refusal as ``check`` does."""
        await self.check(connection)
        documents = self.kind.documents
        before = await documents.find(connection, self.target, lock=True)
        if self.method == "POST":
            document = await self._put(connection, before)
            await self._tell(connection, "Create", document)
            return Answer(201, document, self.target, {"Location": document["href"]})
        if self.method == "PATCH":
            current = await documents.get(connection, self.target)
            changed = self.kind.dates.written(current, self._patched(current))
            document = await documents.replace(connection, changed)
            # The end of a monitored change is told as a change of state in any case, once.
            states = ["state", *self.kind.dates.names]
            told = current | {name: document.get(name) for name in states} if self.monitored else current
            await self.kind.events.tell_of_change(connection, self.key, told, document, states)
            return Answer(200, document, self.target)
        await self._supersede(connection)
        if before is not None:
            await documents.remove(connection, self.target)
            await self._tell(connection, "Delete", before)
        return Answer(204, target=self.target)

    def _patched(self, current: Document) -> Document:
        document = Patch(self.body).applied_to(current)
        check_unchanged(current, document, READ_ONLY)
        check_removed(current, document, [attribute for attribute in self.kind.required if attribute in current])
        fitting(self.kind.model, document)
        return document

    async def _tell(self, connection: AsyncConnection, what: str, document: Document) -> None:
        await self.kind.events.tell(connection, events.Change(what, self.key), document)

    async def _put(self, connection: AsyncConnection, before: Document | None) -> Document:
        documents = self.kind.documents
        # What is set up again is as old as what was there.
        old = {name: value for name, value in (before or {}).items() if name == self.kind.dates.made}
        said = {**old, **self.kind.defaults, **as_object(self.body), "id": self.target}
        document = self.kind.dates.written(None, said)
        if before is not None:
            return await documents.replace(connection, document)
        return await documents.add(connection, document)

    def _pending(self) -> ColumnElement[bool]:
        return and_(monitor.c.kind == self.kind.name, monitor.c.target == self.target, monitor.c.state == "InProgress")

    async def _under_way(self, connection: AsyncConnection) -> bool:
        return await connection.scalar(select(monitor.c.id).where(self._pending()).limit(1)) is not None

    async def _supersede(self, connection: AsyncConnection) -> None:
        reason = f"{self.kind.name} {self.target} was deleted meanwhile"
        response = response_of(409, error_body(409, "superseded", reason))
        superseded = await connection.execute(
            update(monitor).where(self._pending()).values(state="Failed", response=response).returning(monitor.c.id)
        )
        for monitor_id in superseded.scalars().all():
            row = await read_row(connection, monitor_id)
            await tell_of(connection, row, "StateChange")
            await log.record(
                connection,
                "refused",
                key=row.key,
                operation=row.operation,
                target=self.target,
                status=409,
                reason=reason,
            )
