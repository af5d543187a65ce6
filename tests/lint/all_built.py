#!/usr/bin/env python3
"""No source lies about unbuilt: each .cc and .S is named in the meson.build of its folder or above.

A test that nobody compiles cannot fail, and a source that nobody compiles is no part of the house.
"""
import re

import lint

FOLDERS = ("src", "tests", "bench", "examples")


def named_in(build_file):
    """The names in a meson.build, quoted, with or without their folder and suffix."""
    text = re.sub(r"#.*", "", build_file.read_text())
    return {name for name in re.findall(r"'([^']+)'", text)}


def is_named(root, path):
    folder = path.parent
    while folder.is_relative_to(root):
        build_file = folder / "meson.build"
        if build_file.is_file():
            name = path.relative_to(folder).as_posix()
            if {name, name.removesuffix(path.suffix)} & named_in(build_file):
                return True
        folder = folder.parent
    return False


def check(root):
    return [
        f"{path.relative_to(root)} is in no meson.build"
        for path in lint.files(root, FOLDERS, (".cc", ".S"))
        if not is_named(root, path)
    ]


SAMPLES = [
    ({"src/locks/a.cc": "", "src/locks/meson.build": "files('b.cc')\n"}, "src/locks/a.cc"),
    ({"tests/unit/a_test.cc": "", "tests/unit/meson.build": "# 'a_test'\n"}, "a_test.cc"),
    ({"src/a.S": "", "src/meson.build": "files('a.cc')\n"}, "src/a.S"),
    (
        {
            "src/io/a.cc": "",
            "src/io/meson.build": "files(\n  'a.cc',\n)\n",
            "tests/unit/a_test.cc": "",
            "tests/unit/meson.build": "unit_tests = ['a_test']\n",
            "tests/contract/b.cc": "",
            "tests/meson.build": "executable('b', 'contract/b.cc')\n",
        },
        None,
    ),
]

if __name__ == "__main__":
    lint.main(check, SAMPLES)
