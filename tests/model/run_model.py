#!/usr/bin/env python3
"""Verifies a Promela model with Spin, and then each of its mutants: run_model.py MODEL.

    run_model.py MODEL --long      the proofs that take their time
    run_model.py FOLDER            those of all models in it

A model says in comments what is to be done with it:

    //@ prove WAITERS=2               every test run: no error in any of its states
    //@ prove-long WAITERS=3          the same, only with --long
    //@ without step: words           with STEP(step) left out Spin must complain in these words
    //@ without step: words: A=1      the same with parameters of its own
    //@ beside step step              steps of an included file whose mutants are another model's
    //@ idle words of the source      a line that no state reaches, with a reason beside it

The parameters become macros. Three words among them say how to verify: `cycles` looks for acceptance
cycles as well (the model has an ltl formula then), `fair` only for those in which nobody is
forgotten for ever; `big` compiles the verifier with optimisation, for millions of states. Every STEP must
have its mutant. A statement that is reached in none of the proofs that were run fails the test,
unless its line holds a STEP (that is where a mutant goes) or is named idle: a model of which a part
does not happen proves nothing about that part.
"""
import argparse
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

STEP = re.compile(r"\bSTEP\((\w+)\)")
DIRECTIVE = re.compile(r"^//@ (prove-long|prove|without|beside|idle)[ \t]*(.*)$", re.MULTILINE)
UNREACHED = re.compile(r"^\t\S+:(\d+), state (\d+), \"(.*)\"$")
TRANSITION = re.compile(r"^\tstate +(\d+) -.* \S+:(\d+) => (.*)$")
WORDS = ("cycles", "fair", "big")
STORED = re.compile(r"^\s*([\d.e+]+) states, stored", re.MULTILINE)
ALWAYS_OVER = ("invalid end state", "assertion violated", "acceptance cycle", "VECTORSZ",
               "too small", "out of memory", "memory limit")


class Model:
    def __init__(self, path):
        self.path = path
        self.text = path.read_text()
        included = re.findall(r'^#include "(\S+)"', self.text, re.MULTILINE)
        self.sources = [self.text] + [(path.parent / name).read_text() for name in included]
        code = "\n".join(line.split("//")[0] for text in self.sources for line in text.splitlines()
                         if not line.startswith("#define STEP"))
        self.steps = sorted(set(STEP.findall(code)))
        self.proofs, self.long_proofs, self.mutants, self.beside, self.idle = [], [], [], [], []
        for what, rest in DIRECTIVE.findall(self.text):
            if what == "without":
                name, words, *parameters = [part.strip() for part in rest.split(":")]
                self.mutants.append((name, words, parameters[0] if parameters else None))
            elif what == "beside":
                self.beside += rest.split()
            elif what == "idle":
                self.idle.append(rest.strip())
            else:
                (self.proofs if what == "prove" else self.long_proofs).append(rest.strip())

    def complaints(self):
        listed = {name for name, _, _ in self.mutants} | set(self.beside)
        return ([f"STEP({s}) has no mutant" for s in self.steps if s not in listed] +
                [f"no STEP({s})" for s in listed if s not in self.steps] +
                ([] if self.proofs or self.long_proofs else ["nothing to prove"]))


class Verifier:
    """The program that Spin makes of a model with given parameters."""

    def __init__(self, model, parameters, folder):
        self.folder = folder
        words = parameters.split()
        self.cycles, self.fair, self.big = (w in words for w in WORDS)
        macros = [f"-D{w}" for w in words if w not in WORDS]
        macros += [f"-DSTEP_{s}={n}" for n, s in enumerate(model.steps, 1)]
        folder.mkdir()
        run(["spin", *macros, "-a", model.path.resolve()], folder)
        options = [] if self.cycles else ["-DSAFETY", "-DNOCLAIM"]
        if self.fair:
            options.append("-DNFAIR=4")
        # Optimisation pays only for long runs: it makes the verifier's compilation take a second.
        optimise = ["-O2", "-DCOLLAPSE"] if self.big else ["-O0"]
        most = 8000 if self.big else 1500  # megabytes; a model that needs more has no end
        run(["gcc", "-w", *optimise, "-DVECTORSZ=2048", f"-DMEMLIM={most}", *options, "-o", "pan",
             "pan.c"], folder)

    def verify(self, step_number=None):
        environment = dict(os.environ)
        environment.pop("LEFT_OUT", None)
        if step_number is not None:
            environment["LEFT_OUT"] = str(step_number)
        large = self.big and step_number is None
        table = 24 if large else 22 if step_number is None else 20  # its size, as a power of two
        command = ["./pan", "-m4000000" if large else "-m400000", f"-w{table}"]
        if self.cycles:
            command += ["-a"] + (["-f"] if self.fair else [])
        return run(command, self.folder, environment)


def run(command, folder, environment=None):
    done = subprocess.run(command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode != 0 or re.search(r"^spin: .*[Ee]rror", done.stdout, re.MULTILINE):
        sys.exit(f"{' '.join(map(str, command))}:\n{done.stdout}")
    return done.stdout


def first_error(output):
    """What Spin complains of, or None after a complete search without a complaint."""
    for line in output.splitlines():
        if line.startswith("pan:") and any(words in line for words in ALWAYS_OVER):
            return line
        if line.startswith("error: max search depth"):
            return line
    return None if re.search(r"errors: 0$", output, re.MULTILINE) else "pan: no verdict\n" + output


def trail(verifier):
    """The states on the way to the error, for whoever has to mend the model or the source."""
    found = list(verifier.folder.glob("*.trail"))
    if not found:
        return ""
    out = subprocess.run(["./pan", "-r", found[0].name], cwd=verifier.folder, text=True,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT).stdout
    return "\n".join(out.splitlines()[-120:])


def shape(statement):
    """A statement of an inline, whatever its arguments are."""
    return re.sub(r"[\w.\[\]]+", "x", statement)


def unreached(output, transitions):
    """What no process has done in any place where it is inlined, as (line, statement)."""
    missed, reached, process = {}, set(), None
    for line in output.splitlines():
        process = line.split()[-1] if line.startswith("unreached in ") else process
        if found := UNREACHED.match(line):
            missed[process, found[2]] = (int(found[1]), found[3])
    for line in transitions.splitlines():
        process = line.split()[-1] if line.startswith("proctype ") else process
        found = TRANSITION.match(line)
        if found and (process, found[1]) not in missed:
            reached.add((int(found[2]), shape(found[3])))
    return {(line, statement) for line, statement in missed.values()
            if "-end-" not in statement and (line, shape(statement)) not in reached}


def excused(line, model):
    """Spin names the line, but not always the right one of the files that are included."""
    lines = [text.splitlines()[line - 1] for text in model.sources if line <= text.count("\n")]
    return any("STEP(" in source or any(words in source for words in model.idle) for source in lines)


def prove(model, proofs, folder):
    """Returns whether all went well, and the verifiers for the mutants to use."""
    verifiers, idle, good = {}, None, True
    for number, parameters in enumerate(proofs):
        verifier = Verifier(model, parameters, folder / f"proof{number}")
        start = time.monotonic()
        output = verifier.verify()
        error = first_error(output)
        stored = STORED.search(output)
        states = int(float(stored[1])) if stored else 0
        print(f"proved with {parameters or 'no parameters'}: {states} states, "
              f"{time.monotonic() - start:.1f} s" if error is None
              else f"with {parameters}: {error}\n{trail(verifier)}", flush=True)
        good = good and error is None
        missed = unreached(output, run(["./pan", "-d"], verifier.folder))
        idle = missed if idle is None else idle & missed
        verifiers[parameters] = verifier
    for line, statement in sorted(idle or ()):
        if not excused(line, model):
            print(f"line {line} is never reached: {statement}")
            good = False
    return good, verifiers


def refute(model, verifiers, folder):
    """Leaves out each step, in the first proof's setting or its own; returns whether all fell."""
    good = True
    for number, (step, words, parameters) in enumerate(model.mutants):
        wanted = parameters if parameters is not None else next(iter(verifiers))
        if wanted not in verifiers:
            verifiers[wanted] = Verifier(model, wanted, folder / f"mutant{number}")
        start = time.monotonic()
        error = first_error(verifiers[wanted].verify(model.steps.index(step) + 1))
        took = f"{time.monotonic() - start:.1f} s"
        if error is None:
            print(f"without {step}: survived, {took}", flush=True)
        else:
            print(f"without {step}: {error.removeprefix('pan:1: ')}, {took}", flush=True)
        if error is None or words not in error:
            good = False
            print(f"  expected: {words}")
    return good


def run_one(path, long):
    """Verifies one model; returns whether all went as it should."""
    model = Model(path)
    if model.complaints():
        print("\n".join(f"{path.name}: {c}" for c in model.complaints()))
        return False
    with tempfile.TemporaryDirectory(prefix="conc-model-") as folder:
        good, verifiers = prove(model, model.long_proofs if long else model.proofs,
                                pathlib.Path(folder))
        return good and (long or refute(model, verifiers, pathlib.Path(folder)))


def run_long(folder):
    """All the proofs that take their time, with a count at the end as `make test` has."""
    passed, failed = 0, 0
    for path in sorted(folder.glob("*.pml")):
        if Model(path).long_proofs:
            print(f"{path.stem}:", flush=True)
            good = run_one(path, True)
            passed, failed = passed + good, failed + (not good)
    print(f"\n{passed} passed, {failed} failed, 0 skipped")
    return passed > 0 and failed == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=pathlib.Path, help="a model, or a folder of models")
    parser.add_argument("--long", action="store_true", help="the proofs that take minutes")
    arguments = parser.parse_args()
    if arguments.model.is_dir():
        good = run_long(arguments.model)
    else:
        good = run_one(arguments.model, arguments.long)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
