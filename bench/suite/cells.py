"""The matrix of contended locks: who is ahead of conc::mutex in all that counts, cell by cell.

A lock is ahead in a cell if it is better in throughput, in fairness and in CPU time at once. Cells
where one might be are measured again, with that lock and ours alone, until the intervals part or
patience ends: a hundred cells of a few short samples each always hold some that look like losses.
"""
import re

from programs import quote
from samples import interval

OURS = "conc::mutex"
# What counts, and whether less is better.
MEASURES = {"time": True, "jain": False, "cpu_ns": True}
# Locks whose waiters sleep; the others are no alternative for whoever must not burn CPUs.
BLOCKING = ["std::mutex", "pthread adaptive", "absl::Mutex", "nsync", "TBB mutex"]
MOST_ROUNDS = 4


def _better(mine, theirs, less):
    """1: theirs is better for certain, 0: the intervals overlap, -1: it is not."""
    my_low, my_high = interval(mine)
    low, high = interval(theirs)
    if (high < my_low) if less else (low > my_high):
        return 1
    return -1 if ((low > my_high) if less else (high < my_low)) else 0


def verdicts(samples, figure, peer):
    return [_better(samples.values(figure, OURS, what), samples.values(figure, peer, what), less)
            for what, less in MEASURES.items()]


def _median_ahead(samples, figure, peer):
    return all((samples.median(figure, peer, what) < samples.median(figure, OURS, what)) == less
               and samples.median(figure, peer, what) != samples.median(figure, OURS, what)
               for what, less in MEASURES.items())


def contended(samples):
    return [f for f in samples.rows if f.startswith("contended") and OURS in samples.rows[f]]


def ahead(samples, certain):
    """[(figure, peer)] that are ahead in all measures; or that might be."""
    found = []
    for figure in contended(samples):
        for peer in samples.rows[figure]:
            if peer == OURS:
                continue
            each = verdicts(samples, figure, peer)
            if min(each) > 0 if certain else (min(each) >= 0 and
                                              _median_ahead(samples, figure, peer)):
                found.append((figure, peer))
    return found


def repeat(programs, samples, figures, progress):
    """Measures cells that may be losses, of the figures that match, until it is clear which are."""
    for round_number in range(MOST_ROUNDS):
        certain = ahead(samples, certain=True)
        doubtful = [pair for pair in ahead(samples, certain=False)
                    if pair not in certain and re.search(figures, pair[0])]
        if not doubtful:
            return
        progress(f"round {round_number + 1}: {len(doubtful)} cells in doubt")
        for figure in dict.fromkeys(figure for figure, _ in doubtful):
            rivals = [peer for f, peer in doubtful if f == figure] + [OURS]
            pattern = f"^{quote(figure)}/({'|'.join(map(quote, rivals))})(/|$)"
            path = programs.figures[figure][0][0]
            for _ in range(4):
                samples.add(programs.sample(path, pattern))


def best_blocking(samples):
    """Cells with sections of 500 ns and more: (figure, best blocking peer, its time, ours, its CPU,
    ours)."""
    rows = []
    for figure in contended(samples):
        inside = float(re.match(r"contended, (\d+)/", figure).group(1))
        rivals = [p for p in BLOCKING if p in samples.rows[figure]]
        if inside < 500 or not rivals:
            continue
        best = min(rivals, key=lambda p: samples.median(figure, p))
        rows.append((figure, best, samples.median(figure, best), samples.median(figure, OURS),
                     samples.median(figure, best, "cpu_ns"),
                     samples.median(figure, OURS, "cpu_ns")))
    return rows
