"""One change of what is configured in the network: checked, and carried out at once or later."""

from dataclasses import dataclass
from typing import Literal

from sqlalchemy import ColumnElement, and_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from systems.activation.kinds import Kind
from systems.activation.tables import monitor
from systems.common import log
from systems.common.documents import patched
from systems.common.effects import Answer
from systems.common.errors import Refusal, error_body
from systems.common.queries import Document

STATES = frozenset({"feasibilityChecked", "designed", "reserved", "inactive", "active", "terminated"})
Method = Literal["POST", "PATCH", "DELETE"]


@dataclass(frozen=True)
class Change:
    """``method`` as of the request; ``target`` is the id of what changes; ``body`` its document or merge-patch."""

    kind: Kind
    method: Method
    target: str
    body: Document

    @property
    def operation(self) -> str:
        """The change's name in the log and in fault rules."""
        return self.kind.operations[self.method]

    async def check(self, connection: AsyncConnection) -> None:
        """Raises Refusal when the change cannot be made as things stand.

        400 for an illegal state, 404 for an unknown id, 409 for an id that is active already, and 423 while another
        change of it is under way; only a deletion does not wait: it supersedes that change.
        """
        if "state" in self.body and self.body["state"] not in STATES:
            raise Refusal(400, "illegalValue", f"state cannot be {self.body['state']!r}")
        documents = self.kind.documents
        current = await documents.find(connection, self.target, lock=True)
        under_way = await self._under_way(connection)
        if self.method == "DELETE":
            if current is None and not under_way:
                raise documents.absent(self.target)
        elif under_way:
            raise Refusal(423, "changeInProgress", f"another change of {self.kind.name} {self.target} is under way")
        elif self.method == "PATCH" and current is None:
            raise documents.absent(self.target)
        elif self.method == "POST" and current is not None and current["state"] == "active":
            raise Refusal(409, "alreadyActive", f"{self.kind.name} {self.target} is active already")

    async def carry_out(self, connection: AsyncConnection) -> Answer:
        """Make the change. Raises Refusal as ``check`` does."""
        await self.check(connection)
        if self.method == "POST":
            document = await self._put(connection)
            return Answer(201, document, self.target, {"Location": document["href"]})
        documents = self.kind.documents
        if self.method == "PATCH":
            current = await documents.get(connection, self.target)
            return Answer(200, await documents.replace(connection, patched(current, self.body)), self.target)
        await self._supersede(connection)
        if await documents.find(connection, self.target, lock=True):
            await documents.remove(connection, self.target)
        return Answer(204, target=self.target)

    async def _put(self, connection: AsyncConnection) -> Document:
        documents = self.kind.documents
        document = {**self.kind.defaults, **self.body, "id": self.target, "href": documents.href(self.target)}
        if await documents.find(connection, self.target):
            return await documents.replace(connection, document)
        return await documents.add(connection, document)

    def _pending(self) -> ColumnElement[bool]:
        return and_(monitor.c.kind == self.kind.name, monitor.c.target == self.target, monitor.c.state == "InProgress")

    async def _under_way(self, connection: AsyncConnection) -> bool:
        return await connection.scalar(select(monitor.c.id).where(self._pending()).limit(1)) is not None

    async def _supersede(self, connection: AsyncConnection) -> None:
        reason = f"{self.kind.name} {self.target} was deleted meanwhile"
        superseded = await connection.execute(
            update(monitor)
            .where(self._pending())
            .values(state="Failed", response={"statusCode": "409", "body": error_body(409, "superseded", reason)})
            .returning(monitor.c.key, monitor.c.operation)
        )
        for row in superseded.all():
            await log.record(
                connection,
                "refused",
                key=row.key,
                operation=row.operation,
                target=self.target,
                status=409,
                reason=reason,
            )
