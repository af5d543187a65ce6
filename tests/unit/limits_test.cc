// When the kernel has no more: the call that asked reports it, everything else goes on, and when
// something has been given back it works again.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "conc/conc.h"
#include "locks/block_cost.h"
#include "locks/sanitized.h"
#include "locks/task_slab.h"
#include "locks/wake_latency.h"
#include "support/death.h"
#include "support/error_of.h"
#include "support/eventually.h"
#include "support/limited_process.h"
#include "support/old_kernel.h"
#include "threads/guard.h"
#include "threads/stack.h"

namespace {

using namespace std::chrono_literals;
using conc_test::error_of;
using conc_test::require;

constexpr std::errc no_memory = std::errc::not_enough_memory;
constexpr std::errc try_again = std::errc::resource_unavailable_try_again;

// The limits are a process's, hence children. The sanitizers have needs of their own.
#if !defined(CONC_ASAN) && !defined(CONC_TSAN)

using LimitsDeathTest = conc_test::death_test;

// Everything else: two threads that wake each other for ever.
class bystanders {
 public:
  explicit bystanders(conc::runtime& r) {
    for (const bool first : {true, false}) {
      both_.push_back(r.spawn([this, first] {
        while (!stop_) {
          (first ? ping_ : pong_).acquire();
          ++beats_;
          (first ? pong_ : ping_).release();
        }
      }));
    }
  }
  ~bystanders() {
    stop_ = true;
    ping_.release();  // whoever has gone without waking the other
    pong_.release();
    for (auto& t : both_) t.join();
  }
  void require_going_on(const char* when) const {
    const long seen = beats_;
    require(conc_test::eventually([&] { return beats_ > seen + 1'000; }), when);
  }

 private:
  std::atomic<bool> stop_{false};
  std::atomic<long> beats_{0};
  conc::counting_semaphore<> ping_{1}, pong_{0};
  std::vector<conc::thread> both_;
};

// Threads that wait at a gate, as many as there can be; and what stopped them.
class crowd {
 public:
  // Room for the handles before memory becomes short.
  explicit crowd(std::size_t most) { all_.reserve(most); }
  ~crowd() { disperse(); }

  std::error_code gather(conc::runtime& r, const conc::thread_options& options = {}) {
    return error_of([&] {
      while (all_.size() < all_.capacity()) {
        all_.push_back(options.stack_size == 0 ? r.spawn([this] { gate_.acquire(); })
                                               : r.spawn(options, [this] { gate_.acquire(); }));
      }
    });
  }
  void disperse() {
    gate_.release(static_cast<std::ptrdiff_t>(all_.size()));
    for (auto& t : all_) t.join();
    all_.clear();
  }
  std::size_t size() const { return all_.size(); }

 private:
  conc::counting_semaphore<> gate_{0};
  std::vector<conc::thread> all_;
};

void require_that_threads_work(conc::runtime& r) {
  int n = 0;
  r.spawn([&] { conc::thread([&] { n = 1; }).join(); }).join();
  require(n == 1, "a thread of a thread runs");
}

void no_address_space_for_the_fifty_thousandth_thread() {
  constexpr std::size_t n = 50'000;
  conc::runtime r({.processors = 2});
  const bystanders others(r);
  crowd all(2 * n);
  conc_test::limit_address_space(n * conc::detail::default_stack_size);
  require(all.gather(r) == try_again, "the thread too many is refused");
  require(all.size() > n - 1'000 && all.size() <= n + 1'000, "at about the limit");
  others.require_going_on("with the process at its limit");
  require(all.gather(r) == try_again, "also when asked again");
  std::error_code inside;
  const std::size_t had = all.size();
  require(
      error_of([&] { r.run([&] { inside = all.gather(r); }); }) == try_again || inside == try_again,
      "in a user-level thread, too");
  require(error_of([&] { r.spawn({.stack_size = 1 << 30}, [] {}).join(); }) == try_again,
          "a large stack of its own is refused");
  // Some end: their places are there for others.
  all.disperse();
  require_that_threads_work(r);
  all.gather(r);
  require(all.size() + 100 >= had, "as many as before");
  others.require_going_on("at the limit again");
  // More room: more threads.
  conc_test::lift_address_space_limit();
  const std::size_t before = all.size();
  require(!all.gather(r) && all.size() > before, "without the limit there are more");
  all.disperse();
  others.require_going_on("after it all");
}

// As large as the memory that is left is small.
struct heavy {
  std::array<char, 1 << 20> load;
  std::atomic<int>* runs;
  explicit heavy(std::atomic<int>& n) : runs(&n) {}
  heavy(const heavy& other) : runs(other.runs) {}  // nobody reads the load
  void operator()() { ++*runs; }
};

void no_memory_for_what_a_thread_brings_along() {
  conc::runtime r({.processors = 1});
  const bystanders others(r);
  std::atomic<int> runs{0};
  const std::string name(1 << 20, 'n');
  conc::thread_options named;
  named.name = name;
  require_that_threads_work(r);
  conc_test::limit_address_space(512 << 10);
  require(error_of([&] { r.spawn(heavy(runs)).join(); }) == try_again, "no memory for a closure");
  require(error_of([&] { r.spawn(std::move(named), [&] { ++runs; }).join(); }) == try_again,
          "no memory for a name");
  require(runs == 0, "nothing has begun");
  others.require_going_on("after refusals");
  require_that_threads_work(r);
  conc_test::lift_address_space_limit();
  r.spawn(heavy(runs)).join();
  r.spawn({.name = name}, [&] { ++runs; }).join();
  require(runs == 2, "with memory it works");
}

// How many of twenty sections that are under way at the same time are told that they cannot.
int refused_sections(conc::runtime& r) {
  std::atomic<int> inside{0}, refused{0};
  r.run([&] {
    std::vector<conc::thread> all;
    for (int i = 0; i < 20; ++i) {
      all.emplace_back([&] {
        const auto why = error_of([&] {
          conc::blocking([&] {
            ++inside;
            (void)conc_test::eventually([&] { return inside + refused == 20; });
          });
        });
        if (why) ++refused;
        require(!why || why == try_again || why == no_memory, "with an error that says why");
      });
    }
    for (auto& t : all) t.join();
  });
  require(inside + refused == 20, "every section is heard of");
  return refused;
}

void no_address_space_for_kernel_threads() {
  const long threads = conc_test::kernel_threads();
  // Each takes 8 MiB and more.
  for (const std::size_t room : {256 << 10, 1 << 20, 20 << 20, 100 << 20}) {
    conc::runtime r({.processors = 2, .blocking_limit = 64});
    const bystanders others(r);
    conc_test::limit_address_space(room);
    const auto why = error_of([] { conc::runtime too_much({.processors = 64}); });
    require(why == no_memory || why == try_again, "another runtime is refused");
    others.require_going_on("after a refused runtime");
    require(refused_sections(r) > 0, "a section is refused");
    others.require_going_on("after a refused section");

    conc_test::lift_address_space_limit();
    require_that_threads_work(r);
    require(refused_sections(r) == 0, "sections work again");
    conc::runtime another({.processors = 64});
    require_that_threads_work(another);
  }
  require(conc_test::eventually([&] { return conc_test::kernel_threads() == threads; }),
          "all kernel threads are gone");
}

// A kernel thread could be had, but not the library's record of it.
void no_memory_for_a_carriers_record() {
  { const conc::runtime leaves_a_record_and_stacks({.processors = 1}); }
  std::atomic<bool> end{false};
  std::thread takes_the_record([&] {
    conc::this_thread::get_id();
    (void)conc_test::eventually([&] { return end.load(); });
  });
  // glibc keeps a few stacks of threads that have ended.
  for (int i = 0; i < 2; ++i) std::thread([] {}).join();
  do {
    (void)conc::detail::take_fresh_cells(1'000);
  } while (conc::detail::last_task_id() % conc::detail::cells_per_chunk != 0);
  conc_test::limit_address_space(512 << 10);
  require(error_of([] { conc::runtime r({.processors = 1}); }) == try_again, "it is refused");
  conc_test::lift_address_space_limit();
  conc::runtime r({.processors = 1});
  require_that_threads_work(r);
  end = true;
  takes_the_record.join();
}

// Where guards are mappings they end at a quarter of vm.max_map_count.
void no_guards_for_more_threads() {
  conc_test::forget_guard_marks();
  conc::runtime r({.processors = 2});
  const bystanders others(r);
  crowd all(1'000'000), with_own(1'000'000);
  require(all.gather(r) == try_again, "the thread too many is refused");
  require(all.size() > 10'000, "after many");
  require(conc::detail::guard_mappings_left() < 64, "when no guard was left");
  others.require_going_on("without guards for more");
  const std::size_t had = all.size();
  all.disperse();
  all.gather(r);
  require(all.size() == had, "as many as before");
  // The pool keeps its guards, and those that have a stack of their own need others.
  all.disperse();
  for (int round = 0; round < 2; ++round) {
    require(with_own.gather(r, {.stack_size = 64 << 10}) == try_again, "a stack of its own");
    require(with_own.size() < 64 && conc::detail::guard_mappings_left() == 0, "for want of guards");
    const std::size_t had_own = with_own.size();
    with_own.disperse();
    require(conc::detail::guard_mappings_left() == had_own, "theirs are there again");
  }
}

void no_mappings_at_all() {
  conc::runtime r({.processors = 2});
  const bystanders others(r);
  crowd all(1'000'000), with_own(1'000);
  require(!with_own.gather(r, {.stack_size = 64 << 10}), "a thousand with their own stacks");
  {
    const conc_test::all_mappings taken;
    require(all.gather(r) == try_again, "a stack too many is refused");
    require(error_of([&] { r.spawn({.stack_size = 1 << 20}, [] {}).join(); }) == try_again,
            "one of its own size as well");
    const auto why = error_of([] { conc::runtime another({.processors = 2}); });
    require(why == no_memory || why == try_again, "and a runtime");
    others.require_going_on("without mappings");
    with_own.disperse();
    all.disperse();
    require_that_threads_work(r);
  }
  require(!with_own.gather(r, {.stack_size = 1 << 20}), "with mappings it works again");
  require_that_threads_work(r);
  conc::runtime another({.processors = 2});
  require_that_threads_work(another);
}

// Stacks that lie side by side are one mapping to the kernel, which refuses to cut it into two.
void no_mapping_to_give_a_stack_back() {
  const long before = conc_test::status_of_process("VmSize");
  std::vector<conc::detail::stack_memory> all;
  for (int i = 0; i < 1'000; ++i) all.push_back(conc::detail::map_stack(64 << 10));
  {
    const conc_test::all_mappings taken;
    for (std::size_t i = 0; i < all.size(); i += 2) conc::detail::unmap_stack(all[i]);
    require(conc_test::status_of_process("VmSize") > before + 32'000, "the kernel has refused it");
  }
  for (std::size_t i = 1; i < all.size(); i += 2) conc::detail::unmap_stack(all[i]);
  require(conc_test::status_of_process("VmSize") < before + 1'000, "but nothing is lost");
}

// By the kernel's limit on a user's threads, which can be lifted again.
void no_more_kernel_threads_for_this_user() {
  require(conc_test::become_a_user_without_processes(), "setresuid");
  conc::runtime r({.processors = 2, .blocking_limit = 64});
  const bystanders others(r);
  // It would be measured in the background, by kernel threads that count as well.
  conc::detail::wake_latency();
  const long before = conc_test::kernel_threads();
  conc_test::limit_kernel_threads(5);
  require(error_of([] { conc::runtime too_much({.processors = 8}); }) == try_again,
          "a runtime that would need eight");
  require(conc_test::eventually([&] { return conc_test::kernel_threads() == before; }),
          "those it had got are gone");
  others.require_going_on("after a refused runtime");
  require(refused_sections(r) == 15, "sections beyond the limit are refused");
  others.require_going_on("after refused sections");
  crowd many(50'000);
  require(!many.gather(r), "user-level threads need none");
  many.disperse();

  conc_test::set_soft_limit(RLIMIT_NPROC, RLIM_INFINITY);
  require(refused_sections(r) == 0, "sections work again");
  conc::runtime another({.processors = 8});
  require_that_threads_work(another);
}

// By a sandbox, for good.
void no_kernel_thread_ever_again() {
  conc::runtime r({.processors = 2});
  const bystanders others(r);
  conc_test::forbid_system_call(SYS_clone3, ENOSYS);
  conc_test::forbid_system_call(SYS_clone, EAGAIN);
  for (int i = 0; i < 3; ++i) {
    require(error_of([] { conc::runtime another; }) == try_again, "no other runtime");
    require(error_of([] { conc::thread([] {}).join(); }) == try_again, "no default runtime");
    require(
        error_of([] { conc::runtime::configure_default({.processors = 1}); }) == std::error_code(),
        "which can still be configured");
    bool called = false;
    require(r.run([&] { return error_of([&] { conc::blocking([&] { called = true; }); }); }) ==
                    try_again &&
                !called,
            "no section");
    others.require_going_on("all the same");
    require_that_threads_work(r);
  }
  crowd many(50'000);
  require(!many.gather(r), "threads as ever");
  many.disperse();
}

// C is measured by kernel threads, at some time: better before.
#define CONC_EXPECT_WELL(body) \
  EXPECT_EXIT((conc::detail::block_cost(), body(), std::_Exit(0)), testing::ExitedWithCode(0), "")

TEST_F(LimitsDeathTest, of_address_space) {
  CONC_EXPECT_WELL(no_address_space_for_the_fifty_thousandth_thread);
  CONC_EXPECT_WELL(no_memory_for_what_a_thread_brings_along);
  CONC_EXPECT_WELL(no_address_space_for_kernel_threads);
  CONC_EXPECT_WELL(no_memory_for_a_carriers_record);
}

TEST_F(LimitsDeathTest, of_mappings) {
  CONC_EXPECT_WELL(no_guards_for_more_threads);
  CONC_EXPECT_WELL(no_mappings_at_all);
  CONC_EXPECT_WELL(no_mapping_to_give_a_stack_back);
}

TEST_F(LimitsDeathTest, of_kernel_threads) {
  CONC_EXPECT_WELL(no_kernel_thread_ever_again);
  if (geteuid() != 0) GTEST_SKIP() << "takes a user without other processes";
  CONC_EXPECT_WELL(no_more_kernel_threads_for_this_user);
}
#else
TEST(limits, of_the_kernel) { GTEST_SKIP() << "the sanitizers have needs of their own"; }
#endif

}  // namespace
