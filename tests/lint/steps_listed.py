#!/usr/bin/env python3
"""Every step that a source marks as needed has a test that notices its absence, and no others do.

A step is written CONC_STEP(name) in src/ and include/; its line in tests/mutants/mutants.txt names
the test program, which `make test-mutants` runs with the step left out.
"""
import re

import lint

STEP = re.compile(r"\bCONC_STEP\((\w+)\)")


def steps_in_sources(root):
    """Each step and where it stands; comments and macro definitions are no steps."""
    steps = {}
    for path in lint.files(root, ("include", "src"), lint.CPP):
        in_directive = False  # also on the continuation lines of one
        for number, line in enumerate(path.read_text().splitlines(), 1):
            code = line.split("//")[0]
            in_directive = in_directive or code.lstrip().startswith("#")
            if not in_directive:
                for name in STEP.findall(code):
                    steps.setdefault(name, lint.where(root, path, number))
            in_directive = in_directive and line.endswith("\\")
    return steps


def listed_steps(root):
    """Each listed step and its test program, which is None where the line names none."""
    listed = {}
    list_file = root / "tests" / "mutants" / "mutants.txt"
    for line in list_file.read_text().splitlines() if list_file.is_file() else []:
        words = line.split("#")[0].split()
        if words:
            listed[words[0]] = words[1] if len(words) > 1 else None
    return listed


def check(root):
    steps, listed = steps_in_sources(root), listed_steps(root)
    complaints = [f"{at}: step {s} has no mutant" for s, at in steps.items() if s not in listed]
    for step, program in listed.items():
        if step not in steps:
            complaints.append(f"mutants.txt: no source has a step {step}")
        elif program is None:
            complaints.append(f"mutants.txt: step {step} names no test")
    return complaints


SOURCE = {
    "src/locks/a.cc": "#define GAP(name) \\\n  if (!CONC_STEP(name)) f()\nif (CONC_STEP(wake)) f();\n"
}
SAMPLES = [
    (SOURCE, "src/locks/a.cc:3: step wake has no mutant"),
    (SOURCE | {"tests/mutants/mutants.txt": "# wake mutex_test\n"}, "step wake has no mutant"),
    (SOURCE | {"tests/mutants/mutants.txt": "wake\n"}, "step wake names no test"),
    (SOURCE | {"tests/mutants/mutants.txt": "wake a\nsleep a\n"}, "no source has a step sleep"),
    (SOURCE | {"tests/mutants/mutants.txt": "wake  mutex_test  mutex.*  # why\n"}, None),
]

if __name__ == "__main__":
    lint.main(check, SAMPLES)
