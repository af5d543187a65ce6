// The state word of once_flag:
//
//   63 ........ 32 | 31 ... 3 | 2      | 1       | 0
//   runner's id    | unused   | parked | running | done
//
//   0                  nobody is at it
//   done               for ever
//   running            that thread is inside the function; parked: others wait for it in the
//                      parking table. `parked` changes under the bucket's lock.
//
//   transition                      by                     how
//   0 -> running                    the first caller       compare-and-swap
//   running -> running | parked     a waiter               compare-and-swap, under the bucket's
//   lock running [| parked] -> done      the runner, returning  exchange; it then releases all
//   waiters running -> 0                    the runner, throwing   compare-and-swap running |
//   parked -> running     the runner, throwing   store, under the bucket's lock: the
//                                                          oldest waiter is the runner now
//
// The runner's last access to the flag is that change: whom it releases may destroy the flag.
#include "conc/once.h"

#include "locks/fatal.h"
#include "locks/mutants.h"
#include "locks/parking_table.h"

namespace conc {

using namespace detail;

namespace {

constexpr std::uint64_t running = 2, parked = 4;

std::uint64_t run_by(const task& t) noexcept { return std::uint64_t{t.id} << 32 | running; }

}  // namespace

bool once_flag::begin() noexcept {
  task& self = current_task();
  std::uint64_t seen = word_.load(memory_order_relaxed);
  for (;;) {
    if (seen == 0) {
      // [once] acquire: pairs with the release in give_up().
      if (word_.compare_exchange_weak(seen, run_by(self), memory_order_acquire,
                                      memory_order_relaxed)) {
        return true;
      }
      continue;
    }
    if (seen >> 32 == self.id) fatal("call_once was called from within its own function", this);
    if (is_done()) return false;
    const park_result slept = park(self, &word_, {.kind = wait_kind::once}, [this]() noexcept {
      std::uint64_t w = word_.load(memory_order_relaxed);
      while ((w & running) != 0) {
        if (!CONC_STEP(once_say_parked)) return true;
        if (word_.compare_exchange_weak(w, w | parked, memory_order_relaxed)) return true;
      }
      return false;
    });
    // After `notified` the flag may be gone already.
    if (slept.slept) return slept.token == wake_token::granted;
    seen = word_.load(memory_order_relaxed);
  }
}

void once_flag::finish() noexcept {
  const void* address = &word_;
  // [once] release: pairs with the acquire in is_done().
  const std::uint64_t before = word_.exchange(done, memory_order_release);
  if ((before & parked) == 0) return;
  parking_bucket& b = bucket_of(address);
  b.lock.lock();
  task* waiters = dequeue_all(b, address);
  for (task* t = waiters; t != nullptr; t = t->next_waiter) t->token = wake_token::notified;
  b.lock.unlock();
  resume_all(waiters);
}

void once_flag::give_up() noexcept {
  std::uint64_t mine = run_by(current_task());
  // [once] release: pairs with the acquire in begin().
  if (word_.compare_exchange_strong(mine, 0, memory_order_release, memory_order_relaxed)) return;
  unpark_one(&word_, [this](task* oldest, bool more) noexcept {
    word_.store(run_by(*oldest) | (more ? parked : 0), memory_order_relaxed);
    return CONC_STEP(once_retry_by_a_waiter) ? wake_token::granted : wake_token::notified;
  });
}

}  // namespace conc
