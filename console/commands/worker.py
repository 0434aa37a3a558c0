"""The commands `ordersaga worker list|promote|drain`: which build of the workers takes orders, which can be stopped.

What they do is imported when one of them runs: Temporal's SDK takes a second, which no other command is to wait for.
"""

from __future__ import annotations

from typing import Annotated

import typer

from console.exits import finish
from console.options import JsonOption
from console.terminal import terminal

worker_app = typer.Typer(help="Run workers, and choose which build of them takes orders.", invoke_without_command=True)

BuildArgument = Annotated[str | None, typer.Argument(help="A build [default: that of this command]", metavar="BUILD")]


@worker_app.command("list")
def worker_list(as_json: JsonOption = False) -> None:
    """List the builds whose workers have been there: which takes orders, and what ends only on an old one.

    Examples: `ordersaga worker list` · `ordersaga worker list --json`
    """
    from console.builds import list_builds

    finish(list_builds(terminal(), as_json))


@worker_app.command("promote")
def worker_promote(
    build: BuildArgument = None,
    ramp: Annotated[
        float | None,
        typer.Option(min=0, max=100, help="Only that share of the orders, in per cent.", metavar="PERCENT"),
    ] = None,
    first: Annotated[bool, typer.Option("--first", help="Only where no build takes orders yet.")] = False,
    within: Annotated[
        float, typer.Option(min=0, help="How long to wait for its workers to be there.", metavar="SECONDS")
    ] = 30,
) -> None:
    """Have a build take the orders: new ones, and posted ones that run. What is below those ends where it began.

    On the way back to an older build, orders that the newer one has worked on end there, until a newer one is promoted.

    Examples: `ordersaga worker promote` · `ordersaga worker promote 1.4.0-3fa9c1d2e4 --ramp 10`
    """
    from console.builds import promote

    finish(promote(build, ramp, first, within, terminal()))


@worker_app.command("drain")
def worker_drain(
    build: Annotated[
        str | None, typer.Argument(help="A build [default: all that take no orders]", metavar="BUILD")
    ] = None,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Whether to wait until nothing needs it.")] = True,
) -> None:
    """Say what still needs an old build, and end when its workers can be stopped; exit code 1 if not, with --no-wait.

    Examples: `ordersaga worker drain` · `ordersaga worker drain 1.3.2-90ab12cd34 --no-wait`
    """
    from console.builds import drain

    finish(drain(build, wait, terminal()))
