#!/usr/bin/env python3
"""The library, its examples and its benchmarks give no warning with clang++ either.

Reads the commands of the build (compile_commands.json in the folder that is the second argument)
and has clang++ only check the syntax. A build that was itself made by clang++ has g++ do it.

To read the standard library takes longer than all that is in the sources, so they share it, read
once.
"""
import collections
import concurrent.futures
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

import lint

FOLDERS = ("src", "examples", "bench")
# What only generates code, or names files of the build, has no place in a check of the syntax.
WITH_VALUE = {"-o", "-MF", "-MQ", "-MT"}
DROPPED = {"-c", "-MD", "-MMD", "-fcolor-diagnostics", "-fdiagnostics-color=always"}


# What sources that are compiled in the same way share in a precompiled header; none of ours, which
# would hide what a source forgets to include. It does not pay for a few sources.
COMMON = """algorithm atomic chrono functional future iostream map memory mutex optional random span
  sstream stop_token string system_error thread tuple vector"""
FEW = 3


def other_command(words):
    """The command of one compilation, turned into the other compiler's check."""
    own = next(n for n, word in enumerate(words) if word.endswith(("g++", "c++", "clang++")))
    other = "g++" if "clang" in words[own] else "clang++"
    kept = [other]
    rest = iter(words[own + 1 :])
    for word in rest:
        if word in WITH_VALUE:
            next(rest)
        elif word not in DROPPED:
            kept.append(word)
    return kept[:-1]  # without the source


def run(command, folder):
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


def precompiled(command, folder, sources, place):
    """What to add to the command so that it need not read the common headers; may be nothing."""
    if len(sources) < FEW or command[0] != "clang++":
        return []
    header = pathlib.Path(place) / "common.h"
    header.write_text("".join(f"#include <{h}>\n" for h in COMMON.split()))
    compiled = [*command, "-x", "c++-header", str(header), "-o", str(header) + ".pch"]
    return ["-include-pch", str(header) + ".pch"] if run(compiled, folder).returncode == 0 else []


def complaints(pool, command, folder, sources):
    """About sources that are compiled by the same command in the same folder."""
    with tempfile.TemporaryDirectory() as place:
        check = [*command, *precompiled(command, folder, sources, place), "-fsyntax-only"]
        for source, done in zip(sources, pool.map(lambda s: run([*check, str(s)], folder), sources)):
            if done.returncode:
                yield f"{source} with {command[0]}: {done.stderr.strip()}"


def check_build(root, build):
    """Each source once, though the build may compile it for several targets."""
    seen = set()
    alike = collections.defaultdict(list)
    for entry in json.loads((build / "compile_commands.json").read_text()):
        path = (pathlib.Path(entry["directory"]) / entry["file"]).resolve()
        in_folder = any(path.is_relative_to(root / folder) for folder in FOLDERS)
        if in_folder and path.suffix == ".cc" and path not in seen:
            seen.add(path)
            command = other_command(shlex.split(entry["command"]))
            # Folders for what a target generates: each has its own, and none of ours is in them.
            command = [w for w in command if not (w.startswith("-I") and w.endswith(".p"))]
            alike[(*command, entry["directory"])].append(path)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return [c for (*command, folder), sources in alike.items()
                for c in complaints(pool, command, folder, sources)]


def check_sample(root):
    """A sample's src/a.cc as if g++ had built it, and src/b.cc as if clang++ had."""
    entries = [
        {"directory": str(root), "file": file, "command": f"{compiler} -Werror -Wall {rest} {file}"}
        for file, compiler, rest in (
            ("src/a.cc", "ccache c++", "-fdiagnostics-color=always -MD -MF a.d -o a.o -c"),
            ("src/b.cc", "clang++", "-fcolor-diagnostics -o b.o -c"),
        )
        if (root / file).is_file()
    ]
    lint.plant(root, {"compile_commands.json": json.dumps(entries)})
    return check_build(root, root)


SAMPLES = [
    ({"src/a.cc": "class a { int unused; };\n"}, "private field 'unused' is not used"),
    ({"src/b.cc": "int f(int a, int b) { return a & b == 0; }\n"}, "with g++"),
    ({"src/a.cc": "struct a { int used; };\n", "src/b.cc": "int f() { return 1; }\n"}, None),
]

if __name__ == "__main__":
    wrong = lint.prove(check_sample, SAMPLES)
    complaints = check_build(pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]))
    if wrong or complaints:
        sys.exit("\n".join(wrong + complaints))
