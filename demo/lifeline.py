"""Runs a command that ends when the process that started it ends, in whatever way (on Linux).

Usage: `python lifeline.py PARENT_PID COMMAND [ARGUMENT ...]`. It becomes the command, so that the
process id stays the same. Started as a file, with nothing but the standard library.
"""

import ctypes
import os
import signal
import sys
from typing import Final

_PR_SET_PDEATHSIG: Final = 1


def main() -> None:
    """Ask the kernel for a signal when the parent dies, then become the command."""
    parent, command = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it died before it could be asked for
            sys.exit(f"The parent process {parent} is gone")
    os.execv(command[0], command)  # noqa: S606 (the demo's own command)


if __name__ == "__main__":
    main()
