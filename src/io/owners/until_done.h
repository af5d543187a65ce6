// A whole buffer by calls that move a part each.
#ifndef CONC_IO_OWNERS_UNTIL_DONE_H
#define CONC_IO_OWNERS_UNTIL_DONE_H

#include <cstddef>
#include <span>
#include <system_error>

#include "conc/detail/deadline.h"
#include "conc/detail/io_options.h"

namespace conc::detail {

// A call that finds its bytes ready does not look at the deadline. One whole transfer has to, or a
// peer that is always just fast enough would hold it for ever.
inline bool too_late(const io::options& how) noexcept {
  return how.deadline.nanos() != never && how.deadline.nanos() <= steady_now();
}

// Calls call(rest) until nothing is left. What it returns when it moves nothing without an error:
// bytes still missing. Sets `error` as the calls do.
template <class Byte, class Call>
std::size_t until_done(std::span<Byte> rest, std::error_code& error, const io::options& how,
                       Call call) noexcept {
  error.clear();
  while (!rest.empty()) {
    const std::size_t n = call(rest);
    if (n == 0) break;
    rest = rest.subspan(n);
    if (!rest.empty() && too_late(how)) {
      error = std::make_error_code(std::errc::timed_out);
      break;
    }
  }
  return rest.size();
}

template <class Call>
std::size_t take_all(std::span<std::byte> all, std::error_code& error, const io::options& how,
                     Call call) noexcept {
  const std::size_t missing = until_done(all, error, how, call);
  if (missing == 0) return all.size();
  if (!error && missing != all.size()) {
    error = std::make_error_code(std::errc::no_message_available);
  }
  return 0;
}

// Moving nothing and reporting nothing is not what a write does; if a driver does so all the same,
// that is an error rather than an endless loop.
template <class Call>
std::size_t give_all(std::span<const std::byte> all, std::error_code& error, const io::options& how,
                     Call call) noexcept {
  if (until_done(all, error, how, call) == 0) return all.size();
  if (!error) error = std::make_error_code(std::errc::io_error);
  return 0;
}

}  // namespace conc::detail

#endif  // CONC_IO_OWNERS_UNTIL_DONE_H
