"""Instructions for an operation, as figures of the suite."""
import pathlib
import shutil
import sys

import programs

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "instructions"))
import count  # noqa: E402  (from the folder next door)

TIMES = 3


def add_to(samples, build):
    program = pathlib.Path(build) / "bench" / "instructions" / "counted"
    if shutil.which("valgrind") is None:
        raise programs.Failed("counting instructions needs valgrind")
    for figure in count.FIGURES:
        for _ in range(TIMES):
            counted = count.instructions(program, figure)
            samples.add([(f"instructions_{figure}/conc",
                          {"real_time": 0.0, "instructions": counted})])
