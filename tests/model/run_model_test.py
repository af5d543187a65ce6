#!/usr/bin/env python3
"""Proves on samples that run_model.py can fail: each sample says which words its output must hold."""
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
GOOD = '''//@ prove
//@ without add: assertion violated
#include "step.pml"
byte x;
active proctype p() {
  if :: STEP(add) -> x++ :: else fi;
  assert(x == 1)
}
'''
SAMPLES = [
    (GOOD, None),
    (GOOD.replace("x == 1", "x == 2"), "assertion violated"),
    (GOOD.replace("assert(x == 1)", "x < 9"), "without add: survived"),
    (GOOD.replace("without add: assertion violated", "without add: invalid"), "expected: invalid"),
    (GOOD.replace("//@ without add: assertion violated\n", ""), "STEP(add) has no mutant"),
    (GOOD.replace("without add", "without take"), "no STEP(take)"),
    (GOOD.replace("//@ prove\n", ""), "nothing to prove"),
    (GOOD.replace("x == 1)", "x == 1);\n  if :: x == 3 -> x = 4 :: else fi"), "is never reached: x = 4"),
    (GOOD.replace("x == 1)", "x == 1);\n  if :: x == 3 -> x = 4 :: else fi").replace(
        "//@ prove\n", "//@ prove\n//@ idle -> x = 4\n"), None),
]


def main():
    for number, (text, expected) in enumerate(SAMPLES, 1):
        with tempfile.TemporaryDirectory(prefix="conc-model-") as folder:
            model = pathlib.Path(folder) / "sample.pml"
            model.write_text(text)
            shutil.copy(HERE / "step.pml", folder)
            done = subprocess.run([sys.executable, HERE / "run_model.py", model], text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if expected is None and done.returncode != 0:
            sys.exit(f"sample {number} is in order, yet:\n{done.stdout}")
        if expected is not None and (done.returncode == 0 or expected not in done.stdout):
            sys.exit(f"sample {number} should give '{expected}', got:\n{done.stdout}")
    print(f"{len(SAMPLES)} samples told apart")


if __name__ == "__main__":
    main()
