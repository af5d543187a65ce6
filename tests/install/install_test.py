#!/usr/bin/env python3
"""The README's program, built and run against an installed conc: install_test.py WAY SOURCE BUILD.

WAY is pkg-config, cmake or subproject; `tree` looks at the installed files themselves.
"""
import pathlib
import re
import shutil
import sys
import tempfile

from consumer import Tree, readme_program, run, run_program

CMAKE_PROJECT = """\
cmake_minimum_required(VERSION 3.18)
project(consumer CXX)
find_package(conc 0.1 REQUIRED)
add_executable(program main.cc)
target_link_libraries(program PRIVATE conc::conc)
"""

MESON_PROJECT = """\
project('consumer', 'cpp', default_options: ['cpp_std=c++20'])
executable('program', 'main.cc', dependencies: dependency('conc', fallback: 'conc'))
"""


def needs_shared(program):
    return "libconc.so" in run(["readelf", "-d", program], program.parent)


def by_pkg_config(source, build, folder):
    tree = Tree(build, folder / "root")
    compiler = ["g++", "-std=c++20", folder / "main.cc", *tree.flags("--cflags")]

    shared = folder / "shared"
    run([*compiler, "-o", shared, *tree.flags("--libs")], folder)
    assert needs_shared(shared), "the program does not use the shared library"
    run_program(shared, tree.libdir)

    tree.remove_shared()
    static = folder / "static"
    run([*compiler, "-o", static, *tree.flags("--static", "--libs")], folder)
    assert not needs_shared(static), "the program was not linked statically"
    run_program(static)


def by_cmake(source, build, folder):
    tree = Tree(build, folder / "root")
    (folder / "CMakeLists.txt").write_text(CMAKE_PROJECT)
    for name, use_static in (("shared", "OFF"), ("static", "ON")):
        out = folder / name
        run(["cmake", "-S", folder, "-B", out, f"-DCMAKE_PREFIX_PATH={tree.prefix}",
             f"-DCONC_USE_STATIC_LIBS={use_static}"], folder)
        run(["cmake", "--build", out], folder)
        assert needs_shared(out / "program") == (use_static == "OFF"), f"not the {name} library"
        run_program(out / "program")


def by_subproject(source, build, folder):
    def build_folders(parent, names):
        top = pathlib.Path(parent) == source
        return [n for n in names if n == "__pycache__" or top and n.startswith((".git", "build"))]

    shutil.copytree(source, folder / "subprojects" / "conc", ignore=build_folders)
    (folder / "meson.build").write_text(MESON_PROJECT)
    run(["meson", "setup", "out", "--buildtype=debug", "--wrap-mode=nodownload"], folder)
    run(["ninja", "-C", "out", "-j2"], folder)
    run_program(folder / "out" / "program")


def look_at_tree(source, build, folder):
    """Every public header, the soname, and no strong symbol that is not conc's own."""
    tree = Tree(build, folder / "root")
    headers = source / "include" / "conc"
    for header in headers.rglob("*.h"):
        installed = tree.prefix / "include" / "conc" / header.relative_to(headers)
        assert installed.is_file(), f"{installed} is not installed"

    library = tree.libdir / "libconc.so"
    dynamic = run(["readelf", "-d", library], folder)
    assert re.search(r"SONAME.*\[libconc\.so\.0\]", dynamic), f"no versioned soname:\n{dynamic}"
    exported = run(["nm", "-D", "--defined-only", library], folder)
    foreign = re.findall(r"^\S+ [A-TX-Z] (?!.*conc).*$", exported, re.MULTILINE)
    assert not foreign, "exported, but not conc's:\n" + "\n".join(foreign)
    assert exported, "nothing is exported"


WAYS = {
    "pkg-config": by_pkg_config,
    "cmake": by_cmake,
    "subproject": by_subproject,
    "tree": look_at_tree,
}


def main():
    way, source, build = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
    with tempfile.TemporaryDirectory(prefix="conc-install-") as name:
        folder = pathlib.Path(name)
        (folder / "root").mkdir()
        if way != "tree":
            (folder / "main.cc").write_text(readme_program(source))
        WAYS[way](source.resolve(), build.resolve(), folder)


if __name__ == "__main__":
    main()
