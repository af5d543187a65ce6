#include "threads/unwind.h"

#include <algorithm>
#include <cstring>

#include "threads/own_memory.h"

namespace conc::detail {

register_set register_set::of(const context& c) noexcept {
  register_set r;
  r.set(reg_return, reinterpret_cast<std::uintptr_t>(c.pc));
  r.set(reg_rsp, reinterpret_cast<std::uintptr_t>(c.sp));
  r.set(reg_rbp, reinterpret_cast<std::uintptr_t>(c.fp));
  return r;
}

bool stack_words::read(std::uintptr_t at, std::uintptr_t& word) noexcept {
  if (at < low_ || at > high_ - sizeof word || at % sizeof word != 0) return false;
  if (copy_ == nullptr && (at < from_ || at + sizeof word > from_ + held_)) {
    from_ = at;
    held_ = read_memory(piece_, reinterpret_cast<const void*>(at),
                        std::min<std::uintptr_t>(sizeof piece_, high_ - at));
  }
  if (at < from_ || at + sizeof word > from_ + held_) return false;
  std::memcpy(&word, (copy_ != nullptr ? copy_ : piece_) + (at - from_), sizeof word);
  return true;
}

const unwinder::remembered& unwinder::frame_at(std::uintptr_t address) noexcept {
  remembered& r = cache_[(address ^ address >> 6) % std::size(cache_)];
  if (r.address != address) {
    const module* m = modules_.find(address);
    r.known = m != nullptr && find_call_frame(*m, address, r.frame);
    r.address = address;
  }
  return r;
}

bool unwinder::step_by_frame(const call_frame& f, register_set& r,
                             stack_words& stack) const noexcept {
  if (!r.has(f.cfa_register)) return false;
  const std::uintptr_t cfa =
      r.value[f.cfa_register] + static_cast<std::uintptr_t>(std::int64_t{f.cfa_offset});
  if (cfa <= r.sp() || cfa > stack.high()) return false;
  const call_frame::rule back = f.rules[reg_return];
  if (back == call_frame::unchanged || back == call_frame::lost) return false;
  register_set caller;
  caller.set(reg_rsp, cfa);
  for (const unsigned i :
       {reg_rbx, reg_rbp, reg_r12, reg_r12 + 1, reg_r12 + 2, reg_r12 + 3, reg_return}) {
    const call_frame::rule rule = f.rules[i];
    if (rule == call_frame::lost) continue;
    if (rule == call_frame::unchanged) {
      if (r.has(i)) caller.set(i, r.value[i]);
      continue;
    }
    std::uintptr_t word;
    if (!stack.read(cfa + static_cast<std::uintptr_t>(std::int64_t{rule}), word)) return false;
    caller.set(i, word);
  }
  r = caller;
  return true;
}

bool unwinder::step_by_pointer(register_set& r, stack_words& stack) const noexcept {
  if (!r.has(reg_rbp)) return false;
  const std::uintptr_t frame = r.value[reg_rbp];
  std::uintptr_t next, back;
  if (frame < r.sp() || !stack.read(frame, next)) return false;
  if (!stack.read(frame + sizeof next, back)) return false;
  register_set caller;
  caller.set(reg_rsp, frame + 2 * sizeof next);
  caller.set(reg_rbp, next);
  caller.set(reg_return, back);
  r = caller;
  return true;
}

bool unwinder::step(register_set& r, stack_words& stack, bool exact, bool& whole) noexcept {
  whole = false;
#if defined(__x86_64__)
  const remembered& f = frame_at(exact ? r.pc() : r.pc() - 1);
  const bool stepped = f.known && step_by_frame(f.frame, r, stack);
#else
  const bool stepped = exact && false;
#endif
  if (!stepped && !step_by_pointer(r, stack)) return false;
  whole = r.pc() == 0;
  return !whole;
}

void unwinder::follow(register_set start, stack_words& stack, bool exact, trace& out) noexcept {
  out.depth = 0;
  out.whole = false;
  register_set r = start;
  do {
    out.at[out.depth++] = exact ? r.pc() : r.pc() - 1;
    if (!step(r, stack, exact, out.whole)) return;
    exact = false;
  } while (out.depth < trace::most);
}

}  // namespace conc::detail
