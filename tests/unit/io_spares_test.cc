// What becomes of I/O, and of what carriers wait for it with, when carriers become spares and end.
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "conc/blocking.h"
#include "conc/conc.h"
#include "io/engine.h"
#include "sched/scheduler.h"
#include "support/eventually.h"
#include "support/files_of_process.h"
#include "support/io_waiters.h"
#include "support/scale.h"
#include "support/sockets.h"

namespace io = conc::io;
using namespace std::chrono_literals;
using conc::detail::carrier;
using conc::detail::current_carrier;
using conc::detail::lending;
using conc_test::text_buffer;

namespace {

constexpr int crowd = lending::lasting_spares + 4;

// Spares that are too many end almost at once.
class short_of_patience {
 public:
  short_of_patience() { lending::patience = 1'000'000; }
  ~short_of_patience() { lending::patience = before_; }

 private:
  const conc::detail::nanos before_ = lending::patience;
};

// Each of `crowd` carriers has begun an operation, and is then kept in a section. Calls `then`,
// which sees to it that the operations end, when the sections have, so that most of these carriers
// are spares.
template <class Then>
void operations_on_spares(Then then) {
  std::vector<conc_test::fd_pair> talks, gates;
  std::vector<conc::thread> readers, sections;
  std::vector<const carrier*> used;
  std::atomic<int> inside = 0, read = 0;
  for (int i = 0; i < crowd; ++i) {
    talks.push_back(conc_test::socket_pair());
    gates.push_back(conc_test::socket_pair());
  }
  for (int i = 0; i < crowd; ++i) {
    readers.emplace_back([&, from = talks[i].a.get()] {
      used.push_back(current_carrier());
      text_buffer t;
      std::error_code ec;
      EXPECT_EQ(io::recv(from, t.all(), 0, ec), 1u) << ec.message();
      ++read;
    });
    ASSERT_TRUE(conc_test::eventually_waiting(talks[i].a.get(), 1));
    sections.emplace_back([&, gate = gates[i].a.get()] {
      EXPECT_EQ(current_carrier(), used.back());
      conc::blocking([&] {
        ++inside;
        char c;
        EXPECT_EQ(::read(gate, &c, 1), 1);
      });
    });
    ASSERT_TRUE(conc_test::eventually([&] { return inside == i + 1; }));
  }
  for (auto& g : gates) EXPECT_EQ(::send(g.b.get(), "x", 1, 0), 1);
  for (auto& s : sections) s.join();
  EXPECT_EQ(read, 0);
  then();
  for (auto& t : talks) EXPECT_EQ(::send(t.b.get(), "x", 1, 0), 1);
  for (auto& r : readers) r.join();
}

}  // namespace

TEST(io_spares, who_has_operations_in_flight_does_not_end) {
  const short_of_patience impatient;
  conc::runtime rt({.processors = 1});
  rt.run([] {
    lending& loans = current_carrier()->home.loans;
    const std::uint64_t before = loans.kept_for_io;
    operations_on_spares([&] {
      EXPECT_TRUE(conc_test::eventually([&] { return loans.kept_for_io >= before + 100; }));
    });
  });
}

// The runtime's last thread has just been handed over by a carrier that becomes a spare, and sleeps
// in its ring although nothing is in flight: the bell for the end must reach it there.
TEST(io_spares, the_end_finds_a_spare_that_sleeps_in_its_ring) {
  for (int round = 0; round < conc_test::scaled(500); ++round) {
    std::atomic<bool> over = false;
    conc::runtime rt({.processors = 1});
    // Whoever has taken the processor over is awake when the last one comes, and the end is near.
    rt.spawn([&] {
        while (!over) conc::this_thread::yield();
      }).detach();
    rt.spawn([&] {
        const conc_test::temporary_file file;
        const io::unique_fd fd(::open(file.path.c_str(), O_RDWR | O_CLOEXEC));
        io::fsync(fd.get());
        lending& loans = current_carrier()->home.loans;
        const std::uint64_t before = loans.taken_over;
        conc::blocking([&] {
          while (loans.taken_over == before) std::this_thread::yield();
        });
        over = true;
      }).detach();
  }
}

// The rings end with their kernel threads; and carriers that get another kernel thread get another
// ring, for the kernel would not let them use the one that there was.
TEST(io_spares, a_ring_ends_with_its_kernel_thread) {
  const short_of_patience impatient;
  conc::runtime rt({.processors = 1});
  rt.run([] {
    const long rings_before = conc_test::rings();
    for (int round = 0; round < 3 && !testing::Test::HasFailure(); ++round) {
      operations_on_spares([] {});
      EXPECT_TRUE(conc_test::eventually([=] {
        return conc_test::rings() <= rings_before + 1 + lending::lasting_spares;
      })) << conc_test::rings();
    }
  });
}
