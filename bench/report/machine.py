"""What was measured on, and who else used it meanwhile."""
import ctypes
import errno
import os
import pathlib
import platform
import resource


def _read(path):
    try:
        return pathlib.Path(path).read_text()
    except OSError:
        return ""


def _field(text, name):
    for line in text.splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return ""


def _distribution():
    for line in _read("/etc/os-release").splitlines():
        if line.startswith("PRETTY_NAME="):
            return line.partition("=")[2].strip('"')
    return "unknown"


def _caches():
    found = []
    for folder in sorted(pathlib.Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        level, kind, size = (_read(folder / n).strip() for n in ("level", "type", "size"))
        if kind != "Instruction":
            found.append(f"L{level} {size}")
    return ", ".join(found) or "unknown"


def _quota():
    words = _read("/sys/fs/cgroup/cpu.max").split()
    if len(words) != 2 or words[0] == "max":
        return "none"
    return f"{int(words[0]) / int(words[1]):.2f} CPUs"


def _load_average():
    return ", ".join(_read("/proc/loadavg").split()[:3]) or "unknown"


def io_uring_refusal():
    """Why the kernel refuses io_uring, or None. Asks it for a ring of impossible size."""
    io_uring_setup = 425  # the same on x86-64 and aarch64
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall(io_uring_setup, 0, None)
    reason = ctypes.get_errno()
    return os.strerror(reason) if reason in (errno.ENOSYS, errno.EPERM, errno.EACCES) else None


def description():
    """(what, value) pairs for a reader who wants to compare with another machine."""
    cpu = _read("/proc/cpuinfo")
    memory = _field(_read("/proc/meminfo"), "MemTotal").removesuffix("kB")
    refusal = io_uring_refusal()
    return [
        ("Processor", _field(cpu, "model name") or platform.machine()),
        ("CPUs that this process may use", str(len(os.sched_getaffinity(0)))),
        ("CPU quota of the container", _quota()),
        ("Runs in a virtual machine", "yes" if " hypervisor" in cpu else "no sign of it"),
        ("Caches of a CPU", _caches()),
        ("Memory", f"{int(memory) / 2**20:.1f} GiB" if memory.strip() else "unknown"),
        ("Kernel", platform.release()),
        ("Distribution", _distribution()),
        ("io_uring", f"refused: {refusal}" if refusal else "allowed"),
        ("Load average over 1, 5 and 15 minutes", _load_average()),
    ]


class Disturbance:
    """How much of the CPUs others took between the beginning and the end of a `with` block.

    Only programs that have ended and been waited for by then count as ours.
    """

    others = 0.0  # share of the usable time, by other programs
    stolen = 0.0  # share of the usable time, by the hypervisor

    def __enter__(self):
        self._before = self._look()
        return self

    def __exit__(self, *failure):
        all_time, busy, steal, ours = (b - a for a, b in zip(self._before, self._look()))
        if all_time > 0:
            self.others = max(0.0, (busy - ours) / all_time)
            self.stolen = max(0.0, steal / all_time)

    @staticmethod
    def _look():
        ticks = os.sysconf("SC_CLK_TCK")
        first = (_read("/proc/stat").splitlines() or ["cpu"])[0]
        counts = [int(word) / ticks for word in first.split()[1:9]] + [0.0] * 8
        user, nice, system, idle, iowait, irq, softirq, steal = counts[:8]
        children, own = (resource.getrusage(who) for who in
                         (resource.RUSAGE_CHILDREN, resource.RUSAGE_SELF))
        ours = children.ru_utime + children.ru_stime + own.ru_utime + own.ru_stime
        busy = user + nice + system + irq + softirq
        return busy + idle + iowait + steal, busy, steal, ours
