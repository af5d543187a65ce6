// What all shared mutexes are made of: the state word and the inline halves of their operations.
#ifndef CONC_DETAIL_SHARED_CORE_H
#define CONC_DETAIL_SHARED_CORE_H

#include <cstdint>

#include "conc/config.h"
#include "conc/detail/atomic.h"
#include "conc/detail/current.h"
#include "conc/detail/deadline.h"

namespace conc {

// Whom a shared mutex lets in first when both readers and writers wait.
//
//   phase_fair  readers and writers take turns. Those who run may pass those who sleep, up to a
//               bound; from there on the lock is handed over in phases. Nobody starves.
//   reader      readers come in whenever no writer is inside. Writers starve while readers overlap.
//   writer      readers come in only when no writer waits. Readers starve under a stream of
//   writers.
enum class rw_preference : std::uint8_t { phase_fair, reader, writer };

namespace detail {

struct task;

// The parts of the word; src/locks/shared_word.h says what they mean and how they change. `Bits` is
// the width of its two counters: 24, or less where a test wants to see them wrap.
template <unsigned Bits>
struct shared_layout {
  static constexpr std::uint64_t writer = 1, parked = 2, waking = 4, open = 8, phase = 16;
  static constexpr std::uint64_t sleeping = 32;
  static constexpr std::uint64_t one_bypass = 64, bypass_mask = 0x3ff * one_bypass;
  static constexpr unsigned arrivals_shift = 16, departures_shift = 16 + Bits;
  static constexpr std::uint64_t count_mask = (std::uint64_t{1} << Bits) - 1;
  static constexpr std::uint64_t one_arrival = std::uint64_t{1} << arrivals_shift;
  static constexpr std::uint64_t one_departure = std::uint64_t{1} << departures_shift;
  static constexpr std::uint64_t arrivals_top = one_arrival << (Bits - 1);

  static std::uint64_t arrivals(std::uint64_t w) noexcept {
    return w >> arrivals_shift & count_mask;
  }
  static std::uint64_t departures(std::uint64_t w) noexcept {
    return w >> departures_shift & count_mask;
  }
  // How many readers are inside.
  static std::uint64_t inside(std::uint64_t w) noexcept {
    return (w & writer) != 0 ? departures(w) : (arrivals(w) + departures(w)) & count_mask;
  }
  // Nobody is inside, and nobody wants to write.
  static bool is_free(std::uint64_t w) noexcept {
    return (w & (one_arrival - 1) & ~phase) == 0 && inside(w) == 0;
  }
};

template <rw_preference Preference, unsigned Bits = 24>
class CONC_API shared_core {
 public:
  using layout = shared_layout<Bits>;
  // Less where narrow counters could not count so far.
  static constexpr std::uint32_t max_bypass = Bits < 12 ? (1u << Bits) / 4 : 1000;

  constexpr shared_core() noexcept = default;
  shared_core(const shared_core&) = delete;
  shared_core& operator=(const shared_core&) = delete;
  ~shared_core() {
    if (!layout::is_free(word_.load(memory_order_relaxed))) [[unlikely]]
      destroyed_in_use();
  }

  void lock_shared() noexcept {
    // [shared_mutex] acquire: pairs with the release of the writer before.
    const std::uint64_t before = word_.fetch_add(layout::one_arrival, memory_order_acquire);
    if ((before & (layout::writer | layout::arrivals_top)) != 0) [[unlikely]]
      arrive_slow(before, never);
  }
  bool lock_shared_until(steady_nanos deadline) noexcept {
    if (try_lock_shared()) return true;
    if (deadline <= steady_now()) return false;
    // [shared_mutex] acquire: as in lock_shared().
    const std::uint64_t before = word_.fetch_add(layout::one_arrival, memory_order_acquire);
    return (before & (layout::writer | layout::arrivals_top)) == 0 || arrive_slow(before, deadline);
  }
  bool try_lock_shared() noexcept {
    std::uint64_t seen = word_.load(memory_order_relaxed);
    while ((seen & layout::writer) == 0) {
      if ((seen & layout::arrivals_top) != 0) {
        if (!rebase(seen)) return false;
        continue;
      }
      // [shared_mutex] acquire: as in lock_shared().
      if (word_.compare_exchange_weak(seen, seen + layout::one_arrival, memory_order_acquire,
                                      memory_order_relaxed)) {
        return true;
      }
    }
    return false;
  }
  void unlock_shared() noexcept {
    if constexpr (Preference == rw_preference::reader) {
      std::uint64_t seen = word_.load(memory_order_relaxed);
      while ((seen & layout::parked) == 0 && layout::inside(seen) != 0) {
        // [shared_mutex] release: pairs with the acquire of the writer after.
        if (word_.compare_exchange_weak(seen, seen - layout::one_departure, memory_order_release,
                                        memory_order_relaxed)) {
          return;
        }
      }
      leave_slow(seen);
    } else {
      // [shared_mutex] release: pairs with the acquire of the writer after, or of the reader who
      // leaves last and lets him in (let_writer_in()).
      const std::uint64_t before = word_.fetch_sub(layout::one_departure, memory_order_release);
      if ((before & (layout::writer | layout::parked)) != 0 || layout::inside(before) == 0)
          [[unlikely]]
        leave_slow(before);
    }
  }

  void lock() noexcept {
    if (!try_lock_free()) [[unlikely]]
      lock_slow(never);
  }
  bool lock_until(steady_nanos deadline) noexcept { return try_lock_free() || lock_slow(deadline); }
  bool try_lock() noexcept { return try_lock_free() || try_lock_slow(); }
  void unlock() noexcept {
    if (owner_.load(memory_order_relaxed) != current_head().id) [[unlikely]]
      unlocked_by_another();
    owner_.store(0, memory_order_relaxed);
    std::uint64_t seen = word_.load(memory_order_relaxed);
    // [shared_mutex] release: pairs with the acquire of whoever comes next.
    if ((seen & ~layout::phase) != layout::writer ||
        !word_.compare_exchange_strong(seen, seen & layout::phase, memory_order_release,
                                       memory_order_relaxed)) {
      unlock_slow();
    }
  }

 private:
  bool try_lock_free() noexcept {
    std::uint64_t seen = word_.load(memory_order_relaxed);
    // [shared_mutex] acquire: pairs with the releases of the readers and the writer before.
    if (!layout::is_free(seen) ||
        !word_.compare_exchange_strong(seen, (seen & layout::phase) | layout::writer,
                                       memory_order_acquire, memory_order_relaxed)) {
      return false;
    }
    owner_.store(current_head().id, memory_order_relaxed);
    return true;
  }

  // Readers.
  bool arrive_slow(std::uint64_t before, steady_nanos deadline) noexcept;
  bool must_wait(std::uint64_t before, bool lost) noexcept;
  bool answer_call(std::uint64_t& before) noexcept;
  bool rebase(std::uint64_t& seen) noexcept;
  void close_behind() noexcept;
  void leave_slow(std::uint64_t before) noexcept;
  void call_writer() noexcept;
  void let_writer_in() noexcept;
  void leave_under_lock() noexcept;
  // Writers.
  bool lock_slow(steady_nanos deadline) noexcept;
  bool try_lock_slow() noexcept;
  void unlock_slow() noexcept;
  bool claim(bool designated) noexcept;
  bool must_park(bool designated) noexcept;
  bool give_up(bool designated) noexcept;
  void reopen(std::uint64_t before) noexcept;
  static bool late_reader(task& self, const void* address, bool last) noexcept;
  static bool late_writer(task& self, const void* address, bool last) noexcept;
  task* call_readers() noexcept;
  task* let_readers_in() noexcept;
  [[noreturn]] void unlocked_by_another() const noexcept;
  [[noreturn]] void destroyed_in_use() const noexcept;

  atomic<std::uint64_t> word_{0};
  // The writer that is inside; for finding misuse. Only a writer finds its own number here.
  atomic<std::uint32_t> owner_{0};
  // Under the bucket's lock. Readers who were let in by a writer's withdrawal and have not noticed
  // yet; 0 while the door is closed. And readers who were woken to compete and have not come to it.
  std::uint32_t unnoticed_ : 24 = 0;
  std::uint32_t called_ : 8 = 0;
};

extern template class shared_core<rw_preference::phase_fair>;
extern template class shared_core<rw_preference::reader>;
extern template class shared_core<rw_preference::writer>;

}  // namespace detail
}  // namespace conc

#endif  // CONC_DETAIL_SHARED_CORE_H
