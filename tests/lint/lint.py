"""What every lint shares: each proves on samples that it can fail, then looks at the real tree.

A lint is a function from the root of a source tree to a list of complaints, one a line. Its samples
say what it must find: a small tree (path -> text) and the words that one of the complaints must
hold, or None for a tree that is in order.
"""
import pathlib
import sys
import tempfile

CPP = (".h", ".cc")
ROOMS = ("src/locks", "src/threads", "src/sched", "src/io")


def files(root, folders, suffixes):
    """The files under these folders of the tree, in a stable order."""
    found = []
    for folder in folders:
        found += (p for p in (root / folder).rglob("*") if p.suffix in suffixes and p.is_file())
    return sorted(found)


def where(root, path, line):
    return f"{path.relative_to(root)}:{line}"


def plant(root, tree):
    for name, text in tree.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def prove(check, samples):
    """Runs the lint on its samples; returns what it got wrong."""
    wrong = []
    for number, (tree, expected) in enumerate(samples, 1):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            plant(root, tree)
            complaints = check(root)
        if expected is None and complaints:
            wrong.append(f"sample {number} is in order, yet: {complaints}")
        if expected is not None and not any(expected in c for c in complaints):
            wrong.append(f"sample {number} should give '{expected}', got: {complaints}")
    return wrong


def main(check, samples):
    """The whole of a lint's program: the source tree's root is its first argument."""
    root = pathlib.Path(sys.argv[1]).resolve()
    wrong = prove(check, samples)
    if wrong:
        sys.exit("the lint itself is broken:\n" + "\n".join(wrong))
    complaints = check(root)
    print(f"{len(samples)} samples told apart; {len(complaints)} complaints about {root.name}")
    if complaints:
        sys.exit("\n".join(complaints))
