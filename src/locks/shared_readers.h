// The slow paths of a shared mutex's readers. shared_word.h has the protocol.
#ifndef CONC_LOCKS_SHARED_READERS_H
#define CONC_LOCKS_SHARED_READERS_H

#include <cstddef>

#include "locks/block_cost.h"
#include "locks/fatal.h"
#include "locks/kernel_task.h"
#include "locks/parking_table.h"
#include "locks/shared_word.h"
#include "locks/spin_budget.h"

namespace conc::detail {

// The readers' queue has the address behind the writers', and the same bucket.
inline const void* readers_of(const void* writers) noexcept {
  return static_cast<const char*>(writers) + 1;
}

inline std::uint32_t readers_asleep(const parking_bucket& b, const void* writers) noexcept {
  std::uint32_t n = 0;
  for (const task* t = first_waiter(b, readers_of(writers)); t != nullptr; t = t->next_waiter) ++n;
  return n;
}

// The oldest writer, which must be there.
inline task* take_writer(parking_bucket& b, const void* writers, wake_token token) noexcept {
  bool more;
  task* t = dequeue_first(b, writers, more);
  t->token = token;
  return t;
}

// Looks for as long as blocking would cost whether done() comes true. Kernel threads only, and no
// more of them at once than there are CPUs to spare.
template <class Done>
bool spin_for_c(const task& self, nanos deadline, Done done) noexcept {
  if (!is_kernel_thread(self)) return false;
  spinner_slot slot;
  if (!slot) return false;
  spin_timer timer(block_cost_if_known(), deadline);
  do {
    if (done()) return true;
    CONC_CPU_RELAX();
  } while (!timer.expired());
  return false;
}

// --- what is done to readers who sleep, under the bucket's lock ----------------------------------

// All who wait and are not counted, told that they are in: those who have been called and are on
// their way find that nobody is called any more.
template <rw_preference P, unsigned Bits>
task* shared_core<P, Bits>::let_readers_in() noexcept {
  task* first = dequeue_all(bucket_of(&word_), readers_of(&word_));
  for (task* t = first; t != nullptr; t = t->next_waiter) t->token = wake_token::granted;
  if (called_ != 0) called_ = 0;
  return first;
}

// Wakes the readers to compete; nobody may be called yet.
template <rw_preference P, unsigned Bits>
task* shared_core<P, Bits>::call_readers() noexcept {
  constexpr std::uint32_t most = 255;
  parking_bucket& b = bucket_of(&word_);
  task *first = nullptr, **end = &first;
  for (bool more = true; more && called_ < most; ++called_) {
    task* t = dequeue_first(b, readers_of(&word_), more);
    t->token = wake_token::designated;
    t->next_waiter = nullptr;
    *end = t;
    end = &t->next_waiter;
  }
  return first;
}

// --- coming in -----------------------------------------------------------------------------------

// `seen` becomes what the word is now. False if the counter stands where it does because enough
// readers have passed a writer.
template <rw_preference P, unsigned Bits>
bool shared_core<P, Bits>::rebase(std::uint64_t& seen) noexcept {
  using w = shared_word<P, Bits>;
  while ((seen & w::writer) == 0 && (seen & w::arrivals_top) != 0) {
    if (w::inside(seen) >= w::count_mask / 2) fatal("a shared_mutex has too many readers", this);
    if (w::readers_pass(seen) && CONC_STEP(shared_bound_readers)) return false;
    const std::uint64_t wanted = w::rebased(seen);
    if (word_.compare_exchange_weak(seen, wanted, memory_order_relaxed)) seen = wanted;
  }
  return true;
}

// By a reader who is inside and has seen that the bound is reached: who waits comes in as well, and
// the door is closed behind them.
template <rw_preference P, unsigned Bits>
void shared_core<P, Bits>::close_behind() noexcept {
  using w = shared_word<P, Bits>;
  parking_bucket& b = bucket_of(&word_);
  task* readers = nullptr;
  b.lock.lock();
  const std::uint64_t let_in = readers_asleep(b, &word_) + called_;
  std::uint64_t seen = word_.load(memory_order_relaxed);
  while (w::readers_pass(seen) && (seen & w::arrivals_top) != 0) {
    // [shared_mutex] acq_rel: passes on what the writer before has done, to those who are let in.
    if (word_.compare_exchange_weak(seen, w::closed(seen, unnoticed_, let_in), memory_order_acq_rel,
                                    memory_order_relaxed)) {
      unnoticed_ = 0;
      readers = let_readers_in();
      break;
    }
  }
  b.lock.unlock();
  resume_all(readers);
}

// The reader has been counted: as one who is inside, if the door was open, or as one who waits.
template <rw_preference P, unsigned Bits>
bool shared_core<P, Bits>::arrive_slow(std::uint64_t before, steady_nanos deadline) noexcept {
  using w = shared_word<P, Bits>;
  const auto inside = [&]() noexcept {
    std::uint64_t seen = word_.load(memory_order_relaxed);
    if ((seen & w::arrivals_top) != 0 && CONC_STEP(shared_rebase) && !rebase(seen)) close_behind();
    return true;
  };
  if ((before & w::writer) == 0) return inside();
  task& self = current_task();
  if (owner_.load(memory_order_relaxed) == self.id) {
    fatal("a thread that holds a shared_mutex for writing locked it for reading", this);
  }
  for (bool lost = false;; lost = true) {
    std::uint64_t seen = before;
    spin_for_c(self, deadline, [&]() noexcept {
      // [shared_mutex] acquire: pairs with the release of the writer who lets in.
      seen = word_.load(memory_order_acquire);
      return w::is_new_phase(seen, before) || (seen & w::writer) == 0;
    });
    if (w::is_new_phase(seen, before)) return true;

    park_options options;
    options.deadline = deadline;
    options.where = lost ? queue_end::front : queue_end::back;
    options.kind = wait_kind::shared_mutex_to_read;
    options.on_timeout = late_reader;
    CONC_GAP(shared_reader_looks_again);
    const park_result slept =
        park(self, readers_of(&word_), options, [&]() noexcept { return must_wait(before, lost); });
    if (!slept.slept || slept.token == wake_token::granted) return true;
    if (slept.token == wake_token::timed_out) return false;
    if (answer_call(before)) return inside();
  }
}

// Under the bucket's lock: whether a reader who has been counted behind a closed door has to sleep.
// Then it is not counted any more. One who was called in vain has been passed often enough.
template <rw_preference P, unsigned Bits>
bool shared_core<P, Bits>::must_wait(std::uint64_t before, bool lost) noexcept {
  using w = shared_word<P, Bits>;
  // [shared_mutex] acquire: pairs with the release of the writer who lets in.
  std::uint64_t seen = word_.load(memory_order_acquire);
  for (;;) {
    if (w::is_new_phase(seen, before) && CONC_STEP(shared_reader_looks_again)) return false;
    if ((seen & w::writer) == 0) {
      --unnoticed_;
      return false;
    }
    std::uint64_t wanted = seen - w::one_arrival;
    if (CONC_STEP(shared_say_sleeping)) wanted |= w::sleeping;
    if (w::is_fair && lost && CONC_STEP(shared_called_in_vain)) {
      wanted = (wanted & ~w::bypass_mask) | w::reserved;
    }
    // [shared_mutex] acquire: as above.
    if (word_.compare_exchange_weak(seen, wanted, memory_order_acquire, memory_order_acquire)) {
      return true;
    }
  }
}

// By a reader who was woken to compete. True if it is in; else it has been counted as one who
// waits, and `before` is the word that it has found.
template <rw_preference P, unsigned Bits>
bool shared_core<P, Bits>::answer_call(std::uint64_t& before) noexcept {
  using w = shared_word<P, Bits>;
  parking_bucket& b = bucket_of(&word_);
  b.lock.lock();
  // Meanwhile let in with all the others. No new call can have been made: the writer who made it
  // would have had to wait for us to leave.
  if (called_ == 0) {
    b.lock.unlock();
    return true;
  }
  --called_;
  const bool others_sleep = first_waiter(b, readers_of(&word_)) != nullptr;
  const std::uint64_t gone = called_ == 0 && !others_sleep ? w::sleeping : 0;
  std::uint64_t seen = word_.load(memory_order_relaxed), wanted;
  do {
    wanted = w::without(seen + w::one_arrival, gone);
    // [shared_mutex] acquire: as in lock_shared().
  } while (!word_.compare_exchange_weak(seen, wanted, memory_order_acquire, memory_order_relaxed));
  before = seen;
  const bool in = (seen & w::writer) == 0;
  task* next = nullptr;
  if (in && called_ == 0 && others_sleep && CONC_STEP(shared_call_the_rest)) next = call_readers();
  b.lock.unlock();
  resume_all(next);
  return in;
}

// A queued reader whose deadline has passed.
template <rw_preference P, unsigned Bits>
bool shared_core<P, Bits>::late_reader(task&, const void* readers, bool last) noexcept {
  using w = shared_word<P, Bits>;
  static_assert(offsetof(shared_core, word_) == 0);
  auto& self =
      *reinterpret_cast<shared_core*>(const_cast<char*>(static_cast<const char*>(readers) - 1));
  if (!last || self.called_ != 0 || !CONC_STEP(shared_last_late_reader)) return true;
  std::uint64_t seen = self.word_.load(memory_order_relaxed);
  while (!self.word_.compare_exchange_weak(seen, w::without(seen, w::sleeping),
                                           memory_order_relaxed)) {
  }
  return true;
}

// --- leaving -------------------------------------------------------------------------------------

// `before` is the word of which a reader has taken, or with preference for readers is about to
// take, its share.
template <rw_preference P, unsigned Bits>
void shared_core<P, Bits>::leave_slow(std::uint64_t before) noexcept {
  using w = shared_word<P, Bits>;
  if (w::inside(before) == 0) {
    fatal("a shared_mutex was unlocked by a reader although nobody reads", this);
  }
  if constexpr (P == rw_preference::reader) {
    leave_under_lock();
  } else if (w::inside(before) == 1 && (before & w::waking) == 0) {
    if ((before & w::writer) != 0) {
      let_writer_in();
    } else if (CONC_STEP(shared_last_reader_calls)) {
      call_writer();
    }
  }
}

// By the last reader who left while writers were asleep and the door was open. The lock may have
// changed hands since, and the mutex may be gone: only if a writer is still asleep at its address
// is there one to look at. Should that be another mutex, its word says what it says of this one.
template <rw_preference P, unsigned Bits>
void shared_core<P, Bits>::call_writer() noexcept {
  using w = shared_word<P, Bits>;
  parking_bucket& b = bucket_of(&word_);
  b.lock.lock();
  const task* oldest = first_waiter(b, &word_, wait_kind::shared_mutex);
  task* writer = nullptr;
  if (oldest != nullptr) {
    const std::uint64_t parked_after = oldest->next_waiter != nullptr ? w::parked : 0;
    std::uint64_t seen = word_.load(memory_order_relaxed);
    while ((seen & (w::writer | w::waking)) == 0 && w::inside(seen) == 0) {
      const std::uint64_t wanted = (seen & ~w::parked) | parked_after | w::waking;
      if (word_.compare_exchange_weak(seen, wanted, memory_order_relaxed)) {
        writer = take_writer(b, &word_, wake_token::designated);
        break;
      }
    }
  }
  b.lock.unlock();
  if (writer != nullptr) resume(*writer);
}

// By the last reader who left while no writer was awake. The oldest parked writer waits for this
// very call and cannot go away; with the bucket's lock given up that is over.
template <rw_preference P, unsigned Bits>
void shared_core<P, Bits>::let_writer_in() noexcept {
  using w = shared_word<P, Bits>;
  parking_bucket& b = bucket_of(&word_);
  b.lock.lock();
  task* writer = take_writer(b, &word_, wake_token::granted);
  const bool more = first_waiter(b, &word_) != nullptr;
  std::uint64_t seen = word_.load(memory_order_relaxed), wanted;
  do {  // readers still arrive
    wanted = w::served(seen & ~w::open);
    if (!more) wanted &= ~w::parked;
    // [shared_mutex] acq_rel: passes on what the readers who left have done.
  } while (!word_.compare_exchange_weak(seen, wanted, memory_order_acq_rel, memory_order_relaxed));
  b.lock.unlock();
  resume(*writer);
}

// With preference for readers, when writers are parked: whether this reader is the last one must be
// decided while it still is inside.
template <rw_preference P, unsigned Bits>
void shared_core<P, Bits>::leave_under_lock() noexcept {
  using w = shared_word<P, Bits>;
  parking_bucket& b = bucket_of(&word_);
  b.lock.lock();
  const task* oldest = first_waiter(b, &word_);
  const std::uint64_t parked_after =
      oldest != nullptr && oldest->next_waiter != nullptr ? w::parked : 0;
  std::uint64_t seen = word_.load(memory_order_relaxed), wanted;
  bool grant;
  do {
    wanted = seen - w::one_departure;
    grant = oldest != nullptr && w::inside(wanted) == 0;
    if (grant) wanted = (seen & w::phase) | w::writer | parked_after;
    // [shared_mutex] acq_rel: passes on what the readers who left have done.
  } while (!word_.compare_exchange_weak(seen, wanted, memory_order_acq_rel, memory_order_relaxed));
  task* writer = grant ? take_writer(b, &word_, wake_token::granted) : nullptr;
  b.lock.unlock();
  if (writer != nullptr) resume(*writer);
}

}  // namespace conc::detail

#endif  // CONC_LOCKS_SHARED_READERS_H
