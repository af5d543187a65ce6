#!/usr/bin/env python3
"""The arrows between the rooms: include/conc <- src/locks <- src/threads <- src/sched <- src/io.

A room includes itself, rooms to its left and public headers. Public headers include each other and
the system's: never a room, never Abseil, liburing or hwloc. Examples are programs of users: they
see <conc/...> and the system's headers only.
"""
import re

import lint

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
FOREIGN = re.compile(r"^(absl/|liburing|hwloc|boost/|gtest/|gmock/|benchmark/)")
ORDER = ["include/conc", *lint.ROOMS]


def room_of(root, path):
    name = path.relative_to(root).as_posix()
    return next((room for room in ORDER if name.startswith(room + "/")), None)


def target_room(root, path, name):
    """The room that an included name lies in, or None if it is none of ours."""
    beside = path.parent / name
    if beside.is_file():
        return room_of(root, beside.resolve())
    if name.startswith("conc/"):
        return ORDER[0]
    for room in lint.ROOMS:
        if name.startswith(room.removeprefix("src/") + "/"):
            return room
    return None


def complaint(root, path, quoted, name):
    """What is wrong with one #include of a public header or of a room, or None."""
    own = room_of(root, path)
    target = target_room(root, path, name)
    if target is None:
        if own == ORDER[0] and (FOREIGN.match(name) or quoted):
            return f"a public header includes {name}"
        if quoted:
            return f"{name} is in no room"
    elif ORDER.index(target) > ORDER.index(own):
        return f"the arrow {target} <- {own} does not exist ({name})"
    return None


def example_complaint(root, path, quoted, name):
    beside = (path.parent / name).resolve()
    if quoted and beside.is_file() and beside.is_relative_to(root / "examples"):
        return None
    if quoted or FOREIGN.match(name) or target_room(root, path, name) in lint.ROOMS:
        return f"an example includes {name}"
    return None


def check(root):
    complaints = []
    for judge, folders in ((complaint, ORDER), (example_complaint, ["examples"])):
        for path in lint.files(root, folders, (*lint.CPP, ".S")):
            for number, line in enumerate(path.read_text().splitlines(), 1):
                found = INCLUDE.match(line)
                fault = found and judge(root, path, found[1] == '"', found[2])
                if fault:
                    complaints.append(f"{lint.where(root, path, number)}: {fault}")
    return complaints


SAMPLES = [
    ({"src/locks/a.cc": '#include "threads/b.h"\n', "src/threads/b.h": ""}, "src/threads <- src/locks"),
    ({"src/sched/a.h": "#  include <io/ring.h>\n"}, "src/io <- src/sched"),
    ({"src/locks/a.cc": '#include "../io/b.h"\n', "src/io/b.h": ""}, "src/io <- src/locks"),
    ({"src/locks/a.cc": '#include "elsewhere/b.h"\n'}, "is in no room"),
    ({"include/conc/a.h": '#include "locks/b.h"\n'}, "src/locks <- include/conc"),
    ({"include/conc/a.h": "#include <absl/base/attributes.h>\n"}, "public header includes absl"),
    ({"include/conc/detail/a.h": "#include <liburing.h>\n"}, "public header includes liburing"),
    ({"include/conc/a.h": "#include <hwloc.h>\n"}, "public header includes hwloc"),
    ({"examples/a.cc": '#include "locks/futex.h"\n'}, "an example includes locks"),
    ({"examples/a.cc": "#include <absl/flags/flag.h>\n"}, "an example includes absl"),
    (
        {
            "include/conc/a.h": '#include <vector>\n#include "conc/b.h"\n',
            "src/io/a.cc": '#include "io/b.h"\n#include "locks/c.h"\n#include <liburing.h>\n',
            "src/locks/b.S": '#include "c.h"\n',
            "src/locks/c.h": "#include <conc/a.h>\n",
            "examples/a.cc": '#include <conc/a.h>\n#include "help.h"\n#include <sys/mman.h>\n',
            "examples/help.h": "",
        },
        None,
    ),
]

if __name__ == "__main__":
    lint.main(check, SAMPLES)
