// Waiting for one of several descriptors.
#include <poll.h>
#include <sys/epoll.h>

#include <cerrno>

#include "conc/io.h"
#include "io/perform.h"
#include "io/section.h"

namespace conc::io {

using namespace conc::detail;

namespace {

int look(std::span<pollfd> at) noexcept {
  return without_eintr([=] { return ::poll(at.data(), at.size(), 0); });
}

// poll(2) and epoll(7) agree on the bits that a program may ask for.
int add(int set, const pollfd& p) noexcept {
  epoll_event e{};
  e.events = static_cast<std::uint16_t>(p.events);
  return without_eintr([&] { return epoll_ctl(set, EPOLL_CTL_ADD, p.fd, &e); });
}

int modify(int set, int fd, std::uint32_t events) noexcept {
  epoll_event e{};
  e.events = events;
  return without_eintr([&] { return epoll_ctl(set, EPOLL_CTL_MOD, fd, &e); });
}

// The events of all entries for the descriptor of `all[i]`.
std::uint32_t events_of_twins(std::span<const pollfd> all, std::size_t i) noexcept {
  std::uint32_t events = 0;
  for (const pollfd& p : all) {
    if (p.fd == all[i].fd) events |= static_cast<std::uint16_t>(p.events);
  }
  return events;
}

// Files, which epoll refuses, are always ready for what they can be asked: if one is left here it
// was asked for nothing.
int fill(int set, std::span<const pollfd> from) noexcept {
  for (std::size_t i = 0; i < from.size(); ++i) {
    if (from[i].fd < 0) continue;
    int error = add(set, from[i]);
    if (error == -EEXIST) error = modify(set, from[i].fd, events_of_twins(from, i));
    if (error < 0 && error != -EPERM) return error;
  }
  return 0;
}

// An epoll set is a descriptor that is readable as long as one of its members is ready: one
// operation waits for all of them.
outcome wait_for_several(std::span<pollfd> all, const options& how) noexcept {
  if (const nanos end = how.deadline.nanos(); end != no_deadline && end <= now()) {
    return {-ETIMEDOUT};
  }
  const int made = without_eintr([] { return epoll_create1(EPOLL_CLOEXEC); });
  if (made < 0) return {made};
  const unique_fd set(made);
  if (const int error = fill(set.get(), all); error < 0) return {error};
  for (;;) {
    const outcome o = wait_for(set.get(), POLLIN, how);
    // What came a moment before the deadline counts.
    const int ready = look(all);
    if (ready != 0) return {ready};
    if (o.value < 0) return o;
  }
}

}  // namespace

int poll(std::span<pollfd> descriptors, std::error_code& error, const options& how) noexcept {
  if (how.stop.stop_requested()) return int_or_error({-ECANCELED}, error);
  const int ready = look(descriptors);
  if (ready == 0) return int_or_error(wait_for_several(descriptors, how), error);
  give_way_sometimes();
  return int_or_error({ready}, error);
}

}  // namespace conc::io

namespace conc::detail {

outcome nap(nanos length, const io::options& how) noexcept {
  const nanos deadline = how.deadline.nanos();
  if (deadline <= now()) return {-ETIMEDOUT};
  io::options until = how;
  if (const io::time_limit end{std::chrono::nanoseconds(length)}; end.nanos() < deadline) {
    until.deadline = end;
  }
  std::error_code ended;
  io::poll({}, ended, until);
  return {ended == std::errc::timed_out ? 0 : -ended.value()};
}

}  // namespace conc::detail
