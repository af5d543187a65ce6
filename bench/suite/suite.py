#!/usr/bin/env python3
"""Runs the benchmark suites with all peers in turns, and writes what they say as Markdown.

The whole takes about an hour: `--only` takes a part, `--figures` a regular expression. The samples
are kept beside the tables, and --add goes on from there, so that short runs add up.
"""
import argparse
import pathlib
import random
import re
import sys

import cells
import instructions
import programs
import samples
import stats
import tables

# What belongs together, and how often it is sampled by default: the matrices are large.
PARTS = {
    "threads": (r"^(yield|spawn_join|fib|wake|throughput)", 9),
    "heavy": (r"^(spawn_1000000|skynet|sleepers|parked|idle)", 5),
    "locks": (r"^(uncontended|crowd|condition|semaphore|channel|kernel_thread|broadcast|buffer)", 9),
    "contended": (r"^contended", 5),
    "shared": (r"^shared", 5),
    "futex": (r"^(contended|crowd|condition|semaphore|broadcast|buffer)", 1),
    "instructions": (None, 1),
}


CELLS_AT_ONCE = 4


def options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default="build-release", help="directory of a release build")
    parser.add_argument("--output", default="bench-results", help="directory for the results")
    parser.add_argument("--only", action="append", choices=PARTS, help="this part; may be repeated")
    parser.add_argument("--figures", default="", help="only figures that match this")
    parser.add_argument("--repetitions", type=int, help="samples of each figure")
    parser.add_argument("--add", action="store_true", help="add to the samples that are there")
    return parser.parse_args()


def progress(text):
    print(f"  {text}", file=sys.stderr, flush=True)


def matrix(given, found, pattern, repetitions, kept):
    """Large groups are sampled in one process, whose program shuffles them."""
    names = [f for f in found[0].figures
             if re.search(pattern, f) and re.search(given.figures, f)]
    # A process for every so many cells: short enough to be taken again if others disturbed it.
    random.shuffle(names)
    groups = [names[i:i + CELLS_AT_ONCE] for i in range(0, len(names), CELLS_AT_ONCE)]
    for repetition in range(repetitions):
        for number, group in enumerate(groups, 1):
            progress(f"{repetition + 1} of {repetitions}: {number} of {len(groups)} groups of cells")
            chosen = "^(" + "|".join(map(programs.quote, group)) + ")/"
            found[1].add(found[0].sample(found[0].figures[group[0]][0][0], chosen))
        found[1].write(kept)  # all of it takes long; what there is should not get lost


def futex_calls(given, found, pattern):
    """A pass of its own: counting makes switches dearer, so only the counts are kept."""
    names = [f for f in found[0].figures
             if re.search(pattern, f) and re.search(given.figures, f)]
    chosen = "^(" + "|".join(map(programs.quote, names)) + ")/"
    for path in dict.fromkeys(path for n in names for path, _ in found[0].figures[n]):
        if path.name != "bench_go_peers":
            rows = found[0].sample(path, chosen, options=["--count_futex_calls"])
            found[1].add(rows, only={"futex_calls"})


def main():
    given = options()
    folder = pathlib.Path(given.output)
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / "samples.json"
    about = programs.machine.description()
    try:
        found = programs.Programs(given.build), samples.Samples()
        if given.add and kept.is_file():
            found[1].read(kept)
        for part in given.only or PARTS:
            pattern, repetitions = PARTS[part]
            repetitions = given.repetitions or repetitions
            print(f"{part}:", file=sys.stderr)
            if part == "instructions":
                instructions.add_to(found[1], given.build)
            elif part == "futex":
                futex_calls(given, found, pattern)
            elif part in ("contended", "shared"):
                matrix(given, found, pattern, repetitions, kept)
                cells.repeat(*found, given.figures or part, progress)
            else:
                names = [f for f in found[0].figures
                         if re.search(pattern, f) and re.search(given.figures, f)]
                found[1].take(found[0], names, repetitions, progress)
            found[1].write(kept)
    except programs.Failed as failure:
        sys.exit(str(failure))
    about.append(("Samples that nobody disturbed", stats.share(found[1].quiet_share())))
    text = tables.whole(found[1], about)
    (folder / "results.md").write_text(text)
    print(text.split("## All figures")[0])
    print(f"All figures: {folder / 'results.md'}")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("\ninterrupted")
