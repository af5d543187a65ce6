"""What threads and locks cost, beside Boost.Fiber and the standard library in the same run."""
import json
import pathlib
import tempfile

import runner
import stats
import svg
from section import Chart, Details, Section, Table, Text

# Google Benchmark's name of a figure -> what it is; the order is the order on the page.
FIGURES = {
    "yield_2": "yield between two threads, one processor",
    "yield_2_unlike": "the same, the two yielding from different code",
    "yield_1000": "yield among 1000 threads, one processor",
    "spawn_join_1": "spawn and join, one at a time",
    "spawn_join_100": "spawn and join, 100 at a time, per thread",
    "condition_pingpong": "hand-over by mutex and condition variable",
    "semaphore_pingpong": "hand-over by semaphores or the bare system call",
    "channel_pingpong": "hand-over by unbuffered channels",
    "kernel_thread_pingpong": "hand-over to and from a kernel thread, semaphores",
    "uncontended": "lock and unlock, uncontended, in a kernel thread",
    "uncontended in a thread": "lock and unlock, uncontended, in a user-level thread",
}
# One colour and shape for each maker; the rest of a peer's name does not matter for that.
MAKERS = ["conc", "Boost", "std", "futex", "State Threads", "GNU Pth", "Go"]
OURS = ("conc", "tas_lock", "ttas_lock", "cas_lock", "ticket_lock", "mcs_lock", "clh_lock",
        "anderson_lock", "two_phase_lock")
# The suites have more; these take seconds. Kernel threads' condition variables are left to them.
PROGRAMS = {
    "threads": "^(yield_2|yield_2_unlike|yield_1000|spawn_join_1|spawn_join_100)/",
    "locks": "^(uncontended|uncontended in a thread|semaphore_pingpong|channel_pingpong"
             "|kernel_thread_pingpong)/"
             "|^condition_pingpong/(conc|conc, 2 processors|Boost.Fiber|State Threads|GNU Pth"
             "|std::thread, one CPU|std::thread, across CPUs)(/|$)",
}

INTRO = (
    "The prices of the basic steps, from the programs bench_threads and bench_locks. conc, "
    "Boost.Fiber and, where they are installed, State Threads and GNU Pth run their threads on one "
    "kernel thread here, so that nothing but the library is measured; where conc has two "
    "processors the name says so. std::thread is the kernel's thread, on one CPU or across two. A "
    "hand-over is one direction. All run with their defaults, stacks included. `make bench` has "
    "many more figures."
)
HOW = (
    "Logarithmic: each vertical line is ten times the one before; left is faster. The mark is the "
    "median, the pale line reaches from the least to the greatest measurement."
)


def _series(peer):
    if peer.startswith(OURS):
        return 0
    return next((i for i, maker in enumerate(MAKERS) if peer.startswith(maker)), 7)


def _collect(folder):
    """figure -> peer -> nanoseconds of all repetitions; and the reasons why some are missing."""
    found, missing = {}, []
    for file in sorted(folder.glob("*.json")):
        for row in json.loads(file.read_text())["benchmarks"]:
            figure, _, peer = row["run_name"].partition("/")
            peer = peer.removesuffix("/manual_time").removesuffix("/iterations:1")
            if row.get("error_occurred"):
                reason = f"{figure}, {peer}: not possible here: {row['error_message']}."
                missing += [reason] if reason not in missing else []
            elif row["run_type"] == "iteration":
                found.setdefault(figure, {}).setdefault(peer, []).append(row["real_time"])
    return {
        figure: {peer: stats.Samples(values) for peer, values in peers.items()}
        for figure, peers in found.items()
    }, missing


def _ordered(peers):
    """conc first, then by cost."""
    return sorted(peers.items(), key=lambda item: (_series(item[0]) != 0, item[1].median))


def _beside(figures, figure, ours, theirs):
    """A headline: our median, and theirs with the ratio."""
    peers = figures.get(figure, {})
    if ours not in peers:
        return None
    own = peers[ours].median
    others = "; ".join(
        f"{name} {stats.time(peers[name].median)} ({stats.factor(peers[name].median / own)})"
        for name in theirs
        if name in peers
    )
    return (FIGURES[figure], stats.time(own), others)


def _headlines(figures):
    wanted = [
        ("yield_2", "conc", ["Boost.Fiber", "std::thread, one CPU"]),
        ("spawn_join_1", "conc", ["Boost.Fiber", "std::thread, one CPU"]),
        ("condition_pingpong", "conc", ["Boost.Fiber", "std::thread, one CPU"]),
        ("uncontended", "conc::mutex", ["std::mutex", "absl::Mutex"]),
    ]
    return [h for h in (_beside(figures, *w) for w in wanted) if h]


def _reference(peers):
    """What the others are compared with: plain conc, its mutex among locks."""
    return next((peers[name].median for name in ("conc", "conc::mutex") if name in peers), None)


def _table(figures):
    rows = []
    for figure, title in FIGURES.items():
        peers = figures.get(figure, {})
        own = _reference(peers)
        rows += [[title, "", ""]] if peers else []
        for peer, samples in _ordered(peers):
            against = stats.factor(samples.median / own) if own else ""
            rows.append([f"\u2003{peer}", samples.written(stats.time), against])
    return Table("Time per operation: median (least – greatest)",
                 ["figure, and by whom", "time", "to conc's"], rows, terminal=True)


def measure(build, quick):
    section = Section("What threads and locks cost", INTRO)
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        repetitions = 3 if quick else 9
        for program, figures in PROGRAMS.items():
            command = [f"{build}/bench/{program}/bench_{program}", f"--benchmark_filter={figures}",
                       f"--benchmark_repetitions={repetitions}",
                       f"--benchmark_out={folder / program}.json", "--benchmark_out_format=json"]
            try:
                runner.run(command, 16)
                section.check(f"bench_{program} ran to its end", True)
            except runner.Failed as failure:
                section.check(f"bench_{program} ran to its end", False, str(failure))
        figures, missing = _collect(folder)
    groups = [
        (title, [(peer, samples, _series(peer)) for peer, samples in _ordered(figures[figure])])
        for figure, title in FIGURES.items()
        if figure in figures
    ]
    if groups:
        section.blocks.append(Chart("Time per operation", HOW, svg.dot_plot(
            groups, stats.time, "time per operation, logarithmic", "time per operation")))
        section.blocks.append(Details("The same as a table, with ratios", [_table(figures)]))
    section.blocks += [Text(reason) for reason in missing]
    section.headlines = _headlines(figures)
    return section
