"""The commands `ordersaga task …`: to settle what waits for people."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Annotated
from urllib.parse import quote

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from console.errors import CommandError
from console.exits import REFUSED, WRONG_USAGE, fail, finish
from console.gateway import Gateway, RefusedError
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
from console.printing import print_json, print_list, say
from console.terminal import terminal
from console.views.change_tables import moment
from console.views.tables import facts_panel, id_column
from orders.model.task import TaskAction, TaskKind, TaskState
from orders.model.wanted import WantedValue
from tmf.bodies import Document
from tmf.words import bare

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
    filters = given(orderId=order, item=item, step=step, system=system, errorCode=error_code, error=error)
    wanted = {name: quoted(value) for name, value in filters.items()} | {"state": state.value, "limit": str(limit)}
    kinds = [kind] if kind else list(TaskKind)
    finish(list_tasks(gateway_address(gateway), kinds, wanted, terminal(), as_json))


@task_app.command("show")
def task_show(task_id: TaskId, gateway: GatewayOption = None, as_json: JsonOption = False) -> None:
    """Show a task: what waits, what went wrong, and how it can be settled.

    Example: `ordersaga task show '7f3k2a9dqx:1:internet!1'`
    """
    finish(show_task(gateway_address(gateway), task_id, terminal(), as_json))


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
    filters = given(orderId=order, item=item, step=step, system=system, errorCode=error_code, error=error)
    wish = given(action=action.value, values=values_of(value) or None, reason=reason, author=by)
    address = gateway_address(gateway)
    if bool(filters) == bool(task_id):
        fail("name either one task by its id, or tasks by filters such as --system", WRONG_USAGE)
    if task_id:
        finish(resolve(address, task_id, wish, terminal(), as_json))
        return
    done = finish(resolve_all(address, filters, wish, terminal(), as_json))
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
    wish = given(values=values_of(value) or None, reason=reason, author=by)
    finish(complete(gateway_address(gateway), task_id, wish, terminal(), as_json))


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
    wish = given(dueAt=instant(due, "DATE"), reason=reason, author=by)
    finish(reschedule(gateway_address(gateway), task_id, wish, terminal(), as_json))


BASES = {TaskKind.FALLOUT: "/fallout/v1", TaskKind.MANUAL: "/manual/v1"}


async def list_tasks(
    address: str, kinds: Sequence[TaskKind], filters: Mapping[str, str], console: Console, as_json: bool
) -> None:
    """List tasks of the kinds, the oldest first.

    Raises:
        CommandError: when a filter is refused or the gateway cannot be reached.
    """
    async with Gateway(address) as gateway:
        answers = await asyncio.gather(*(gateway.listing(f"{BASES[kind]}/task", filters) for kind in kinds))
    tasks = sorted((task for found, _ in answers for task in found), key=lambda each: str(each["createdAt"]))
    print_list(tasks, lambda: tasks_table(tasks, sum(total for _, total in answers)), "tasks", console, as_json)


async def show_task(address: str, task_id: str, console: Console, as_json: bool) -> None:
    """Show a task.

    Raises:
        CommandError: when there is none or the gateway cannot be reached.
    """
    async with Gateway(address) as gateway:
        task = await _found(gateway, task_id)
    if as_json:
        print_json(console, task)
    else:
        console.print(facts_panel(f"Task {task_id}", task_facts(task)))


async def resolve(address: str, task_id: str, wish: Document, console: Console, as_json: bool) -> None:
    """Settle a fallout task.

    Raises:
        CommandError: when it is refused or the gateway cannot be reached.
    """
    async with Gateway(address) as gateway:
        task = await gateway.tell("POST", f"{_path(TaskKind.FALLOUT, task_id)}/resolution", wish)
    say(task, f"task {task_id} is settled: {wish['action']}", console, as_json)


async def resolve_all(address: str, filters: Document, wish: Document, console: Console, as_json: bool) -> bool:
    """Settle all open fallout tasks that the filters let through; return whether all of them are.

    Raises:
        CommandError: when it is refused or the gateway cannot be reached.
    """
    async with Gateway(address) as gateway:
        answer = await gateway.tell("POST", f"{BASES[TaskKind.FALLOUT]}/resolution", {"filter": filters, **wish})
    results = answer["results"]
    done = all(each["ok"] for each in results) and len(results) == answer["total"]
    if as_json:
        print_json(console, answer)
        return done
    if not results:
        console.print("no open fallout task has all that")
        return done
    table = Table("task", "order", wish["action"], box=None)
    for each in results:
        told = Text("✔", style="green") if each["ok"] else Text(str(each.get("message")), style="red", overflow="fold")
        table.add_row(each["id"], each["orderId"], told)
    console.print(table)
    console.print(f"{answer['resolved']} of {answer['total']} settled")
    return done


async def complete(address: str, task_id: str, wish: Document, console: Console, as_json: bool) -> None:
    """Say that a task is done: manual work, or a step that failed and was done by hand.

    Raises:
        CommandError: when it is refused or the gateway cannot be reached.
    """
    async with Gateway(address) as gateway:
        kind = TaskKind((await _found(gateway, task_id))["kind"])
        if kind == TaskKind.MANUAL:
            task = await gateway.tell("POST", f"{_path(kind, task_id)}/completion", wish)
        else:
            task = await gateway.tell("POST", f"{_path(kind, task_id)}/resolution", {"action": "complete", **wish})
    say(task, f"task {task_id} is done", console, as_json)


async def reschedule(address: str, task_id: str, wish: Document, console: Console, as_json: bool) -> None:
    """Put manual work on another date.

    Raises:
        CommandError: when it is refused or the gateway cannot be reached.
    """
    async with Gateway(address) as gateway:
        task = await gateway.tell("PATCH", _path(TaskKind.MANUAL, task_id), wish)
    say(task, f"task {task_id} is due {moment(wish['dueAt'])}", console, as_json)


def tasks_table(tasks: Sequence[Document], total: int) -> Table:
    """Return tasks, a row each, and how many match in all."""
    caption = f"{len(tasks)} of {total}" if total > len(tasks) else None
    names = ("kind", "state", "since", "due", "what", "system", "error")
    table = Table(id_column("task", tasks), *names, caption=caption, box=None)
    for task in tasks:
        table.add_row(
            str(task["id"]),
            str(task["kind"]),
            str(task["state"]),
            moment(task["createdAt"]),
            moment(task.get("dueAt")),
            Text(("undo: " if task.get("undoing") else "") + _what(task), overflow="fold"),
            str(task.get("system") or ""),
            Text(str(task.get("error") or ""), overflow="ellipsis", no_wrap=True),
        )
    return table


def task_facts(task: Document) -> list[tuple[str, str]]:
    """Return all that is to be said of a task, as far as it has it."""
    names = {
        "Kind": "kind",
        "State": "state",
        "What": "what",
        "Instructions": "instructions",
        "Order": "orderId",
        "Item": "item",
        "Step": "step",
        "System": "system",
        "Error": "error",
        "Error code": "errorCode",
        "Attempts": "attempts",
    }
    task = task | {"what": _what(task)}
    facts = [(name, str(task[attribute])) for name, attribute in names.items() if task.get(attribute)]
    facts.append(("Since", moment(task["createdAt"])))
    if task.get("dueAt"):
        facts.append(("Due", moment(task["dueAt"])))
    if task["state"] == "open":
        facts.append(("Can be settled by", ", ".join(task["actions"])))
        facts += [("Gives", _wanted(each)) for each in task.get("wanted") or ()]
    if settled := task.get("resolution"):
        facts.append(("Settled", f"{moment(settled['at'])} {settled['action']} by {settled.get('by') or 'the policy'}"))
        facts += [("Reason", str(settled["reason"]))] if settled.get("reason") else []
        facts += [(f"Value {name}", bare(value)) for name, value in (settled.get("values") or {}).items()]
    return facts


def _wanted(value: Document) -> str:
    """Return in words a value that a task gives when it is done: `technician (string, mandatory): who it was`."""
    described = f": {value['description']}" if value.get("description") else ""
    return WantedValue.model_validate(value).in_words() + described


def _what(task: Document) -> str:
    """Return in words which step waits, without the instructions, which have a line of their own."""
    return str(task["what"]).removesuffix(f": {task.get('instructions')}")


async def _found(gateway: Gateway, task_id: str) -> Document:
    """Return a task of either kind."""
    for kind in TaskKind:
        try:
            return await gateway.read(_path(kind, task_id))
        except RefusedError as error:
            if error.status != 404:
                raise
    raise CommandError(f"there is no task {task_id}; `ordersaga task list` shows those that there are")


def _path(kind: TaskKind, task_id: str) -> str:
    return f"{BASES[kind]}/task/{quote(task_id, safe=':*~!')}"
