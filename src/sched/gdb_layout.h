// What a debugger must know to find the threads in a process or a core file, without any type
// information: release builds have none, and types differ between versions.
#ifndef CONC_SCHED_GDB_LAYOUT_H
#define CONC_SCHED_GDB_LAYOUT_H

#include <cstdint>

namespace conc::detail {

// Read by tools/gdb/conc-gdb.py, which has the same list: eight bytes each, new ones at the end. An
// incompatible change gives the symbol another number.
struct gdb_layout {
  std::uint64_t count;  // of what follows

  // The cells of all tasks (locks/task_slab.h).
  const void* chunks;
  const void* handed_out;
  std::uint64_t cells_per_chunk, cell_size;

  // Which kind a task is, and the words for what it waits for.
  const void* user_thread_port;
  const void* kernel_thread_port;
  const char* const* wait_words;
  std::uint64_t wait_word_count;

  // Where in a cell.
  std::uint64_t id, generation, state, waits_for, wait_address, waits_since, port, is_thread;
  std::uint64_t home, host, name, sp, fp, pc, stack_base, stack_pages;
  std::uint64_t kernel_thread_id;

  std::uint64_t processor_index;  // in a processor, which is what `host` points to

  std::uint64_t default_stack_size, guard_size, page_size;

  // The object of a wait of this kind, or one behind it, is found here (locks/wait_kind.h).
  std::uint64_t first_kind_with_a_record, wait_context;
};

// A reference to the table, so that a program that is linked statically keeps it.
const gdb_layout& layout_for_gdb() noexcept;

}  // namespace conc::detail

#endif  // CONC_SCHED_GDB_LAYOUT_H
