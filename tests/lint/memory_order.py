#!/usr/bin/env python3
"""Every acquire and release names its partner.

The rule, for src/ and include/:

* an operation that says acquire, release or acq_rel carries a tag in square brackets, in a comment
  on its line or directly above its statement (or above the loop or branch that opens with it):

      // [latch.count] release: pairs with the acquire in wait().
      count_.fetch_sub(1, memory_order_release);

* a tag names one pairing, so it stands at two places at least, of which one releases and one
  acquires (acq_rel does both). Where a partner is no such operation (a seq_cst one, assembly, the
  kernel), a comment at that place carries the tag and counts for whichever side is missing.

Relaxed needs no tag: it orders nothing. Neither does seq_cst, whose order is global.

And docs/memory-model.md, for those who read: each tag of an operation has its row there, and each
row its tag in the sources.
"""
import collections
import re

import lint

SITE = re.compile(
    r"(?:memory_order(?:_|::)|__ATOMIC_)(acquire|release|acq_rel|consume)\b", re.IGNORECASE
)
TAG = re.compile(r"(?<![\w\])>])\[([a-z][a-z0-9_]*(?:[.-][a-z0-9_]+)*)\](?!\()")
OPENS = re.compile(r"^\s*(while|for|if|do)\b.*\{$")
ALIAS = re.compile(r"^\s*using\b")
SIDES = {"acquire": "A", "consume": "A", "release": "R", "acq_rel": "AR"}


def split(line):
    """A line's code and its comment. (No string of the library holds two slashes.)"""
    code, _, comment = line.partition("//")
    return code.rstrip(), comment


def comments_of(lines, site):
    """The numbers of the lines whose comments speak for the operation on line `site`."""
    first = site
    while first > 0:
        code, _ = split(lines[first - 1])
        if not code.strip() or (code[-1] in ";{}:" and not OPENS.match(code)):
            break
        first -= 1
    above = first
    while above > 0 and lines[above - 1].lstrip().startswith("//"):
        above -= 1
    return range(above, site + 1)


def tags_in(lines, numbers):
    return {tag for n in numbers for tag in TAG.findall(split(lines[n])[1])}


def read_file(root, path, places, complaints):
    """Adds each tag's places, as (where, sides), and the file's untagged operations."""
    lines = path.read_text().splitlines()
    spoken_for = set()
    for n, line in enumerate(lines):
        code, _ = split(line)
        orders = [] if ALIAS.match(code) else [o.lower() for o in SITE.findall(code)]
        if not orders:
            continue
        numbers = comments_of(lines, n)
        spoken_for.update(numbers)
        tags = tags_in(lines, numbers)
        if not tags:
            complaints.append(f"{lint.where(root, path, n + 1)}: {orders[0]} without a tag")
        for tag in tags:
            sides = "".join(SIDES[o] for o in orders)
            places[tag][lint.where(root, path, n + 1)] = sides
    for n in set(range(len(lines))) - spoken_for:
        for tag in tags_in(lines, [n]):
            places[tag][lint.where(root, path, n + 1)] = "?"


def verdict(tag, places):
    """What a tag lacks, or None. A tag that no operation carries is mere words."""
    sides = "".join(places.values())
    if set(sides) == {"?"}:
        return None
    at = ", ".join(places)
    if len(places) < 2:
        return f"[{tag}] has no partner: {at}"
    if "?" not in sides and "A" not in sides:
        return f"[{tag}] has nothing that acquires: {at}"
    if "?" not in sides and "R" not in sides:
        return f"[{tag}] has nothing that releases: {at}"
    return None


def rows(text):
    """The tags in the first column of the page's table, which is headed `tag`."""
    table = text.partition("| tag |")[2].partition("\n\n")[0]
    return {t for line in table.splitlines()[2:] for t in re.findall(r"`([^`]+)`", line.split("|")[1])}


def check_page(root, places):
    page = root / "docs" / "memory-model.md"
    if not page.is_file():
        return []
    described = rows(page.read_text())
    carried = {tag for tag, at in places.items() if set("".join(at.values())) != {"?"}}
    return [f"[{tag}] has no row in {page.name}" for tag in sorted(carried - described)] + [
        f"{page.name}: no [{tag}] in the sources" for tag in sorted(described - places.keys())
    ]


def check(root):
    places = collections.defaultdict(dict)
    complaints = []
    for path in lint.files(root, ("include", "src"), lint.CPP):
        read_file(root, path, places, complaints)
    complaints += [v for v in map(verdict, places, places.values()) if v]
    return complaints + check_page(root, places)


def sample(first, second=""):
    return {"src/locks/a.cc": first, "include/conc/b.h": second}


STORE = "// [a.b] release: pairs with the load.\nx.store(\n    1, memory_order_release);\n"
LOAD = "y = x.load(std::memory_order::acquire);  // [a.b] pairs with the store.\n"
PAGE = "| tag | between |\n|---|---|\n| `a.b` | two |\n"
SAMPLES = [
    (sample(STORE, LOAD) | {"docs/memory-model.md": PAGE}, None),
    (sample(STORE, LOAD) | {"docs/memory-model.md": PAGE.replace("a.b", "a.c")}, "has no row"),
    (sample(STORE, LOAD) | {"docs/memory-model.md": PAGE + "| `a.c` | nobody |\n"},
     "no [a.c] in the sources"),
    (sample("x.load(memory_order_acquire);\n"), "acquire without a tag"),
    (sample("// [a] one\nf();\nx.load(memory_order_acquire);\n"), "acquire without a tag"),
    (sample("// slots[i], not a tag\nx.load(memory_order_acquire);\n"), "acquire without a tag"),
    (sample("__atomic_load_n(&x, __ATOMIC_ACQUIRE);\n"), "acquire without a tag"),
    (sample(STORE), "[a.b] has no partner"),
    (sample(STORE, STORE), "[a.b] has nothing that acquires"),
    (sample(LOAD, LOAD), "[a.b] has nothing that releases"),
    (sample(STORE, LOAD.replace("a.b", "a.c")), "[a.b] has no partner"),
    (sample(STORE, LOAD), None),
    (sample(STORE, "// [a.b] pairs.\nwhile (a) {\n  x.load(memory_order_acquire);\n}\n"), None),
    (sample("// [a.b] far.\nif (a) {\n  f();\n  x.load(memory_order_acquire);\n}\n"),
     "acquire without a tag"),
    (sample(STORE, "// [a.b] the kernel reads it in FUTEX_WAIT.\nsyscall();\n"), None),
    (sample(LOAD, "// [a.b] both sides.\nx.exchange(1, memory_order_acq_rel);\n"), None),
    (sample("using std::memory_order_acquire;\nx.load(memory_order_relaxed);\n"), None),
    (sample("x.load();  // [note] not an order\nx.store(1, memory_order_seq_cst);\n"), None),
]

if __name__ == "__main__":
    lint.main(check, SAMPLES)
