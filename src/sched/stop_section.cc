#include "sched/stop_section.h"

#include "conc/detail/stop_request.h"
#include "locks/fatal.h"

#ifdef CONC_CHECKED

namespace conc::detail {
namespace {

// Null for kernel threads, whose callbacks may block as they like.
tcb* user_thread() noexcept {
  task_head* const self = current_or_null();
  if (self == nullptr || !static_cast<task*>(self)->is_thread) return nullptr;
  return static_cast<tcb*>(self);
}

}  // namespace

stop_section::stop_section() noexcept {
  if (tcb* self = user_thread()) ++self->stop_sections;
}

stop_section::~stop_section() {
  if (tcb* self = user_thread()) --self->stop_sections;
}

void refuse_to_suspend() noexcept {
  fatal("a stop callback waited or yielded in the user-level thread that requested the stop");
}

}  // namespace conc::detail

#endif
