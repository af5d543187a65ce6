// The epoll set behind conc::io, where it differs from a ring: several waits on one descriptor,
// closed descriptors, and the table of waits itself. Most of its work is seen in the other tests of
// conc::io, which run on both engines.
#include <dlfcn.h>
#include <poll.h>
#include <sys/ioctl.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <vector>

#include "conc/conc.h"
#include "io/waits_by_descriptor.h"
#include "support/eventually.h"
#include "support/io_exercise.h"
#include "support/io_waiters.h"
#include "support/scale.h"
#include "support/sockets.h"

namespace io = conc::io;
using namespace std::chrono_literals;
using conc_test::bytes_of;
using conc_test::eventually;
using conc_test::text_buffer;

namespace {

std::atomic<int> attempts = 0;  // calls of recv() in this process

}  // namespace

// In the place of the C library's.
extern "C" ssize_t recv(int fd, void* buffer, std::size_t length, int flags) {
  ++attempts;
  using function = ssize_t(int, void*, std::size_t, int);
  static auto* const real = reinterpret_cast<function*>(dlsym(RTLD_NEXT, "recv"));
  return real(fd, buffer, length, flags);
}

namespace {

class io_epoll : public testing::Test {
  void SetUp() override { ::setenv("CONC_IO", "epoll", 1); }
  void TearDown() override { ::unsetenv("CONC_IO"); }
};

}  // namespace

TEST_F(io_epoll, does_a_little_of_everything) {
  conc::runtime rt;
  conc_test::exercise(rt);
}

// A writer and several readers on one socket; what wakes one of them must not leave the others.
TEST_F(io_epoll, waits_on_one_descriptor_are_independent) {
  for (const unsigned processors : {1U, 4U}) {
    conc::runtime rt({.processors = processors});
    rt.run([] {
      auto [a, b] = conc_test::socket_pair();
      const std::vector<std::byte> much(4'000'000, std::byte{1});
      constexpr int readers = 5, rounds = 200;
      std::atomic<int> read = 0;
      std::atomic<bool> written = false;
      conc::thread writer([&, to = a.get()] {
        for (std::span<const std::byte> rest(much); !rest.empty();) {
          rest = rest.subspan(io::send(to, rest, MSG_NOSIGNAL));
        }
        written = true;
      });
      std::vector<conc::thread> crew;
      for (int i = 0; i < readers; ++i) {
        crew.emplace_back([&, from = a.get()] {
          for (int round = 0; round < rounds; ++round) {
            std::byte one;
            ASSERT_EQ(io::recv(from, std::span(&one, 1), 0), 1u);
            ++read;
          }
        });
      }
      for (int i = 0; i < readers * rounds; ++i) {
        ASSERT_EQ(io::send(b.get(), bytes_of("x"), 0), 1u);
        if (i % 7 == 0) conc::this_thread::yield();
      }
      for (auto& t : crew) t.join();
      EXPECT_EQ(read, readers * rounds);
      EXPECT_FALSE(written) << "the writer waits all the time";
      std::vector<std::byte> sink(100'000);
      for (std::size_t got = 0; got < much.size();) got += io::recv(b.get(), sink, 0);
      writer.join();
    });
  }
}

TEST_F(io_epoll, a_wait_that_was_called_off_leaves_the_others) {
  conc::runtime rt({.processors = 1});
  rt.run([] {
    auto [a, b] = conc_test::socket_pair();
    for (int i = 0; i < 100; ++i) {
      conc::thread patient([&, from = a.get()] {
        text_buffer t;
        EXPECT_EQ(io::recv(from, t.all(), 0), 1u);
      });
      text_buffer t;
      std::error_code ec;
      EXPECT_EQ(io::recv(a.get(), t.all(), 0, ec, {.deadline = 100us}), 0u);
      EXPECT_EQ(ec, std::errc::timed_out);
      ASSERT_EQ(io::send(b.get(), bytes_of("x"), 0), 1u);
      patient.join();
    }
  });
}

// The kernel forgets a closed descriptor without a word; conc::io::close() does not.
TEST_F(io_epoll, a_close_ends_the_waits) {
  conc::runtime rt;
  rt.run([] {
    for (int round = 0; round < conc_test::scaled(300); ++round) {
      auto [a, b] = conc_test::socket_pair();
      auto [other, to_other] = conc_test::socket_pair();
      ASSERT_EQ(::send(to_other.get(), "wrong", 5, 0), 5);
      std::vector<conc::thread> readers;
      for (int i = 0; i < 3; ++i) {
        readers.emplace_back([&, i, from = a.get()] {
          std::error_code ec;
          text_buffer t;
          const io::options limit = i == 0 ? io::options{.deadline = 100s} : io::options{};
          EXPECT_EQ(io::recv(from, t.all(), 0, ec, limit), 0u);
          EXPECT_EQ(ec, std::errc::bad_file_descriptor);
        });
      }
      ASSERT_TRUE(conc_test::eventually_waiting(a.get(), 3));
      const int number = a.release();
      io::close(number);
      const io::unique_fd successor(::dup(other.get()));
      for (auto& t : readers) t.join();
      int unread = 0;
      ::ioctl(other.get(), FIONREAD, &unread);
      EXPECT_EQ(unread, 5) << "somebody has read from the number's next file";
    }
  });
}

TEST_F(io_epoll, a_shutdown_ends_the_waits) {
  conc::runtime rt;
  rt.run([] {
    auto [a, b] = conc_test::socket_pair();
    std::vector<conc::thread> readers;
    for (int i = 0; i < 3; ++i) {
      readers.emplace_back([from = a.get()] {
        text_buffer t;
        EXPECT_EQ(io::recv(from, t.all(), 0), 0u);
      });
    }
    ASSERT_TRUE(conc_test::eventually_waiting(a.get(), 3));
    io::shutdown(a.get(), SHUT_RD);
    for (auto& t : readers) t.join();
  });
}

// A call that must wait is attempted before and after the wait, and never more often.
TEST_F(io_epoll, one_attempt_for_each_wait) {
  conc::runtime one({.processors = 1});
  one.run([] {
    auto [a, b] = conc_test::socket_pair();
    attempts = 0;
    conc::thread reader([from = a.get()] {
      text_buffer t;
      EXPECT_EQ(io::recv(from, t.all(), 0), 1u);
    });
    ASSERT_TRUE(conc_test::eventually_waiting(a.get(), 1));
    EXPECT_EQ(attempts, 1);
    ASSERT_EQ(::send(b.get(), "x", 1, 0), 1);
    reader.join();
    EXPECT_EQ(attempts, 2);
  });
}

// Who waits again and again on a descriptor is soon taken to know that it has to.
TEST_F(io_epoll, no_attempt_where_the_last_ones_found_nothing) {
  conc::runtime one({.processors = 1});
  one.run([] {
    auto [a, b] = conc_test::socket_pair();
    constexpr int rounds = 320;
    conc::thread echo([fd = a.get()] {
      text_buffer t;
      while (const std::size_t n = io::recv(fd, t.all(), 0)) io::send(fd, t.all().first(n), 0);
    });
    attempts = 0;
    for (int i = 0; i < rounds; ++i) {
      text_buffer t;
      ASSERT_EQ(io::send(b.get(), bytes_of("x"), 0), 1u);
      ASSERT_EQ(io::recv(b.get(), t.all(), 0), 1u);
    }
    // One after each wait, on either side; one before it now and then.
    EXPECT_GE(attempts, 2 * rounds);
    EXPECT_LT(attempts, 2 * rounds + rounds / 2);
    b.reset();
    echo.join();
  });
}

// Acceptors that are woken for the same connection: one gets it, the others wait on, and their
// deadlines hold.
TEST_F(io_epoll, too_many_acceptors) {
  conc::runtime rt;
  rt.run([] {
    const conc_test::tcp_listener listener;
    std::atomic<int> accepted = 0, timed_out = 0;
    std::vector<conc::thread> acceptors;
    for (int i = 0; i < 6; ++i) {
      acceptors.emplace_back([&] {
        for (;;) {
          std::error_code ec;
          const io::unique_fd fd(
              io::accept(listener.fd.get(), nullptr, nullptr, ec, {.deadline = 100ms}));
          if (!fd) {
            EXPECT_EQ(ec, std::errc::timed_out);
            ++timed_out;
            return;
          }
          ++accepted;
        }
      });
    }
    for (int i = 0; i < 50; ++i) {
      const io::unique_fd fd(io::socket(AF_INET, SOCK_STREAM, 0));
      EXPECT_EQ(io::connect(fd.get(), listener.where(), sizeof listener.address), 0);
    }
    for (auto& t : acceptors) t.join();
    EXPECT_EQ(accepted, 50);
    EXPECT_EQ(timed_out, 6);
  });
}

TEST(io_waits, are_found_by_descriptor_and_event_in_their_order) {
  using namespace conc::detail;
  struct entry {
    request r;
    std::unique_ptr<operation> op;
  };
  // The table looks at the request only.
  alignas(64) static std::byte nobody[1024];
  std::vector<std::unique_ptr<entry>> entries;
  waits_by_descriptor table;
  for (int i = 0; i < 1000; ++i) {
    auto e = std::make_unique<entry>();
    e->r.fd = i % 250;
    e->r.operation_flags = i / 250 % 2 == 0 ? POLLIN : POLLOUT;
    e->op = std::make_unique<operation>(reinterpret_cast<engine&>(nobody),
                                        reinterpret_cast<task&>(nobody), e->r, false);
    table.add(*e->op);
    entries.push_back(std::move(e));
  }
  EXPECT_EQ(table.wanted(7), static_cast<std::uint32_t>(POLLIN | POLLOUT));
  EXPECT_EQ(table.wanted(250), 0u);
  table.remove(*entries[507]->op);
  operation* taken = table.take(7, POLLIN);
  EXPECT_EQ(taken, entries[7]->op.get());
  EXPECT_EQ(taken->next_on_descriptor, nullptr);
  EXPECT_EQ(table.wanted(7), static_cast<std::uint32_t>(POLLOUT));
  taken = table.take(8, POLLIN);
  EXPECT_EQ(taken, entries[8]->op.get()) << "the oldest first";
  EXPECT_EQ(taken->next_on_descriptor, entries[508]->op.get());
  taken = table.take(7, ~0U);
  EXPECT_EQ(taken, entries[257]->op.get());
  EXPECT_EQ(table.wanted(7), 0u);
}
