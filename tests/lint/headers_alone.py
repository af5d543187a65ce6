#!/usr/bin/env python3
"""Each public header compiles alone, and twice over, without a warning, with g++ and clang++.

What a header forgets to include is missing for both compilers, which read the same standard
library: the faster one looks at each header alone, the other for what it alone warns of, at all of
them in one go.
"""
import concurrent.futures
import os
import subprocess

import lint

FLAGS = "-std=c++20 -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Werror"


def compiled(root, headers, compiler):
    """Complaints about a program that is nothing but these headers, each twice."""
    names = [h.relative_to(root / "include").as_posix() for h in headers]
    command = [compiler, *FLAGS.split(), "-fsyntax-only", f"-I{root / 'include'}", "-x", "c++", "-"]
    source = "".join(f"#include <{n}>\n" for n in names for _ in range(2))
    done = subprocess.run(command, input=source, capture_output=True, text=True)
    about = names[0] if len(names) == 1 else "all headers"
    return f"{about} with {compiler}: {done.stderr.strip()}" if done.returncode else None


def check(root):
    headers = lint.files(root, ["include"], [".h"])
    jobs = [(headers, "g++")] + [([h], "clang++") for h in headers]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return [r for r in pool.map(lambda job: compiled(root, *job), jobs) if r]


SAMPLES = [
    ({"include/conc/a.h": "#pragma once\ninline std::string s;\n"}, "conc/a.h with clang++"),
    ({"include/conc/a.h": "#include <string>\n",
      "include/conc/b.h": "#pragma once\ninline std::string s;\n"}, "conc/b.h with clang++"),
    ({"include/conc/a.h": "struct twice {};\n"}, "conc/a.h with g++"),
    ({"include/conc/a.h": "#pragma once\n#pragma GCC diagnostic error \"-Wduplicated-branches\"\n"
      "inline int g(int a) { if (a) return 1; else return 1; }\n"}, "with g++"),
    ({"include/conc/a.h": "#pragma once\ninline void f(int unused) {}\n"}, "unused parameter"),
    ({"include/conc/a.h": "#pragma once\nstruct a { ~a() noexcept(true); };\n"}, None),
]

if __name__ == "__main__":
    lint.main(check, SAMPLES)
