"""The `ordersaga` command: each subcommand reads its arguments and hands over to the part that does the work."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from console.exits import EXIT_CODES, NOT_COMPLETED, REFUSED, UNREACHABLE, fail, finish, run_and_exit
from console.hub_app import hub_app
from console.options import (
    GatewayOption,
    JsonOption,
    OrderFile,
    ValueOption,
    gateway_address,
    quoted,
    read_order,
    values_of,
)
from console.order_app import order_app
from console.task_app import task_app
from console.terminal import terminal
from settings import SYSTEMS, Settings, shown

if TYPE_CHECKING:
    from console.commands import PlanSource

CatalogKind = Annotated[
    str, typer.Argument(help="offering, price, product, category, catalog, service or resource", metavar="[KIND]")
]

app = typer.Typer(
    help=f"Ordersaga: TM Forum orders on Temporal.\n\n{EXIT_CODES}",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
catalog_app = typer.Typer(help="Read catalogs, and check them.", no_args_is_help=True)
app.add_typer(order_app, name="order")
app.add_typer(task_app, name="task")
app.add_typer(hub_app, name="hub")
app.add_typer(catalog_app, name="catalog")


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


@app.command()
def submit(
    file: OrderFile,
    watch: Annotated[bool, typer.Option("--watch", help="Follow the order to its end.")] = False,
    idempotency_key: Annotated[
        str | None, typer.Option(help="Makes a repeated submit give the same order back.")
    ] = None,
    gateway: GatewayOption = None,
    as_json: JsonOption = False,
) -> None:
    """Submit a product order, or a service or resource order: which it is, is told by its items.

    Examples: `ordersaga submit order.json --watch` · `jq .order crm.json | ordersaga submit - --idempotency-key crm-4`
    """
    from console import commands

    document = read_order(file)
    code = finish(commands.submit(gateway_address(gateway), document, idempotency_key, terminal(), watch, as_json))
    raise typer.Exit(0 if code else NOT_COMPLETED)


@app.command()
def watch(order_id: str, gateway: GatewayOption = None) -> None:
    """Follow an order to its end: a live tree in a terminal, a line for each change elsewhere.

    Example: `ordersaga watch 7f3k2a9dqx`
    """
    from console import commands

    completed = finish(commands.follow(gateway_address(gateway), order_id, terminal()))
    raise typer.Exit(0 if completed else NOT_COMPLETED)


@app.command()
def plan(
    file: OrderFile,
    offline: Annotated[
        bool, typer.Option("--offline", help="Plan from the catalogs alone, without a gateway; for add items only.")
    ] = False,
    gateway: GatewayOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what an order comes down to, without doing any of it.

    Examples: `ordersaga plan order.json` · `ordersaga plan --offline order.json --json`
    """
    from console import commands

    document = read_order(file)
    source = _offline_plans() if offline else commands.online(gateway_address(gateway))
    raise typer.Exit(0 if finish(commands.plan(source, document, terminal(), as_json)) else REFUSED)


@app.command()
def qualify(
    offering: Annotated[
        str | None, typer.Argument(help="The id of a product offering [default: all that can be had there]")
    ] = None,
    place: Annotated[str | None, typer.Option("--place", help="Where it is to be.", metavar="ID")] = None,
    customer: Annotated[
        str | None, typer.Option("--customer", help="Who asks: what they have is looked at.", metavar="ID")
    ] = None,
    value: ValueOption = None,
    part: Annotated[
        list[str] | None, typer.Option("--part", help="An offering that a bundle is to have; may be repeated.")
    ] = None,
    gateway: GatewayOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ask whether an offering can be had at a place, why not, and what can be had instead. Nothing is ordered.

    Exits 1 when it cannot.

    Examples: `ordersaga qualify fibre-internet --place HAM-1 --value downloadSpeed=1000` ·
    `ordersaga qualify --place BER-1 --customer C-1001`
    """
    from console import qualify_commands

    asked = qualify_commands.question(offering, place, customer, values_of(value), part or [])
    good = finish(qualify_commands.qualify(gateway_address(gateway), asked, terminal(), as_json))
    raise typer.Exit(0 if good else REFUSED)


@app.command()
def status(gateway: GatewayOption = None, as_json: JsonOption = False) -> None:
    """Show how the stack is: its parts, and what does not get on, each with the last error and what to do.

    Exits 1 when something is missing or stuck.

    Examples: `ordersaga status` · `ordersaga status --json | jq .stuck`
    """
    from console.status_commands import status as run_status

    good = finish(run_status(gateway_address(gateway), terminal(), as_json=as_json))
    raise typer.Exit(0 if good else REFUSED)


@catalog_app.command("lint")
def catalog_lint(
    directory: Annotated[Path | None, typer.Argument(help="A folder of catalogs [default: by the settings]")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 1 with warnings, too.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Check catalogs: every fault with its file and line; without one, every warning, and how much there is.

    Faults keep catalogs from being used: exit 1. Warnings do not: exit 0, unless --strict is given.

    Examples: `ordersaga catalog lint` · `ordersaga catalog lint my-catalogs/ --strict`
    """
    from console.catalog_commands import lint

    good = lint(directory or _catalogs(), terminal(), strict=strict, as_json=as_json)
    raise typer.Exit(0 if good else REFUSED)


@catalog_app.command("list")
def catalog_list(
    kind: CatalogKind = "offering",
    category: Annotated[str | None, typer.Option(help="Only what is in this category.", metavar="ID")] = None,
    status: Annotated[str | None, typer.Option(help="Only what is in this status, such as Active.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many at most.")] = 100,
    gateway: GatewayOption = None,
    as_json: JsonOption = False,
) -> None:
    """List what the gateway's catalogs hold, all versions of it.

    Examples: `ordersaga catalog list` · `ordersaga catalog list category` · `ordersaga catalog list --category mobile`
    """
    from console.catalog_reads import catalog_list as run_list

    filters = {"category.id": category, "lifecycleStatus": status}
    wanted = {name: quoted(value) for name, value in filters.items() if value is not None} | {"limit": str(limit)}
    finish(run_list(gateway_address(gateway), _kind(kind), wanted, terminal(), as_json))


@catalog_app.command("show")
def catalog_show(
    entry_id: Annotated[str, typer.Argument(help="The id of an offering, or of what --kind says.", metavar="ID")],
    kind: Annotated[str, typer.Option(help="What it is: as in catalog list.")] = "offering",
    version: Annotated[str | None, typer.Option(help="A certain version [default: the latest]")] = None,
    gateway: GatewayOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show an entry of the gateway's catalogs: of an offering also what it costs, and what can be chosen.

    Examples: `ordersaga catalog show fibre-internet` · `ordersaga catalog show cfs-internet --kind service`
    """
    from console.catalog_reads import catalog_show as run_show

    finish(run_show(gateway_address(gateway), _kind(kind), entry_id, version, terminal(), as_json))


@app.command()
def worker(
    queue: Annotated[
        list[str] | None,
        typer.Option(help="Serve this alone: workflows, inventory, activation or billing; may be repeated."),
    ] = None,
) -> None:
    """Run a worker: of all task queues, or of chosen ones.

    Examples: `ordersaga worker` · `ordersaga worker --queue activation --queue billing`
    """
    _become("worker", *(word for name in queue or [] for word in ("--queue", name)))


@app.command()
def gateway() -> None:
    """Run the gateway alone, at ORDERSAGA_HOST and ORDERSAGA_PORT."""
    _become("api")


@app.command()
def system(
    name: Annotated[str, typer.Argument(help="inventory, activation or billing")],
    host: Annotated[str, typer.Option(help="Where to listen.")] = "127.0.0.1",
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="[default: as in ordersaga up]")] = None,
    database: Annotated[str | None, typer.Option(help="SQLite or PostgreSQL URL [default: in the state dir]")] = None,
    latency_ms: Annotated[int, typer.Option(min=0, help="How long each change takes.")] = 0,
    public_url: Annotated[
        str | None, typer.Option(help="What href begins with [default: the address by which a request came]")
    ] = None,
) -> None:
    """Run one of the reference systems alone.

    Example: `ordersaga system activation --latency-ms 200`
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
    from store.errors import StoreUnavailableError, UnsupportedDatabaseError
    from store.sql.database import migrate as migrate_store

    url = Settings().store_url
    try:
        asyncio.run(migrate_store(url))
    except (StoreUnavailableError, UnsupportedDatabaseError) as error:
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


def _catalogs() -> Path:
    from catalogs.loader import default_catalogs

    return Settings().catalogs or default_catalogs()


def _kind(name: str) -> str:
    from console.catalog_reads import KINDS

    if name not in KINDS:
        raise typer.BadParameter(f"{name} is none of {', '.join(KINDS)}")
    return name


def _offline_plans() -> PlanSource:
    from console.catalog_commands import offline

    return offline(_catalogs())


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
