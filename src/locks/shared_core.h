// The slow paths of the shared mutexes, as templates: shared_mutex.cc makes those that are shipped,
// a test makes one whose counters wrap early. shared_word.h has the protocol.
#ifndef CONC_LOCKS_SHARED_CORE_H
#define CONC_LOCKS_SHARED_CORE_H

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

// All waiting readers, told that they are in; under the bucket's lock.
inline task* take_readers(parking_bucket& b, const void* writers) noexcept {
  task* first = dequeue_all(b, readers_of(writers));
  for (task* t = first; t != nullptr; t = t->next_waiter) t->token = wake_token::granted;
  return first;
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

// --- readers ------------------------------------------------------------------------------------

// `seen` becomes what the word is now.
template <rw_preference P, unsigned Bits>
void shared_core<P, Bits>::rebase(std::uint64_t& seen) noexcept {
  using w = shared_word<P, Bits>;
  while ((seen & w::writer) == 0 && (seen & w::arrivals_top) != 0) {
    if (w::inside(seen) >= w::count_mask / 2) fatal("a shared_mutex has too many readers", this);
    const std::uint64_t wanted = w::rebased(seen);
    if (word_.compare_exchange_weak(seen, wanted, memory_order_relaxed)) seen = wanted;
  }
}

// The reader has been counted: as one who is inside, if the door was open, or as one who waits.
template <rw_preference P, unsigned Bits>
bool shared_core<P, Bits>::arrive_slow(std::uint64_t before, steady_nanos deadline) noexcept {
  using w = shared_word<P, Bits>;
  if ((before & w::writer) == 0) {
    std::uint64_t seen = word_.load(memory_order_relaxed);
    if (CONC_STEP(shared_rebase)) rebase(seen);
    return true;
  }
  task& self = current_task();
  if (owner_.load(memory_order_relaxed) == self.id) {
    fatal("a thread that holds a shared_mutex for writing locked it for reading", this);
  }
  const auto is_new_phase = [&](std::uint64_t seen) noexcept {
    return ((seen ^ before) & w::phase) != 0;
  };
  std::uint64_t seen = before;
  spin_for_c(self, deadline, [&]() noexcept {
    // [shared_mutex] acquire: pairs with the release of the writer who lets in.
    seen = word_.load(memory_order_acquire);
    return is_new_phase(seen) || (seen & w::writer) == 0;
  });
  if (is_new_phase(seen)) return true;

  park_options options;
  options.deadline = deadline;
  options.kind = wait_kind::shared_mutex_to_read;
  options.on_timeout = [](task&, const void* readers, bool) noexcept {
    // Queued readers are among those who wait, so there is one to take away.
    auto* word = const_cast<char*>(static_cast<const char*>(readers) - 1);
    if (CONC_STEP(shared_uncount_late_reader)) {
      reinterpret_cast<atomic<std::uint64_t>*>(word)->fetch_sub(w::one_arrival,
                                                                memory_order_relaxed);
    }
    return true;
  };
  CONC_GAP(shared_reader_looks_again);
  const park_result slept = park(self, readers_of(&word_), options, [&]() noexcept {
    // [shared_mutex] acquire: as above.
    seen = word_.load(memory_order_acquire);
    if (is_new_phase(seen) && CONC_STEP(shared_reader_looks_again)) return false;
    if ((seen & w::writer) != 0) return true;
    --unnoticed_;
    return false;
  });
  return !slept.slept || slept.token != wake_token::timed_out;
}

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
  } else {
    if (w::departures(before) == 1 && (before & w::waking) == 0) let_writer_in();
  }
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
    wanted = seen & ~(w::open | w::bypass_mask);
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

// --- writers ------------------------------------------------------------------------------------

template <rw_preference P, unsigned Bits>
bool shared_core<P, Bits>::claim(bool designated) noexcept {
  using w = shared_word<P, Bits>;
  std::uint64_t seen = word_.load(memory_order_relaxed);
  while (w::claimable(seen, designated)) {
    // [shared_mutex] acquire: pairs with the releases of the readers and the writer before.
    if (word_.compare_exchange_weak(seen, w::claimed(seen, designated), memory_order_acquire,
                                    memory_order_relaxed)) {
      owner_.store(current_head().id, memory_order_relaxed);
      return true;
    }
  }
  return false;
}

template <rw_preference P, unsigned Bits>
bool shared_core<P, Bits>::try_lock_slow() noexcept {
  return claim(false);
}

// Under the bucket's lock: says that a writer is parked, and closes the door if it is open. False
// if there is no need to wait: then either the lock can be claimed, or it has been.
template <rw_preference P, unsigned Bits>
bool shared_core<P, Bits>::must_park(bool designated) noexcept {
  using w = shared_word<P, Bits>;
  std::uint64_t seen = word_.load(memory_order_relaxed);
  for (;;) {
    if (w::claimable(seen, designated) && CONC_STEP(shared_writer_looks_again)) return false;
    const bool closes = P != rw_preference::reader && (seen & w::writer) == 0;
    std::uint64_t wanted = closes ? w::closed(seen, unnoticed_) : seen;
    if (designated && CONC_STEP(shared_resign_as_designated)) wanted &= ~w::waking;
    const bool claims = closes && (wanted & w::open) == 0;
    if (!claims) wanted |= w::parked;
    // [shared_mutex] acquire: as in claim().
    if (!word_.compare_exchange_weak(seen, wanted, memory_order_acquire, memory_order_relaxed)) {
      continue;
    }
    if (closes) unnoticed_ = 0;
    if (claims) owner_.store(current_head().id, memory_order_relaxed);
    return !claims;
  }
}

// Under the bucket's lock, once the word has become reopened(`before`).
template <rw_preference P, unsigned Bits>
void shared_core<P, Bits>::reopen(std::uint64_t before) noexcept {
  using w = shared_word<P, Bits>;
  task* readers = take_readers(bucket_of(&word_), &word_);
  if (CONC_STEP(shared_count_unnoticed)) {
    unnoticed_ = static_cast<std::uint32_t>(w::arrivals(before));
  }
  for (const task* t = readers; t != nullptr; t = t->next_waiter) --unnoticed_;
  resume_all(readers);
}

// A queued writer whose deadline has passed. If nobody else wants to write, the door opens again.
template <rw_preference P, unsigned Bits>
bool shared_core<P, Bits>::late_writer(task&, const void* address, bool last) noexcept {
  using w = shared_word<P, Bits>;
  if (!last) return true;
  static_assert(offsetof(shared_core, word_) == 0);
  auto& self = *static_cast<shared_core*>(const_cast<void*>(address));
  std::uint64_t seen = self.word_.load(memory_order_relaxed), wanted;
  bool opens;
  do {
    opens = (seen & (w::open | w::waking)) == w::open;
    // The last reader is on its way to let this writer in.
    if (opens && w::departures(seen) == 0 && CONC_STEP(shared_wait_for_last_reader)) return false;
    opens = opens && CONC_STEP(shared_late_writer_reopens);
    wanted = opens ? w::reopened(seen) : seen & ~w::parked;
    // [shared_mutex] acq_rel: the readers who come in now depend on the writer before.
  } while (
      !self.word_.compare_exchange_weak(seen, wanted, memory_order_acq_rel, memory_order_relaxed));
  if (opens) self.reopen(seen);
  return true;
}

// A writer that is awake when its deadline passes: a designated one has to resign, so that those
// who count on it go on; or it takes the lock after all.
template <rw_preference P, unsigned Bits>
bool shared_core<P, Bits>::give_up(bool designated) noexcept {
  using w = shared_word<P, Bits>;
  if (!designated || !CONC_STEP(shared_late_designated_resigns)) return false;
  parking_bucket& b = bucket_of(&word_);
  internal_lock_guard guard(b.lock);
  std::uint64_t seen = word_.load(memory_order_relaxed);
  for (;;) {
    const bool takes = w::claimable(seen, true);
    const bool opens = !takes && (seen & (w::open | w::parked)) == w::open;
    const std::uint64_t wanted = takes   ? w::claimed(seen, true)
                                 : opens ? w::reopened(seen)
                                         : seen & ~w::waking;
    // [shared_mutex] acq_rel: as in claim() and late_writer().
    if (!word_.compare_exchange_weak(seen, wanted, memory_order_acq_rel, memory_order_relaxed)) {
      continue;
    }
    if (takes) owner_.store(current_head().id, memory_order_relaxed);
    if (opens) reopen(seen);
    return takes;
  }
}

template <rw_preference P, unsigned Bits>
bool shared_core<P, Bits>::lock_slow(steady_nanos deadline) noexcept {
  task& self = current_task();
  if (owner_.load(memory_order_relaxed) == self.id) {
    fatal("a thread locked a shared_mutex that it already holds for writing", this);
  }
  for (bool designated = false;;) {
    if (claim(designated)) return true;
    if (spin_for_c(self, deadline, [&]() noexcept { return claim(designated); })) return true;
    if (deadline != no_deadline && now() >= deadline) return give_up(designated);
    // A writer that was woken and lost goes back to the front: it is still the oldest.
    park_options options;
    options.deadline = deadline;
    options.where = designated ? queue_end::front : queue_end::back;
    options.kind = wait_kind::shared_mutex;
    options.on_timeout = late_writer;
    const park_result slept =
        park(self, &word_, options, [&]() noexcept { return must_park(designated); });
    if (!slept.slept) {
      if (owner_.load(memory_order_relaxed) == self.id) return true;
      continue;
    }
    if (slept.token == wake_token::timed_out) return false;
    if (slept.token == wake_token::granted) {
      owner_.store(self.id, memory_order_relaxed);
      return true;
    }
    designated = true;
  }
}

template <rw_preference P, unsigned Bits>
void shared_core<P, Bits>::unlock_slow() noexcept {
  using w = shared_word<P, Bits>;
  parking_bucket& b = bucket_of(&word_);
  b.lock.lock();
  const task* oldest = first_waiter(b, &word_);
  const std::uint64_t parked_after =
      oldest != nullptr && oldest->next_waiter != nullptr ? w::parked : 0;
  std::uint64_t seen = word_.load(memory_order_relaxed), wanted;
  bool let_readers_in;
  wake_token to_writer;
  do {  // readers still arrive
    const bool writers = w::writers_wait(seen);
    to_writer = wake_token::notified;  // none
    let_readers_in = w::arrivals(seen) != 0 && (P != rw_preference::writer || !writers);
    if (let_readers_in) {
      wanted = writers && P == rw_preference::phase_fair ? w::batch_let_in(seen) : w::opened(seen);
    } else if ((seen & w::waking) != 0) {
      wanted = seen | w::open;
    } else if (oldest == nullptr) {
      wanted = w::opened(seen);
    } else if (P == rw_preference::reader || w::bypasses(seen) >= max_bypass) {
      to_writer = wake_token::granted;
      wanted = (seen & ~(w::parked | w::bypass_mask)) | parked_after;
    } else {
      to_writer = wake_token::designated;
      wanted = (seen & ~w::parked) | parked_after | w::open | w::waking;
    }
    // [shared_mutex] release: pairs with the acquire of whoever comes next. It is the last access
    // to the mutex.
  } while (!word_.compare_exchange_weak(seen, wanted, memory_order_release, memory_order_relaxed));
  task* readers = let_readers_in ? take_readers(b, &word_) : nullptr;
  task* writer = nullptr;
  if (to_writer != wake_token::notified) writer = take_writer(b, &word_, to_writer);
  b.lock.unlock();
  resume_all(readers);
  if (writer != nullptr) resume(*writer);
}

// --- misuse -------------------------------------------------------------------------------------

template <rw_preference P, unsigned Bits>
void shared_core<P, Bits>::unlocked_by_another() const noexcept {
  const std::uint32_t owner = owner_.load(memory_order_relaxed);
  if (owner == 0) fatal("a shared_mutex was unlocked that nobody holds for writing", this);
  fatal("a shared_mutex was unlocked by a thread that does not hold it", this, owner);
}

template <rw_preference P, unsigned Bits>
void shared_core<P, Bits>::destroyed_in_use() const noexcept {
  const std::uint32_t owner = owner_.load(memory_order_relaxed);
  if (owner != 0) fatal("a shared_mutex was destroyed while locked", this, owner);
  fatal("a shared_mutex was destroyed while threads read or wait", this);
}

}  // namespace conc::detail

#endif  // CONC_LOCKS_SHARED_CORE_H
