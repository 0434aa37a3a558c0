"""Points of no return: which parts of an order have passed theirs, agreed with the orders above before a step begins.

So the workflow at the top knows, when a cancellation or an amendment comes, what can still be undone.
"""

from __future__ import annotations

from temporalio import workflow

from orders.model.revision import Refusal
from workflows.contracts.payloads import PointOfNoReturn
from workflows.parts.children import Children
from workflows.parts.structure import Structure
from workflows.runtime.context import OrderContext
from workflows.saga.saga_graph import SagaGraph


class PointsOfNoReturn:
    """What of an order is past its point of no return."""

    def __init__(self, context: OrderContext, structure: Structure, saga: SagaGraph, children: Children) -> None:
        self.passed: dict[str, str] = {}
        """Key of a node or item → why it is past its point of no return."""
        self._context = context
        self._structure = structure
        self._saga = saga
        self._children = children
        self._granted: set[str] = set()

    async def passing(self, key: str, what: str) -> None:
        """Pass the point of an item, once all above know of it: from then on no cancellation is accepted."""
        context, parent = self._context, workflow.info().parent
        if parent is not None and key not in self.passed:
            asked = PointOfNoReturn(workflow_id=context.workflow_id, key=key, what=what)
            handle = workflow.get_external_workflow_handle(parent.workflow_id)
            context.background.start(handle.signal("ask_point_of_no_return", asked))
            await workflow.wait_condition(lambda: key in self._granted or context.stopping)
        if not context.stopping:
            self.passed[key] = f"{key}: {what} has begun"
            context.tracker.note(f"past the point of no return: {self.passed[key]}")

    async def asked(self, message: PointOfNoReturn) -> None:
        """Let a child pass the point of its item, where neither it nor this order is being undone."""
        key = self._children.running.get(message.workflow_id)
        if key is None or self._context.being_cancelled or self._saga.is_being_undone(key):
            return
        await self.passing(key, message.what)
        if not self._context.stopping:
            handle = workflow.get_external_workflow_handle(message.workflow_id)
            self._context.background.start(handle.signal("grant_point_of_no_return", message))

    def granted(self, message: PointOfNoReturn) -> None:
        """Take note that the order above lets an item pass its point."""
        self._granted.add(message.key)

    def refusals(self) -> list[Refusal]:
        """Return why the order cannot be cancelled any more, node by node."""
        return [
            Refusal(item_id=self._structure.item_of(key), key=key, reason=reason)
            for key, reason in self.passed.items()
            if key not in self._saga.withdrawn
        ]
