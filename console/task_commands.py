"""What the commands about tasks for people do and print."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from urllib.parse import quote

from rich.console import Console
from rich.table import Table
from rich.text import Text

from console.commands import print_json, say
from console.errors import CommandError
from console.gateway import Gateway, RefusedError
from console.views.change_tables import moment
from console.views.tables import facts_panel, id_column
from orders.model.task import TaskKind
from orders.model.wanted import WantedValue
from tmf.bodies import Document
from tmf.words import bare

BASES = {TaskKind.FALLOUT: "/fallout/v1", TaskKind.MANUAL: "/manual/v1"}


async def task_list(
    address: str, kinds: Sequence[TaskKind], filters: Mapping[str, str], console: Console, as_json: bool
) -> None:
    """List tasks of the kinds, the oldest first.

    Raises:
        CommandError: when a filter is refused or the gateway cannot be reached.
    """
    async with Gateway(address) as gateway:
        answers = await asyncio.gather(*(gateway.listing(f"{BASES[kind]}/task", filters) for kind in kinds))
    tasks = sorted((task for found, _ in answers for task in found), key=lambda each: str(each["createdAt"]))
    if as_json:
        print_json(console, tasks)
    elif tasks:
        console.print(tasks_table(tasks, sum(total for _, total in answers)))
    else:
        console.print("no tasks")


async def task_show(address: str, task_id: str, console: Console, as_json: bool) -> None:
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
