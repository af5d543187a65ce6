"""The benchmark programs: which figures they have, and taking one sample of each peer of a figure."""
import json
import pathlib
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "report"))
import machine  # noqa: E402  (from the folder next door)

NAMES = ["threads/bench_threads", "locks/bench_locks", "locks/bench_contended",
         "locks/bench_buffers", "go/bench_go_peers"]

# These change the process they run in (its stacks stay, its memory has been touched), so that each
# sample of each peer takes a process of its own.
ALONE = re.compile(r"^(spawn_1000000|parked_|skynet_|sleepers_|idle_)")

# Samples during which others used more than this share of the CPUs are taken again ...
DISTURBED = 0.08
# ... but not for ever.
ATTEMPTS = 6


class Failed(Exception):
    """A program that ended badly, with what it said last."""


def quote(name):
    """A name as a regular expression of all the dialects that the programs know."""
    return re.sub(r"([.+*?()\[\]{}|^$\\])", r"\\\1", name)


def _plain(name):
    return re.sub(r"/(iterations:\d+|repeats:\d+|manual_time)(?=/|$)", "", name)


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
        self.disturbed = 0  # samples that stayed disturbed

    @staticmethod
    def _run(command):
        done = subprocess.run([str(c) for c in command], text=True, capture_output=True)
        if done.returncode != 0:
            raise Failed(f"{command[0]} ended with {done.returncode}:\n{done.stderr[-2000:]}")
        return done.stdout

    def _once(self, path, pattern, options):
        with tempfile.TemporaryDirectory() as scratch:
            out = pathlib.Path(scratch) / "samples.json"
            self._run([path, f"--benchmark_filter={pattern}", "--benchmark_repetitions=1",
                       f"--benchmark_out={out}", "--benchmark_out_format=json", *options])
            rows = json.loads(out.read_text())["benchmarks"]
        return [(_plain(r["run_name"]), r) for r in rows
                if r.get("run_type") == "iteration" and not r.get("error_occurred")]

    def sample(self, path, pattern, options=()):
        """One sample of all that the pattern matches: [(figure/peer, row)]."""
        for attempt in range(ATTEMPTS):
            with machine.Disturbance() as disturbance:
                rows = self._once(path, pattern, options)
            if disturbance.others < DISTURBED:
                return rows
        self.disturbed += 1
        return rows

    def patterns(self, figure):
        """What to run for one sample of every peer: [(program, pattern)]."""
        exactly = "^" + quote(figure) + "/"
        peers = self.figures[figure]
        if not ALONE.match(figure):
            return [(path, exactly) for path in dict.fromkeys(path for path, _ in peers)]
        # A name may go on with a slash and Google Benchmark's own additions, or end.
        return [(path, exactly + quote(peer) + "(/|$)") for path, peer in peers]
