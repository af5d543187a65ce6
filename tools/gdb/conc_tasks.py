"""What conc-gdb.py knows about the tasks in the process: where they are, and in which state."""
import struct

import gdb

# The words of conc_gdb_layout_v0, in order; see src/sched/gdb_layout.h.
LAYOUT = """
    chunks handed_out cells_per_chunk cell_size
    user_thread_port kernel_thread_port wait_words wait_word_count
    id generation state waits_for wait_address waits_since port is_thread
    home host name sp fp pc stack_base stack_pages
    kernel_thread_id processor_index
    default_stack_size guard_size page_size
    first_kind_with_a_record wait_context
""".split()

FREE, READY, RUNNING, BLOCKED, FINISHED = range(5)
REGISTERS = {
    "i386:x86-64": ("rip", "rsp", "rbp"),
    "aarch64": ("pc", "sp", "x29"),
}


def read(address, size):
    return bytes(gdb.selected_inferior().read_memory(address, size))


def word(address):
    return struct.unpack("<Q", read(address, 8))[0]


def text_at(address, most=128):
    """A C string; as much of it as is there."""
    out = bytearray()
    try:
        while len(out) < most:
            byte = read(address + len(out), 1)[0]
            if byte == 0:
                break
            out.append(byte if byte >= 0x20 else ord("?"))
    except gdb.MemoryError:
        pass
    return out.decode("utf-8", "replace")


class Layout:
    """Where the library keeps what."""

    def __init__(self):
        try:
            at = int(gdb.parse_and_eval("(unsigned long)&conc_gdb_layout_v0"))
        except gdb.error as error:
            raise gdb.GdbError(
                "conc is not in this program, in a version that this script does not know, or the "
                f"program's symbols were stripped ({error})")
        known = min(word(at), len(LAYOUT))
        for i, name in enumerate(LAYOUT):
            setattr(self, name, word(at + 8 * (i + 1)) if i < known else None)

    def wait_words_of(self, kind):
        if kind >= self.wait_word_count:
            return f"something of kind {kind}"
        return text_at(word(self.wait_words + 8 * kind))


class Thread:
    """A task, from the copy of its cell."""

    def __init__(self, layout, cell):
        self.layout = layout
        u8 = lambda offset: cell[offset]
        u32 = lambda offset: struct.unpack_from("<I", cell, offset)[0]
        u64 = lambda offset: struct.unpack_from("<Q", cell, offset)[0]
        self.number = u32(layout.id)
        self.generation = u32(layout.generation)
        self.state = u8(layout.state)
        self.kind = u8(layout.waits_for)
        self.wait_address = u64(layout.wait_address)
        recorded = layout.first_kind_with_a_record
        if recorded is not None and self.kind >= recorded:
            self.wait_address = u64(layout.wait_context)
        as_kernel_thread = u64(layout.port) == layout.kernel_thread_port
        self.is_user = cell[layout.is_thread] != 0 and u64(layout.port) != 0
        self.is_kernel = as_kernel_thread and not self.is_user
        self.in_section = as_kernel_thread and self.is_user
        if self.is_kernel:
            self.kernel_id = u32(layout.kernel_thread_id)
        if self.is_user:
            self.home = u64(layout.home)
            self.host = u64(layout.host)
            self.sp, self.fp, self.pc = u64(layout.sp), u64(layout.fp), u64(layout.pc)
            self.base = u64(layout.stack_base)
            pages = u32(layout.stack_pages)
            self.top = self.base + (pages * layout.page_size if pages else layout.default_stack_size)
            name = u64(layout.name)
            self.name = text_at(name) if name else ""

    def label(self):
        label = str(self.number)
        return f"{label}.{self.generation}" if self.generation > 1 else label

    def has_stack(self):
        return self.base != 0 and self.state in (READY, RUNNING, BLOCKED)

    def wait(self):
        words = self.layout.wait_words_of(self.kind)
        if words == "its time":
            return "sleeps"
        if words.startswith("input"):
            return f"waits for {words} on descriptor {self.wait_address}"
        if words == "the end of a thread":
            number = struct.unpack("<I", read(self.wait_address + self.layout.id, 4))[0]
            return f"waits for {words}, which is thread {number}"
        return f"waits for {words} at {self.wait_address:#x}"

    def processor(self):
        if self.host == 0:
            return ""
        at = self.host + self.layout.processor_index
        return f" on processor {struct.unpack('<I', read(at, 4))[0]}"

    def what(self):
        if self.state == BLOCKED:
            return self.wait() + (", in a blocking section" if self.in_section else "")
        if self.in_section:
            return "in a blocking section"
        if self.state in (READY, RUNNING):
            if kernel_thread_below(self) is not None:
                return "running" + self.processor()
            return "ready" if self.base else "ready, has not run yet"
        return "ended, not joined yet"


def all_tasks():
    """Every task that is in use, in the order of the numbers."""
    layout = Layout()
    handed_out = struct.unpack("<I", read(layout.handed_out, 4))[0]
    for first in range(0, handed_out, layout.cells_per_chunk):
        chunk = word(layout.chunks + 8 * (first // layout.cells_per_chunk))
        count = min(layout.cells_per_chunk, handed_out - first)
        cells = read(chunk, count * layout.cell_size)
        for i in range(count):
            cell = cells[i * layout.cell_size:(i + 1) * layout.cell_size]
            if cell[layout.state] == FREE:
                continue
            task = Thread(layout, cell)
            if task.is_user or task.is_kernel:
                yield task


def user_threads():
    return [t for t in all_tasks() if t.is_user]


def find(label):
    for t in user_threads():
        if label in (t.label(), str(t.number)):
            return t
    raise gdb.GdbError(f"there is no thread {label}; see: conc threads")


def register_names():
    name = gdb.newest_frame().architecture().name()
    if name not in REGISTERS:
        raise gdb.GdbError(f"this script does not know the registers of {name}")
    return REGISTERS[name]


known_stack_pointers = []


def stack_pointers():
    """Of all kernel threads, looked up once for each stop of the process."""
    if not known_stack_pointers:
        before = gdb.selected_thread()
        sp = register_names()[1]
        for candidate in gdb.selected_inferior().threads():
            candidate.switch()
            known_stack_pointers.append((int(gdb.newest_frame().read_register(sp)), candidate))
        before.switch()
    return known_stack_pointers


for event in (gdb.events.cont, gdb.events.inferior_call, gdb.events.new_objfile,
              gdb.events.exited):
    event.connect(lambda event: known_stack_pointers.clear())


def kernel_thread_below(t):
    """The kernel thread whose stack pointer is on this thread's stack: its carrier. Or None."""
    for sp, candidate in stack_pointers():
        if t.base != 0 and t.base <= sp < t.top:
            return candidate
    return None
