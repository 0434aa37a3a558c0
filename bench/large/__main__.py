"""`make bench-large`."""

from __future__ import annotations

import sys

from bench.large.command import main

if __name__ == "__main__":
    main(sys.argv[1:])
