#!/usr/bin/env python3
"""Exactly one thread_local in the library: the pointer to whoever is running.

A user-level thread may wake on another kernel thread, where every other thread_local would be
somebody else's. One variable behind one accessor can be got right; two are a trap.
"""
import re

import lint

DECLARATION = re.compile(r"\b(thread_local|__thread|_Thread_local)\b")
NOT_CODE = re.compile(r'//.*|/\*.*?\*/|"(?:\\.|[^"\\])*"')


def check(root):
    found = []
    for path in lint.files(root, ("include", "src"), (*lint.CPP, ".S")):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if DECLARATION.search(NOT_CODE.sub("", line)):
                found.append(lint.where(root, path, number))
    return [] if len(found) == 1 else [f"{len(found)} thread_local, not one: {' '.join(found)}"]


ONE = "extern thread_local int x;  // the single thread_local\n"
SAMPLES = [
    ({"src/locks/a.cc": "// a thread_local in words only\n"}, "0 thread_local"),
    ({"src/locks/a.cc": ONE, "src/io/b.cc": "static __thread int y;\n"}, "2 thread_local"),
    ({"src/locks/a.cc": ONE, "include/conc/b.h": "inline thread_local int y;\n"}, "2 thread_local"),
    ({"src/locks/a.cc": ONE}, None),
]

if __name__ == "__main__":
    lint.main(check, SAMPLES)
