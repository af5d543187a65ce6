#include "conc/blocking.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <barrier>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <vector>

#include "conc/mutex.h"
#include "conc/runtime.h"
#include "conc/semaphore.h"
#include "support/death.h"
#include "support/eventually.h"
#include "support/opaque.h"
#include "support/scale.h"

namespace {

using namespace std::chrono_literals;

// What a read from it blocks the kernel thread on, until somebody writes.
class pipe_of_bytes {
 public:
  pipe_of_bytes() { EXPECT_EQ(::pipe(ends_.data()), 0); }
  ~pipe_of_bytes() {
    for (const int fd : ends_) ::close(fd);
  }
  void put() {
    const char c = 'x';
    EXPECT_EQ(::write(ends_[1], &c, 1), 1);
  }
  void get() {
    char c;
    EXPECT_EQ(::read(ends_[0], &c, 1), 1);
  }

 private:
  std::array<int, 2> ends_;
};

// Not inlined: compilers keep errno's address across calls, and it is another one after a move.
[[CONC_OPAQUE]] int error_number() { return errno; }

TEST(blocking, passes_results_references_and_exceptions_on) {
  conc::runtime r({.processors = 1});
  r.run([] {
    EXPECT_EQ(conc::blocking([] { return 7; }), 7);
    int x = 1;
    int& ref = conc::blocking([&]() -> int& { return x; });
    EXPECT_EQ(&ref, &x);
    EXPECT_EQ(*conc::blocking([] { return std::make_unique<int>(3); }), 3);
    EXPECT_THROW(conc::blocking([] { throw std::runtime_error("no"); }), std::runtime_error);
    conc::blocking([&] { conc::blocking([&] { ++x; }); });
    EXPECT_EQ(x, 2);
  });
  EXPECT_EQ(conc::blocking([] { return 8; }), 8);  // a kernel thread
}

TEST(blocking, the_only_processor_goes_on) {
  conc::runtime r({.processors = 1});
  pipe_of_bytes there, back;
  r.run([&] {
    // Spares that have just been made look for work by themselves; later they sleep.
    for (int round = 0; round < 5; ++round) {
      conc::thread other([&] {
        there.put();
        conc::blocking([&] { back.get(); });
      });
      // Without a hand-over neither would ever let the other run.
      conc::blocking([&] { there.get(); });
      back.put();
      other.join();
    }
  });
  EXPECT_GE(r.stats().blocking_handovers, 5u);
}

TEST(blocking, a_thread_keeps_its_kernel_thread_inside) {
  conc::runtime r({.processors = 2});
  r.run([&] {
    std::vector<conc::thread> all;
    for (int i = 0; i < 8; ++i) {
      all.emplace_back([&, i] {
        for (int k = 0; k < 20; ++k) {
          conc::blocking([&] {
            const auto here = std::this_thread::get_id();
            errno = i + 1;
            if (k % 4 == 0) ::usleep(200);
            EXPECT_EQ(std::this_thread::get_id(), here);
            EXPECT_EQ(errno, i + 1);
            errno = i + 1;
          });
          EXPECT_EQ(error_number(), i + 1);
        }
      });
    }
    for (auto& t : all) t.join();
  });
}

// Locks of both libraries, held and waited for, while the processor belongs to somebody else.
TEST(blocking, conc_objects_work_inside) {
  conc::runtime r({.processors = 1});
  conc::mutex m;
  conc::counting_semaphore<> s(0);
  int sum = 0;
  r.run([&] {
    m.lock();
    conc::thread waiter([&] {
      conc::blocking([&] {
        s.release();
        const std::lock_guard guard(m);  // blocks the kernel thread
        sum += 1;
        conc::thread child([&] { sum += 2; });  // goes to the runtime from outside
        child.join();
        conc::this_thread::yield();
        conc::this_thread::sleep_for(100us);
      });
    });
    s.acquire();
    conc::this_thread::sleep_for(1ms);
    m.unlock();
    waiter.join();
  });
  EXPECT_EQ(sum, 3);
}

TEST(blocking, sections_beyond_the_limit_wait_for_their_turn) {
  constexpr int limit = 2, threads = 7;
  conc::runtime r({.processors = 1, .blocking_limit = limit});
  std::array<pipe_of_bytes, threads> go;
  std::atomic<int> inside{0}, most{0}, done{0};
  r.run([&] {
    std::vector<conc::thread> all;
    for (int i = 0; i < threads; ++i) {
      all.emplace_back([&, i] {
        conc::blocking([&] {
          const int now = ++inside;
          for (int seen = most; seen < now && !most.compare_exchange_weak(seen, now);) {
          }
          go[i].get();
          --inside;
        });
        ++done;
      });
    }
    conc_test::eventually([&] { return inside == limit; });
    for (auto& g : go) g.put();
    for (auto& t : all) t.join();
  });
  EXPECT_EQ(done, threads);
  EXPECT_EQ(most, limit);
}

TEST(blocking, sections_may_wait_for_one_another_up_to_the_limit) {
  constexpr int n = 20;
  conc::runtime r({.processors = 1, .blocking_limit = n});
  std::barrier<> all_here(n);  // of the standard library: blocks kernel threads
  r.run([&] {
    std::vector<conc::thread> all;
    for (int i = 0; i < n; ++i) {
      all.emplace_back([&] { conc::blocking([&] { all_here.arrive_and_wait(); }); });
    }
    for (auto& t : all) t.join();
  });
}

using blocking_in_child = conc_test::death_test;

TEST_F(blocking_in_child, sections_that_wait_for_one_another_beyond_the_limit_are_reported) {
  const auto stall = [] {
    conc::runtime r({.processors = 1, .blocking_limit = 1});
    pipe_of_bytes p;
    r.run([&] {
      conc::thread reader([&] { conc::blocking([&] { p.get(); }); });
      conc_test::eventually([&] { return r.stats().blocking_sections == 1; });
      conc::thread writer([&] { conc::blocking([&] { p.put(); }); });
      conc::this_thread::sleep_for(2s);
      p.put();  // the way out
      writer.join();
      reader.join();
    });
    std::_Exit(0);
  };
  EXPECT_EXIT(stall(), testing::ExitedWithCode(0), "1 threads wait to enter conc::blocking");
}

#if !defined(CONC_ASAN) && !defined(CONC_TSAN)  // which need address space themselves
TEST_F(blocking_in_child, a_refused_kernel_thread_is_an_error_on_entry) {
  const auto refuse = [] {
    conc::runtime r({.processors = 1});
    r.run([&] {
      // Room for what small allocations need, and for a few more kernel threads' stacks at most:
      // the C library may have kept some.
      rlim_t pages = 0;
      std::ifstream("/proc/self/statm") >> pages;
      const rlimit tight{pages * 4096 + (4u << 20), RLIM_INFINITY};
      ::setrlimit(RLIMIT_AS, &tight);
      pipe_of_bytes p;
      int inside = 0, refused = 0;
      std::vector<conc::thread> all;
      while (refused == 0 && all.size() < 64) {
        all.emplace_back([&] {
          try {
            conc::blocking([&] { p.get(); });
          } catch (const std::system_error& e) {
            if (e.code() == std::errc::resource_unavailable_try_again ||
                e.code() == std::errc::not_enough_memory) {
              ++refused;
            }
          }
        });
        ++inside;
        conc::this_thread::sleep_for(1ms);
      }
      const rlimit all_there_is{RLIM_INFINITY, RLIM_INFINITY};
      ::setrlimit(RLIMIT_AS, &all_there_is);
      for (int i = 1; i < inside; ++i) p.put();
      for (auto& t : all) t.join();
      if (refused == 1 && conc::blocking([] { return 5; }) == 5) std::_Exit(0);
    });
    std::_Exit(1);
  };
  EXPECT_EXIT(refuse(), testing::ExitedWithCode(0), "");
}
#endif

TEST(blocking, short_sections_are_not_handed_over) {
  conc::runtime r({.processors = 1});
  r.run([&] {
    for (int i = 0; i < 1000; ++i) conc::blocking([] {});
  });
  // A descheduled section looks like a long one: a few are nothing to be worried about.
  EXPECT_LT(r.stats().blocking_handovers, 100u);
}

}  // namespace
