"""Runs a command that ends when the process that started it ends: `python tether.py PARENT-PID COMMAND ...`.

On Linux the kernel sees to it, even when the parent is killed with SIGKILL. Elsewhere the command runs on after such
a death: the next start finds its ports taken and says so. Imports as little as it can, since every part starts by it.
"""

import os
import sys

PR_SET_PDEATHSIG = 1
SIGKILL = 9


def main() -> None:
    parent, command = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, SIGKILL)
        if os.getppid() != parent:
            # The parent died before the kernel was told to watch it.
            os._exit(1)
    os.execvp(command[0], command)


if __name__ == "__main__":
    main()
