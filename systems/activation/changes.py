"""One change of what is configured in the network: checked, and carried out at once or later."""

from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection, and_, bindparam, select, update

from systems.activation.kinds import Kind
from systems.activation.monitors import read_row, response_of, tell_of
from systems.activation.tables import monitor
from systems.common import events, log
from systems.common.bodies import as_object, fitting
from systems.common.effects import Answer
from systems.common.errors import Refusal, error_body
from systems.common.patches import Patch, check_removed, check_unchanged
from tmf.bodies import Document

READ_ONLY = ("id", "href", "serviceDate")
_PENDING = and_(
    monitor.c.kind == bindparam("of_kind"), monitor.c.target == bindparam("of_target"), monitor.c.state == "InProgress"
)
UNDER_WAY = select(monitor.c.id).where(_PENDING).limit(1)
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

    def check(self, connection: Connection) -> Document | None:
        """What is configured under the id. Raises Refusal when the change cannot be made as things stand.

        400 for a patch that does not fit, 404 for an unknown id, 409 for an id that is active already, and 423 while
        another change of it is under way; only a deletion does not wait: it supersedes that change.
        """
        documents = self.kind.documents
        current = documents.find(connection, self.target, lock=True)
        under_way = self._under_way(connection)
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
        return current

    def carry_out(self, connection: Connection) -> Answer:
        """Make the change. Raises Refusal as ``check`` does."""
        before = self.check(connection)
        documents = self.kind.documents
        if self.method == "POST":
            document = self._put(connection, before)
            self._tell(connection, "Create", document)
            return Answer(201, document, self.target, {"Location": document["href"]})
        if self.method == "PATCH" and before is not None:
            changed = self.kind.dates.written(before, _enabled_again(before, self._patched(before)))
            document = documents.replace(connection, changed)
            # The end of a monitored change is told as a change of state in any case, once.
            states = ["state", *self.kind.dates.names]
            told = before | {name: document.get(name) for name in states} if self.monitored else before
            self.kind.events.tell_of_change(connection, self.key, told, document, states)
            return Answer(200, document, self.target)
        self._supersede(connection)
        if before is not None:
            documents.remove(connection, self.target)
            self._tell(connection, "Delete", before)
        return Answer(204, target=self.target)

    def _patched(self, current: Document) -> Document:
        document = Patch(self.body).applied_to(current)
        check_unchanged(current, document, READ_ONLY)
        check_removed(current, document, [attribute for attribute in self.kind.required if attribute in current])
        fitting(self.kind.model, document)
        return document

    def _tell(self, connection: Connection, what: str, document: Document) -> None:
        self.kind.events.tell(connection, events.Change(what, self.key), document)

    def _put(self, connection: Connection, before: Document | None) -> Document:
        documents = self.kind.documents
        # What is set up again is as old as what was there.
        old = {name: value for name, value in (before or {}).items() if name == self.kind.dates.made}
        said = {**old, **self.kind.defaults, **as_object(self.body), "id": self.target}
        document = self.kind.dates.written(None, said)
        if before is not None:
            return documents.replace(connection, document)
        return documents.add(connection, document)

    def _under_way(self, connection: Connection) -> bool:
        return connection.scalar(UNDER_WAY, {"of_kind": self.kind.name, "of_target": self.target}) is not None

    def _supersede(self, connection: Connection) -> None:
        reason = f"{self.kind.name} {self.target} was deleted meanwhile"
        response = response_of(409, error_body(409, "superseded", reason))
        superseded = connection.execute(
            update(monitor).where(_PENDING).values(state="Failed", response=response).returning(monitor.c.id),
            {"of_kind": self.kind.name, "of_target": self.target},
        )
        for monitor_id in superseded.scalars().all():
            row = read_row(connection, monitor_id)
            tell_of(connection, row, "StateChange")
            log.record(
                connection,
                "refused",
                key=row.key,
                operation=row.operation,
                target=self.target,
                status=409,
                reason=reason,
            )


def _enabled_again(before: Document, after: Document) -> Document:
    """What becomes active works again, whatever was wrong with it."""
    comes_back = after.get("state") == "active" and before.get("state") != "active"
    return {**after, "isServiceEnabled": True} if comes_back and after.get("isServiceEnabled") is False else after
