#include "conc/detail/future_state.h"
#include "locks/mutants.h"
#include "locks/parking_table.h"

namespace conc::detail {

void throw_future_error(std::future_errc code) { throw std::future_error(code); }

future_state_base::~future_state_base() = default;

void future_state_base::mark_retrieved() {
  if ((word_.fetch_or(retrieved, memory_order_relaxed) & retrieved) != 0) {
    throw_future_error(std::future_errc::future_already_retrieved);
  }
}

void future_state_base::claim() {
  // [future.claim] acquire: pairs with the release in unclaim(), whose value's place is used again.
  if ((word_.fetch_or(satisfied, memory_order_acquire) & satisfied) != 0) {
    throw_future_error(std::future_errc::promise_already_satisfied);
  }
}

void future_state_base::unclaim() noexcept {
  // [future.claim] release: pairs with the acquire in claim().
  word_.fetch_and(~satisfied, memory_order_release);
}

void future_state_base::make_ready() noexcept {
  const void* address = &word_;
  // [future] release: pairs with the acquire of whoever finds it ready, and may then destroy it:
  // from here on it is an address and nothing else.
  if ((word_.fetch_or(ready, memory_order_release) & waiting) == 0) return;
  unpark_all(address, wait_kind::future);
}

void future_state_base::store_exception(std::exception_ptr failure) {
  claim();
  fail(std::move(failure));
  make_ready();
}

std::unique_ptr<exit_call> future_state_base::ready_at_exit() {
  class make_it_ready final : public exit_call {
   public:
    explicit make_it_ready(future_state_base& s) : state_((s.own(), &s)) {}

   private:
    void run() noexcept override { state_->make_ready(); }
    state_ref<future_state_base> state_;
  };
  return std::make_unique<make_it_ready>(*this);
}

void future_state_base::store_exception_at_exit(std::exception_ptr failure) {
  auto call = ready_at_exit();
  claim();
  fail(std::move(failure));
  at_thread_exit(std::move(call));
}

void future_state_base::abandon() noexcept {
  if (has_one_owner()) return;  // nobody will ever ask
  // [future.claim] acquire: as in claim().
  if ((word_.fetch_or(satisfied, memory_order_acquire) & satisfied) != 0) return;
  fail(std::make_exception_ptr(std::future_error(std::future_errc::broken_promise)));
  make_ready();
}

// True if the state is ready; false if the deadline has passed before.
bool future_state_base::park_until(steady_nanos deadline) noexcept {
  park_options options;
  options.deadline = deadline;
  options.kind = wait_kind::future;
  for (;;) {
    const park_result r = park(current_task(), &word_, options, [this]() noexcept {
      const std::uint32_t bit = CONC_STEP(future_say_waiting) ? waiting : 0;
      // [future] acquire: pairs with the release in make_ready().
      return (word_.fetch_or(bit, memory_order_acquire) & ready) == 0;
    });
    // [future] acquire: pairs with the release in make_ready().
    if ((word_.load(memory_order_acquire) & ready) != 0) return true;
    // Else it was a wake for another state that had its word here.
    if (r.token == wake_token::timed_out) return false;
  }
}

// Whoever takes a bit away does what it stands for.
bool future_state_base::take(std::uint32_t bit) noexcept {
  // [future.claim] acquire and release: of several that look one does it.
  return (word_.load(memory_order_relaxed) & bit) != 0 &&
         (word_.fetch_and(~bit, memory_order_acq_rel) & bit) != 0;
}

void future_state_base::wait_slow() noexcept {
  if (take(deferred)) {
    run_deferred();
    make_ready();
  } else if (take(threaded)) {
    join_thread();  // the state is made ready before the thread ends
  } else {
    park_until(never);
  }
}

std::future_status future_state_base::wait_until(steady_nanos deadline) noexcept {
  // [future] acquire: pairs with the release in make_ready().
  const std::uint32_t seen = word_.load(memory_order_acquire);
  if ((seen & ready) == 0) {
    if ((seen & deferred) != 0) return std::future_status::deferred;
    if (!park_until(deadline)) return std::future_status::timeout;
  }
  // The first that finds an asynchronous state ready waits for the end of its thread as well.
  if (take(threaded)) join_thread();
  return std::future_status::ready;
}

}  // namespace conc::detail
