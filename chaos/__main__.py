"""`make chaos`."""

from __future__ import annotations

from chaos.command import run_and_exit

if __name__ == "__main__":
    run_and_exit()
