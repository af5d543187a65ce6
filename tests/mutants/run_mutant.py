#!/usr/bin/env python3
"""Leaves one step of a protocol out and expects a test to notice: run_mutant.py STEP PROGRAM FILTER.

The test has to pass with the step in place, and then, within a limit that is taken from how long
that took, to fail, crash or hang without it. A lost wakeup shows as a hang, so a time-out is a kill.
A fault that only shows now and then gets several tries.
"""
import os
import subprocess
import sys
import time

TRIES = 5
SHORTEST_LIMIT = 10.0


def run(program, cases, mutant, limit):
    """Whether the test passed; None if it took longer than the limit, in seconds."""
    environment = {k: v for k, v in os.environ.items() if k not in ("CONC_MUTANT", "GTEST_OUTPUT")}
    if mutant is not None:
        environment["CONC_MUTANT"] = mutant
    command = [program, f"--gtest_filter={cases}", "--gtest_brief=1"]
    try:
        done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, timeout=limit,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    except subprocess.TimeoutExpired:
        return None
    if mutant is None and "[  PASSED  ] 0 tests" in done.stdout:
        sys.exit(f"no case of {program} matches {cases}")
    return done.returncode == 0


def main():
    step, program, cases = sys.argv[1:]
    start = time.monotonic()
    if run(program, cases, None, 60) is not True:
        sys.exit(f"{program} ({cases}) does not pass with all steps in place")
    limit = max(SHORTEST_LIMIT, 5 * (time.monotonic() - start))

    for attempt in range(1, TRIES + 1):
        passed = run(program, cases, step, limit)
        if not passed:
            how = "hung" if passed is None else "failed"
            print(f"{step}: killed, the test {how} at try {attempt}")
            return
    sys.exit(f"{step}: survived {TRIES} tries of {program} ({cases})")


if __name__ == "__main__":
    main()
