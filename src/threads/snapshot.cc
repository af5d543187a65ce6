#include "threads/snapshot.h"

#include "locks/task_slab.h"
#include "threads/own_memory.h"

namespace conc::detail {

bool task_snapshot::read(std::uint32_t id) noexcept {
  const task* t = find_task(id);
  return t != nullptr && read_memory(cell_, t, sizeof cell_) == sizeof cell_;
}

bool task_snapshot::read_at(const void* cell) noexcept {
  task_head head;
  return read_object(head, cell) && find_task(head.id) == cell && read(head.id);
}

bool task_snapshot::still_true_in(const task_snapshot& later) const noexcept {
  const tcb &a = as_thread(), &b = later.as_thread();
  return a.generation == b.generation && state() == later.state() &&
         a.wait_epoch.load(memory_order_relaxed) == b.wait_epoch.load(memory_order_relaxed) &&
         a.wait_address.load(memory_order_relaxed) == b.wait_address.load(memory_order_relaxed) &&
         a.waits_since.load(memory_order_relaxed) == b.waits_since.load(memory_order_relaxed) &&
         a.flow.registers.sp == b.flow.registers.sp && a.flow.registers.pc == b.flow.registers.pc;
}

stack_memory stack_of(const tcb& t) noexcept {
  if (t.stack_base == nullptr) return {};
  return {t.stack_base, t.stack_pages == 0 ? default_stack_size : t.stack_pages * page_size};
}

stack_words words_of(const stack_memory& s) noexcept {
  return {reinterpret_cast<std::uintptr_t>(s.lowest_usable()),
          reinterpret_cast<std::uintptr_t>(s.top())};
}

void copy_name(const tcb& t, char* to, std::size_t room) noexcept {
  std::size_t length = t.name == nullptr ? 0 : read_memory(to, t.name, room - 1);
  for (std::size_t i = 0; i < length; ++i) {
    if (to[i] == '\0')
      length = i;
    else if (static_cast<unsigned char>(to[i]) < 0x20 || to[i] == 0x7f)
      to[i] = '?';
  }
  to[length] = '\0';
}

}  // namespace conc::detail
