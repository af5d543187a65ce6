#include "locks/fatal.h"

#include <cstdlib>

#include "conc/detail/current.h"
#include "locks/line.h"

namespace conc::detail {
namespace {

[[noreturn]] void finish(const char* what, const void* object,
                         const std::uint32_t* other) noexcept {
  line out;
  out << "conc: fatal: " << what << " (";
  if (object != nullptr) {
    out << "object ";
    out.address(object) << ", ";
  }
  if (other != nullptr) {
    out << "owner: thread ";
    out.number(*other);
    out << ", ";
  }
  const task_head* self = current_or_null();
  out << "by thread ";
  out.number(self != nullptr ? self->id : 0);
  out << ")";
  out.write_out();
  std::abort();
}

}  // namespace

void fatal(const char* what, const void* object) noexcept { finish(what, object, nullptr); }

void fatal(const char* what, const void* object, std::uint32_t other_thread) noexcept {
  finish(what, object, &other_thread);
}

}  // namespace conc::detail
