// What conc's futures promise beyond the standard's: both kinds of thread, one allocation, an end
// that follows the wake at once. What they share with std's is in future_test.cc.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <new>
#include <optional>
#include <thread>
#include <vector>

#include "conc/future.h"
#include "conc/runtime.h"
#include "support/crew.h"
#include "support/death.h"
#include "support/eventually.h"

namespace {

using namespace std::chrono_literals;
using conc_test::crew;
using conc_test::eventually;
using steady = std::chrono::steady_clock;

std::atomic<long> allocations{0};

}  // namespace

[[gnu::noinline]] void* operator new(std::size_t n) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  if (void* p = std::malloc(n != 0 ? n : 1)) return p;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* p) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete(void* p, std::size_t) noexcept { std::free(p); }

namespace {

TEST(future_waiting, both_kinds_of_thread_wait_for_one_state) {
  conc::promise<int> p;
  const conc::shared_future<int> f = p.get_future();
  std::atomic<int> sum{0}, in_time{0};
  crew all;
  all.mixed(8, [&, f](int) { sum += f.get(); });
  all.mixed(8, [&, f](int) {
    if (f.wait_for(1h) == std::future_status::ready) in_time += f.get();
  });
  EXPECT_TRUE(eventually([] { return conc_test::parked_anywhere() == 16; }));
  EXPECT_EQ(sum, 0);
  p.set_value(5);
  all.join();
  EXPECT_EQ(sum, 40);
  EXPECT_EQ(in_time, 40);
}

TEST(future_waiting, either_kind_may_make_it_ready) {
  conc_test::in_both_worlds([](const char* who) {
    conc::promise<int> there;
    conc::promise<void> back;
    auto f = there.get_future();
    auto done = back.get_future();
    conc::thread user([&] {
      EXPECT_EQ(f.get(), 1) << who;
      back.set_value();
    });
    there.set_value(1);
    done.get();
    user.join();
    conc::packaged_task<int()> task([] { return 2; });
    auto g = task.get_future();
    std::thread kernel(std::move(task));
    EXPECT_EQ(g.get(), 2) << who;
    kernel.join();
  });
}

TEST(future_waiting, a_state_is_one_allocation) {
  const auto count = [](auto f) {
    const long before = allocations;
    f();
    return allocations - before;
  };
  EXPECT_EQ(count([] {
              conc::promise<int> p;
              auto f = p.get_future();
              p.set_value(1);
              auto g = f.share();
              EXPECT_EQ(g.get(), 1);
            }),
            1);
  EXPECT_EQ(count([] {
              conc::packaged_task<int(int)> t([](int n) { return n; });
              auto f = t.get_future();
              t(1);
              EXPECT_EQ(f.get(), 1);
            }),
            1);
  EXPECT_EQ(count([] {
              auto f = conc::async(std::launch::deferred, [] { return 1; });
              EXPECT_EQ(f.get(), 1);
            }),
            1);
  conc::async([] {}).get();  // starts the runtime
  EXPECT_EQ(count([] {
              auto f = conc::async(std::launch::async, [] { return 1; });
              EXPECT_EQ(f.get(), 1);
            }),
            1);
}

template <class T>
struct counting_allocator {
  using value_type = T;
  long* alive;
  explicit counting_allocator(long* count) : alive(count) {}
  template <class U>
  counting_allocator(const counting_allocator<U>& other) : alive(other.alive) {}
  T* allocate(std::size_t n) {
    *alive += static_cast<long>(n);
    return std::allocator<T>().allocate(n);
  }
  void deallocate(T* p, std::size_t n) {
    *alive -= static_cast<long>(n);
    std::allocator<T>().deallocate(p, n);
  }
  friend bool operator==(counting_allocator, counting_allocator) = default;
};

TEST(future_waiting, a_promise_takes_its_memory_from_the_allocator_it_is_given) {
  long alive = 0;
  const counting_allocator<char> memory(&alive);
  static_assert(std::uses_allocator_v<conc::promise<int>, counting_allocator<char>>);
  {
    std::optional<conc::promise<std::string>> p(std::in_place, std::allocator_arg, memory);
    auto f = p->get_future();
    EXPECT_EQ(alive, 1);
    p->set_value("text");
    p.reset();
    EXPECT_EQ(f.get(), "text");
    EXPECT_EQ(alive, 0);
    conc::promise<int&> r(std::allocator_arg, memory);
    conc::promise<void> v(std::allocator_arg, memory);
    EXPECT_EQ(alive, 2);
  }
  EXPECT_EQ(alive, 0);
}

// The second waits for the first to be through, and nobody runs the function again.
TEST(future_waiting, of_several_that_wait_for_a_deferred_function_one_runs_it) {
  std::atomic<int> calls{0}, got{0};
  std::atomic<bool> go_on{false};
  const conc::shared_future<int> f = conc::async(std::launch::deferred, [&] {
    ++calls;
    while (!go_on) conc::this_thread::yield();
    return 3;
  });
  crew all;
  all.mixed(6, [&, f](int) { got += f.get(); });
  ASSERT_TRUE(conc_test::eventually([&] { return calls == 1; }));
  // Once it has begun it is no longer deferred.
  EXPECT_EQ(f.wait_for(1ms), std::future_status::timeout);
  go_on = true;
  all.join();
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(got, 18);
}

// Several readers of an asynchronous state: one of them joins the thread, the last owner need not.
TEST(future_waiting, of_several_that_wait_for_a_thread_one_joins_it) {
  for (int i = 0; i < 50; ++i) {
    std::atomic<int> got{0};
    conc::shared_future<int> f = conc::async(std::launch::async, [] {
      conc::this_thread::yield();
      return 1;
    });
    crew all;
    all.mixed(3, [&, f](int) { got += f.get(); });
    all.mixed(3, [&, f](int) {
      while (f.wait_for(10us) != std::future_status::ready) {
      }
      got += f.get();
    });
    f = {};
    all.join();
    ASSERT_EQ(got, 6);
  }
}

TEST(future_waiting, async_runs_on_the_runtime_of_its_caller) {
  conc::runtime r({.processors = 1});
  r.run([&] {
    conc::runtime* const here = &conc::runtime::current();
    EXPECT_EQ(here, &r);
    EXPECT_EQ(conc::async(std::launch::async, [] { return &conc::runtime::current(); }).get(),
              here);
    EXPECT_EQ(conc::async([] { return &conc::runtime::current(); }).get(), here);
  });
}

TEST(future_waiting, a_task_deduces_its_signature) {
  conc::packaged_task a([](int n) { return n + 0.5; });
  static_assert(std::is_same_v<decltype(a), conc::packaged_task<double(int)>>);
  conc::packaged_task b(+[](const char*) noexcept {});
  static_assert(std::is_same_v<decltype(b), conc::packaged_task<void(const char*)>>);
  conc::packaged_task c([n = 0]() mutable noexcept { return n++; });
  static_assert(std::is_same_v<decltype(c), conc::packaged_task<int()>>);
  static_assert(!std::is_copy_constructible_v<conc::packaged_task<int()>>);
  static_assert(!std::is_constructible_v<conc::packaged_task<int(int)>, void (*)(int)>);
  static_assert(!std::is_copy_constructible_v<conc::promise<int>>);
  static_assert(!std::is_copy_constructible_v<conc::future<int>>);
  static_assert(std::is_copy_constructible_v<conc::shared_future<int>>);
}

}  // namespace
