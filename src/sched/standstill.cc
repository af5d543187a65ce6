#include "sched/standstill.h"

#include <algorithm>

#include "locks/futex.h"
#include "locks/mutants.h"
#include "locks/sanitized.h"
#include "sched/carrier_signal.h"
#include "sched/interrupted.h"
#include "sched/scheduler.h"
#include "threads/own_memory.h"
#include "threads/snapshot.h"

namespace conc::detail {
namespace {

constexpr nanos patience_of_asker = 200'000'000, patience_of_handler = 1'000'000'000;

bool answered(standstill& s) noexcept {
  const nanos end = now() + patience_of_asker;
  std::uint32_t seen = standstill::asked;
  while (seen == standstill::asked && now() < end) {
    futex_wait(s.phase, standstill::asked, end);
    seen = s.phase.load(memory_order_relaxed);
  }
  if (seen == standstill::asked &&
      // [standstill] acquire: as below; a late answer is an answer.
      s.phase.compare_exchange_strong(seen, standstill::idle, memory_order_acquire,
                                      memory_order_acquire)) {
    return false;
  }
  // [standstill] acquire: pairs with the release in stand_still_if_asked().
  return s.phase.load(memory_order_acquire) == standstill::arrived;
}

void copy_stack(std::uint32_t who, stopped_thread& out) noexcept {
  task_snapshot t;
  if (!t.read(who) || !t.as_task().is_thread) return;
  const stack_memory s = stack_of(t.as_thread());
  const std::uintptr_t sp = out.registers.sp();
  const auto low = reinterpret_cast<std::uintptr_t>(s.lowest_usable());
  const auto high = reinterpret_cast<std::uintptr_t>(s.top());
  if (sp < low || sp >= high) return;
  out.held = read_memory(out.copy, reinterpret_cast<const void*>(sp),
                         std::min<std::size_t>(sizeof out.copy, high - sp));
}

}  // namespace

bool stand_still_if_asked(carrier& c, const void* context) noexcept {
  standstill& s = c.stop;
  // [standstill.asked] acquire: pairs with the releases in look_at_running(); whoever asked before
  // has done with what we are about to write.
  if (s.phase.load(memory_order_acquire) != standstill::asked) return false;
  s.who = current_or_null()->id;
  s.registers = interrupted_registers(context);
  std::uint32_t seen = standstill::asked;
  // [standstill] release: pairs with the acquire in look_at_running(); who and registers are there.
  if (s.phase.compare_exchange_strong(seen, standstill::arrived, memory_order_release,
                                      memory_order_relaxed)) {
    futex_wake(s.phase);
    const nanos end = now() + patience_of_handler;
    while (s.phase.load(memory_order_relaxed) == standstill::arrived && now() < end) {
      futex_wait(s.phase, standstill::arrived, end);
    }
    seen = standstill::arrived;  // if the asker is gone we go, too
    s.phase.compare_exchange_strong(seen, standstill::idle, memory_order_relaxed,
                                    memory_order_relaxed);
  }
  return true;
}

carrier* carrier_here() noexcept {
  const task_head* t = current_or_null();
  if (t == nullptr) return nullptr;
  const task& self = *static_cast<const task*>(t);
  if (self.host != nullptr) return carrier_of(self);
  return self.is_thread ? static_cast<const tcb&>(self).aboard : nullptr;
}

bool look_at_running(carrier& c, stopped_thread& out) noexcept {
  out.held = 0;
  if (!signals_arrive) return false;
  standstill& s = c.stop;
  std::uint32_t seen = standstill::idle;
  if (!handle_carrier_signal()) return false;
  // [standstill.asked] acq_rel: pairs with the acquire in stand_still_if_asked() and the release below.
  if (!s.phase.compare_exchange_strong(seen, standstill::asked, memory_order_acq_rel,
                                       memory_order_relaxed)) {
    return false;  // somebody else asks just now
  }
  if (!c.home.send_signal(c, carrier_signal)) {
    s.phase.store(standstill::idle, memory_order_relaxed);
    return false;
  }
  if (!answered(s)) return false;
  out.who = s.who;
  out.registers = s.registers;
  copy_stack(out.who, out);
  seen = standstill::arrived;
  // If it has lost its patience, what was copied may be a mixture.
  // [standstill.asked] release: pairs with the acquire of who asks next.
  const bool stood_still = s.phase.compare_exchange_strong(
      seen, standstill::idle, memory_order_release, memory_order_relaxed);
  futex_wake(s.phase);
  return stood_still && out.held != 0;
}

}  // namespace conc::detail
