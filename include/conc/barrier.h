// conc::barrier: a group of threads that wait for each other, again and again.
#ifndef CONC_BARRIER_H
#define CONC_BARRIER_H

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "conc/config.h"
#include "conc/detail/atomic.h"

namespace conc {
namespace detail {

// What a barrier does when it was not told otherwise.
struct nothing_to_complete {
  void operator()() const noexcept {}
};

// The part that does not depend on the completion function. `PhaseBits` is the width of the phase's
// number: 32, or less where a test wants to see it wrap.
template <unsigned PhaseBits>
class CONC_API barrier_core {
 public:
  constexpr explicit barrier_core(std::int64_t expected) noexcept
      : word_(static_cast<std::uint64_t>(expected) * one_pending), expected_(expected) {
    if (expected < 0 || expected > max) [[unlikely]]
      begun_out_of_range();
  }
  barrier_core(const barrier_core&) = delete;
  barrier_core& operator=(const barrier_core&) = delete;
  ~barrier_core() {
    if ((word_.load(memory_order_relaxed) & has_waiters) != 0) [[unlikely]]
      destroyed_in_use();
  }

  static constexpr std::int64_t max = 0x7fffffff;

  // `n` arrivals, by which they may be the last; then end_phase() must be called. Returns the
  // phase.
  std::uint32_t arrive(std::int64_t n, bool& last) noexcept {
    const std::uint64_t change = static_cast<std::uint64_t>(n) * one_pending;
    // [barrier] release: pairs with the acquire in has_ended(). acquire: pairs with the releases of
    // the earlier arrivals, which the last one passes on.
    const std::uint64_t before = word_.fetch_sub(change, memory_order_acq_rel);
    if (n <= 0 || n > pending(before)) [[unlikely]]
      too_many_arrivals(n);
    last = n == pending(before);
    return phase(before);
  }
  // The last access of the one who came last: from then on the others go.
  void end_phase() noexcept {
    std::uint64_t seen = word_.load(memory_order_relaxed);
    // [barrier] release: pairs with the acquire in has_ended().
    if ((seen & has_waiters) != 0 ||
        !word_.compare_exchange_strong(seen, next_phase(seen), memory_order_release,
                                       memory_order_relaxed)) {
      end_phase_slow();
    }
  }
  bool has_ended(std::uint32_t of) const noexcept {
    // [barrier] acquire: pairs with the release in end_phase().
    return phase(word_.load(memory_order_acquire)) != of;
  }
  void wait(std::uint32_t of) const noexcept {
    if (!has_ended(of)) wait_slow(of);
  }
  // One participant less, from the next phase on. Relaxed: his arrival follows.
  void drop() noexcept { expected_.fetch_sub(1, memory_order_relaxed); }

 private:
  // word_:  63 ... 32 | 31 ... 1 | 0
  //         phase     | pending  | has_waiters
  //
  // `pending` arrivals are missing in this phase. has_waiters: somebody is queued in the parking
  // table; set under the bucket's lock while the phase has not ended, cleared by its end. Between
  // the last arrival and end_phase() only the one who came last may change the rest.
  static constexpr std::uint64_t has_waiters = 1, one_pending = 2;

  static std::int64_t pending(std::uint64_t w) noexcept {
    return static_cast<std::int64_t>((w & 0xffffffff) / one_pending);
  }
  static std::uint32_t phase(std::uint64_t w) noexcept {
    return static_cast<std::uint32_t>(w >> 32 & ((std::uint64_t{1} << PhaseBits) - 1));
  }
  std::uint64_t next_phase(std::uint64_t w) const noexcept {
    const auto expected = static_cast<std::uint64_t>(expected_.load(memory_order_relaxed));
    return (std::uint64_t{phase(w)} + 1) << 32 | expected * one_pending;
  }
  void end_phase_slow() noexcept;
  void wait_slow(std::uint32_t of) const noexcept;
  [[noreturn]] void too_many_arrivals(std::int64_t n) const noexcept;
  [[noreturn]] void begun_out_of_range() const noexcept;
  [[noreturn]] void destroyed_in_use() const noexcept;

  mutable atomic<std::uint64_t> word_;
  atomic<std::int64_t> expected_;
};

extern template class barrier_core<32>;

}  // namespace detail

// As std::barrier, for user-level threads and kernel threads at once. 16 bytes and the completion.
//
// Blocking: wait(), and so arrive_and_wait(), suspends the caller until the phase has ended;
// arrive()
//   and arrive_and_drop() do not block, unless the completion does, which the last to arrive calls.
// Order: every arrival happens before the completion, and that before the return of every wait().
// Destruction: legal as soon as everybody who waits has been released, also by one who has just
//   returned; the arrival that released him does not touch the object any more.
// Errors: an expected number out of range, more arrivals in a phase than are expected, and
//   destruction with waiters end the process with a message.
// Source: the phase number plays the part of the sense in Hensgen, Finkel and Manber, "Two
// algorithms for barrier synchronization", 1988.
template <class Completion = detail::nothing_to_complete>
class barrier {
  static_assert(std::is_nothrow_invocable_v<Completion&>,
                "a barrier's completion function must be noexcept");

 public:
  // Which phase one has arrived in.
  class arrival_token {
   public:
    arrival_token(arrival_token&&) noexcept = default;
    arrival_token& operator=(arrival_token&&) noexcept = default;
    ~arrival_token() = default;

   private:
    friend class barrier;
    explicit arrival_token(std::uint32_t phase) noexcept : phase_(phase) {}
    std::uint32_t phase_;
  };

  static constexpr std::ptrdiff_t max() noexcept { return detail::barrier_core<32>::max; }

  // Requires 0 <= expected <= max(). `expected` arrivals end each phase.
  constexpr explicit barrier(std::ptrdiff_t expected, Completion completion = Completion())
      : completion_(std::move(completion)), core_(expected) {}
  barrier(const barrier&) = delete;
  barrier& operator=(const barrier&) = delete;

  // Counts as n arrivals in the current phase. The token must be used, if at all, in wait() of the
  // same barrier, before the phase after the next one begins.
  [[nodiscard]] arrival_token arrive(std::ptrdiff_t n = 1) { return arrival_token(count(n)); }
  // Until the phase of that arrival has ended.
  void wait(arrival_token&& arrival) const { core_.wait(arrival.phase_); }
  void arrive_and_wait() { core_.wait(count(1)); }
  // Arrives for the last time: from the next phase on one arrival less is expected.
  void arrive_and_drop() {
    core_.drop();
    count(1);
  }

 private:
  std::uint32_t count(std::ptrdiff_t n) {
    bool last;
    const std::uint32_t phase = core_.arrive(n, last);
    if (last) {
      static_cast<void>(completion_());
      core_.end_phase();
    }
    return phase;
  }

  [[no_unique_address]] Completion completion_;
  detail::barrier_core<32> core_;
};

}  // namespace conc

#endif  // CONC_BARRIER_H
