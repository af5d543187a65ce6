#include "sched/carrier_signal.h"

#include <cerrno>

#include "sched/standstill.h"
#include "threads/signal_chain.h"

namespace conc::detail {
namespace {

constinit signal_chain chain;

void on_signal(int signal, siginfo_t* info, void* context) noexcept {
  const int saved_errno = errno;
  bool is_ours = false;
  if (carrier* c = carrier_here(); c != nullptr) {
    is_ours = bring_in_if_asked(*c);
    is_ours = stand_still_if_asked(*c, context) || is_ours;
  }
  // One signal may stand for several: the program's, too, may have come while ours was pending.
  if (is_ours) {
    chain.pass_on_to_handler(signal, info, context);
  } else {
    chain.pass_on(signal, info, context);
  }
  errno = saved_errno;
}

}  // namespace

bool handle_carrier_signal() noexcept {
  static const bool installed = chain.install(carrier_signal, on_signal);
  return installed;
}

}  // namespace conc::detail
