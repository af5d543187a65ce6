// A file is let go of when its last descriptor is closed, also if the kernel's own threads worked
// on it: nobody who waits for that waits for ever.
#include <poll.h>
#include <sys/file.h>

#include <utility>

#include "conc/conc.h"
#include "support/eventually.h"
#include "support/scale.h"
#include "support/sockets.h"

namespace io = conc::io;

namespace {

constexpr int rounds = 6'000;

}  // namespace

TEST(io_release, a_pipe_ends_when_a_splice_into_it_was_the_last) {
  for (int i = 0; i < conc_test::scaled(rounds); ++i) {
    auto [out, in] = conc_test::pipe_pair();
    auto [last, next] = conc_test::pipe_pair();
    in.reset();
    conc::thread([&, from = out.get(), to = std::move(next)] {
      EXPECT_EQ(io::splice(from, nullptr, to.get(), nullptr, 100, 0), 0u);
    }).join();
    pollfd end{last.get(), POLLIN, 0};
    ASSERT_EQ(::poll(&end, 1, 30'000), 1) << "round " << i;
    ASSERT_EQ(end.revents, POLLHUP);
  }
}

TEST(io_release, a_lock_is_given_up_when_a_flush_was_the_last) {
  const conc_test::temporary_file file;
  const io::unique_fd other(::open(file.path.c_str(), O_RDWR | O_CLOEXEC));
  for (int i = 0; i < conc_test::scaled(rounds); ++i) {
    conc::thread([&] {
      const io::unique_fd fd(::open(file.path.c_str(), O_RDWR | O_CLOEXEC));
      ASSERT_EQ(::flock(fd.get(), LOCK_EX | LOCK_NB), 0);
      io::fsync(fd.get());
    }).join();
    ASSERT_TRUE(conc_test::eventually([&] { return ::flock(other.get(), LOCK_EX | LOCK_NB) == 0; }))
        << "round " << i;
    ::flock(other.get(), LOCK_UN);
  }
}
