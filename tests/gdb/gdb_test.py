#!/usr/bin/env python3
"""conc-gdb.py on a live process, on core files of gdb and of the kernel, and without any symbols.

gdb_test.py SCRIPT PROGRAM...: each program is tests/gdb/parked.cc, linked in its own way.
Ends with 77, which Meson takes for skipped, where gdb is missing or may not trace.
"""
import pathlib
import re
import resource
import shutil
import subprocess
import sys
import tempfile

SKIPPED = 77


def run_gdb(script, folder, arguments, commands):
    """What gdb prints, after the script was loaded."""
    line = ["gdb", "-nx", "-q", "-batch", "-ex", "set style enabled off", "-ex", "set width 0",
            "-ex", "set debuginfod enabled off", "-ex", f"source {script}"]
    for command in commands:
        line += ["-ex", command]
    done = subprocess.run(line + arguments, cwd=folder, text=True, timeout=120,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    if "ptrace: Operation not permitted" in done.stdout or "Could not trace" in done.stdout:
        print("gdb may not trace here:\n" + done.stdout)
        sys.exit(SKIPPED)
    return done.stdout


def expect(output, pattern, times=None):
    found = re.findall(pattern, output, re.MULTILINE)
    if not found or (times is not None and len(found) != times):
        sys.exit(f"{len(found)} times instead of {times or 'at least once'}: {pattern}\nin\n{output}")


def entry(output, name):
    """The heading and the frames of one thread, as `conc bt all` prints them."""
    match = re.search(rf'^thread \S+ "{name}": .*\n(?:#.*\n?)*', output, re.MULTILINE)
    if not match:
        sys.exit(f'no entry of "{name}" in\n{output}')
    return match[0]


def check_threads(output):
    expect(output, r"^runtime 0x[0-9a-f]+:$", 1)
    expect(output, r'^  thread \S+ "deep": waits for a conc::mutex at 0x[0-9a-f]+$', 1)
    expect(output, r'^  thread \S+ "listener": waits for a conc::channel, to receive at 0x[0-9a-f]+$', 1)
    expect(output, r'^  thread \S+ "own": waits for a semaphore at 0x[0-9a-f]+$', 1)
    expect(output, r'^  thread \S+ "sleeper": sleeps$', 1)
    expect(output, r'^  thread \S+ "busy": running on processor [01]$', 1)


def check_traces(output):
    deep = entry(output, "deep")
    expect(deep, r"^#\d+ .*conc_test_no_frame_pointer", 6)
    expect(deep, r"^#\d+ .*lock_it")
    expect(deep, r"^#\d+ .*thread_main")
    expect(entry(output, "own"), r"^#\d+ .*semaphore_base")
    expect(entry(output, "own"), r"^#\d+ .*thread_main")
    expect(entry(output, "sleeper"), r"^#\d+ .*sleep_until_steady")
    busy = entry(output, "busy")
    expect(busy, r"^#\d+ .*conc_test_no_frame_pointer", 3)
    expect(busy, r"^#\d+ .*thread_main")


LOOK = ["conc threads", "conc bt all"]


def check_navigation(output):
    """`conc thread`, `up`, `conc carrier`, each announced by an echo."""
    inside, above, back = re.split("--up--|--back--", output.split("--go--")[1])
    expect(inside, r"^#0 .*\n(?:.*\n)*#\d+ .*conc_test_no_frame_pointer")
    expect(above, r"^#2 ")
    expect(back, r"^#\d+ .*abort")


def live(script, program, folder):
    core = folder / "core.gdb"
    output = run_gdb(script, folder, [program], [
        "run", *LOOK, "echo --go--\\n",
        "python gdb.execute('conc thread ' + next(t.label() for t in user_threads() "
        "if t.name == 'deep'))",
        "bt", "echo --up--\\n", "up", "echo --back--\\n", "conc carrier", "bt",
        f"conc gcore {core}", "conc bt 99999"])
    check_threads(output)
    check_traces(output)
    check_navigation(output)
    expect(output, r"^there is no thread 99999")
    return core


def from_core(script, program, folder, core):
    output = run_gdb(script, folder, [program, core], LOOK)
    check_threads(output)
    check_traces(output)


def kernels_core(program, folder):
    """A core file of the kernel's, or None where it sends them elsewhere."""
    pattern = pathlib.Path("/proc/sys/kernel/core_pattern").read_text().strip()
    if "|" in pattern or "/" in pattern:
        return None

    def allow():
        limit = resource.getrlimit(resource.RLIMIT_CORE)[1]
        resource.setrlimit(resource.RLIMIT_CORE, (limit, limit))

    subprocess.run([program], cwd=folder, preexec_fn=allow, stderr=subprocess.DEVNULL, timeout=60)
    return next(iter(folder.glob("core*")), None)


def without_symbols(script, program, folder):
    """Stripped of everything that can be stripped: names are gone, the way up is not."""
    bare = folder / "bare"
    needed = subprocess.run(["ldd", program], stdout=subprocess.PIPE, text=True).stdout
    library = re.search(r"libconc\.so\.\d+ => (\S+)", needed)
    if library is None:
        return  # the table of the layout has been stripped, too
    subprocess.run(["strip", "--strip-all", "-o", bare, program], check=True)
    subprocess.run(["strip", "--strip-all", "-o", folder / pathlib.Path(library[1]).name,
                    library[1]], check=True)
    output = run_gdb(script, folder, [str(bare)],
                     [f"set environment LD_LIBRARY_PATH {folder}", "run", *LOOK])
    check_threads(output)
    expect(entry(output, "deep"), r"^#10 ")


def main():
    script, *programs = (str(pathlib.Path(path).resolve()) for path in sys.argv[1:])
    if shutil.which("gdb") is None:
        print("no gdb here")
        sys.exit(SKIPPED)
    for program in programs:
        with tempfile.TemporaryDirectory(prefix="conc-gdb-") as name:
            folder = pathlib.Path(name)
            print(program)
            from_core(script, program, folder, live(script, program, folder))
            core = kernels_core(program, folder)
            if core is None:
                print("  the kernel leaves no core file here")
            else:
                from_core(script, program, folder, core)
            without_symbols(script, program, folder)


if __name__ == "__main__":
    main()
