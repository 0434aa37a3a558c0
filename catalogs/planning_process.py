"""Plans one order in a process of its own, which may take so much memory and CPU time and no more.

Started as `python -m catalogs.planning_process BYTES SECONDS`; it reads two pickles, the catalogs and the
`PlanningJob`, and writes one, the `Planned`. Nothing but the process that starts it speaks to it.
"""

from __future__ import annotations

import gc
import pickle
import resource
import sys
from collections.abc import Sequence
from contextlib import suppress

from catalogs.planning import planned

OUT_OF_MEMORY = 74
"""The exit code of a process that would have taken more memory than it may."""


def main(arguments: Sequence[str]) -> int:
    """Plan what comes in; return the process's exit code. What takes too much CPU time is ended by SIGXCPU."""
    memory, seconds = map(int, arguments)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_CPU, seconds)
    _limit(resource.RLIMIT_AS, memory)
    # All that is made here is needed until the end, which is near.
    gc.disable()
    try:
        catalogs, job = pickle.load(sys.stdin.buffer), pickle.load(sys.stdin.buffer)
        answer = pickle.dumps(planned(job, catalogs), pickle.HIGHEST_PROTOCOL)
    except MemoryError:
        return OUT_OF_MEMORY
    sys.stdout.buffer.write(answer)
    return 0


def _limit(what: int, most: int) -> None:
    # Not every system has every limit, and none may be raised above what the process was given.
    with suppress(ValueError, OSError):
        resource.setrlimit(what, (most, most))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
