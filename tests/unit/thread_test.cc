#include "conc/thread.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <set>
#include <sstream>
#include <string>
#include <system_error>
#include <thread>
#include <unordered_set>
#include <vector>

#include "conc/mutex.h"
#include "conc/runtime.h"
#include "support/crew.h"
#include "support/eventually.h"
#include "support/scale.h"

namespace {

using conc_test::eventually;

static_assert(!std::is_copy_constructible_v<conc::thread>);
static_assert(std::is_nothrow_move_constructible_v<conc::thread>);
static_assert(sizeof(conc::thread) == sizeof(void*));

TEST(thread, runs_its_function_and_join_waits_for_the_end) {
  conc_test::in_both_worlds([](const char* who) {
    int x = 0;
    conc::thread t([&] {
      for (int i = 0; i < 100; ++i) conc::this_thread::yield();
      x = 7;
    });
    EXPECT_TRUE(t.joinable()) << who;
    t.join();
    EXPECT_EQ(x, 7) << who;
    EXPECT_FALSE(t.joinable()) << who;
  });
}

TEST(thread, joins_a_thread_that_has_long_ended) {
  conc_test::in_both_worlds([](const char* who) {
    std::atomic<bool> ended{false};
    conc::thread t([&] { ended = true; });
    ASSERT_TRUE(eventually([&] { return ended.load(); })) << who;
    conc::this_thread::sleep_for(std::chrono::milliseconds(2));
    t.join();
  });
}

TEST(thread, moves_and_swaps) {
  std::atomic<int> sum{0};
  conc::thread a([&] { sum += 1; });
  conc::thread b(std::move(a));
  EXPECT_FALSE(a.joinable());
  conc::thread c;
  const auto id = b.get_id();
  swap(b, c);
  EXPECT_EQ(c.get_id(), id);
  EXPECT_EQ(b.get_id(), conc::thread::id());
  b = std::move(c);
  EXPECT_EQ(b.get_id(), id);
  b.join();
  EXPECT_EQ(sum, 1);
}

TEST(thread, errors_of_join_and_detach_are_the_standards) {
  const auto code_of = [](auto f) -> std::error_code {
    try {
      f();
    } catch (const std::system_error& e) {
      return e.code();
    }
    return {};
  };
  conc::thread none;
  EXPECT_EQ(code_of([&] { none.join(); }), std::errc::invalid_argument);
  EXPECT_EQ(code_of([&] { none.detach(); }), std::errc::invalid_argument);

  conc::thread self;
  std::atomic<bool> assigned{false}, tried{false};
  std::error_code got;
  self = conc::thread([&] {
    (void)eventually([&] { return assigned.load(); });
    got = code_of([&] { self.join(); });
    tried = true;
  });
  assigned = true;
  ASSERT_TRUE(eventually([&] { return tried.load(); }));
  self.join();
  EXPECT_EQ(got, std::errc::resource_deadlock_would_occur);
}

TEST(thread, a_detached_thread_ends_by_itself) {
  conc_test::in_both_worlds([](const char* who) {
    auto ended = std::make_shared<std::atomic<bool>>(false);
    conc::thread t([ended] { *ended = true; });
    t.detach();
    EXPECT_FALSE(t.joinable()) << who;
    EXPECT_TRUE(eventually([&] { return ended->load(); })) << who;
    // Also the closure, which holds the other reference, is destroyed.
    EXPECT_TRUE(eventually([&] { return ended.use_count() == 1; })) << who;
  });
}

TEST(thread, ids_are_unique_among_all_that_ever_lived) {
  std::unordered_set<conc::thread::id> seen;
  std::set<conc::thread::id> ordered;
  const int n = conc_test::scaled_threads(2'000);
  for (int i = 0; i < n; ++i) {
    conc::thread::id inside;
    conc::thread t([&] { inside = conc::this_thread::get_id(); });
    const auto outside = t.get_id();
    t.join();
    EXPECT_EQ(inside, outside);
    EXPECT_TRUE(seen.insert(inside).second) << i;
    EXPECT_TRUE(ordered.insert(inside).second) << i;
  }
  std::thread([&] { EXPECT_TRUE(seen.insert(conc::this_thread::get_id()).second); }).join();
  std::thread([&] { EXPECT_TRUE(seen.insert(conc::this_thread::get_id()).second); }).join();
  EXPECT_FALSE(seen.contains(conc::thread::id()));
}

TEST(thread, ids_print_the_same_on_wide_streams) {
  for (const auto id : {conc::this_thread::get_id(), conc::thread::id()}) {
    std::ostringstream out;
    std::wostringstream wide;
    out << id;
    wide << id;
    const std::string text = out.str();
    EXPECT_FALSE(text.empty());
    EXPECT_EQ(wide.str(), std::wstring(text.begin(), text.end()));
  }
}

// A mutex of the kernel's belongs to the kernel thread: who makes a thread stays on it, for he is
// not suspended, however much the runtime migrates.
TEST(thread, may_be_made_while_the_caller_holds_a_kernel_mutex) {
  conc::runtime r({.processors = 4});
  std::mutex kernels;
  long sum = 0;
  r.run([&] {
    std::vector<conc::thread> makers;
    for (int i = 0; i < 8; ++i) {
      makers.emplace_back([&] {
        for (int k = 0; k < conc_test::scaled(500); ++k) {
          conc::thread made;
          {
            const std::lock_guard guard(kernels);
            const pid_t here = gettid();
            made = conc::thread([] { conc::this_thread::yield(); });
            ++sum;
            ASSERT_EQ(gettid(), here);
          }
          made.join();
        }
      });
    }
    for (auto& t : makers) t.join();
  });
  EXPECT_EQ(sum, 8L * conc_test::scaled(500));
}

TEST(thread, ids_print_apart) {
  const auto text = [](conc::thread::id i) {
    std::ostringstream out;
    out << i;
    return out.str();
  };
  EXPECT_NE(text({}).find("non-executing"), std::string::npos);
  std::set<std::string> texts;
  for (int i = 0; i < 50; ++i) {
    conc::thread t([] {});
    EXPECT_TRUE(texts.insert(text(t.get_id())).second);
    t.join();
  }
}

TEST(thread, get_id_stays_the_same_through_suspensions) {
  conc_test::crew()
      .users(4,
             [](int) {
               const auto before = conc::this_thread::get_id();
               for (int i = 0; i < 100; ++i) {
                 conc::this_thread::yield();
                 EXPECT_EQ(conc::this_thread::get_id(), before);
               }
             })
      .join();
}

TEST(thread, takes_functions_members_references_and_moves) {
  struct counter {
    int n = 0;
    void add(int k) { n += k; }
  };
  counter c;
  conc::thread(&counter::add, &c, 5).join();
  conc::thread([](int& n) { ++n; }, std::ref(c.n)).join();
  EXPECT_EQ(c.n, 6);

  auto owned = std::make_unique<int>(3);
  int got = 0;
  conc::thread([&](std::unique_ptr<int> p) { got = *p; }, std::move(owned)).join();
  EXPECT_EQ(got, 3);

  // Decay: an array arrives as a pointer, a const value as a copy of its own.
  const char text[] = "abc";
  const int value = 4;
  conc::thread([&](const char* s, int&& v) { got = v + (s == text ? 10 : 0); }, text, value).join();
  EXPECT_EQ(got, 14);
  EXPECT_EQ(conc::thread::hardware_concurrency(), conc::thread::hardware_concurrency());
  EXPECT_GE(conc::thread::hardware_concurrency(), 1u);
}

// Alive from construction to destruction, and counted.
struct tracked {
  static inline std::atomic<int> alive{0}, made{0};
  tracked() { ++alive, ++made; }
  tracked(const tracked&) { ++alive, ++made; }
  tracked(tracked&&) noexcept { ++alive, ++made; }
  ~tracked() { --alive; }
};

TEST(thread, destroys_each_argument_once_and_before_join_returns) {
  for (const bool big : {false, true}) {
    {
      conc::thread t;
      if (big) {
        t = conc::thread([](const tracked&, std::array<char, 500>) {}, tracked(),
                         std::array<char, 500>());
      } else {
        t = conc::thread([](const tracked&) {}, tracked());
      }
      t.join();
      EXPECT_EQ(tracked::alive, 0) << big;
    }
    EXPECT_EQ(tracked::alive, 0) << big;
  }
  EXPECT_GT(tracked::made, 0);
}

TEST(thread, carries_closures_of_every_size_and_alignment) {
  std::array<long, 100> big{};
  big[99] = 42;
  long got = 0;
  conc::thread([big, &got] { got = big[99]; }).join();
  EXPECT_EQ(got, 42);
  struct alignas(64) line {
    long v = 5;
  };
  bool aligned = false;
  conc::thread([l = line(), &aligned, &got] {
    aligned = reinterpret_cast<std::uintptr_t>(&l) % 64 == 0;
    got = l.v;
  }).join();
  EXPECT_TRUE(aligned);
  EXPECT_EQ(got, 5);
}

TEST(thread, a_throwing_argument_leaves_nothing_behind) {
  struct thrower {
    thrower() = default;
    thrower(const thrower&) { throw 17; }
    thrower(thrower&&) { throw 17; }
  };
  const thrower source;
  const auto f = [](const thrower&) {};
  const auto before = conc::runtime::current().stats();
  for (int i = 0; i < 100; ++i) {
    EXPECT_THROW(conc::thread(f, source), int);
    EXPECT_THROW(conc::thread({.name = "n", .stack_size = 1 << 20}, f, source), int);
  }
  EXPECT_EQ(conc::runtime::current().stats().spawned, before.spawned);
  conc::thread([] {}).join();
}

TEST(thread, options_are_accepted_and_impossible_ones_refused) {
  std::atomic<int> ran{0};
  conc::thread named(
      {.name = "a name that no small string holds, so that it is on the heap"},
      [&](int n) { ran += n; }, 2);
  named.join();
  conc::thread_options o;
  o.stack_size = 64 << 10;
  conc::thread(o, [&] { ++ran; }).join();
  conc::thread({.name = "d"}, [&] { ++ran; }).detach();
  EXPECT_TRUE(eventually([&] { return ran == 4; }));
  try {
    conc::thread({.stack_size = std::size_t{1} << 60}, [] {}).join();
    FAIL() << "an exabyte of stack";
  } catch (const std::system_error& e) {
    EXPECT_EQ(e.code(), std::errc::invalid_argument);
  }
}

// All of them exist at the same time: the last one opens the gate.
TEST(thread, a_hundred_thousand_at_once) {
  const int n = conc_test::under_tsan ? 500 : conc_test::under_asan ? 10'000 : 100'000;
  std::vector<conc::thread> all;
  all.reserve(static_cast<std::size_t>(n));
  std::atomic<int> arrived{0}, left{0};
  conc::mutex gate;
  gate.lock();
  for (int i = 0; i < n; ++i) {
    all.emplace_back([&] {
      ++arrived;
      const std::lock_guard guard(gate);
      ++left;
    });
  }
  EXPECT_TRUE(eventually([&] { return arrived == n; }, std::chrono::seconds(60)));
  EXPECT_EQ(left, 0);
  gate.unlock();
  for (auto& t : all) t.join();
  EXPECT_EQ(left, n);
}

TEST(thread, a_parent_may_end_before_its_children) {
  std::atomic<int> ended{0};
  conc::thread([&] {
    for (int i = 0; i < 100; ++i) conc::thread([&] { ++ended; }).detach();
  }).join();
  EXPECT_TRUE(eventually([&] { return ended == 100; }));
}

}  // namespace
