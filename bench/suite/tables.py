"""The samples as Markdown."""
import statistics

import cells
import stats
import targets
from samples import interval

OWN = ("conc", "conc::mutex", "conc::shared_mutex", "conc, 2 processors")
BESIDE = {"cpu_ns": stats.time, "p50_ns": stats.time, "p99_ns": stats.time, "p999_ns": stats.time,
          "max_ns": stats.time, "jain": stats.index, "futex_calls": lambda v: f"{v:.3g}",
          "resident_bytes": lambda v: f"{v:,.0f}", "page_table_bytes": lambda v: f"{v:,.0f}",
          "peak_bytes": lambda v: f"{v / 2**20:,.0f} MiB", "cpus": lambda v: f"{v:.3f}",
          "wakes_per_second": stats.rate, "kernel_switches": lambda v: f"{v:.0f}"}


def _table(header, rows):
    lines = ["| " + " | ".join(header) + " |", "|" + "|".join(
        "---" if i == 0 else "--:" for i in range(len(header))) + "|"]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


def figure(samples, name):
    # Counts alone, of futex calls or instructions, have no time.
    peers = {p: kept for p, kept in samples.rows[name].items() if samples.median(name, p)}
    if not peers:
        return ""
    own = next((samples.median(name, p) for p in OWN if p in peers), None)
    beside = [what for what in BESIDE if any(what in peers[p] for p in peers)]
    rows = []
    for peer in sorted(peers, key=lambda p: (not p.startswith("conc"), samples.median(name, p))):
        values = samples.values(name, peer)
        middle = statistics.median(values)
        rows.append([peer, stats.Samples(values).written(stats.time),
                     stats.factor(middle / own) if own else "",
                     *[BESIDE[w](samples.median(name, peer, w)) if peers[peer].get(w) else ""
                       for w in beside]])
    return f"**{name}**\n\n" + _table(
        ["", "median (least – greatest)", "to ours", *beside], rows)


def judged(samples):
    rows, missed = [], 0
    for t in targets.TARGETS:
        verdict = t.judge(samples)
        unit = targets.UNITS.get(t.what, stats.time)
        if verdict is None:
            continue  # not measured
        found, limit = verdict
        met = found <= limit
        missed += not met
        low, high = interval(samples.values(t.figure, t.peer, t.what))
        ratio = f": {stats.factor(t.limit * found / limit)}" if t.of else ""
        rows.append([f"{t.figure}, {t.peer}" + ("" if t.what == "time" else f", {t.what}"),
                     t.written_limit() + ratio,
                     f"{unit(found)} ({unit(low)} – {unit(high)})",
                     "met" if met else "**missed**" +
                     (f" by {stats.share(found / limit - 1)}" if limit else "")])
    header = ["figure, by whom", "at most", "measured", "verdict"]
    return f"{missed} of {len(rows)} targets missed\n\n" + _table(header, rows)


def matrix(samples):
    """The contended cells: where we are behind for certain, and behind the best blocking lock."""
    cell_count = len(cells.contended(samples))
    losses = cells.ahead(samples, certain=True)
    text = (f"{cell_count} cells; a lock is ahead of conc::mutex in throughput, fairness and CPU "
            f"time at once in {len(set(f for f, _ in losses))}.\n\n")
    rows = []
    for name, peer in losses:
        rows.append([name, peer] + [
            f"{BESIDE.get(w, stats.time)(samples.median(name, cells.OURS, w))} / "
            f"{BESIDE.get(w, stats.time)(samples.median(name, peer, w))}" for w in cells.MEASURES])
    if rows:
        text += _table(["cell", "lock", "time, ours / its", "Jain", "CPU time"], rows) + "\n"
    best = [(name, peer, theirs, ours, their_cpu, our_cpu)
            for name, peer, theirs, ours, their_cpu, our_cpu in cells.best_blocking(samples)]
    met = [row for row in best if row[3] <= row[2] * 1.05 and row[5] <= row[4] * 1.05]
    text += (f"Sections of 500 ns and more against the best blocking lock: within 5 % of its time "
             f"and CPU in {len(met)} of {len(best)} cells.\n\n")
    rest = [[name, peer, f"{stats.time(ours)} / {stats.time(theirs)}",
             f"{stats.time(our_cpu)} / {stats.time(their_cpu)}"]
            for name, peer, theirs, ours, their_cpu, our_cpu in best
            if (name, peer, theirs, ours, their_cpu, our_cpu) not in met]
    return text + (_table(["cell", "best", "time, ours / its", "CPU time"], rest) if rest else "")


def whole(samples, about):
    text = "\n".join(f"{what}: {value}  " for what, value in about) + "\n\n## Targets\n\n"
    text += judged(samples) + "\n"
    if cells.contended(samples):
        text += "## Contended locks, judged\n\n" + matrix(samples) + "\n"
    text += "## All figures\n\n"
    text += "\n".join(filter(None, (figure(samples, name) for name in samples.rows)))
    counted = [[name.removeprefix("instructions_"),
                f"{samples.median(name, 'conc', 'instructions'):.1f}"]
               for name in samples.rows if name.startswith("instructions_")]
    return text + ("\n" + _table(["instructions", "conc"], counted) if counted else "")
