// Who waits at a channel, until there are as many as a test wants.
#ifndef CONC_TESTS_SUPPORT_CHANNEL_WAITERS_H
#define CONC_TESTS_SUPPORT_CHANNEL_WAITERS_H

#include "conc/channel.h"
#include "locks/channel_waiter.h"
#include "support/eventually.h"

namespace conc_test {

enum class role { sender, receiver };

// How many are queued at the channel in that role; a select counts once for each of its cases.
template <class T>
int waiting_at(conc::channel<T>& c, role r) {
  conc::detail::channel_core& core = conc::detail::core_of(c);
  const conc::detail::internal_lock_guard guard(core.lock());
  int n = 0;
  const auto* w = core.waiters(r == role::sender).first;
  for (; w != nullptr; w = w->next) ++n;
  return n;
}

template <class T>
bool eventually_waiting(conc::channel<T>& c, role r, int wanted) {
  return eventually([&] { return waiting_at(c, r) == wanted; });
}

}  // namespace conc_test

#endif  // CONC_TESTS_SUPPORT_CHANNEL_WAITERS_H
