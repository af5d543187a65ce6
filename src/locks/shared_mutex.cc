#include "conc/shared_mutex.h"

#include "locks/shared_core.h"

namespace conc::detail {

template class shared_core<rw_preference::phase_fair>;
template class shared_core<rw_preference::reader>;
template class shared_core<rw_preference::writer>;

}  // namespace conc::detail
