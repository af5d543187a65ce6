#include "sched/load.h"

#include <algorithm>

namespace conc::detail {
namespace {

double area(nanos length, std::uint32_t before, std::uint32_t after) noexcept {
  return static_cast<double>(length) * (static_cast<double>(before) + static_cast<double>(after)) /
         2;
}

}  // namespace

void load_record::write(nanos time, std::uint32_t waiting, bool busy, nanos searched) noexcept {
  const bool was_busy = busy_.load(memory_order_relaxed);
  const nanos length = std::max<nanos>(time - since_.load(memory_order_relaxed), 0);
  const std::uint32_t version = version_.load(memory_order_relaxed);
  version_.store(version + 1, memory_order_relaxed);
  // Who sees one of these also sees that the version is odd, or a later one: pairs with read().
  since_.store(time, memory_order_release);  // [load]
  if (was_busy) {
    const double waited = area(length, waiting_then_.load(memory_order_relaxed), waiting);
    running_.store(running_.load(memory_order_relaxed) + length, memory_order_release);  // [load]
    waited_.store(waited_.load(memory_order_relaxed) + waited, memory_order_release);    // [load]
  }
  searching_.store(searching_.load(memory_order_relaxed) + searched,
                   memory_order_release);              // [load]
  busy_.store(busy, memory_order_release);             // [load]
  waiting_then_.store(waiting, memory_order_release);  // [load]
  version_.store(version + 2, memory_order_release);   // [load]
}

load_record::reading load_record::read(nanos time, std::uint32_t waiting) const noexcept {
  reading r;
  // A writer that has lost its CPU in the middle is not waited for: a figure that is off by one
  // interval is better than a reader that spins.
  for (int looks = 0; looks < 64; ++looks) {
    // The words are those of this version, unless the version has changed: pairs with write().
    const std::uint32_t version = version_.load(memory_order_acquire);      // [load]
    const nanos since = since_.load(memory_order_acquire);                  // [load]
    r.running = running_.load(memory_order_acquire);                        // [load]
    r.searching = searching_.load(memory_order_acquire);                    // [load]
    r.waited = waited_.load(memory_order_acquire);                          // [load]
    const bool busy = busy_.load(memory_order_acquire);                     // [load]
    const std::uint32_t before = waiting_then_.load(memory_order_acquire);  // [load]
    if (busy && time > since) {
      r.running += time - since;
      r.waited += area(time - since, before, waiting);
    }
    if (version % 2 == 0 && version_.load(memory_order_relaxed) == version) break;
  }
  return r;
}

}  // namespace conc::detail
