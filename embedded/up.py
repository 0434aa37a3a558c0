"""`ordersaga up`: the stack until it is told to stop, and what a person is told about it."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Mapping

from rich.console import Console

from console.views.tables import facts_panel
from embedded.layout import GATEWAY, PARTS, WORKER, Layout
from embedded.layout import layout as default_layout
from embedded.parts import environment
from embedded.ports import LOOPBACK, Ports
from embedded.secrets import admin_token, gateway_secrets
from embedded.stack import running, stop_signals, until
from settings import SYSTEMS, Settings

DOCS = "/docs"


async def up(layout: Layout, console: Console) -> None:
    """Run the stack until Ctrl-C or SIGTERM; every process of it is gone afterwards.

    Raises:
        StackError: when it does not come up.
    """

    def tell(line: str) -> None:
        console.print(line, soft_wrap=True)

    async def run() -> None:
        with console.status("starting …") as status:
            async with running(layout, tell):
                status.stop()
                console.print(facts_panel("Ordersaga is up", facts(layout)))
                for command in commands_by_hand(layout):
                    tell(command)
                try:
                    await asyncio.Event().wait()
                finally:
                    tell("stopping …")

    async with stop_signals() as stopped:
        await until(stopped, run())
    tell(f"stopped; what ran is kept in {layout.state_dir}")


def facts(layout: Layout) -> list[tuple[str, str]]:
    """Return what a person needs to know of a running stack: name and value."""
    rows = [
        ("API", f"{layout.gateway_url}/tmf-api (TMF622, 641, 652)"),
        ("API pages", f"{layout.gateway_url}{DOCS}"),
        ("Web UI", layout.ui_url or ""),
        ("Temporal", f"{layout.temporal_address}, namespace {layout.namespace}"),
        *((name.capitalize(), layout.systems[name]) for name in SYSTEMS),
        ("State", f"{layout.state_dir}, process ids in pids.json"),
        ("Logs", str(layout.logs)),
        ("Admin", f"Authorization: Bearer {admin_token(layout)}" if GATEWAY in layout.parts else ""),
        ("Try", _first_command(layout)),
    ]
    return [(name, value) for name, value in rows if value]


def commands_by_hand(layout: Layout) -> list[str]:
    """Return a line for each part that was left out, with the command that runs it against this stack."""
    known = environment(default_layout(Settings(), Ports()))
    told = {name: value for name, value in environment(layout).items() if value and value != known.get(name)}
    commands = {WORKER: f"{_assignments(told)}ordersaga worker"}
    if GATEWAY not in layout.parts:
        commands[GATEWAY] = f"{_assignments(told | gateway_secrets(layout))}ordersaga gateway"
    for name in SYSTEMS:
        commands[name] = f"ordersaga system {name} --port {getattr(layout.ports, f'{name}_port')}"
    return [
        f"not started here: {part}; start it with\n  {commands[part]}"
        for part in PARTS
        if part in commands and part not in layout.parts and not _elsewhere(layout, part)
    ]


def _assignments(variables: Mapping[str, str]) -> str:
    return "".join(f"{name}={shlex.quote(value)} " for name, value in variables.items())


def _elsewhere(layout: Layout, part: str) -> bool:
    own = f"http://{LOOPBACK}:{getattr(layout.ports, f'{part}_port', 0)}"
    return part in SYSTEMS and layout.systems[part] != own


def _first_command(layout: Layout) -> str:
    command = "ordersaga submit docs/examples/fibre-bundle.json --watch"
    return command if layout.gateway_url == Settings().gateway_url() else f"{command} --gateway {layout.gateway_url}"
