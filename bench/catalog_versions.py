"""What versions of the catalogs that are kept cost a worker and a gateway: `python -m bench.catalog_versions`.

Catalogs keep old versions of their entries beside the new ones. The shipped catalogs are written with as many versions
of each entry, and loaded in processes that have imported what a worker, or a gateway, has.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ruamel.yaml import YAML

from catalogs.loader import default_catalogs

_PROCESSES = {"worker": "worker", "gateway": "api.__main__"}
_MEASURED = """
import gc, importlib, json, pickle, sys, time
from pathlib import Path
importlib.import_module(sys.argv[1])
from catalogs.loader import load_catalogs
def resident():
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096
before, began = resident(), time.process_time()
catalogs = load_catalogs(Path(sys.argv[2]))
took = time.process_time() - began
entries = sum(len(list(each)) for each in vars(catalogs).values() if hasattr(each, "on_sale"))
print(json.dumps([resident() - before, took, entries, len(pickle.dumps(catalogs))]))
"""


def write(versions: int, root: Path) -> None:
    """Write the shipped catalogs with so many versions of each entry."""
    yaml = YAML(typ="safe")
    for source in sorted(default_catalogs().glob("*/*.yaml")):
        sections: dict[str, Any] = yaml.load(source)
        for name, entries in sections.items():
            if isinstance(entries, list):
                sections[name] = [_in_version(each, number) for each in entries for number in range(versions)]
        target = root / source.parent.name / source.name
        target.parent.mkdir(parents=True, exist_ok=True)
        yaml.dump(sections, target)


def measured(process: str, root: Path) -> tuple[int, float, int, int]:
    """Return what loading takes: bytes that stay, seconds of CPU, entries, and bytes sent to a planning process."""
    command = [sys.executable, "-c", _MEASURED, _PROCESSES[process], str(root)]
    answer = subprocess.run(command, check=True, capture_output=True, text=True)
    size, seconds, entries, sent = json.loads(answer.stdout.splitlines()[-1])
    return size, seconds, entries, sent


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(prog="bench.catalog_versions", description=__doc__)
    parser.add_argument("--versions", default="1,2,5,10,20", help="how many of each entry [%(default)s]")
    chosen = [int(each) for each in parser.parse_args(arguments).versions.split(",")]
    print("| Versions | Entries | Worker, MB | Gateway, MB | Loaded in, s of CPU | Sent to a planning process, kB |")
    print("|---|---|---|---|---|---|")
    for versions in chosen:
        with TemporaryDirectory() as folder:
            write(versions, Path(folder))
            worker, seconds, entries, sent = measured("worker", Path(folder))
            gateway, *_ = measured("gateway", Path(folder))
        sizes = f"{worker / 1e6:.1f} | {gateway / 1e6:.1f}"
        print(f"| {versions} | {entries} | {sizes} | {seconds:.1f} | {sent / 1e3:.0f} |", flush=True)


def _in_version(entry: dict[str, Any], number: int) -> dict[str, Any]:
    """Return an entry in a version of its own; what refers to it without one goes on referring to the latest."""
    if not number:
        return entry
    return deepcopy(entry) | {"version": f"{entry.get('version', '1.0')}.{number}"}


if __name__ == "__main__":
    main()
