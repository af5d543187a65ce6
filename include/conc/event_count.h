// event_count and sequencer: synchronization by counting what has happened.
#ifndef CONC_EVENT_COUNT_H
#define CONC_EVENT_COUNT_H

#include <chrono>
#include <cstdint>
#include <limits>

#include "conc/config.h"
#include "conc/detail/atomic.h"
#include "conc/detail/deadline.h"
#include "conc/detail/timed_lock.h"

namespace conc {

// How many events of one kind have happened so far; it only grows. Whoever wants to be after an
// event waits for its number. Where one thread alone makes events of a kind and everybody knows
// their numbers, no mutual exclusion is needed: a bounded buffer between a producer and a consumer
// is two event counts (examples/bounded_buffer.cc). For user-level threads and kernel threads at
// once. Eight bytes.
//
// Blocking: await() suspends the caller until the count has reached the value; read() and advance()
//   never block. Waiting and reading change nothing that others can see.
// Order: an advance() happens before the return of every await() and every read() that sees it,
//   its own number or a later one.
// Wakes: an advance() wakes those, and only those, whose value is reached, least value first and in
//   the order of their arrival among equals; nobody competes for anything, so nobody is passed (K =
//   0). Waiting for increasing values costs the same however many wait; a value that is less than
//   the others' is put in its place by a search from the front.
// Time: await_for/until never give up early. An advance() that is on its way when the deadline
//   passes counts, even if that ends a moment late.
// Destruction: legal as soon as every waiter's value is reached; the advance() that reached it does
//   not touch the object any more, so that a waiter may destroy it at once.
// Errors: a count beyond max(), and destruction while somebody waits, end the process with a
//   message. A value beyond max() is never reached.
// Source: Reed and Kanodia, "Synchronization with eventcounts and sequencers", 1979.
class CONC_API event_count {
 public:
  constexpr event_count() noexcept = default;
  event_count(const event_count&) = delete;
  event_count& operator=(const event_count&) = delete;
  ~event_count() {
    if ((word_.load(detail::memory_order_relaxed) & has_waiters) != 0) [[unlikely]]
      destroyed_in_use();
  }

  static constexpr std::uint64_t max() noexcept {
    return std::numeric_limits<std::uint64_t>::max() / 2;
  }

  // The count, which others may have advanced by the time it is looked at.
  [[nodiscard]] std::uint64_t read() const noexcept {
    // [event_count] acquire: pairs with the release in advance().
    return word_.load(detail::memory_order_acquire) / 2;
  }

  // Says that n more events have happened.
  void advance(std::uint64_t n = 1) noexcept {
    // [event_count] release: pairs with the acquire of whoever sees the new count or a later one.
    const std::uint64_t before = word_.fetch_add(2 * n, detail::memory_order_release);
    if ((before & has_waiters) != 0 || n > max() - before / 2) [[unlikely]]
      advance_slow(before, n);
  }

  // Waits until read() >= value.
  void await(std::uint64_t value) const noexcept {
    if (read() < value) wait(value, detail::never);
  }
  // The same with a time limit: false if the count had not reached the value by then.
  template <class Rep, class Period>
  [[nodiscard]] bool await_for(std::uint64_t value,
                               const std::chrono::duration<Rep, Period>& time) const noexcept {
    return read() >= value || wait(value, detail::deadline_after(time));
  }
  template <class Clock, class Duration>
  [[nodiscard]] bool await_until(
      std::uint64_t value,
      const std::chrono::time_point<Clock, Duration>& deadline) const noexcept {
    return detail::retry_until(
        deadline, [&](detail::steady_nanos t) { return read() >= value || wait(value, t); });
  }

 private:
  static constexpr std::uint64_t has_waiters = 1;

  bool wait(std::uint64_t value, detail::steady_nanos deadline) const noexcept;
  void advance_slow(std::uint64_t before, std::uint64_t n) noexcept;
  [[noreturn]] void destroyed_in_use() noexcept;

  // 2 * count + (1 if somebody is queued); the invariants are in src/locks/event_count.cc.
  mutable detail::atomic<std::uint64_t> word_{0};
};

// Hands out the numbers 0, 1, 2 … once each: who takes which turn, where several may want to.
//
// Blocking: never. Order: none but that of the numbers; what orders the threads' data is the event
// count for which they then wait. Fairness: the numbers go out in the order of the calls.
// Source: as above.
class sequencer {
 public:
  constexpr sequencer() noexcept = default;
  sequencer(const sequencer&) = delete;
  sequencer& operator=(const sequencer&) = delete;

  [[nodiscard]] std::uint64_t ticket() noexcept {
    return next_.fetch_add(1, detail::memory_order_relaxed);
  }

 private:
  detail::atomic<std::uint64_t> next_{0};
};

}  // namespace conc

#endif  // CONC_EVENT_COUNT_H
