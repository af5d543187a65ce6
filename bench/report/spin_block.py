"""Spinning against blocking, from the program bench_spin_block."""
import json
import pathlib
import tempfile

import runner
import stats
import svg
from section import Chart, Details, Section, Table, Text

INTRO = (
    "A thread that finds a lock taken may spin, which costs CPU time for as long as it waits, or "
    "block, which costs about C once: the CPU time of going to sleep and being woken. "
    "two_phase_lock spins up to a limit and then blocks, so that never spinning, C and always "
    "spinning can be compared under one lock; spin locks and mutexes stand beside it. Each thread "
    "works inside the lock for the time given and outside for the same time on average."
)
LIMITS = ["none", "C/4", "C/2", "C", "2C", "4C", "8C", "always"]


def _length(nanoseconds):
    return stats.time(nanoseconds).replace(".0 ", " ").replace(".00 ", " ")


def _crew(user, threads):
    return f"{threads} user-level threads" if user else f"{threads} kernel threads"


class Cells:
    """The measured cells by crew, length of the critical section, and lock."""

    def __init__(self, rows):
        self.rows = {(r["user"], r["threads"], r["inside_ns"], r["lock"]): r for r in rows}
        self.crews = sorted({key[:2] for key in self.rows})
        self.lengths = sorted({key[2] for key in self.rows})
        self.locks = list(dict.fromkeys([f"two_phase {l}" for l in LIMITS] + [
            "tas_lock", "ttas_lock", "cas_lock", "ticket_lock", "conc::mutex", "std::mutex"]))

    def samples(self, crew, length, lock, what):
        row = self.rows.get((*crew, length, lock))
        return stats.Samples(row[what]) if row else None


def _shaded(cells, crew, what, unit, caption, weight):
    """A table of locks by lengths, each cell shaded by weight(its median, all of its column)."""
    rows = []
    for lock in cells.locks:
        row = [lock]
        for length in cells.lengths:
            mine = cells.samples(crew, length, lock, what)
            column = [s.median for s in (cells.samples(crew, length, other, what)
                                         for other in cells.locks) if s]
            row.append((unit(mine.median), weight(mine.median, column)) if mine else "—")
        rows.append(row)
    return Table(caption, ["lock"] + [f"{_length(n)} inside" for n in cells.lengths], rows)


def _of_best(value, column):
    """1 for the greatest of its column, 0 from half of that downwards."""
    return max(0.0, 2 * value / max(column) - 1)


def _details(cells, crew):
    name = _crew(*crew)
    spread = [
        [lock] + [f"{stats.rate(s.least)} – {stats.rate(s.greatest)}" if s else "—" for s in (
            cells.samples(crew, length, lock, "rate") for length in cells.lengths)]
        for lock in cells.locks
    ]
    return Details(f"{name}: spread, CPU time, longest wait and fairness of every lock", [
        Table("Acquisitions per second: least – greatest of the repetitions",
              ["lock"] + [f"{_length(n)} inside" for n in cells.lengths], spread),
        _shaded(cells, crew, "cpu_ns", stats.time,
                "CPU time per acquisition, of all threads, work included (shaded: least)",
                lambda v, column: max(0.0, 2 * min(column) / v - 1)),
        _shaded(cells, crew, "longest_ns", stats.time,
                "Longest wait of any thread, median of the repetitions (shaded: shortest)",
                lambda v, column: max(0.0, 2 * min(column) / max(v, 1) - 1)),
        _shaded(cells, crew, "jain", stats.index,
                "Fairness: Jain's index of the threads' shares (1: equal; 1/n: one has all)",
                lambda v, column: v**2),
    ])


def _waiting_charts(data, cells):
    waits = data["waits"]
    if not waits:
        return [Text("The cost of waiting by limit is not possible to measure here: one CPU only.")]
    series = [
        (f"{_length(w['inside_ns'])} inside ({w['count']:,} waits)",
         [stats.Samples(limit["ratio"]) for limit in w["limits"]])
        for w in waits
    ]
    how = (
        "From the recorded waits of two kernel threads under the lock that only spins: what each "
        "limit would have paid, over the best possible, which knows each wait t beforehand and "
        "pays the lesser of t and C. With the limit at C no line can pass 2, whatever the waits "
        "are; every other limit has waits that make it worse. Uprights: least to greatest of the "
        "repetitions."
    )
    chart = Chart("What waiting costs, by limit", how, svg.lines(
        LIMITS, series, stats.factor, "cost relative to the best possible (logarithmic)",
        "limit on spinning before blocking", "cost of waiting by limit",
        (2, "2, the bound for the limit C")))
    rows = []
    for w in waits:
        worst = max(next(x for x in w["limits"] if x["name"] == "C")["worst"])
        rows.append([_length(w["inside_ns"]), f"{w['count']:,}",
                     stats.time(stats.Samples(w["mean_ns"]).median),
                     *[stats.factor(stats.Samples(x["ratio"]).median) for x in w["limits"]],
                     stats.factor(worst)])
    table = Table("Cost of waiting relative to the best possible, two kernel threads (medians)",
                  ["inside", "waits", "mean wait", *LIMITS, "worst at C"], rows, terminal=True)
    return [chart, table, _cpu_chart(cells)]


def _cpu_chart(cells):
    crew = (False, 2)
    series = [
        (f"{_length(length)} inside",
         [stats.Samples([v / (2 * length) for v in cells.samples(
             crew, length, f"two_phase {limit}", "cpu_ns").values]) for limit in LIMITS])
        for length in cells.lengths
    ]
    how = (
        "Measured, not computed: all CPU time that two kernel threads spent per acquisition, as a "
        "multiple of the useful work (inside and outside of the lock). 1 would be waiting for free."
    )
    return Chart("CPU time by limit", how, svg.lines(
        LIMITS, series, stats.factor, "CPU time over useful work (logarithmic)",
        "limit on spinning before blocking", "CPU time by limit", (1, "the work alone")))


def _present(section, data):
    cells = Cells(data["cells"])
    one_cpu = stats.Samples(data["futex_one_cpu_ns"])
    rows = [["C, as the library measured it (CPU time of one block and wake)",
             stats.time(data["block_cost_ns"])],
            ["futex hand-over, both threads on one CPU", one_cpu.written(stats.time)]]
    if data["futex_across_ns"]:
        across = stats.Samples(data["futex_across_ns"])
        rows.append(["futex hand-over, across CPUs", across.written(stats.time)])
    else:
        section.blocks.append(Text("A hand-over across CPUs is not possible here: one CPU only."))
    section.blocks.append(Table("The price of blocking", ["what", "time"], rows, terminal=True))
    section.headlines.append(("C, the CPU time of one block and wake",
                              stats.time(data["block_cost_ns"]),
                              f"futex hand-over on one CPU {stats.time(one_cpu.median)}"))
    section.blocks += _waiting_charts(data, cells)
    at_limit = [stats.Samples(limit["ratio"]).median
                for w in data["waits"] for limit in w["limits"] if limit["name"] == "C"]
    if at_limit:
        section.headlines.append((
            "waiting with the limit C, cost relative to the best possible",
            f"{stats.factor(min(at_limit))} – {stats.factor(max(at_limit))}",
            f"for critical sections from {_length(cells.lengths[0])} to "
            f"{_length(cells.lengths[-1])}; without the limit there is no bound"))
    section.blocks.append(Text(
        "Throughput of all locks follows, one table for each set of threads. A cell is the median "
        "of the acquisitions per second of all threads together; the stronger the shade, the "
        "closer it is to the best of its column; without shade it is half of that or less. With "
        "more kernel threads than CPUs the figures of spin locks depend on whose time slice ends "
        "when. User-level threads yield once a round; std::mutex is missing there because it would "
        "block the whole processor."))
    for crew in cells.crews:
        table = _shaded(cells, crew, "rate", stats.rate,
                        f"Acquisitions per second: {_crew(*crew)} on {data['cpus']} CPUs", _of_best)
        table.terminal = crew in ((False, 2), (False, 8))
        section.blocks += [table, _details(cells, crew)]


def measure(build, quick):
    section = Section("Spinning against blocking", INTRO)
    with tempfile.TemporaryDirectory() as scratch:
        file = pathlib.Path(scratch) / "spin_block.json"
        repetitions = 2 if quick else 4
        every = "every lock excluded every other thread at all times"
        try:
            runner.run([f"{build}/bench/bench_spin_block", f"--json={file}", "--table=false",
                        f"--repetitions={repetitions}"], 9 * repetitions)
        except runner.Failed as failure:
            section.check(every, False, str(failure))
            if not file.is_file():
                return section
        else:
            section.check(every, True)
        data = json.loads(file.read_text())
    _present(section, data)
    return section
