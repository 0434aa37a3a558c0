"""The parts that the workflow of every order is put together from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from orders.lifecycle.states import OrderKind
from workflows.contracts import policies
from workflows.parts.activation import Activations
from workflows.parts.cancellation import Cancellation
from workflows.parts.children import Children
from workflows.parts.compensation import Compensation
from workflows.parts.holds import Holds
from workflows.parts.human_tasks import HumanTasks
from workflows.parts.manual_work import WorkOfPeople
from workflows.parts.overruns import Overruns
from workflows.parts.points_of_no_return import PointsOfNoReturn
from workflows.parts.reasons import Reasons
from workflows.parts.settlement import Settlement
from workflows.parts.standing import Standing
from workflows.parts.steps import Steps
from workflows.parts.structure import Structure
from workflows.runtime.context import OrderContext
from workflows.saga.saga_graph import SagaGraph
from workflows.saga.window import Window

S_co = TypeVar("S_co", bound=Structure, covariant=True)


class OrderParts(Generic[S_co]):
    """The parts of one order's workflow, each given what it works with."""

    def __init__(
        self,
        kind: OrderKind,
        revision: int,
        structure: Callable[[OrderContext, SagaGraph], S_co],
        *,
        undoing: bool = False,
        parts_at_once: int = policies.PARTS_AT_ONCE,
    ) -> None:
        self.context = context = OrderContext.of_this_workflow(kind, revision, undoing=undoing)
        self.tasks = tasks = HumanTasks(context)
        self.compensation = compensation = Compensation(context, tasks)
        self.saga = saga = SagaGraph(
            caught_up=context.calls.caught_up,
            read_back=compensation.read_back,
            undo_failed=compensation.failed,
            changed=context.changed,
            goes_on=context.goes_on,
            window=Window(parts_at_once),
        )
        self.structure = structure(context, saga)
        self.children = children = Children(
            context,
            started=lambda child: self.holds.child_started(child),
            ended=lambda child: self.holds.child_ended(child),
        )
        self.holds = holds = Holds(context, self.structure, saga, tasks, children)
        self.points_of_no_return = points = PointsOfNoReturn(context, self.structure, saga, children)
        self.cancellation = Cancellation(context, points.refusals)
        self.settlement = Settlement(context, tasks, children)
        self.reasons = Reasons(context, self.structure, saga, children)
        self.standing = Standing(context, tasks, children, holds, self.reasons, compensation)
        self.steps = Steps(context, tasks, holds, points, compensation)
        self.activations = Activations(context, self.steps)
        self.work_of_people = WorkOfPeople(context, tasks, self.steps)
        self.overruns = Overruns(context)
        context.observe(self.standing.update)
