#include "locks/barrier_core.h"

namespace conc::detail {

template class barrier_core<32>;

}  // namespace conc::detail
