// The slow paths of the shared mutexes, as templates: shared_mutex.cc makes those that are shipped,
// a test makes one whose counters wrap early. shared_word.h has the protocol, shared_readers.h the
// readers' half of this.
#ifndef CONC_LOCKS_SHARED_CORE_H
#define CONC_LOCKS_SHARED_CORE_H

#include "locks/shared_readers.h"

namespace conc::detail {

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
    const bool door_is_open = (seen & w::writer) == 0;
    // A fair mutex leaves it to the reader who reaches the bound.
    const bool closes = P == rw_preference::writer && door_is_open;
    const bool first = w::is_fair && door_is_open && !w::writers_wait(seen);
    std::uint64_t wanted = closes  ? w::closed(seen, unnoticed_, 0)
                           : first ? w::left_open(seen)
                                   : seen;
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
  if (CONC_STEP(shared_count_unnoticed)) {
    unnoticed_ = static_cast<std::uint32_t>(w::arrivals(before)) & 0xffffff;
  }
  resume_all(let_readers_in());
}

// A queued writer whose deadline has passed. If nobody else wants to write, the door opens again.
template <rw_preference P, unsigned Bits>
bool shared_core<P, Bits>::late_writer(task&, const void* address, bool last) noexcept {
  using w = shared_word<P, Bits>;
  if (!last) return true;
  static_assert(offsetof(shared_core, word_) == 0);
  auto& self = *static_cast<shared_core*>(const_cast<void*>(address));
  const std::uint32_t asleep = readers_asleep(bucket_of(address), address);
  std::uint64_t seen = self.word_.load(memory_order_relaxed), wanted;
  bool opens;
  do {
    opens = (seen & (w::open | w::waking)) == w::open;
    // The last reader is on its way to let this writer in.
    if (opens && w::departures(seen) == 0 && CONC_STEP(shared_wait_for_last_reader)) return false;
    opens = opens && CONC_STEP(shared_late_writer_reopens);
    wanted = opens ? w::reopened(seen, asleep) : w::without(seen, w::parked);
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
  const std::uint32_t asleep = readers_asleep(b, &word_);
  std::uint64_t seen = word_.load(memory_order_relaxed);
  for (;;) {
    const bool takes = w::claimable(seen, true);
    const bool opens = !takes && (seen & (w::open | w::parked)) == w::open;
    const std::uint64_t wanted = takes   ? w::claimed(seen, true)
                                 : opens ? w::reopened(seen, asleep)
                                         : w::without(seen, w::waking);
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
  std::uint64_t seen = word_.load(memory_order_relaxed), wanted;
  while (w::concerns_nobody_asleep(seen)) {
    // [shared_mutex] release: pairs with the acquire of whoever comes next. It is the last access
    // to the mutex.
    if (word_.compare_exchange_weak(seen, w::opened(seen), memory_order_release,
                                    memory_order_relaxed)) {
      return;
    }
  }
  parking_bucket& b = bucket_of(&word_);
  b.lock.lock();
  const task* oldest = first_waiter(b, &word_);
  const std::uint64_t parked_after =
      oldest != nullptr && oldest->next_waiter != nullptr ? w::parked : 0;
  const std::uint32_t asleep = readers_asleep(b, &word_), called = called_;
  bool lets_in, calls;
  wake_token to_writer;
  do {  // readers still arrive
    const bool writers = w::writers_wait(seen);
    const std::uint64_t waiting = w::arrivals(seen) + asleep + called;
    to_writer = wake_token::notified;  // none
    calls = !w::is_reserved(seen);
    lets_in = !calls && waiting != 0 && (P != rw_preference::writer || !writers);
    if (calls) {
      wanted = w::opened(seen);
      if ((seen & w::waking) == 0 && oldest != nullptr && w::arrivals(seen) == 0) {
        to_writer = wake_token::designated;
        wanted = (wanted & ~w::parked) | parked_after | w::waking;
      }
    } else if (lets_in) {
      wanted =
          writers && w::is_fair ? w::batch_let_in(seen, waiting) : w::let_all_in(seen, waiting);
    } else if ((seen & w::waking) != 0) {
      wanted = seen | w::open;
    } else if (oldest == nullptr) {
      wanted = w::let_all_in(seen, 0);
    } else if (P != rw_preference::writer || w::bypasses(seen) >= max_bypass) {
      to_writer = wake_token::granted;
      wanted = (seen & ~(w::parked | w::bypass_mask)) | parked_after;
    } else {
      to_writer = wake_token::designated;
      wanted = (seen & ~w::parked) | parked_after | w::open | w::waking;
    }
    // [shared_mutex] release: as above. Whoever sleeps or is called cannot go before the bucket is
    // unlocked; but where all who wait are awake, this is the last access to the mutex.
  } while (!word_.compare_exchange_weak(seen, wanted, memory_order_release, memory_order_relaxed));
  CONC_GAP(shared_keep_off_when_nobody_sleeps);
  task* readers = nullptr;
  if (lets_in) {
    if (asleep + called != 0 || !CONC_STEP(shared_keep_off_when_nobody_sleeps)) {
      readers = let_readers_in();
    }
  } else if (calls && asleep != 0 && called == 0) {
    readers = call_readers();
  }
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
