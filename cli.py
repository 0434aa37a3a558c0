"""The `ordersaga` command: each subcommand reads its arguments and hands over to the part that does the work."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from console.commands.catalog import catalog_app
from console.commands.hub import hub_app
from console.commands.order import order_app
from console.commands.plan import plan
from console.commands.qualify import qualify
from console.commands.reconcile import reconcile
from console.commands.recovery import recovery_app
from console.commands.status import status
from console.commands.submit import submit, watch
from console.commands.system import system_app
from console.commands.task import task_app
from console.commands.worker import worker_app
from console.exits import EXIT_CODES, REFUSED, UNREACHABLE, fail, finish, run_and_exit
from console.terminal import terminal
from settings import SYSTEMS, Settings, shown

app = typer.Typer(
    help=f"Ordersaga: TM Forum orders on Temporal.\n\n{EXIT_CODES}",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
app.add_typer(order_app, name="order")
app.add_typer(task_app, name="task")
app.add_typer(hub_app, name="hub")
app.add_typer(system_app, name="system")
app.add_typer(catalog_app, name="catalog")
app.add_typer(recovery_app, name="recovery")
app.add_typer(worker_app, name="worker")


@app.command()
def up(
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="The gateway's port.")] = None,
    temporal_port: Annotated[int | None, typer.Option(help="Temporal's port.")] = None,
    ui_port: Annotated[int | None, typer.Option(min=1, max=65535, help="The Temporal Web UI's port.")] = None,
    inventory_port: Annotated[int | None, typer.Option(min=1, max=65535, help="The inventory system's port.")] = None,
    activation_port: Annotated[int | None, typer.Option(min=1, max=65535, help="The activation system's port.")] = None,
    billing_port: Annotated[int | None, typer.Option(min=1, max=65535, help="The billing system's port.")] = None,
    state_dir: Annotated[Path | None, typer.Option(help="Where databases and logs are kept.")] = None,
    without: Annotated[
        list[str] | None, typer.Option(help="A part to leave out: worker, gateway, inventory, activation, billing.")
    ] = None,
) -> None:
    """Run the whole stack until Ctrl-C: Temporal, reference systems, worker, gateway. It goes on where it left off.

    TEMPORAL_ADDRESS, ORDERSAGA_INVENTORY_URL and the like name parts that run elsewhere; those are not started here.
    Every flag is also a setting: --temporal-port is ORDERSAGA_TEMPORAL_PORT.

    Examples: `ordersaga up` · `ordersaga up --port 8700 --state-dir /tmp/saga` · `ordersaga up --without worker`
    """
    from embedded.errors import StackError
    from embedded.layout import layout, leave_out
    from embedded.ports import Ports
    from embedded.up import up as run_up

    chosen = {name: value for name, value in locals().items() if name.endswith("port") and value is not None}
    ports = Ports().model_copy(update=chosen)
    settings = Settings(state_dir=state_dir) if state_dir else Settings()
    _made(settings.state_dir)
    try:
        chosen_layout = leave_out(layout(settings, ports), without or [])
    except StackError as error:
        raise typer.BadParameter(str(error)) from None
    finish(run_up(chosen_layout, terminal()))


@app.command()
def demo(
    keep: Annotated[bool, typer.Option("--keep", help="Keep the stack up afterwards, until Ctrl-C.")] = False,
) -> None:
    """Show it all in a minute: a stack on free ports, eleven orders, and an audit of what they left.

    On their way one is cancelled, one amended, one fails and is undone, and the fallout of one is resolved. Exits 0
    only when every order ended as expected and nothing is left of those that were undone.
    """
    from embedded.demo import demo as run_demo

    raise typer.Exit(0 if finish(run_demo(terminal(), keep=keep)) else REFUSED)


for _command in (submit, watch, plan, qualify, status, reconcile):
    app.command()(_command)


@worker_app.callback()
def worker(
    context: typer.Context,
    queue: Annotated[
        list[str] | None,
        typer.Option(help="Serve this alone: workflows, inventory, activation, billing or events; may be repeated."),
    ] = None,
) -> None:
    """Run a worker: of all task queues, or of chosen ones. Or see its builds, and choose which takes orders.

    Examples: `ordersaga worker` · `ordersaga worker --queue activation --queue billing`
    """
    if context.invoked_subcommand:
        return
    _become("worker", *(word for name in queue or [] for word in ("--queue", name)))


@app.command()
def gateway() -> None:
    """Run the gateway alone, at ORDERSAGA_HOST and ORDERSAGA_PORT."""
    _become("api")


@system_app.command("run")
def run_system(
    name: Annotated[str, typer.Argument(help="inventory, activation or billing")],
    host: Annotated[str, typer.Option(help="Where to listen.")] = "127.0.0.1",
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="[default: as in ordersaga up]")] = None,
    database: Annotated[str | None, typer.Option(help="SQLite or PostgreSQL URL [default: in the state dir]")] = None,
    latency_ms: Annotated[int, typer.Option(min=0, help="How long each change takes.")] = 0,
    public_url: Annotated[
        str | None, typer.Option(help="What href begins with [default: the address by which a request came]")
    ] = None,
) -> None:
    """Run one of the reference systems alone; `run` may be left out.

    Examples: `ordersaga system run billing` · `ordersaga system activation --latency-ms 200`
    """
    from embedded.ports import Ports

    if name not in SYSTEMS:
        raise typer.BadParameter(f"{name} is none of {', '.join(SYSTEMS)}")
    state_dir = _made(Settings().state_dir)
    url = database or f"sqlite:///{state_dir / name}.db"
    port = port or getattr(Ports(), f"{name}_port")
    _become(
        f"systems.{name}",
        *("--host", host, "--port", str(port)),
        *("--database", url),
        *("--latency-ms", str(latency_ms)),
        *(("--public-url", public_url) if public_url else ()),
    )


@app.command()
def migrate() -> None:
    """Bring the order store's tables up to this release; safe to repeat, and while others do so."""
    from store.errors import SchemaTooNewError, StoreUnavailableError, UnsupportedDatabaseError
    from store.sql.migration import migrate as migrate_store

    url = Settings().store_url
    try:
        asyncio.run(migrate_store(url))
    except (SchemaTooNewError, StoreUnavailableError, UnsupportedDatabaseError) as error:
        code = UNREACHABLE if isinstance(error, StoreUnavailableError) else REFUSED
        fail(f"{error} (ORDERSAGA_STORE_URL is {shown(url)})", code)
    typer.echo("the order store is up to date")


@app.command()
def register() -> None:
    """Make the orders' search attributes known to the Temporal namespace that TEMPORAL_* names; safe to repeat."""
    from temporalio.service import RPCError

    from embedded.temporal_server import named_address, unreachable
    from workflows.connection import connect
    from workflows.contracts import search_attributes

    async def run() -> list[str]:
        return await search_attributes.register(await connect())

    try:
        new = asyncio.run(run())
    except RuntimeError as error:
        fail(unreachable(named_address(), error), UNREACHABLE)
    except RPCError as error:
        fail(f"Temporal refuses: {error}", REFUSED)
    typer.echo(f"registered {', '.join(new)}" if new else "all search attributes were known already")


def run() -> NoReturn:
    """Run the command that the arguments name, and end the process with its exit code."""
    run_and_exit(app)


def _made(directory: Path) -> Path:
    """Return a folder that may not have been there, or say why it cannot be made, and end."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        fail(f"the state directory {directory} cannot be made: {error.strerror}", REFUSED)
    return directory.resolve()


def _become(module: str, *arguments: str) -> NoReturn:
    """Go on as another of our modules, in the same process, so that signals and exit codes are its own."""
    from embedded.modules import module_command, module_environment

    sys.stdout.flush()
    os.execve(sys.executable, [*module_command(module), *arguments], {**os.environ, **module_environment()})


if __name__ == "__main__":
    run()
