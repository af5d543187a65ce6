#!/usr/bin/env python3
"""Runs a build's tests through Meson and closes with a plain count of test cases.

    tools/run_tests.py BUILD [--suite NAME]... [--timeout-multiplier N] [--wrapper COMMAND]

The last line is `N passed, M failed, K skipped`, alone; the exit status is 0 only if something ran
and nothing failed. A gtest program counts one for each of its cases, any other test counts one.

A gtest program writes its verdicts when it ends (GTEST_OUTPUT in the test's environment), so the
file is missing after a crash, a time-out or an early exit: that is a failure, whatever the exit
status says. So is a bad exit status beside verdicts that are all good (a sanitizer's, say).
"""
import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys


class Count:
    def __init__(self, passed=0, failed=0, skipped=0):
        self.passed, self.failed, self.skipped = passed, failed, skipped

    def __iadd__(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        return self

    def __eq__(self, other):
        return vars(self) == vars(other)

    def __str__(self):
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


def count_cases(report):
    """The cases of one gtest report that has been read from JSON."""
    count = Count(skipped=report.get("disabled", 0))
    for suite in report.get("testsuites", []):
        for case in suite.get("testsuite", []):
            if case.get("status") != "RUN":
                continue
            if case.get("failures"):
                count.failed += 1
            elif case.get("result") == "SKIPPED":
                count.skipped += 1
            else:
                count.passed += 1
    return count


def count_gtest(report_file, ended_well):
    """The cases of one gtest program, given its report and how Meson saw it end."""
    try:
        count = count_cases(json.loads(report_file.read_text()))
    except (OSError, ValueError):
        return Count(failed=1)
    nothing_ran = count == Count()
    if nothing_ran or (not ended_well and count.failed == 0):
        count.failed += 1
    return count


def count_test(entry):
    """One line of Meson's testlog.json; returns the count of its cases."""
    result = entry["result"]
    ended_well = result in ("OK", "EXPECTEDFAIL")
    output = entry.get("env", {}).get("GTEST_OUTPUT", "")
    if output.startswith("json:"):
        return count_gtest(pathlib.Path(output[len("json:"):]), ended_well)
    if result == "SKIP":
        return Count(skipped=1)
    return Count(passed=1) if ended_well else Count(failed=1)


def logs(build):
    """Meson's log of the last run; a wrapper's name becomes a part of the file's name."""
    return list((build / "meson-logs").glob("testlog*.json"))


def run_meson(build, arguments):
    """What an earlier run left must not be counted, so it goes first."""
    shutil.rmtree(build / "gtest-results", ignore_errors=True)
    for log in logs(build):
        log.unlink()
    # A GTEST_* variable of the caller could filter or redirect what is counted here.
    environment = {k: v for k, v in os.environ.items() if not k.startswith("GTEST_")}
    command = ["meson", "test", "-C", str(build), "--no-rebuild", "--print-errorlogs", *arguments]
    return subprocess.run(command, env=environment, stdin=subprocess.DEVNULL).returncode


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--suite", action="append", default=[])
    parser.add_argument("--timeout-multiplier", default="1")
    parser.add_argument("--wrapper")
    arguments = parser.parse_args()

    options = ["--timeout-multiplier", arguments.timeout_multiplier]
    for suite in arguments.suite:
        options += ["--suite", suite]
    if arguments.wrapper is not None:
        options += ["--wrapper", arguments.wrapper]

    status = run_meson(arguments.build, options)

    total = Count()
    failed_tests = []
    lines = [line for log in logs(arguments.build) for line in log.read_text().splitlines()]
    for entry in map(json.loads, lines):
        count = count_test(entry)
        total += count
        if count.failed:
            failed_tests.append(f"  {entry['name']}: {count} ({entry['result']})")
    if not lines:
        print("no test ran", file=sys.stderr)
        total.failed += 1
    elif status != 0 and total.failed == 0:
        print(f"meson test ended with status {status}", file=sys.stderr)
        total.failed += 1

    if failed_tests:
        print("\nfailed:\n" + "\n".join(failed_tests))
    print(f"\n{total}", flush=True)
    return 1 if total.failed else 0


if __name__ == "__main__":
    sys.exit(main())
