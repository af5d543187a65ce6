"""The TCP echo server on conc's threads, under load, beside a plain epoll server."""
import json
import os
import pathlib

import machine
import runner
import stats
import svg
from section import Chart, Section, Table, Text

INTRO = (
    "examples/echo_server gives every connection a thread of its own and lets io_uring do the "
    "waiting; epoll is a plain loop in one kernel thread. The same load drives the servers in turn "
    "over the loopback: every connection always has one message of 64 bytes under way, and every "
    "byte that comes back is compared. The load runs on the same CPUs and takes about half of "
    "their time, so that a server's second processor has to share."
)
CONC, EPOLL = "conc", "epoll, 1 kernel thread"
CONNECTIONS = (1, 64)
WARM_UP = 0.2


def _cpu_seconds(process):
    """User and system time of a running process, in steps of a clock tick."""
    fields = pathlib.Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _load(build, process, port, connections, seconds):
    before = _cpu_seconds(process)
    result = json.loads(runner.run(
        [f"{build}/bench/io/echo_load", f"--port={port}", f"--connections={connections}", "--json",
         f"--seconds={seconds}", f"--warm_up={WARM_UP}"], seconds + WARM_UP))
    spent = _cpu_seconds(process) - before
    result["cpu_us"] = spent * 1e6 / max(1, result["answers"])
    return result


def _measure_in_turn(build, servers, seconds, repetitions):
    """(server, connections) -> what is measured -> list of samples."""
    found = {}
    for _ in range(repetitions):
        for connections in CONNECTIONS:
            for name, (process, port) in servers.items():
                for what, value in _load(build, process, port, connections, seconds).items():
                    found.setdefault((name, connections), {}).setdefault(what, []).append(value)
    return {key: {w: stats.Samples(v) for w, v in all_of.items()} for key, all_of in found.items()}


def _present(section, found):
    def title(connections):
        return f"{connections} connection{'s' if connections > 1 else ''}"

    text = "Longer is better. The bar ends at the median, the thin line spans least to greatest."
    groups, rows = [], []
    for connections in CONNECTIONS:
        mine = [(n, v) for (n, c), v in found.items() if c == connections]
        groups.append((title(connections), [(name, v["requests_per_second"], i)
                                            for i, (name, v) in enumerate(mine)]))
        for name, v in mine:
            latency = [stats.time(1e3 * v[p].median) for p in ("p50_us", "p99_us", "p999_us")]
            cpu = stats.Samples([1e3 * x for x in v["cpu_us"].values])
            rows.append([title(connections), name, v["requests_per_second"].written(stats.rate),
                         *latency, cpu.written(stats.time)])
    section.blocks.append(Chart(
        "Echo requests per second", text,
        svg.bars(groups, stats.rate, "requests per second", "echo requests per second")))
    section.blocks.append(Table(
        "Requests per second, latency, the server's CPU time a request: medians (least – greatest)",
        ["load", "server", "requests", "p50", "p99", "p99.9", "CPU per request"], rows,
        terminal=True))
    for connections in CONNECTIONS:
        ours, theirs = (found[name, connections]["requests_per_second"].median
                        for name in (CONC, EPOLL))
        section.headlines.append((
            f"echo over TCP, {title(connections)}", stats.rate(ours),
            f"plain epoll {stats.rate(theirs)} (conc reaches {100 * ours / theirs:.0f} % of it)"))


def measure(build, quick):
    section = Section("A TCP echo server under load", INTRO)
    refusal = machine.io_uring_refusal()
    if refusal:
        section.blocks.append(Text(
            f"Not possible here: the kernel refuses io_uring ({refusal}), which conc's I/O needs "
            "in this version. Containers often forbid it by their seccomp profile; see also "
            "/proc/sys/kernel/io_uring_disabled."))
        return section
    what = "every server echoed every byte"
    conc, epoll = f"{build}/examples/echo_server", f"{build}/bench/io/echo_epoll"
    try:
        with runner.server([conc, "--port", "0"]) as first, \
             runner.server([conc, "--port", "0"], CONC_PROCS="1") as second, \
             runner.server([epoll]) as third:
            servers = {CONC: first, "conc, 1 processor": second, EPOLL: third}
            found = _measure_in_turn(build, servers, 0.4 if quick else 1.2, 1 if quick else 3)
    except runner.Failed as failure:
        section.check(what, False, str(failure))
        return section
    section.check(what, True)
    _present(section, found)
    return section
