"""The commands `ordersaga task …`: what waits for people, and settling it."""

from __future__ import annotations

from typing import Annotated

import typer

from console.exits import REFUSED, WRONG_USAGE, fail, finish
from console.options import (
    ByOption,
    GatewayOption,
    JsonOption,
    ReasonOption,
    ValueOption,
    gateway_address,
    given,
    instant,
    quoted,
    values_of,
)
from console.terminal import terminal
from orders.model.task import TaskAction, TaskKind, TaskState

task_app = typer.Typer(help="Settle what waits for people: fallout, and manual work.", no_args_is_help=True)

TaskId = Annotated[str, typer.Argument(help="The id of a task; quote its ! in a shell.", metavar="ID")]
OrderOption = Annotated[str | None, typer.Option("--order", help="Only tasks of this order.", metavar="ID")]
ItemOption = Annotated[str | None, typer.Option("--item", help="Only tasks of this item.", metavar="ID")]
StepOption = Annotated[str | None, typer.Option("--step", help="Only tasks of this step, such as activate.")]
SystemOption = Annotated[str | None, typer.Option("--system", help="Only tasks that this system caused.")]
CodeOption = Annotated[str | None, typer.Option("--error-code", help="Only tasks with this kind of error.")]
ErrorOption = Annotated[str | None, typer.Option("--error", help="Only tasks whose error has this text in it.")]


@task_app.command("list")
def task_list(
    kind: Annotated[TaskKind | None, typer.Option(help="Only tasks of this kind.")] = None,
    state: Annotated[TaskState, typer.Option(help="How they stand.")] = TaskState.OPEN,
    order: OrderOption = None,
    item: ItemOption = None,
    step: StepOption = None,
    system: SystemOption = None,
    error_code: CodeOption = None,
    error: ErrorOption = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many of a kind at most, the oldest first.")] = 50,
    gateway: GatewayOption = None,
    as_json: JsonOption = False,
) -> None:
    """List tasks, the oldest first: those that are open, unless another state is named.

    Examples: `ordersaga task list` · `ordersaga task list --kind fallout --system activation`
    """
    from console import task_commands

    filters = given(orderId=order, item=item, step=step, system=system, errorCode=error_code, error=error)
    wanted = {name: quoted(value) for name, value in filters.items()} | {"state": state.value, "limit": str(limit)}
    kinds = [kind] if kind else list(TaskKind)
    finish(task_commands.task_list(gateway_address(gateway), kinds, wanted, terminal(), as_json))


@task_app.command("show")
def task_show(task_id: TaskId, gateway: GatewayOption = None, as_json: JsonOption = False) -> None:
    """Show a task: what waits, what went wrong, and how it can be settled.

    Example: `ordersaga task show '7f3k2a9dqx:1:internet!1'`
    """
    from console import task_commands

    finish(task_commands.task_show(gateway_address(gateway), task_id, terminal(), as_json))


@task_app.command("resolve")
def task_resolve(
    action: Annotated[TaskAction, typer.Argument(help="How to settle it.")],
    task_id: Annotated[
        str | None, typer.Argument(help="The id of a task; without it, filters say which tasks.", metavar="ID")
    ] = None,
    value: ValueOption = None,
    reason: ReasonOption = None,
    by: ByOption = None,
    order: OrderOption = None,
    item: ItemOption = None,
    step: StepOption = None,
    system: SystemOption = None,
    error_code: CodeOption = None,
    error: ErrorOption = None,
    gateway: GatewayOption = None,
    as_json: JsonOption = False,
) -> None:
    """Settle a fallout task, or all that the filters let through.

    retry tries the step again; complete takes the values that it would have given; fail lets its item fail; rollback
    undoes the whole order.

    Examples: `ordersaga task resolve retry '7f3k2a9dqx:1:internet!1' --by ada` ·
    `ordersaga task resolve retry --system activation --reason "Activation is back"`
    """
    from console import task_commands

    filters = given(orderId=order, item=item, step=step, system=system, errorCode=error_code, error=error)
    wish = given(action=action.value, values=values_of(value) or None, reason=reason, author=by)
    address = gateway_address(gateway)
    if bool(filters) == bool(task_id):
        fail("name either one task by its id, or tasks by filters such as --system", WRONG_USAGE)
    if task_id:
        finish(task_commands.resolve(address, task_id, wish, terminal(), as_json))
        return
    done = finish(task_commands.resolve_all(address, filters, wish, terminal(), as_json))
    raise typer.Exit(0 if done else REFUSED)


@task_app.command("complete")
def task_complete(
    task_id: TaskId,
    value: ValueOption = None,
    reason: ReasonOption = None,
    by: ByOption = None,
    gateway: GatewayOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say that a task is done, with the values that it gave: manual work, or fallout that was done by hand.

    Example: `ordersaga task complete '7f3k2a9dqx:1:internet!1' --value serialNumber=SN-4711 --by ada`
    """
    from console import task_commands

    wish = given(values=values_of(value) or None, reason=reason, author=by)
    finish(task_commands.complete(gateway_address(gateway), task_id, wish, terminal(), as_json))


@task_app.command("reschedule")
def task_reschedule(
    task_id: TaskId,
    due: Annotated[str, typer.Argument(help="The new date, as in 2026-12-01T09:00:00Z.", metavar="DATE")],
    reason: ReasonOption = None,
    by: ByOption = None,
    gateway: GatewayOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put manual work on another date.

    Example: `ordersaga task reschedule '7f3k2a9dqx:1:visit!1' 2026-12-01T09:00:00Z --reason "Nobody was at home"`
    """
    from console import task_commands

    wish = given(dueAt=instant(due, "DATE"), reason=reason, author=by)
    finish(task_commands.reschedule(gateway_address(gateway), task_id, wish, terminal(), as_json))
