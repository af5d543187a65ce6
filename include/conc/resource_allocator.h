// conc::resource_allocator: several kinds of resources, lent so that nobody is locked out for ever.
#ifndef CONC_RESOURCE_ALLOCATOR_H
#define CONC_RESOURCE_ALLOCATOR_H

#include <chrono>
#include <vector>

#include "conc/config.h"
#include "conc/detail/deadline.h"
#include "conc/detail/timed_lock.h"
#include "conc/region.h"

namespace conc {

// Lends units of several kinds to clients who ask for them bit by bit and keep what they have. If
// two each have what the other still needs, both wait for ever. There are two ways to deal with it:
//
//   allocation::avoidance   each client says at the beginning how much it will ever have at once,
//                           its claim. A request is granted only if afterwards all could still be
//                           brought to their end one after another, even if each asked for the rest
//                           of its claim at once: the banker's algorithm. Deadlock cannot arise, as
//                           long as clients give everything back without waiting for each other.
//   allocation::detection   a request is granted when there is enough. detect() says who is locked
//                           up; they are freed by a request that runs into its time limit.
//
// For user-level threads and kernel threads at once; a client is one thread's at a time.
//
// Blocking: request() suspends the caller; nothing else does, but for a mutex. Allocates when made,
//   when a client is made, and for the answer of detect().
// Fairness: those who wait are granted in the order of their arrival, but one who cannot be granted
//   yet is passed by all who can: without that the banker would lock up his clients himself. So
//   there is no K: a large request may be passed as long as small ones keep coming.
// Cost: a grant asks for O(kinds x clients^2) steps, and so may each release for each who waits.
// Destruction: after that of all clients.
// Errors: std::invalid_argument for amounts of the wrong length, a claim beyond the total, a
//   request beyond the claim, and a release of more than is held; nothing has changed then.
//   Destroying it before its clients ends the process with a message.
// Sources: Dijkstra, "Cooperating sequential processes", 1965; for several kinds Habermann,
// "Prevention of system deadlocks", 1969; detection: Coffman, Elphick and Shoshani, "System
// deadlocks", 1971.
enum class allocation : bool { avoidance, detection };

class CONC_API resource_allocator {
 public:
  class client;
  using amounts = std::vector<unsigned>;  // so many units of each kind

  explicit resource_allocator(amounts totals, allocation how = allocation::avoidance);
  resource_allocator(const resource_allocator&) = delete;
  resource_allocator& operator=(const resource_allocator&) = delete;
  ~resource_allocator();

  // What nobody has now.
  [[nodiscard]] amounts available() const;
  // The clients who wait and cannot be served whatever the others do, if those who do not wait give
  // back what they have. With avoidance there are none.
  [[nodiscard]] std::vector<const client*> detect() const;

 private:
  struct state {
    amounts totals, free;
    bool avoids;
    std::vector<client*> clients;
    mutable amounts work;  // for the searches below, which so need no memory

    bool safe_after(const client& who, const amounts& wanted) const noexcept;
    bool grants(const client& who, const amounts& wanted) const noexcept;
    void search(const client* who, const amounts* wanted) const noexcept;
  };

  mutable region<state> state_;
};

// Somebody who borrows. All its units are given back at the end.
class CONC_API resource_allocator::client {
 public:
  // May have at most `claim` at any time; detection takes claims as limits only.
  client(resource_allocator& from, amounts claim);
  client(const client&) = delete;
  client& operator=(const client&) = delete;
  ~client();

  // Gets all that is wanted, at once, beside what it has; waits until that may be.
  void request(const amounts& wanted) { request_until_steady(wanted, detail::never); }
  [[nodiscard]] bool try_request(const amounts& wanted);
  // False, and nothing is had, if the time is over before.
  template <class Rep, class Period>
  [[nodiscard]] bool request_for(const amounts& wanted,
                                 const std::chrono::duration<Rep, Period>& time) {
    return request_until_steady(wanted, detail::deadline_after(time));
  }
  template <class Clock, class Duration>
  [[nodiscard]] bool request_until(const amounts& wanted,
                                   const std::chrono::time_point<Clock, Duration>& t) {
    return detail::retry_until(
        t, [&](detail::steady_nanos deadline) { return request_until_steady(wanted, deadline); });
  }
  void release(const amounts& returned);

  // Whether, if this were granted now, everybody could still be brought to his end. False also if
  // there is not enough.
  [[nodiscard]] bool would_be_safe(const amounts& wanted) const;
  // What it has; for the thread whose client it is.
  [[nodiscard]] const amounts& held() const noexcept { return held_; }

 private:
  friend class resource_allocator;
  bool request_until_steady(const amounts& wanted, detail::steady_nanos deadline);
  void check_request(const amounts& wanted) const;

  // All of it is guarded by the allocator's region, but for the claim, which stays.
  resource_allocator& allocator_;
  const amounts claim_;
  amounts held_;
  const amounts* asks_ = nullptr;  // while it waits
  mutable bool finishes_ = false;  // what the last search found
};

}  // namespace conc

#endif  // CONC_RESOURCE_ALLOCATOR_H
