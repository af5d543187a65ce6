"""A part of the report: what was measured, how to read it, whether its checks held.

Blocks are shown in order. A table marked for the terminal is printed there too.
"""
import dataclasses
import typing


@dataclasses.dataclass
class Table:
    caption: str
    header: list
    rows: list  # of lists of text; a cell may be (text, weight): weight 0..1 shades it
    terminal: bool = False


@dataclasses.dataclass
class Chart:
    caption: str
    how_to_read: str
    svg: str


@dataclasses.dataclass
class Text:
    text: str


@dataclasses.dataclass
class Output:
    """What a program printed, as it is."""

    caption: str
    text: str
    terminal: bool = False


@dataclasses.dataclass
class Details:
    """Blocks that are folded away at first."""

    summary: str
    blocks: list


@dataclasses.dataclass
class Section:
    title: str
    intro: str
    blocks: list = dataclasses.field(default_factory=list)
    checks: list = dataclasses.field(default_factory=list)  # (what, held, detail)
    headlines: list = dataclasses.field(default_factory=list)  # (what, value, beside it)
    disturbance: typing.Any = None

    def check(self, what, held, detail=""):
        self.checks.append((what, held, detail))

    @property
    def failed(self):
        return any(not held for _, held, _ in self.checks)


def cell_text(cell):
    return cell[0] if isinstance(cell, tuple) else cell
