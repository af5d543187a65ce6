"""conc's user-level threads in gdb: in a live process, and in a core file.

    (gdb) source conc-gdb.py        where gdb does not load it by itself
    (gdb) conc threads              all threads of all runtimes
    (gdb) conc bt 17                the stack trace of thread 17
    (gdb) conc bt all               of all that have one
    (gdb) conc thread 17            go there: bt, up, down, info locals work on its frames
    (gdb) conc carrier              and back to the kernel thread
    (gdb) conc gcore FILE           a core file of a live process, with these threads' stacks

Frames are found by gdb's own unwinder, hence also through code without frame pointers, and nothing
in the process is changed for it. The library need not have debugging information: where things are
is read from its symbol conc_gdb_layout_v0.
"""
import pathlib
import struct
import sys

import gdb
from gdb.unwinder import Unwinder

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from conc_tasks import (BLOCKED, Layout, all_tasks, find, kernel_thread_below, read,  # noqa: E402
                        register_names, user_threads)


class FrameId:
    def __init__(self, sp, pc):
        self.sp = sp
        self.pc = pc


class Detour(Unwinder):
    """Makes gdb believe that the newest frame of the selected kernel thread was called by a thread
    that is parked. What it says about that frame's caller are the saved registers, and everything
    further up is gdb's own work."""

    def __init__(self):
        super().__init__("conc")
        self.thread = None
        self.newest = None
        self.names = None

    def point_at(self, thread):
        self.leave()
        self.names = register_names()
        frame = gdb.newest_frame()
        self.newest = (int(frame.read_register(self.names[1])), frame.pc())
        self.thread = thread
        gdb.invalidate_cached_frames()

    def leave(self):
        if self.thread is not None:
            self.thread = None
            gdb.invalidate_cached_frames()

    def __call__(self, pending):
        if self.thread is None:
            return None
        pc, sp, fp = self.names
        if (int(pending.read_register(sp)), int(pending.read_register(pc))) != self.newest:
            return None
        t = self.thread
        # Just below its caller, or gdb takes the stack for corrupt.
        kind = pending.read_register(sp).type
        below = gdb.Value(t.sp - 64).cast(kind)
        info = pending.create_unwind_info(FrameId(below, pending.read_register(pc)))
        for name, value in ((pc, t.pc), (sp, t.sp), (fp, t.fp)):
            info.add_saved_register(name, gdb.Value(value).cast(pending.read_register(name).type))
        return info


detour = Detour()
gdb.unwinder.register_unwinder(None, detour, replace=True)
gdb.events.cont.connect(lambda event: detour.leave())


def go_to(t):
    """Selects the innermost frame of a thread."""
    if not t.has_stack():
        raise gdb.GdbError(f"thread {t.label()} is {t.what()}: it has no frames")
    carrier = kernel_thread_below(t)
    if carrier is not None:
        detour.leave()
        carrier.switch()
        gdb.newest_frame().select()
        return
    if t.in_section:
        raise gdb.GdbError(f"thread {t.label()} runs, but on no kernel thread that gdb knows")
    detour.point_at(t)
    first = gdb.newest_frame().older()
    if first is None:
        detour.leave()
        raise gdb.GdbError(f"gdb finds no frame of thread {t.label()}")
    first.select()


def trace_of(t):
    """The frames as `bt` prints them, without what belongs to the kernel thread, and the null
    return address that ends them all."""
    go_to(t)
    lines = gdb.execute("bt", to_string=True).splitlines()
    if detour.thread is not None:
        while lines and not lines[0].startswith("#1 "):
            lines.pop(0)
    beyond = (f"{0:#018x} in ?? ()", "Backtrace stopped:")
    return [line for line in lines if not any(words in line for words in beyond)]


def heading(t):
    name = f' "{t.name}"' if t.name else ""
    return f"thread {t.label()}{name}: {t.what()}"


class Place:
    """Remembers which kernel thread and frame are selected, and goes back."""

    def __enter__(self):
        self.detour = detour.thread
        self.thread = gdb.selected_thread()
        self.level = gdb.selected_frame().level()
        return self

    def __exit__(self, *_):
        detour.leave()
        self.thread.switch()
        if self.detour is not None:
            detour.point_at(self.detour)
        frame = gdb.newest_frame()
        for _ in range(self.level):
            frame = frame.older() or frame
        frame.select()


class Conc(gdb.Command):
    """The user-level threads of conc: conc threads, conc bt, conc thread, conc carrier."""

    def __init__(self):
        super().__init__("conc", gdb.COMMAND_STACK, gdb.COMPLETE_NONE, True)


class ConcThreads(gdb.Command):
    """Lists the user-level threads of all runtimes, and the kernel threads that wait in conc."""

    def __init__(self):
        super().__init__("conc threads", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        tasks = list(all_tasks())
        threads = [t for t in tasks if t.is_user]
        for home in sorted({t.home for t in threads}):
            print(f"runtime {home:#x}:")
            for t in threads:
                if t.home == home:
                    print("  " + heading(t))
        for t in tasks:
            if t.is_kernel and t.state == BLOCKED:
                print(f"kernel thread {t.label()} (LWP {t.kernel_id}): {t.what()}")
        if not threads:
            print("no user-level threads")


class ConcBacktrace(gdb.Command):
    """Prints the stack trace of a user-level thread: conc bt NUMBER, or of all: conc bt all."""

    def __init__(self):
        super().__init__("conc bt", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        wanted = argument.strip()
        if not wanted:
            raise gdb.GdbError("conc bt NUMBER, or conc bt all")
        with Place():
            for t in user_threads() if wanted == "all" else [find(wanted)]:
                print(heading(t))
                if not t.has_stack() and wanted == "all":
                    continue
                try:
                    print("\n".join(trace_of(t)))
                except gdb.GdbError as error:
                    print(f"  {error}")


class ConcThread(gdb.Command):
    """Selects a user-level thread: conc thread NUMBER. Frames are counted from 1, as frame 0 remains
    the kernel thread's. `conc carrier`, or letting the process run, ends it."""

    def __init__(self):
        super().__init__("conc thread", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        t = find(argument.strip())
        go_to(t)
        print(heading(t))
        gdb.execute("frame")


class ConcCarrier(gdb.Command):
    """Back to the frames of the kernel thread."""

    def __init__(self):
        super().__init__("conc carrier", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        detour.leave()
        gdb.newest_frame().select()
        gdb.execute("frame")


class CoreFile:
    """The memory in an ELF core file, to write to."""

    def __init__(self, path):
        self.file = open(path, "r+b")
        head = self.file.read(64)
        table, size, count = struct.unpack_from("<Q", head, 32)[0], *struct.unpack_from("<HH", head, 54)
        self.parts = []
        for i in range(count):
            self.file.seek(table + i * size)
            kind, _, offset, address, _, bytes_, _, _ = struct.unpack("<IIQQQQQQ", self.file.read(56))
            if kind == 1:  # PT_LOAD
                self.parts.append((address, bytes_, offset))

    def write(self, address, data):
        for begin, size, offset in self.parts:
            if begin <= address and address + len(data) <= begin + size:
                self.file.seek(offset + address - begin)
                self.file.write(data)


class ConcGcore(gdb.Command):
    """Writes a core file of a live process, as generate-core-file does, and adds what that leaves out:
    conc gcore FILE. gdb gives a mapping up at the first page that it cannot read, and below each
    stack there is such a page, the guard. (The kernel's own core files are complete.)"""

    def __init__(self):
        super().__init__("conc gcore", gdb.COMMAND_DATA, gdb.COMPLETE_FILENAME)

    def invoke(self, argument, from_tty):
        path = argument.strip() or f"core.{gdb.selected_inferior().pid}"
        gdb.execute("generate-core-file " + path, to_string=True)
        core = CoreFile(path)
        page = Layout().page_size
        for t in user_threads():
            if not t.has_stack():
                continue
            # What a running thread has touched is not known: all of it, from the top down.
            parked = t.state == BLOCKED and not t.in_section
            lowest = t.sp // page * page if parked else t.base
            for address in range(t.top - page, lowest - 1, -page):
                try:
                    core.write(address, read(address, page))
                except gdb.MemoryError:
                    break
        core.file.close()
        print(f"Saved corefile {path}, with {sum(t.has_stack() for t in user_threads())} stacks")


Conc()
ConcGcore()
ConcThreads()
ConcBacktrace()
ConcThread()
ConcCarrier()
