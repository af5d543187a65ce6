#!/usr/bin/env python3
"""The library, its examples and its benchmarks give no warning with clang++ either.

Reads the commands of the build (compile_commands.json in the folder that is the second argument)
and has clang++ only check the syntax. A build that was itself made by clang++ has g++ do it.
"""
import concurrent.futures
import json
import os
import pathlib
import shlex
import subprocess
import sys

import lint

FOLDERS = ("src", "examples", "bench")
# What only generates code, or names files of the build, has no place in a check of the syntax.
WITH_VALUE = {"-o", "-MF", "-MQ", "-MT"}
DROPPED = {"-c", "-MD", "-MMD", "-fcolor-diagnostics", "-fdiagnostics-color=always"}


def other_command(words):
    """The command of one compilation, turned into the other compiler's check."""
    own = next(n for n, word in enumerate(words) if word.endswith(("g++", "c++", "clang++")))
    other = "g++" if "clang" in words[own] else "clang++"
    kept = [other, "-fsyntax-only"]
    rest = iter(words[own + 1 :])
    for word in rest:
        if word in WITH_VALUE:
            next(rest)
        elif word not in DROPPED:
            kept.append(word)
    return kept


def complaint(entry):
    command = other_command(shlex.split(entry["command"]))
    done = subprocess.run(command, cwd=entry["directory"], capture_output=True, text=True)
    return f"{entry['file']} with {command[0]}: {done.stderr.strip()}" if done.returncode else None


def check_build(root, build):
    """Each source once, though the build may compile it for several targets."""
    chosen = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        path = (pathlib.Path(entry["directory"]) / entry["file"]).resolve()
        in_folder = any(path.is_relative_to(root / folder) for folder in FOLDERS)
        if in_folder and path.suffix == ".cc":
            chosen.setdefault(path, entry)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return [r for r in pool.map(complaint, chosen.values()) if r]


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
