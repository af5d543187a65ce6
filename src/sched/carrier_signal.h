// The signal that the library sends to its own carriers, and its one handler.
#ifndef CONC_SCHED_CARRIER_SIGNAL_H
#define CONC_SCHED_CARRIER_SIGNAL_H

#include <signal.h>

#include "locks/sanitized.h"

namespace conc::detail {

struct carrier;

// Ignored by default, and never sent by the C library: what Go uses, too, and for these reasons. A
// program that uses it for urgent data on sockets keeps its handler (signal_chain.h), and may see
// it called more often than there are data, for which such handlers must be prepared anyway.
inline constexpr int carrier_signal = SIGURG;

// ThreadSanitizer delivers signals when it sees fit, which for a thread that computes is never.
#if defined(CONC_TSAN)
inline constexpr bool signals_arrive = false;
#else
inline constexpr bool signals_arrive = true;
#endif

// Before the first one is sent; once a process, whatever for. False if the kernel refuses.
bool handle_carrier_signal() noexcept;

// What a carrier may be wanted for; each looks whether it is. In the handler, on that carrier.
bool bring_in_if_asked(carrier& c) noexcept;                          // withheld.cc
bool stand_still_if_asked(carrier& c, const void* context) noexcept;  // standstill.cc

}  // namespace conc::detail

#endif  // CONC_SCHED_CARRIER_SIGNAL_H
