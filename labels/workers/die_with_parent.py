"""Run a program that ends with the process that started it: `die_with_parent.py PARENT PROGRAM ARGUMENT …`.

A script of its own because subprocess' preexec_fn is unsafe once the parent has threads: the kernel's
request is made here, before the program takes this process's place. Only Linux knows such a request.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1  # prctl(2)


def main():
    parent, program, *arguments = sys.argv[1:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != int(parent):
            # The parent died before the kernel was asked.
            sys.exit(1)
    os.execv(program, [program, *arguments])  # noqa: S606 (the supervisor's own command)


if __name__ == "__main__":
    main()
