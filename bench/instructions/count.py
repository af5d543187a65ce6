#!/usr/bin/env python3
"""User-space instructions for an operation, counted by callgrind: no neighbour disturbs that.

    count.py PROGRAM [FIGURE ...]

What differs a little from run to run is how often the clock says that service is due.
"""
import re
import subprocess
import sys

FIGURES = ["yield", "spawn_join", "spawn_join_100", "condition", "semaphore", "timed_wait", "sleep",
           "channel", "lock"]
N = 20_000


def _collected(program, figure, n):
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", program, figure,
               str(n)]
    done = subprocess.run(command, text=True, capture_output=True, timeout=120)
    found = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode != 0 or found is None:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr}")
    return int(found.group(1))


def instructions(program, figure):
    """For one operation: the difference between n and 2n of them, so that start and end cancel."""
    return (_collected(program, figure, 2 * N) - _collected(program, figure, N)) / N


if __name__ == "__main__":
    for name in sys.argv[2:] or FIGURES:
        print(f"{name:16} {instructions(sys.argv[1], name):8.1f}", flush=True)
