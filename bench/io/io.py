#!/usr/bin/env python3
"""conc's I/O beside others, in turns: io.py --build BUILD [--rounds N] [--seconds S] [--what echo files direct http]

A server has the last CPU that we may use to itself, the load the first: with one CPU there is
nothing to compare. Each cell is the median of the rounds, with the least and the greatest behind
it. A peer that was not built is left out, and a line says so.
"""
import argparse
import contextlib
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "report"))
import runner  # noqa: E402

CPUS = sorted(os.sched_getaffinity(0))
ON_SERVER, ON_CLIENT = (["taskset", "-c", str(c)] for c in (CPUS[-1], CPUS[0]))
ECHO = {"conc": "examples/echo_server --port 0", "raw ring": "bench/io/echo_uring",
        "raw epoll": "bench/io/echo_epoll", "Boost.Asio": "bench/io/echo_asio",
        "libuv": "bench/io/echo_libuv", "State Threads": "bench/io/echo_state_threads",
        "Go": "bench/io/go_server echo", "kernel threads": "bench/io/echo_threads"}
FILES = {"conc": "conc", "pread": "pread", "raw ring": "ring"}
NGINX = """daemon off; worker_processes 1; pid %(folder)s/pid; error_log stderr crit;
events { worker_connections 1024; }
http { access_log off; keepalive_requests 1000000000; types { text/html html; }
  server { listen 127.0.0.1:%(port)d; root %(root)s; } }
"""


def cpu_seconds(pid):
    """Of a process, its threads that have ended, and its children that have not; in clock ticks."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    spent = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return spent + sum(cpu_seconds(int(c)) for c in children)


class Table:
    """Samples by row and column, printed as Markdown."""

    def __init__(self, title, columns):
        self.title, self.columns, self.rows = title, columns, {}

    def add(self, row, values):
        for column, value in values.items():
            self.rows.setdefault(row, {}).setdefault(column, []).append(value)

    def show(self):
        print(f"\n{self.title}\n\n| | {' | '.join(self.columns)} |")
        print("|---" * (len(self.columns) + 1) + "|")
        for row, cells in self.rows.items():
            print(f"| {row} | " + " | ".join(self.cell(cells.get(c)) for c in self.columns) + " |")

    @staticmethod
    def cell(samples):
        if not samples:
            return "–"
        spread = f" ({min(samples):,.2f} – {max(samples):,.2f})" if len(samples) > 1 else ""
        return f"{statistics.median(samples):,.2f}{spread}"


def present(build, commands):
    found = {}
    for name, command in commands.items():
        if (build / command.split()[0]).exists():
            found[name] = [*ON_SERVER, str(build / command.split()[0]), *command.split()[1:]]
        else:
            print(f"{name} is left out: {command.split()[0]} was not built")
    return found


def calls_per_answer(pid, load):
    """System calls of the server for each answer, or None where perf may not look."""
    with tempfile.NamedTemporaryFile("r") as out:
        perf = subprocess.Popen(["perf", "stat", "-x,", "-o", out.name, "-e",
                                 "raw_syscalls:sys_enter", "-p", str(pid)],
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        answers = load()["answers"]
        perf.send_signal(2)
        perf.wait()
        counted = re.search(r"^(\d+),", out.read(), re.M)
    return int(counted[1]) / answers if counted else None


def echo_once(build, command, connections, seconds, count_calls):
    """The cells of one server, started for the purpose."""
    with runner.server(command) as (process, port):
        def load(time=seconds):
            return json.loads(runner.run(
                [*ON_CLIENT, str(build / "bench/io/echo_load"), f"--port={port}",
                 f"--connections={connections}", f"--seconds={time}", "--json"], time))
        before = cpu_seconds(process.pid)
        got = load()
        spent = cpu_seconds(process.pid) - before
        cells = [got["requests_per_second"], got["p50_us"], got["p99_us"], got["p999_us"],
                 spent * 1e6 / got["answers"]]
        calls = calls_per_answer(process.pid, lambda: load(0.3)) if count_calls else None
        return cells + ([calls] if calls is not None else [])


def echo(build, rounds, seconds, connection_counts):
    columns = ["requests/s", "p50 µs", "p99 µs", "p99.9 µs", "CPU µs/request", "calls/request"]
    servers = present(build, ECHO)
    for connections in connection_counts:
        table = Table(f"Echo of 64 bytes, {connections} connections", columns)
        # A kernel thread for each of ten thousand connections is not what anybody compares with.
        mine = {n: c for n, c in servers.items() if n != "kernel threads" or connections <= 1000}
        for turn in range(rounds):
            for name in list(mine):
                count_calls = turn == 0 and shutil.which("perf")
                try:
                    cells = echo_once(build, mine[name], connections, seconds, count_calls)
                except runner.Failed as failed:
                    print(f"{name} does not bear {connections} connections: {failed}")
                    del mine[name]
                else:
                    table.add(name, dict(zip(columns, cells)))
        table.show()


def reads(title, program, rounds, options):
    table = Table(title, ["wall ns/read", "CPU ns/read"])
    for _ in range(rounds):
        for name, way in FILES.items():
            got = json.loads(runner.run([*ON_SERVER, program, f"--way={way}", *options], 1))
            table.add(name, {"wall ns/read": got["wall_ns"], "CPU ns/read": got["cpu_ns"]})
    table.show()


def files(build, rounds, seconds):
    program = str(build / "bench/io/file_reads")
    for depth in (1, 64):
        reads(f"Reads of 4 KiB from the page cache, {depth} at once, one CPU", program, rounds,
              [f"--depth={depth}", f"--reads={int(seconds * 500_000)}"])


def direct(build, rounds, seconds):
    """From the disk, past the page cache; a file that covers it well enough to be no one spot."""
    program = str(build / "bench/io/file_reads")
    with tempfile.NamedTemporaryFile(dir="/var/tmp") as file:
        file.write(os.urandom(64 << 20))
        os.fsync(file.fileno())
        for depth in (1, 64):
            reads(f"Reads of 4 KiB with O_DIRECT, {depth} at once, one CPU", program, rounds,
                  ["--direct", f"--path={file.name}", f"--depth={depth}",
                   f"--reads={int(seconds * 500 * depth)}"])


@contextlib.contextmanager
def nginx(root, folder, port=18080):
    (folder / "nginx.conf").write_text(NGINX % {"folder": folder, "root": root, "port": port})
    child = subprocess.Popen([*ON_SERVER, "nginx", "-p", str(folder), "-c",
                              str(folder / "nginx.conf")], stderr=subprocess.DEVNULL)
    try:
        subprocess.run(["curl", "-sf", "--retry", "20", "--retry-connrefused", "--retry-delay", "0",
                        f"http://127.0.0.1:{port}/"], check=True, stdout=subprocess.DEVNULL)
        yield child, port
    finally:
        child.terminate()
        child.wait()


def http(build, rounds, seconds):
    if not shutil.which("wrk"):
        print("HTTP is left out: there is no wrk")
        return
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        folder.chmod(0o755)
        root = folder / "root"
        root.mkdir()
        (root / "index.html").write_text("<h1>conc</h1>\n" * 10)
        commands = present(build, {"conc": f"examples/http_server --port 0 --root {root}",
                                   "Go net/http": f"bench/io/go_server http {root}"})
        servers = {n: lambda c=c: runner.server(c) for n, c in commands.items()}
        if shutil.which("nginx"):
            servers["nginx"] = lambda: nginx(root, folder)
        else:
            print("nginx is left out: it is not installed")
        table = Table("HTTP, wrk -c64, a file of 140 bytes", ["requests/s", "CPU µs/request"])
        for _ in range(rounds):
            for server, start in servers.items():
                with start() as (process, port):
                    before = cpu_seconds(process.pid)
                    out = runner.run([*ON_CLIENT, "wrk", "-t1", "-c64", f"-d{max(1, int(seconds))}",
                                      f"http://127.0.0.1:{port}/"], seconds)
                    spent = cpu_seconds(process.pid) - before
                    if "Non-2xx" in out:
                        raise runner.Failed(f"{server}: {out}")
                    total = int(re.search(r"(\d+) requests in", out)[1])
                    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", out)[1])
                    table.add(server, {"requests/s": rate, "CPU µs/request": spent * 1e6 / total})
        table.show()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, default="build")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--connections", type=int, nargs="+", default=[1, 64, 1000, 10_000])
    parser.add_argument("--what", nargs="+", default=["echo", "files", "direct", "http"])
    how = parser.parse_args()
    if len(CPUS) < 2:
        sys.exit("a server and its load need a CPU each")
    for what in how.what:
        {"echo": lambda: echo(how.build, how.rounds, how.seconds, how.connections),
         "files": lambda: files(how.build, how.rounds, how.seconds),
         "direct": lambda: direct(how.build, how.rounds, how.seconds),
         "http": lambda: http(how.build, how.rounds, how.seconds)}[what]()


if __name__ == "__main__":
    main()
