// The echo server on State Threads: a user-level thread a connection, on one kernel thread, epoll.
#include <st.h>

#include <cerrno>
#include <cstdint>

#include "io/listen.h"

namespace {

void* serve(void* argument) {
  auto* peer = static_cast<st_netfd_t>(argument);
  char buffer[4096];
  for (;;) {
    const ssize_t n = st_read(peer, buffer, sizeof buffer, ST_UTIME_NO_TIMEOUT);
    if (n <= 0) break;
    const auto all = static_cast<std::size_t>(n);
    if (st_write(peer, buffer, all, ST_UTIME_NO_TIMEOUT) != n) break;
  }
  st_netfd_close(peer);
  return nullptr;
}

}  // namespace

int main() {
  st_set_eventsys(ST_EVENTSYS_ALT);  // epoll
  if (st_init() != 0) bench::fail("st_init", errno);
  auto* listener = st_netfd_open_socket(bench::listen_anywhere(0));
  for (;;) {
    auto* peer = st_accept(listener, nullptr, nullptr, ST_UTIME_NO_TIMEOUT);
    if (peer == nullptr) bench::fail("st_accept", errno);
    bench::send_at_once(st_netfd_fileno(peer));
    if (st_thread_create(serve, peer, 0, 16 * 1024) == nullptr) bench::fail("st_thread", errno);
  }
}
