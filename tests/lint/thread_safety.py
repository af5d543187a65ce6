#!/usr/bin/env python3
"""clang++ -Wthread-safety understands the locks: it passes what is right and finds what is wrong.

Each lock is used in a namespace that is in order, and in one full of mistakes, a line each, of which
the analysis has to name every one. That proves both that the annotations are there and that they
say the truth. All locks share two programs, the right one and the wrong one: most of the time goes
into reading the headers.
"""
import pathlib
import subprocess
import sys

COMMAND = "clang++ -std=c++20 -Wall -Wextra -Wthread-safety -fsyntax-only -x c++ -"

# Lock -> its header. The families that also have deadlines, or readers.
LOCKS = {
    "mutex": "mutex",
    "timed_mutex": "mutex",
    "recursive_mutex": "mutex",
    "recursive_timed_mutex": "mutex",
    "shared_mutex": "shared_mutex",
    "shared_timed_mutex": "shared_mutex",
    "two_phase_lock": "two_phase_lock",
    "mesa_monitor": "monitor",
    "hoare_monitor": "monitor",
    "tas_lock": "tas_lock",
    "ttas_lock": "ttas_lock",
    "cas_lock": "cas_lock",
    "ticket_lock": "ticket_lock",
    "mcs_lock": "mcs_lock",
    "clh_lock": "clh_lock",
    "anderson_lock": "anderson_lock",
    "peterson_lock": "peterson_lock",
    "filter_lock": "filter_lock",
    "bakery_lock": "bakery_lock",
}
TIMED = ("timed_mutex", "recursive_timed_mutex", "shared_timed_mutex")
NOT_TRIED = ("clh_lock", "peterson_lock", "filter_lock", "bakery_lock")
NUMBERED = {"peterson_lock": "l", "filter_lock": "l(2)", "bakery_lock": "l(2)"}  # how it is declared
SHARED = ("shared_mutex", "shared_timed_mutex")

HEAD = """namespace of_{lock} {{
conc::{lock} {name};
int data __attribute__((guarded_by(l)));
"""
RIGHT = """void by_hand() { l.lock(); ++data; l.unlock(); }
void by_guard() { conc::guard hold(l); ++data; }
void tried() { if (l.try_lock()) { ++data; l.unlock(); } }
"""
RIGHT_TIMED = """void tried_for() { if (l.try_lock_for(std::chrono::seconds(1))) { ++data; l.unlock(); } }
void tried_until(std::chrono::steady_clock::time_point t) {
  if (l.try_lock_until(t)) { ++data; l.unlock(); }
}
"""
RIGHT_SHARED = """int by_hand_shared() { l.lock_shared(); int seen = data; l.unlock_shared(); return seen; }
int by_guard_shared() { conc::shared_guard hold(l); return data; }
int tried_shared() {
  int seen = 0;
  if (l.try_lock_shared()) { seen = data; l.unlock_shared(); }
  return seen;
}
"""
RIGHT_TIMED_SHARED = """int tried_shared_for() {
  int seen = 0;
  if (l.try_lock_shared_for(std::chrono::seconds(1))) { seen = data; l.unlock_shared(); }
  if (l.try_lock_shared_until(std::chrono::steady_clock::now())) { seen = data; l.unlock_shared(); }
  return seen;
}
"""
WRONG = [
    ("{ ++data; }", "requires holding"),
    ("{ l.lock(); ++data; }", "is still held at the end of function"),
    ("{ l.lock(); l.unlock(); l.unlock(); }", "that was not held"),
    ("{ l.lock(); l.lock(); l.unlock(); }", "that is already held"),
    ("{ conc::guard a(l); conc::guard b(l); }", "that is already held"),
    ("{ if (!l.try_lock()) { ++data; } else { l.unlock(); } }", "requires holding"),
    ("{ { conc::guard hold(l); } ++data; }", "requires holding"),
]
WRONG_TIMED = [
    ("{ if (l.try_lock_for(std::chrono::seconds(1))) ++data; }", "is not held on every path"),
    ("{ (void)l.try_lock_until(std::chrono::steady_clock::now()); ++data; }", "requires holding"),
]
WRONG_SHARED = [
    ("{ l.lock_shared(); }", "is still held at the end of function"),
    ("{ conc::shared_guard hold(l); ++data; }", "requires holding"),
    ("{ l.lock_shared(); l.unlock(); }", "using exclusive access, expected shared"),
    ("{ if (l.try_lock_shared()) { ++data; l.unlock_shared(); } }", "requires holding"),
]


def analysed(root, text):
    command = [*COMMAND.split(), f"-I{root / 'include'}"]
    return subprocess.run(command, input=text, capture_output=True, text=True).stderr


# For locks that cannot be tried, and for those that want to know who calls.
def without_trying(right, wrong):
    return ("".join(l + "\n" for l in right.splitlines() if "try_" not in l),
            [w for w in wrong if "try_" not in w[0]])


def with_numbers(right, wrong):
    def numbered(text):
        return text.replace("lock()", "lock(0)")
    return ("".join(numbered(l) + "\n" for l in right.splitlines() if "guard" not in l),
            [(numbered(text), words) for text, words in wrong if "guard" not in text])


def uses_of(lock):
    """What is right with this lock, and what is wrong: text, and pairs of a line and its complaint."""
    right, wrong = RIGHT, list(WRONG)
    if lock in NOT_TRIED:
        right, wrong = without_trying(right, wrong)
    if lock in NUMBERED:
        right, wrong = with_numbers(right, wrong)
    if lock in TIMED:
        right += RIGHT_TIMED
        wrong += WRONG_TIMED
    if lock in SHARED:
        right += RIGHT_SHARED
        wrong += WRONG_SHARED
    if lock in TIMED and lock in SHARED:
        right += RIGHT_TIMED_SHARED
    return right, wrong


def complaints(root):
    headers = sorted({"guard", *LOCKS.values()})
    top = "#include <chrono>\n" + "".join(f"#include <conc/{h}.h>\n" for h in headers)
    right_program, wrong_program = top, top
    expected = []  # line in the wrong program, what must be said there, and about what
    for lock in LOCKS:
        right, wrong = uses_of(lock)
        head = HEAD.format(lock=lock, name=NUMBERED.get(lock, "l"))
        right_program += head + right + "}\n"
        wrong_program += head
        for n, (text, words) in enumerate(wrong):
            expected.append((wrong_program.count("\n") + 1, words, f"{lock}: {text}"))
            wrong_program += f"void f{n}() {text}\n"
        wrong_program += "}\n"
    found = []
    if said := analysed(root, right_program):
        found.append(f"what is right is complained about: {said.strip()}")
    said = analysed(root, wrong_program).splitlines()
    for at, words, about in expected:
        if not any(line.startswith(f"<stdin>:{at}:") and words in line for line in said):
            found.append(f"'{words}' is not said about {about}")
    return found


if __name__ == "__main__":
    if found := complaints(pathlib.Path(sys.argv[1]).resolve()):
        sys.exit("\n".join(found))
