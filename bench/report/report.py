#!/usr/bin/env python3
"""Measures conc on this machine; prints the result and writes it as one HTML page.

Ends with 1 if a check failed, after the page has been written: a report with a failure in it is
worth more than none.
"""
import argparse
import datetime
import pathlib
import sys

import core
import echo
import machine
import page
import problems
import runner
import spin_block
import terminal

# What is measured, and about how many seconds it takes.
PARTS = {
    "spin-block": ("Spinning against blocking", spin_block.measure, 40),
    "core": ("Threads and locks beside Boost.Fiber and std", core.measure, 20),
    "problems": ("The classic problems", problems.measure, 9),
    "echo": ("TCP echo server under load", echo.measure, 26),
}


def options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", required=True, help="directory of a release build")
    parser.add_argument("--output", default="report", help="directory for index.html")
    parser.add_argument("--quick", action="store_true",
                        help="fewer and shorter measurements, to try the report itself")
    parser.add_argument("--only", action="append", choices=PARTS, help="this part; may be repeated")
    return parser.parse_args()


def measure(given):
    sections = []
    wanted = {name: part for name, part in PARTS.items() if not given.only or name in given.only}
    for number, (title, part, seconds) in enumerate(wanted.values(), 1):
        expected = seconds / 5 if given.quick else seconds
        with runner.PROGRESS.step(f"[{number}/{len(wanted)}] {title}", expected):
            with machine.Disturbance() as disturbance:
                found = part(given.build, given.quick)
        found.disturbance = disturbance
        sections.append(found)
    return sections


def main():
    given = options()
    # The state of the machine at the start, before this loads it.
    about = machine.description()
    date = datetime.datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %Z")
    sections = measure(given)
    folder = pathlib.Path(given.output)
    folder.mkdir(parents=True, exist_ok=True)
    written = folder / "index.html"
    written.write_text(page.render(sections, about, date))
    terminal.show(sections)
    print(f"\nThe full report, with charts and how to read them: {written}")
    failed = [what for s in sections for what, held, _ in s.checks if not held]
    if failed:
        print(f"{len(failed)} checks FAILED: " + "; ".join(failed))
        return 1
    print("All checks held.")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("\ninterrupted")
