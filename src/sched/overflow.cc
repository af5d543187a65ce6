#include "sched/overflow.h"

#include <signal.h>

#include <cerrno>
#include <ctime>

#include "locks/line.h"
#include "sched/carrier.h"
#include "sched/interrupted.h"
#include "threads/frame_line.h"
#include "threads/signal_chain.h"
#include "threads/snapshot.h"

namespace conc::detail {
namespace {

constinit signal_chain chain;
// Two threads may overflow at the same time: the second waits for the first one's report, but not
// for ever.
constinit atomic<bool> reporting{false};

// How much of a long recursion is shown: where it is, and how it began.
constexpr std::size_t innermost = 24, outermost = 8;

void write_place(std::size_t number, std::uintptr_t address, symbols& names) noexcept {
  const symbols::place p = names.find(address);
  line out;
  (out << "    #").number(number) << (number < 10 ? "  " : " ");
  append_place(out, address, p, p.function);
  out.write_out();
}

void write_trace(const register_set& start, const stack_memory& s) noexcept {
  const modules all;
  symbols names(all);
  unwinder up(all);
  stack_words words = words_of(s);
  register_set r = start;
  bool exact = true, whole = false;
  std::uintptr_t last[outermost];
  std::size_t depth = 0;
  do {
    const std::uintptr_t at = exact ? r.pc() : r.pc() - 1;
    if (depth < innermost) write_place(depth, at, names);
    last[depth++ % outermost] = at;
    const bool more = up.step(r, words, exact, whole);
    exact = false;
    if (!more) break;
  } while (true);
  std::size_t i = innermost;
  if (depth > innermost + outermost) {
    i = depth - outermost;
    line out;
    (out << "    ... ").number(i - innermost) << " more ...";
    out.write_out();
  }
  for (; i < depth; ++i) write_place(i, last[i % outermost], names);
}

void write_report(const tcb& t, const register_set& r) noexcept {
  const stack_memory s = stack_of(t);
  char name[128];
  copy_name(t, name, sizeof name);
  line out;
  (out << "conc: fatal: stack overflow in thread ").number(t.id);
  if (t.generation > 1) (out << ".").number(t.generation);
  if (name[0] != '\0') out << " \"" << name << "\"";
  (out << ", whose stack is ").number(s.usable_size() / 1024) << " KiB from ";
  out.address(s.lowest_usable()) << " to ";
  out.address(s.top()) << "; thread_options::stack_size makes it larger";
  out.write_out();
  write_trace(r, s);
}

// A fault in the guard; or below it, with the stack pointer there as well: a large frame may have
// jumped over the guard. In both cases what was touched is part of the frame, hence not far below
// the stack pointer; by how much, with red zones, pushes and probes of what will be needed, is what
// Linux allowed when it let stacks grow. A pointer that has gone astray mostly points elsewhere,
// also while the thread runs on another stack, of the program's own making, that lies below its
// own.
bool is_overflow(const siginfo_t& info, const register_set& r, const tcb& t) noexcept {
  constexpr std::uintptr_t largest_jump = 64 << 20, farthest_probe = (64 << 10) + 256;
  const stack_memory s = stack_of(t);
  if (info.si_code <= 0 || !s) return false;
  const auto at = reinterpret_cast<std::uintptr_t>(info.si_addr);
  const auto base = reinterpret_cast<std::uintptr_t>(s.base);
  const auto low = reinterpret_cast<std::uintptr_t>(s.lowest_usable());
  if (at >= low || at + farthest_probe < r.sp()) return false;
  return at >= base || (r.sp() < low && r.sp() > base - largest_jump);
}

void wait_for_the_first() noexcept {
  const timespec moment{0, 10'000'000};
  for (int i = 0; i < 200; ++i) nanosleep(&moment, nullptr);
}

void on_fault(int signal, siginfo_t* info, void* context) noexcept {
  const int saved_errno = errno;
  const task_head* head = current_or_null();
  const auto* self = static_cast<const task*>(head);
  if (self == nullptr || !self->is_thread ||
      !is_overflow(*info, interrupted_registers(context), static_cast<const tcb&>(*self))) {
    chain.pass_on(signal, info, context);
    errno = saved_errno;
    return;
  }
  if (reporting.exchange(true, memory_order_relaxed)) {
    wait_for_the_first();
  } else {
    write_report(static_cast<const tcb&>(*self), interrupted_registers(context));
  }
  chain.step_aside(signal);
  errno = saved_errno;
}

}  // namespace

void report_overflows() noexcept {
  static const bool installed = chain.install(SIGSEGV, on_fault);
  static_cast<void>(installed);
}

}  // namespace conc::detail
