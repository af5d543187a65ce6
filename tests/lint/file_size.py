#!/usr/bin/env python3
"""One concept a file: no source over 400 lines, no public header over 250."""
import lint

FOLDERS = ("include", "src", "tests", "bench", "examples", "tools")
SUFFIXES = (*lint.CPP, ".S", ".py", ".sh")


def cap(name):
    return 250 if name.startswith("include/") else 400


def check(root):
    complaints = []
    for path in lint.files(root, FOLDERS, SUFFIXES):
        name = path.relative_to(root).as_posix()
        lines = len(path.read_text().splitlines())
        if lines > cap(name):
            complaints.append(f"{name}: {lines} lines, the cap is {cap(name)}")
    return complaints


SAMPLES = [
    ({"include/conc/a.h": "\n" * 251}, "251 lines"),
    ({"src/locks/a.cc": "\n" * 401}, "401 lines"),
    ({"bench/report/a.py": "\n" * 401}, "401 lines"),
    ({"include/conc/a.h": "\n" * 250, "src/io/a.S": "\n" * 400, "docs/a.md": "\n" * 900}, None),
]

if __name__ == "__main__":
    lint.main(check, SAMPLES)
