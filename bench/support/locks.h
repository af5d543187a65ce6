// Our locks, for those who compare. A visitor is called as visit(name, make), where make() returns
// a new lock.
#ifndef CONC_BENCH_SUPPORT_LOCKS_H
#define CONC_BENCH_SUPPORT_LOCKS_H

#include "conc/conc.h"

namespace bench {

template <class Visit>
void each_spin_lock(Visit visit) {
  visit("tas_lock", [] { return conc::tas_lock(); });
  visit("ttas_lock", [] { return conc::ttas_lock(); });
  visit("cas_lock", [] { return conc::cas_lock(); });
  visit("ticket_lock", [] { return conc::ticket_lock(); });
}

template <class Visit>
void each_lock_of_ours(Visit visit) {
  each_spin_lock(visit);
  visit("mcs_lock", [] { return conc::mcs_lock(); });
  visit("clh_lock", [] { return conc::clh_lock(); });
  visit("anderson_lock", [] { return conc::anderson_lock(); });
  visit("two_phase_lock", [] { return conc::two_phase_lock(); });
  visit("conc::mutex", [] { return conc::mutex(); });
}

}  // namespace bench

#endif  // CONC_BENCH_SUPPORT_LOCKS_H
