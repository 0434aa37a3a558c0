"""The service orders of a posted order: each runs, is changed by an amendment, and is undone."""

from __future__ import annotations

from typing import Any

from orders.change.redo import differing
from orders.lifecycle.states import in_words
from orders.plan.outcome import Redo, ServiceOrderOutcome
from orders.plan.parts import Characteristics
from orders.plan.plan_graph import PlanNode
from tmf.model import Model
from workflows.contracts import ids
from workflows.contracts.payloads import ServiceOrderInput
from workflows.parts.assembly import OrderParts
from workflows.posted.plan import OrderPlan
from workflows.saga.saga import Saga, stop_if_cancelled
from workflows.service_order import ServiceOrderWorkflow


class ServiceOrderRun(Model):
    """One run of a service order: the first, or one that changed what those before had done."""

    order: ServiceOrderInput
    outcome: ServiceOrderOutcome | None = None
    """None until it is done."""

    def standing(self) -> ServiceOrderOutcome:
        """Return what stands of the service order since this run, which is done.

        Raises:
            ValueError: when it is not.
        """
        if self.outcome is None:
            raise ValueError(f"service order {self.order.key} is not done")
        services = self.outcome.services if self.outcome.standing is None else self.outcome.standing
        return ServiceOrderOutcome(services=services)


class ServiceOrders:
    """What the service orders of a posted order came to."""

    def __init__(self, parts: OrderParts[OrderPlan]) -> None:
        self.outcomes: dict[str, ServiceOrderOutcome] = {}
        """Key of a service order that is done → what stands of it."""
        self._parts = parts
        self._context = parts.context
        self._children = parts.children
        self._runs: dict[str, list[ServiceOrderRun]] = {}
        """Key of a service order → its runs that stand, first to last; each but the first changed it."""

    async def realise(self, node: PlanNode, saga: Saga) -> None:
        """Run a service order; one that was done under an earlier revision is changed to what the new one wants."""
        runs = self._runs.setdefault(node.key, [])
        if not (runs and runs[-1].outcome is None):
            await self._parts.saga.sagas.remember([node.key, *node.inputs.values()])
            stop_if_cancelled()
            runs = self._runs.setdefault(node.key, [])
            runs.append(self._next_run(node, runs[-1] if runs else None))
            self._add_undo(node, runs[-1], saga)
        run = runs[-1]
        run.outcome = await self._run(
            run.order,
            node,
            f"{node.action} {node.name}" if run.order.redo is None else f"amend {node.name}",
            f"Service order `{node.key}` of {self._root()}, item {node.item_id}.",
        )
        self.outcomes[node.key] = run.standing()

    def steps(self, key: str) -> list[dict[str, Any]]:
        """Return what was done of a service order, for the saga log."""
        return [run.model_dump(mode="json") for run in self._runs.get(key, [])]

    def recall(self, node: PlanNode, steps: list[dict[str, Any]], saga: Saga) -> None:
        """Know again what an earlier run of the workflow did of a service order."""
        self._runs[node.key] = runs = [ServiceOrderRun.model_validate(step) for step in steps]
        for run in runs:
            self._add_undo(node, run, saga)
            if run.outcome is not None:
                self.outcomes[node.key] = run.standing()

    def _next_run(self, node: PlanNode, before: ServiceOrderRun | None) -> ServiceOrderRun:
        services = self._inputs(node)
        order = ServiceOrderInput(
            order_id=self._context.order_id,
            revision=self._context.revision,
            key=node.key,
            services=services,
            redo=_redo(before, services) if before else None,
        )
        return ServiceOrderRun(order=order)

    def _add_undo(self, node: PlanNode, run: ServiceOrderRun, saga: Saga) -> None:
        saga.add("undo", lambda: self._undo(node, run), system="ordersaga", target=f"service order {node.key}")

    async def _undo(self, node: PlanNode, run: ServiceOrderRun) -> None:
        """Undo a finished service order by one that goes the other way; one that did not finish undid itself."""
        if run.outcome is not None:
            await self._run(
                run.order.model_copy(update={"undo": run.outcome}),
                node,
                f"undo: {node.action} {node.name}",
                f"Undoes service order `{node.key}` of {self._root()}.",
            )
        self.outcomes.pop(node.key, None)
        runs = self._runs[node.key]
        runs.remove(run)
        if runs:
            self.outcomes[node.key] = runs[-1].standing()

    async def _run(self, order: ServiceOrderInput, node: PlanNode, summary: str, details: str) -> ServiceOrderOutcome:
        undo = order.undo is not None
        workflow_id = ids.service_order_workflow(
            self._context.workflow_id, node.key, revision=order.revision, undo=undo
        )
        return await self._children.run(ServiceOrderWorkflow.run, order, workflow_id, node.key, summary, details)

    def _inputs(self, node: PlanNode) -> dict[str, dict[str, Any]]:
        """Return what the service orders that a node relies on came to, by the name its expressions use."""
        return {
            name: self.outcomes[key].customer_facing().characteristics
            for name, key in node.inputs.items()
            if key in self.outcomes
        }

    def _root(self) -> str:
        return f"{in_words(self._context.kind)} {self._context.order_id}"


def _redo(before: ServiceOrderRun, services: dict[str, Characteristics]) -> Redo:
    """Return what a service order had done, and which of the services that it reads have changed since."""
    known = before.order.services
    changed = {name: differing(known[name], now) if name in known else None for name, now in services.items()}
    return Redo(revision=before.order.revision, done=before.standing(), changed_inputs=changed)
