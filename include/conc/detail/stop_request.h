// How conc asks a std::stop_source to stop.
//
// request_stop() runs the program's callbacks, and remembers by which *kernel* thread. A user-level
// thread that suspends in a callback may go on in another one, while others run in the one that it
// has left: then the destructor of a std::stop_callback takes somebody else's callback for its own,
// or waits for itself. So a callback that a user-level thread runs must not suspend; a checked
// build ends the process when one does. It sees the requests that go through conc; not those that
// are made of a std::stop_source.
#ifndef CONC_DETAIL_STOP_REQUEST_H
#define CONC_DETAIL_STOP_REQUEST_H

#include <stop_token>

#include "conc/config.h"

namespace conc::detail {

#ifdef CONC_CHECKED
// While one exists on its stack, the calling thread must not suspend. They nest.
class CONC_API stop_section {
 public:
  stop_section() noexcept;
  ~stop_section();
  stop_section(const stop_section&) = delete;
  stop_section& operator=(const stop_section&) = delete;
};
#else
struct stop_section {
  stop_section() noexcept {}  // so that it does not count as unused
};
#endif

inline bool request_stop(std::stop_source& source) noexcept {
  const stop_section callbacks_run;
  return source.request_stop();
}

}  // namespace conc::detail

#endif  // CONC_DETAIL_STOP_REQUEST_H
