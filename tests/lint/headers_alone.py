#!/usr/bin/env python3
"""Each public header compiles alone, and twice over, without a warning, with g++ and clang++."""
import concurrent.futures
import os
import subprocess

import lint

FLAGS = "-std=c++20 -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Werror"
COMPILERS = ("g++", "clang++")


def compile_alone(root, header, compiler):
    name = header.relative_to(root / "include").as_posix()
    command = [compiler, *FLAGS.split(), "-fsyntax-only", f"-I{root / 'include'}", "-x", "c++", "-"]
    source = f"#include <{name}>\n#include <{name}>\n"
    done = subprocess.run(command, input=source, capture_output=True, text=True)
    return f"{name} with {compiler}: {done.stderr.strip()}" if done.returncode else None


def check(root):
    pairs = [(h, c) for h in lint.files(root, ["include"], [".h"]) for c in COMPILERS]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return [r for r in pool.map(lambda pair: compile_alone(root, *pair), pairs) if r]


SAMPLES = [
    ({"include/conc/a.h": "inline std::string s;\n"}, "conc/a.h with g++"),
    ({"include/conc/a.h": "struct twice {};\n"}, "conc/a.h with clang++"),
    ({"include/conc/a.h": "#pragma once\ninline void f(int unused) {}\n"}, "unused parameter"),
    ({"include/conc/a.h": "#pragma once\nstruct a { ~a() noexcept(true); };\n"}, None),
]

if __name__ == "__main__":
    lint.main(check, SAMPLES)
