"""Samples of all figures, by figure and peer: taken in turns, kept with what was counted beside."""
import json
import random
import statistics

from programs import DISTURBED

ENOUGH = 3
IGNORED = {"run_name", "run_type", "name", "repetitions", "repetition_index", "threads",
           "iterations", "real_time", "cpu_time", "time_unit", "family_index",
           "per_family_instance_index"}


def interval(values):
    """Least and greatest without the outermost eighth: what must part for a difference to count."""
    ordered = sorted(values)
    cut = len(ordered) // 8
    return ordered[cut], ordered[len(ordered) - 1 - cut]


class Samples:
    def __init__(self):
        self.rows = {}  # figure -> peer -> what -> [values]; "time" is nanoseconds

    def add(self, rows, only=None):
        for name, row in rows:
            figure, peer = name.rsplit("/", 1)
            kept = self.rows.setdefault(figure, {}).setdefault(peer, {})
            for what, value in row.items():
                if what == "real_time":
                    what = "time"
                if what in IGNORED or not isinstance(value, (int, float)):
                    continue
                if only is None or what in only:
                    kept.setdefault(what, []).append(value)

    def values(self, figure, peer, what="time"):
        """Those that others did not disturb, if they are enough to tell something; else all."""
        kept = self.rows.get(figure, {}).get(peer, {})
        values, others = kept.get(what, []), kept.get("others", [])
        quiet = [v for v, share in zip(values, others) if share < DISTURBED]
        return quiet if len(values) == len(others) and len(quiet) >= ENOUGH else values

    def quiet_share(self):
        """How many of all samples were not disturbed."""
        others = [o for peers in self.rows.values() for kept in peers.values()
                  for o in kept.get("others", [])]
        return sum(o < DISTURBED for o in others) / max(1, len(others))

    def median(self, figure, peer, what="time"):
        values = self.values(figure, peer, what)
        return statistics.median(values) if values else None

    def take(self, programs, figures, repetitions, progress):
        """Every figure in turn, its peers in turn within it; all of that so many times."""
        for repetition in range(repetitions):
            for figure in figures:
                progress(f"{repetition + 1} of {repetitions}: {figure}")
                turns = programs.turns(figure)
                random.shuffle(turns)
                for turn in turns:
                    self.add(programs.sample(*turn))

    def write(self, path):
        path.write_text(json.dumps(self.rows))

    def read(self, path):
        self.rows = json.loads(path.read_text())
