// Transfers past the page cache (O_DIRECT): the disk keeps nobody waiting but the thread that asks.
#include <fcntl.h>
#include <liburing.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "conc/conc.h"
#include "io/direct_transfers.h"
#include "io/engine.h"
#include "sched/scheduler.h"
#include "support/eventually.h"
#include "support/sockets.h"

namespace io = conc::io;
using conc::detail::current_carrier;
using conc::detail::engine;

namespace {

constexpr std::size_t block = 4096;
constexpr int blocks = 16;
struct alignas(block) block_of_bytes {
  std::byte data[block] = {};
  std::span<std::byte> all() { return data; }
};

// A file of `blocks` blocks, the n-th full of n.
class direct_file {
 public:
  direct_file() {
    fd_.reset(::open(file_.path.c_str(), O_RDWR | O_DIRECT | O_CLOEXEC));
    if (!fd_) return;
    block_of_bytes b;
    for (int i = 0; i < blocks; ++i) {
      std::memset(b.data, i, block);
      if (::pwrite(fd_.get(), b.data, block, i * static_cast<off_t>(block)) !=
          static_cast<ssize_t>(block)) {
        fd_.reset();
        return;
      }
    }
  }
  bool refused() const { return !fd_; }
  int get() const { return fd_.get(); }
  const std::string& path() const { return file_.path; }

 private:
  conc_test::temporary_file file_;
  io::unique_fd fd_;
};

#define SKIP_IF_REFUSED(file) \
  if ((file).refused()) GTEST_SKIP() << "O_DIRECT is refused for " << (file).path()

std::uint64_t sections() { return current_carrier()->home.loans.sections_ended; }

// The carrier's, of which there is but one until a section begins.
const engine* make_engine() {
  auto [out, in] = conc_test::pipe_pair();
  std::error_code ec;
  conc_test::text_buffer t;
  io::read(out.get(), t.all(), ec, {.deadline = std::chrono::milliseconds(1)});
  EXPECT_EQ(ec, std::errc::timed_out);
  return static_cast<const engine*>(current_carrier()->io.load());
}

}  // namespace

TEST(io_direct, no_attempt_is_made_that_would_wait_for_the_disk) {
  const direct_file file;
  SKIP_IF_REFUSED(file);
  conc::runtime rt({.processors = 1});
  rt.run([&] {
    const engine* const own = make_engine();
    // How often a transfer was left to the ring or, where there is none, to a section.
    const auto handed_over = [=] {
      return own->takes_all() ? own->operations_begun() : sections();
    };
    const int fd = file.get();
    block_of_bytes b;
    const iovec v{b.data, block};
    const std::uint64_t before = handed_over();
    ASSERT_EQ(io::pread(fd, b.all(), 3 * block), block);
    EXPECT_EQ(b.data[7], std::byte{3});
    EXPECT_EQ(handed_over(), before + 1) << "pread";
    ASSERT_EQ(io::pwrite(fd, b.all(), 3 * block), block);
    EXPECT_EQ(handed_over(), before + 2) << "pwrite";

    // These move the file's position, as a ring would not.
    const std::uint64_t sections_before = sections();
    ASSERT_EQ(::lseek(fd, 0, SEEK_SET), 0);
    for (int i = 0; i < 4; ++i) {
      ASSERT_EQ(i % 2 == 0 ? io::read(fd, b.all()) : io::readv(fd, {&v, 1}), block);
      EXPECT_EQ(b.data[7], static_cast<std::byte>(i));
    }
    std::memset(b.data, 99, block);
    ASSERT_EQ(io::write(fd, b.all()), block);
    ASSERT_EQ(io::writev(fd, {&v, 1}), block);
    EXPECT_EQ(sections(), sections_before + 6);
    for (int i = 4; i < 6; ++i) {
      ASSERT_EQ(io::pread(fd, b.all(), i * static_cast<off_t>(block)), block);
      EXPECT_EQ(b.data[7], std::byte{99});
    }
    std::error_code ec;
    EXPECT_EQ(io::read(fd, b.all(), ec, {.deadline = -std::chrono::seconds(1)}), 0u);
    EXPECT_EQ(ec, std::errc::timed_out);
  });
}

// What was remembered of a number means another file, and the attempt finds that it would have to
// wait: pages of that place are still to be written.
TEST(io_direct, a_number_that_has_become_another_file_keeps_that_ones_position) {
  const direct_file file;
  SKIP_IF_REFUSED(file);
  const io::unique_fd cached(::open(file.path().c_str(), O_RDWR | O_CLOEXEC));
  conc::runtime rt({.processors = 1});
  rt.run([&] {
    make_engine();
    block_of_bytes b;
    const io::unique_fd number(::dup(cached.get()));
    for (int round = 0; round < 8; ++round) {
      ASSERT_EQ(::dup2(cached.get(), number.get()), number.get());
      ASSERT_EQ(io::pread(number.get(), b.all(), 0), block);  // found not to be O_DIRECT
      ASSERT_EQ(::pwrite(cached.get(), b.data, block, 0), static_cast<ssize_t>(block));
      ASSERT_EQ(::dup2(file.get(), number.get()), number.get());
      ASSERT_EQ(::lseek(number.get(), 0, SEEK_SET), 0);
      ASSERT_EQ(io::write(number.get(), b.all()), block);
      ASSERT_EQ(::lseek(number.get(), 0, SEEK_CUR), static_cast<off_t>(block)) << "round " << round;
    }
  });
}

// As many operations are with the kernel as threads ask for, whoever else runs on their processor.
TEST(io_direct, reads_of_several_threads_are_under_way_together) {
  const direct_file file;
  SKIP_IF_REFUSED(file);
  conc::runtime rt({.processors = 1});
  rt.run([&] {
    const engine* const own = make_engine();
    if (!own->takes_all()) GTEST_SKIP() << "only a ring has operations of its own";
    std::vector<block_of_bytes> buffers(blocks);
    std::uint64_t most = 0;
    // A carrier that the kernel has kept from its CPU may find some done before all have begun.
    EXPECT_TRUE(conc_test::eventually([&] {
      std::vector<conc::thread> readers;
      for (int i = 0; i < blocks; ++i) {
        readers.emplace_back([&, i] {
          EXPECT_EQ(io::pread(file.get(), buffers[i].all(), i * static_cast<off_t>(block)), block);
          EXPECT_EQ(buffers[i].data[block - 1], static_cast<std::byte>(i));
        });
      }
      conc::thread counter([&] { most = std::max(most, own->operations_in_flight()); });
      for (auto& r : readers) r.join();
      counter.join();
      return most >= blocks / 2;
    })) << most;
  });
}

TEST(io_direct, a_deadline_that_has_passed_leaves_the_buffer_alone) {
  const direct_file file;
  SKIP_IF_REFUSED(file);
  conc::runtime rt({.processors = 1});
  rt.run([&] {
    for (int i = 0; i < 100; ++i) {
      block_of_bytes b;
      std::error_code ec;
      const std::size_t n =
          io::pread(file.get(), b.all(), 5 * block, ec, {.deadline = std::chrono::microseconds(i)});
      const std::byte seen = b.data[block - 1];
      if (n == 0) {
        EXPECT_EQ(ec, std::errc::timed_out);
      } else {
        EXPECT_EQ(seen, std::byte{5});
      }
      conc::this_thread::yield();
      EXPECT_EQ(b.data[block - 1], seen);
    }
  });
}

// What the disk would refuse is refused, and what could not be past the cache is not asked about.
TEST(io_direct, requests_that_are_not_whole_sectors) {
  conc::detail::request r;
  r.opcode = IORING_OP_READ;
  r.length = 512;
  EXPECT_TRUE(conc::detail::is_of_whole_sectors(r));
  r.offset = ~std::uint64_t{0};
  EXPECT_TRUE(conc::detail::is_of_whole_sectors(r)) << "at the file's own position";
  r.offset = 100;
  EXPECT_FALSE(conc::detail::is_of_whole_sectors(r));
  r.offset = 0;
  r.length = 100;
  EXPECT_FALSE(conc::detail::is_of_whole_sectors(r));
  r.length = 0;
  EXPECT_FALSE(conc::detail::is_of_whole_sectors(r));
  std::byte some[1024];
  const std::array<iovec, 2> parts{iovec{some, 500}, iovec{some, 524}};
  r.opcode = IORING_OP_WRITEV;
  r.address = parts.data();
  r.length = 2;
  EXPECT_TRUE(conc::detail::is_of_whole_sectors(r));
  r.length = 1;
  EXPECT_FALSE(conc::detail::is_of_whole_sectors(r));
  r.opcode = IORING_OP_RECV;
  r.length = 512;
  EXPECT_FALSE(conc::detail::is_of_whole_sectors(r));
}

// In pipes O_DIRECT keeps packets apart; they have no disk, but nothing must go wrong either.
TEST(io_direct, a_pipe_of_packets) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_DIRECT | O_CLOEXEC), 0);
  const io::unique_fd out(ends[0]), in(ends[1]);
  conc::thread([&] {
    block_of_bytes b, c;
    conc::thread writer([&] {
      EXPECT_EQ(io::write(in.get(), b.all().first(512)), 512u);
      EXPECT_EQ(io::write(in.get(), b.all().first(1024)), 1024u);
    });
    EXPECT_EQ(io::read(out.get(), c.all()), 512u);
    EXPECT_EQ(io::read(out.get(), c.all()), 1024u);
    writer.join();
    std::error_code ec;
    EXPECT_EQ(io::read(out.get(), c.all(), ec, {.deadline = std::chrono::milliseconds(1)}), 0u);
    EXPECT_EQ(ec, std::errc::timed_out);
  }).join();
}
