"""The command `make chaos`."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import uvloop

from chaos.mutations import MUTATIONS
from chaos.report import Report, as_json, markdown, summed
from chaos.run import Size, run
from chaos.stack.postgresql import NoPostgresError, programs
from chaos.stack.processes import NotUpError
from chaos.stack.stack import DATABASES, POSTGRESQL, SQLITE

BOTH = "both"
_FOLDER = Path(".chaos")


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="make chaos", description="Orders under random faults, and a check of it all."
    )
    parser.add_argument("--seeds", type=int, default=3, help="how many seeds, from 1 on [default: 3]")
    parser.add_argument("--seed", type=int, help="this seed alone")
    parser.add_argument("--database", choices=[*DATABASES, BOTH], default=BOTH, help="both take turns [default: both]")
    parser.add_argument("--orders", type=int, default=100, help="of each seed [default: 100]")
    parser.add_argument("--window", type=float, default=30, help="seconds in which orders come in and things break")
    parser.add_argument("--every", type=float, default=1.5, help="seconds between two faults, on average")
    parser.add_argument("--patience", type=float, default=150, help="seconds in which all must come to rest afterwards")
    parser.add_argument("--mutation", choices=sorted(MUTATIONS), help="a deliberate fault, which must be found")
    parser.add_argument("--every-mutation", action="store_true", help="one after another: 0 where each is found")
    return parser


def database_of(seed: int, wish: str) -> str:
    """Return the database of a seed: where both take turns, a seed has always the same."""
    return wish if wish != BOTH else (POSTGRESQL, SQLITE)[(seed + 1) % 2]


async def _run(seeds: Sequence[int], options: argparse.Namespace) -> list[Report]:
    size = Size(options.orders, options.window, options.every, options.patience)
    reports = []
    for seed in seeds:
        database = database_of(seed, options.database)
        folder = _FOLDER / f"seed-{seed}-{database}"
        report = await run(seed, database, size, folder, _say, options.mutation)
        _say(report.text())
        reports.append(report)
        if not report.passed and not options.mutation:
            _say(f"  again: make chaos SEED={seed} DATABASE={database} ORDERS={size.orders}")
    return reports


async def _try_mutations(seed: int, options: argparse.Namespace) -> int:
    """Run a seed with each deliberate fault; return the exit code: 0 where each is found."""
    size = Size(options.orders, options.window, options.every, options.patience)
    missed = 0
    for name, mutation in MUTATIONS.items():
        database = database_of(seed, options.database)
        report = await run(seed, database, size, _FOLDER / f"mutation-{name}", lambda _line: None, name)
        missed += report.passed
        found = "NOT FOUND" if report.passed else f"found by {', '.join(sorted(report.violations))}"
        _say(f"{name} ({mutation.says}): {found}")
    return int(missed > 0)


def _say(line: str) -> None:
    print(line, flush=True)


def main(arguments: Sequence[str]) -> int:
    """Run what is asked for; return the exit code: 0 where all holds, 1 where not, 2 where it could not be run."""
    logging.disable(logging.WARNING)
    options = _options().parse_args(arguments)
    seeds = [options.seed] if options.seed is not None else range(1, options.seeds + 1)
    try:
        if any(database_of(seed, options.database) == POSTGRESQL for seed in seeds):
            programs()
        if options.every_mutation:
            return uvloop.run(_try_mutations(seeds[0], options))
        reports = uvloop.run(_run(list(seeds), options))
    except NoPostgresError as error:
        _say(f"skipped: {error}")
        return 2
    except NotUpError as error:
        _say(str(error))
        return 2
    if len(reports) > 1:
        _say(summed(reports, f"{len(reports)} seeds").text())
    _FOLDER.mkdir(exist_ok=True)
    (_FOLDER / "report.json").write_text(as_json(reports))
    (_FOLDER / "report.md").write_text(markdown(reports) + "\n")
    return 0 if all(report.passed for report in reports) else 1


def run_and_exit() -> None:
    code = main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    # A process that used the Temporal SDK may abort when the interpreter ends in the ordinary way.
    os._exit(code)
