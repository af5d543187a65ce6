// Select: one wait at several channels.
//
//   1. lock all channels, in the order of their addresses
//   2. try the cases, from a random one on; the first that need not wait is served: unlock, done
//   3. append a record for each case to its channel's queue, and ourselves to the parking table, at
//      the address of this wait
//   4. suspend; the locks are released when our registers are saved
//   5. whoever ends the wait has claimed us (channel_waiter.h): take the other records off
//
// Since all channels are locked from 1 to 4, nobody can find one record without finding all of them
// and us. The claim makes one of them win; the channel that has won has taken its record off, so
// that we need not look at it again: it may be gone. At the others our records are in the queue
// still, or were dropped by somebody who came too late.
#include "conc/select.h"

#include <algorithm>
#include <functional>

#include "locks/channel_waiter.h"
#include "locks/fatal.h"

namespace conc {
namespace detail {
namespace {

// An array that needs no memory from the heap while it is short.
template <class T>
class short_array {
 public:
  explicit short_array(std::size_t n) : size_(n) {
    if (n > std::size(few_)) many_ = std::make_unique<T[]>(n);
  }
  T* begin() noexcept { return many_ ? many_.get() : few_; }
  T* end() noexcept { return begin() + size_; }
  T& operator[](std::size_t i) noexcept { return begin()[i]; }
  void shrink(T* new_end) noexcept { size_ = static_cast<std::size_t>(new_end - begin()); }

 private:
  std::size_t size_;
  std::unique_ptr<T[]> many_;
  T few_[8] = {};
};

}  // namespace

class selection {
 public:
  explicit selection(std::span<select_case* const> cases)
      : cases_(cases), channels_(cases.size()), waiters_(cases.size()) {
    channel_core** end = channels_.begin();
    for (select_case* c : cases) {
      if (c->enabled_) *end++ = &c->channel_;
    }
    std::sort(channels_.begin(), end, std::less<>());
    channels_.shrink(std::unique(channels_.begin(), end));
  }

  std::size_t run(steady_nanos deadline) {
    if (channels_.begin() == channels_.end() && deadline == never) {
      fatal("a conc::select without an enabled case would never end");
    }
    for (queue_end where = queue_end::back;; where = queue_end::front) {
      const std::size_t served = attempt();
      if (served != none) return served;
      if (deadline == at_once) {
        unlock_all();
        return cases_.size();
      }
      const std::size_t chosen = wait(where, deadline);
      if (chosen == cases_.size()) return chosen;
      const channel_waiter& w = waiters_[chosen];
      if (w.outcome == served::failed) std::rethrow_exception(w.error);
      if (w.outcome == served::again) continue;
      cases_[chosen]->status_ =
          w.outcome == served::closed ? channel_status::closed : channel_status::ok;
      return chosen;
    }
  }

 private:
  static constexpr std::size_t none = std::size_t(-1);

  void lock_all() noexcept {
    for (channel_core* c : channels_) c->lock().lock();
  }
  void unlock_all() noexcept {
    for (channel_core* c : channels_) c->lock().unlock();
  }

  // Serves a case that need not wait, and returns it. If there is none the channels stay locked.
  std::size_t attempt() {
    for (;;) {
      lock_all();
      const std::size_t n = cases_.size();
      const std::size_t start = channels_.begin() == channels_.end() ? 0 : channels_[0]->pick(n);
      std::size_t i = 0;
      channel_core::match m{channel_status::would_block};
      for (; i < n; ++i) {
        m = try_case(*cases_[(start + i) % n]);
        if (m.status != channel_status::would_block) break;
      }
      if (i == n) return none;
      unlock_all();
      const std::size_t chosen = (start + i) % n;
      if (complete(*cases_[chosen], m)) return chosen;
    }
  }

  channel_core::match try_case(select_case& c) {
    if (!c.enabled_) return {channel_status::would_block};
    try {
      return c.put_ != nullptr ? c.channel_.offer(c.value_, c.put_)
                               : c.channel_.ask(c.value_, value_place::optional);
    } catch (...) {
      unlock_all();
      throw;
    }
  }

  static bool complete(select_case& c, const channel_core::match& m) {
    c.status_ = m.status;
    if (c.put_ == nullptr) {
      return channel_core::complete_ask(m, c.value_, value_place::optional);
    }
    channel_core::complete_offer(m, c.value_, c.put_);
    return true;
  }

  // Releases the locks; waits. Returns the case that has been served, or their number if the
  // deadline was first.
  std::size_t wait(queue_end where, steady_nanos deadline) noexcept {
    task& self = current_task();
    for (std::size_t i = 0; i < cases_.size(); ++i) {
      const select_case& c = *cases_[i];
      if (!c.enabled_) continue;
      channel_waiter& w = waiters_[i];
      w = channel_waiter{};
      w.who = &self;
      w.value = c.value_;
      w.put = c.put_;
      w.contest = this;
      append(c.channel_.waiters(c.put_ != nullptr), w, where);
    }
    parking_bucket& b = bucket_of(this);
    b.lock.lock();
    park_options options;
    options.deadline = deadline;
    options.kind = wait_kind::select;
    begin_wait(b, self, this, options);
    suspend_queued(self, publish, this, deadline);
    return clean_up();
  }

  static void publish(task&, void* argument) noexcept {
    auto* self = static_cast<selection*>(argument);
    parking_bucket& b = bucket_of(self);
    // Nobody can claim us before the bucket is unlocked, so all this is still here until then.
    self->unlock_all();
    b.lock.unlock();
  }

  std::size_t clean_up() noexcept {
    std::size_t chosen = cases_.size();
    for (std::size_t i = 0; i < cases_.size(); ++i) {
      const select_case& c = *cases_[i];
      if (!c.enabled_) continue;
      channel_waiter& w = waiters_[i];
      if (w.outcome != served::not_yet) {
        chosen = i;
        continue;
      }
      if (!CONC_STEP(select_leave_the_others)) continue;
      internal_lock_guard guard(c.channel_.lock());
      if (w.queued) remove(c.channel_.waiters(c.put_ != nullptr), w);
    }
    return chosen;
  }

  std::span<select_case* const> cases_;
  short_array<channel_core*> channels_;  // those of the enabled cases, each once, by address
  short_array<channel_waiter> waiters_;  // one for each case
};

std::size_t select_one(std::span<select_case* const> cases, steady_nanos deadline) {
  return selection(cases).run(deadline);
}

}  // namespace detail
}  // namespace conc
