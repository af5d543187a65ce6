"""The benchmark programs: which figures they have, and taking one sample of each peer of a figure."""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "report"))
import machine  # noqa: E402  (from the folder next door)

NAMES = ["threads/bench_threads", "locks/bench_locks", "locks/bench_contended",
         "locks/bench_buffers", "go/bench_go_peers"]

# These change the process they run in (its stacks stay, its memory has been touched), so that each
# sample of each peer takes a process of its own.
ALONE = re.compile(r"^(spawn_1000000|parked_|skynet_|sleepers_|idle_)")

# A sample waits for so many seconds at most for others to use less than so much of the CPUs. How
# much they used during it is kept with it.
PATIENCE, DISTURBED = 4.0, 0.08


class Failed(Exception):
    """A program that ended badly, with what it said last."""


def quote(name):
    """A name as a regular expression of all the dialects that the programs know."""
    return re.sub(r"([.+*?()\[\]{}|^$\\])", r"\\\1", name)


def _plain(name):
    return re.sub(r"/(iterations:\d+|repeats:\d+|manual_time)(?=/|$)", "", name)


def _wait_for_quiet():
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        with machine.Disturbance() as disturbance:
            time.sleep(0.2)
        if disturbance.others < DISTURBED:
            return


class Programs:
    def __init__(self, build):
        self.paths = [p for p in (pathlib.Path(build) / "bench" / n for n in NAMES) if p.exists()]
        if not self.paths:
            raise Failed(f"no benchmark programs in {build}: ninja -C {build} benchmarks")
        self.figures = {}  # figure -> [(program, peer)]
        for path in self.paths:
            listed = self._run([path, "--benchmark_list_tests=true"])
            for line in listed.splitlines():
                figure, _, peer = _plain(line.strip()).partition("/")
                if peer.startswith(tuple("0123456789")):  # "contended, 50/0 ns, 2 threads/lock"
                    rest, _, peer = peer.partition("/")
                    figure += "/" + rest
                self.figures.setdefault(figure, []).append((path, peer))

    @staticmethod
    def _run(command):
        done = subprocess.run([str(c) for c in command], text=True, capture_output=True)
        if done.returncode != 0:
            raise Failed(f"{command[0]} ended with {done.returncode}:\n{done.stderr[-2000:]}")
        return done.stdout

    def _once(self, path, pattern, pinned, options):
        command = [path, f"--benchmark_filter={pattern}", "--benchmark_repetitions=1"]
        if pinned:
            command = ["taskset", "-c", min(os.sched_getaffinity(0)), *command]
        with tempfile.TemporaryDirectory() as scratch:
            out = pathlib.Path(scratch) / "samples.json"
            self._run([*command, f"--benchmark_out={out}", "--benchmark_out_format=json", *options])
            rows = json.loads(out.read_text())["benchmarks"]
        return [(_plain(r["run_name"]), r) for r in rows
                if r.get("run_type") == "iteration" and not r.get("error_occurred")]

    def sample(self, path, pattern, pinned=False, options=()):
        """One sample of all that the pattern matches: [(figure/peer, row)]."""
        _wait_for_quiet()
        with machine.Disturbance() as disturbance:
            rows = self._once(path, pattern, pinned, options)
        return [(name, {**row, "others": disturbance.others}) for name, row in rows]

    def turns(self, figure):
        """What to run for one sample of every peer: [(program, pattern, whether on one CPU)].

        Peers whose threads share a CPU run in a process that has no other: a library that spins
        where it may hope for the other CPU should know that there is none.
        """
        together = {}
        for path, peer in self.figures[figure]:
            pinned = peer.endswith(", one CPU")
            by_itself = peer if ALONE.match(figure) else None
            together.setdefault((path, pinned, by_itself), []).append(peer)
        # A name may go on with a slash and Google Benchmark's own additions, or end.
        return [(path, f"^{quote(figure)}/({'|'.join(map(quote, peers))})(/|$)", pinned)
                for (path, pinned, _), peers in together.items()]
