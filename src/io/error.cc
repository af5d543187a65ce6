// From the kernel's answers to std::error_code.
#include <string>

#include "conc/io.h"
#include "io/perform.h"

namespace conc::detail {
namespace {

// An errno value that came from setting up a ring. Compares equal to what the same value means
// elsewhere, but says where it came from: "operation not permitted" alone would send the reader to
// look at his file's permissions.
class ring_refusal : public std::error_category {
 public:
  const char* name() const noexcept override { return "conc.io_uring"; }
  std::string message(int value) const override {
    return "io_uring is not available (" + std::generic_category().message(value) + ")";
  }
  std::error_condition default_error_condition(int value) const noexcept override {
    return std::generic_category().default_error_condition(value);
  }
};

// Never destroyed: error codes may be looked at by threads that outlive main().
const std::error_category& ring_category() noexcept {
  static const ring_refusal& c = *new ring_refusal;
  return c;
}

}  // namespace

std::error_code to_error_code(outcome o) noexcept {
  return {-o.value, o.refused ? ring_category() : std::system_category()};
}

void throw_io_error(std::error_code error, const char* call) {
  throw std::system_error(error, call);
}

}  // namespace conc::detail
