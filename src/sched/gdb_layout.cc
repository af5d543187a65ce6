#include "sched/gdb_layout.h"

#include <cstddef>
#include <iterator>

#include "locks/kernel_task.h"
#include "locks/task_slab.h"
#include "sched/carrier.h"
#include "threads/tcb.h"

// Neither is a standard-layout type; the compilers that we know place their members all the same.
#pragma GCC diagnostic ignored "-Winvalid-offsetof"

extern "C" {

[[gnu::visibility("default")]] extern const conc::detail::gdb_layout conc_gdb_layout_v0;

constinit const conc::detail::gdb_layout conc_gdb_layout_v0 = [] {
  using namespace conc::detail;
  constexpr std::size_t registers = registers_in_tcb;
  gdb_layout l{};
  l.count = sizeof l / 8 - 1;
  l.chunks = conc_task_slab_v0.chunks;
  l.handed_out = &conc_task_slab_v0.handed_out;
  l.cells_per_chunk = cells_per_chunk;
  l.cell_size = task_cell_size;
  l.user_thread_port = &user_thread_port;
  l.kernel_thread_port = &kernel_thread_port;
  l.wait_words = wait_kind_words;
  l.wait_word_count = std::size(wait_kind_words);
  l.id = offsetof(tcb, id);
  l.generation = offsetof(tcb, generation);
  l.state = offsetof(tcb, state);
  l.waits_for = offsetof(tcb, waits_for);
  l.wait_address = offsetof(tcb, wait_address);
  l.waits_since = offsetof(tcb, waits_since);
  l.port = offsetof(tcb, port);
  l.is_thread = offsetof(tcb, is_thread);
  l.home = offsetof(tcb, home);
  l.host = offsetof(tcb, host);
  l.name = offsetof(tcb, name);
  l.sp = registers + offsetof(context, sp);
  l.fp = registers + offsetof(context, fp);
  l.pc = registers + offsetof(context, pc);
  l.stack_base = offsetof(tcb, stack_base);
  l.stack_pages = offsetof(tcb, stack_pages);
  l.kernel_thread_id = offsetof(kernel_task, thread_id);
  l.processor_index = offsetof(processor, index);
  l.default_stack_size = default_stack_size;
  l.guard_size = guard_size;
  l.page_size = page_size;
  l.first_kind_with_a_record = static_cast<std::uint64_t>(first_kind_with_a_record);
  l.wait_context = offsetof(tcb, wait_context);
  return l;
}();

}  // extern "C"

const conc::detail::gdb_layout& conc::detail::layout_for_gdb() noexcept {
  return conc_gdb_layout_v0;
}
