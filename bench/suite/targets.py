"""What conc wants to reach, each against a figure of the suite.

A limit is a number of nanoseconds (or bytes, or instructions), or a multiple of a peer's median in
the same run. Where everything happens in one kernel thread that never waits, its CPU time is what
is judged: that is the time on a CPU of one's own, whoever else there is.
"""
import dataclasses
import statistics

import programs  # noqa: F401  (makes ../report importable)
import stats


CPU = "cpu_ns"


@dataclasses.dataclass
class Target:
    figure: str
    peer: str
    limit: float = 0  # absolute
    of: tuple = ()  # or: (figure, peer), of which `limit` is the factor
    what: str = "time"

    def judge(self, samples):
        """(found, limit) or None if one of the two was not measured.

        Samples that were taken at the same time are compared with each other: the machine's speed
        changes from minute to minute.
        """
        found = samples.median(self.figure, self.peer, self.what)
        if found is None or not self.of:
            return None if found is None else (found, self.limit)
        ours = samples.values(self.figure, self.peer, self.what)
        theirs = samples.values(*self.of, self.what)
        if not theirs:
            return None
        if self.of[0] == self.figure and len(ours) == len(theirs):
            ratio = statistics.median(a / b for a, b in zip(ours, theirs))
        else:
            ratio = found / statistics.median(theirs)
        return found, self.limit * found / ratio

    def written_limit(self):
        if self.of:
            figure = "" if self.of[0] == self.figure else f", {self.of[0]}"
            return f"{stats.factor(self.limit)} {self.of[1]}{figure}"
        return UNITS.get(self.what, stats.time)(self.limit)


UNITS = {"resident_bytes": lambda v: f"{v:,.0f} bytes", "total_bytes": lambda v: f"{v:,.0f} bytes",
         "peak_bytes": lambda v: f"{v / 2**20:.0f} MiB", "instructions": lambda v: f"{v:.0f}",
         "cpus": stats.share, "kernel_switches": lambda v: f"{v:.0f}"}
TWO = "conc, 2 processors"

TARGETS = [
    Target("yield_2", "conc", 2, ("yield_2", "Boost.Context bare switch"), what=CPU),
    Target("yield_2_unlike", "conc", 2, ("yield_2", "Boost.Context bare switch"), what=CPU),
    Target("yield_1000", "conc", 15, what=CPU),
    Target("spawn_join_1", "conc", 80, what=CPU),
    Target("spawn_join_100", "conc", 70, what=CPU),
    Target("spawn_join_1", TWO, 1, ("spawn_join_1", "conc")),
    Target("spawn_join_100", TWO, 1, ("spawn_join_100", "conc")),
    Target("spawn_1000000", "conc", 300, what=CPU),
    Target("fib_30", "conc", 130, what=CPU),
    Target("fib_30", TWO, 75),
    Target("skynet_1000000", "conc", 150e6),
    Target("skynet_1000000", TWO, 100e6),
    Target("skynet_1000000", "conc", 100 * 2**20, what="peak_bytes"),
    Target("sleepers_100000", "conc", 400),
    Target("sleepers_1000", "conc", 150e3, what="p99_ns"),
    Target("sleepers_1000", "conc", 0.06, what="cpus"),
    Target("parked_100000", "conc", 4608, what="resident_bytes"),
    Target("parked_100000", "conc", 5120, what="total_bytes"),
    Target("parked_1000000", "conc", 4608, what="resident_bytes"),
    Target("parked_1000000", "conc", 5120, what="total_bytes"),
    Target("idle_10s", TWO, 0, what="kernel_switches"),
    Target("wake_from_kernel_thread", "conc", 1.1, ("wake_from_kernel_thread", "futex")),
    Target("instructions_yield", "conc", 60, what="instructions"),
    Target("instructions_spawn_join", "conc", 250, what="instructions"),
    Target("instructions_condition", "conc", 220, what="instructions"),
    Target("uncontended", "conc::mutex", 0.70, ("uncontended", "std::mutex"), what=CPU),
    Target("uncontended", "tas_lock", 1.05, ("uncontended", "TBB spin"), what=CPU),
    Target("uncontended", "ticket_lock", 1.05, ("uncontended", "CK ticket"), what=CPU),
    Target("uncontended", "clh_lock", 1.05, ("uncontended", "CK clh"), what=CPU),
    Target("uncontended", "mcs_lock", 1.05, ("uncontended", "CK mcs"), what=CPU),
    Target("crowd_1000", "conc", 75, what=CPU),
    Target("crowd_1000", TWO, 130),
    Target("crowd_1000", TWO, 143, what=CPU),
    Target("condition_pingpong", "conc", 70, what=CPU),
    Target("condition_pingpong", TWO, 150),
    Target("channel_pingpong", "conc", 80, what=CPU),
    Target("channel_pingpong", TWO, 130),
    Target("channel_stream_128", "conc", 30, what=CPU),
    Target("buffer_1_1to1", "conc", 120, what=CPU),
    Target("buffer_128_1to1", "conc", 40, what=CPU),
    Target("buffer_128_4to4", TWO, 100),
    Target("condition_pingpong", "conc, kernel threads, one CPU", 1.1,
           ("semaphore_pingpong", "futex, one CPU")),
    Target("condition_pingpong", "conc, kernel threads, across CPUs", 0.25,
           ("semaphore_pingpong", "futex, across CPUs")),
]
