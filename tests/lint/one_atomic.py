#!/usr/bin/env python3
"""The library names its atomics through one alias, conc::detail::atomic.

A checking build replaces the alias and runs the shipped source under a controlled schedule; an
atomic by another name would escape it. The one fence has a file of its own; atomic_signal_fence is
no more than an order to the compiler and may stay.
"""
import re

import lint

ALIAS_HEADER = "include/conc/detail/atomic.h"
FENCE_HEADER = "src/locks/fence.h"
ESCAPES = re.compile(r"std::atomic(?!_signal_fence)\w*|#\s*include\s*<atomic>|\b__(?:atomic|sync)_\w+")


def check(root):
    complaints = []
    for path in lint.files(root, ("include", "src"), lint.CPP):
        if path.relative_to(root).as_posix() in (ALIAS_HEADER, FENCE_HEADER):
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            found = ESCAPES.search(line.split("//")[0])
            if found:
                complaints.append(f"{lint.where(root, path, number)}: {found[0]}, not the alias")
    return complaints


SAMPLES = [
    ({"src/io/a.cc": "std::atomic<int> x;\n"}, "src/io/a.cc:1: std::atomic, not the alias"),
    ({"src/io/a.cc": "std::atomic_thread_fence(order);\n"}, "std::atomic_thread_fence"),
    ({"include/conc/a.h": "#include <atomic>\n"}, "#include <atomic>"),
    ({"src/io/a.h": "__sync_synchronize();\n"}, "__sync_synchronize"),
    (
        {
            ALIAS_HEADER: "#include <atomic>\nusing atomic = std::atomic<T>;\n",
            FENCE_HEADER: "std::atomic_thread_fence(order);\n",
            "src/io/a.cc": "atomic<int> x;  // as std::atomic\nstd::atomic_signal_fence(order);\n",
        },
        None,
    ),
]

if __name__ == "__main__":
    lint.main(check, SAMPLES)
