// future, promise, packaged_task and async, as the standard describes them: the same tests for
// conc's and for std's, so that a difference shows.
#include "conc/future.h"

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "support/scale.h"

namespace {

using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;

struct conc_names {
  template <class T>
  using future = conc::future<T>;
  template <class T>
  using shared_future = conc::shared_future<T>;
  template <class T>
  using promise = conc::promise<T>;
  template <class S>
  using packaged_task = conc::packaged_task<S>;
  template <class... A>
  static auto async(A&&... a) {
    return conc::async(std::forward<A>(a)...);
  }
  static auto self() { return conc::this_thread::get_id(); }
};

struct std_names {
  template <class T>
  using future = std::future<T>;
  template <class T>
  using shared_future = std::shared_future<T>;
  template <class T>
  using promise = std::promise<T>;
  template <class S>
  using packaged_task = std::packaged_task<S>;
  template <class... A>
  static auto async(A&&... a) {
    return std::async(std::forward<A>(a)...);
  }
  static auto self() { return std::this_thread::get_id(); }
};

template <class Names>
struct futures : testing::Test {};
using both = testing::Types<conc_names, std_names>;
TYPED_TEST_SUITE(futures, both);

template <class F>
void expect_code(std::future_errc code, F f) {
  try {
    f();
    ADD_FAILURE() << "nothing was thrown";
  } catch (const std::future_error& e) {
    EXPECT_EQ(e.code(), std::make_error_code(code));
  }
}

TYPED_TEST(futures, carry_a_value_a_reference_or_nothing) {
  typename TypeParam::template promise<int> p;
  auto f = p.get_future();
  EXPECT_TRUE(f.valid());
  EXPECT_EQ(f.wait_for(0s), std::future_status::timeout);
  p.set_value(3);
  EXPECT_EQ(f.wait_for(0s), std::future_status::ready);
  f.wait();
  EXPECT_EQ(f.get(), 3);
  EXPECT_FALSE(f.valid());

  int x = 0;
  typename TypeParam::template promise<int&> r;
  r.set_value(x);
  EXPECT_EQ(&r.get_future().get(), &x);

  typename TypeParam::template promise<void> v;
  v.set_value();
  v.get_future().get();

  typename TypeParam::template promise<std::unique_ptr<int>> u;
  u.set_value(std::make_unique<int>(4));
  EXPECT_EQ(*u.get_future().get(), 4);

  typename TypeParam::template promise<std::string> s;
  const std::string text(100, 'x');
  s.set_value(text);
  EXPECT_EQ(s.get_future().get(), text);
}

TYPED_TEST(futures, carry_an_exception) {
  typename TypeParam::template promise<int> p;
  auto f = p.get_future();
  p.set_exception(std::make_exception_ptr(std::domain_error("seven")));
  EXPECT_EQ(f.wait_for(0s), std::future_status::ready);
  EXPECT_THROW(f.get(), std::domain_error);
  EXPECT_FALSE(f.valid());
}

TYPED_TEST(futures, say_what_is_wrong_by_the_standards_codes) {
  using std::future_errc;
  typename TypeParam::template promise<int> p;
  auto f = p.get_future();
  expect_code(future_errc::future_already_retrieved, [&] { (void)p.get_future(); });
  p.set_value(1);
  expect_code(future_errc::promise_already_satisfied, [&] { p.set_value(2); });
  expect_code(future_errc::promise_already_satisfied,
              [&] { p.set_exception(std::make_exception_ptr(1)); });
  EXPECT_EQ(f.get(), 1);
  expect_code(future_errc::no_state, [&] { (void)f.get(); });
  expect_code(future_errc::no_state, [&] { f.wait(); });
  expect_code(future_errc::no_state, [&] { (void)f.wait_for(0s); });
  expect_code(future_errc::no_state, [&] { (void)f.wait_until(steady::now()); });

  auto moved = std::move(p);
  expect_code(future_errc::no_state, [&] { p.set_value(1); });
  expect_code(future_errc::no_state, [&] { (void)p.get_future(); });
  expect_code(future_errc::no_state, [&] { p.set_exception(std::make_exception_ptr(1)); });

  typename TypeParam::template shared_future<int> none;
  EXPECT_FALSE(none.valid());
  expect_code(future_errc::no_state, [&] { (void)none.get(); });

  typename TypeParam::template packaged_task<int()> empty;
  EXPECT_FALSE(empty.valid());
  expect_code(future_errc::no_state, [&] { empty(); });
  expect_code(future_errc::no_state, [&] { (void)empty.get_future(); });
  expect_code(future_errc::no_state, [&] { empty.reset(); });
  typename TypeParam::template packaged_task<int()> t([] { return 1; });
  t();
  expect_code(future_errc::promise_already_satisfied, [&] { t(); });
  (void)t.get_future();
  expect_code(future_errc::future_already_retrieved, [&] { (void)t.get_future(); });
}

TYPED_TEST(futures, find_a_broken_promise) {
  typename TypeParam::template future<int> f;
  {
    typename TypeParam::template promise<int> p;
    f = p.get_future();
  }
  expect_code(std::future_errc::broken_promise, [&] { (void)f.get(); });

  typename TypeParam::template promise<int> a, b;
  f = a.get_future();
  auto g = b.get_future();
  a = std::move(b);
  expect_code(std::future_errc::broken_promise, [&] { (void)f.get(); });
  a.set_value(5);
  EXPECT_EQ(g.get(), 5);

  {
    typename TypeParam::template packaged_task<int()> t([] { return 1; });
    f = t.get_future();
  }
  expect_code(std::future_errc::broken_promise, [&] { (void)f.get(); });
}

struct fails_to_copy {
  fails_to_copy() = default;
  fails_to_copy(const fails_to_copy&) { throw std::length_error("copy"); }
  fails_to_copy(fails_to_copy&&) noexcept {}
};

// std's promise uses pthread_once(), and ThreadSanitizer's own never ends after an exception.
#if defined(CONC_TSAN)
using those_that_end = testing::Types<conc_names>;
#else
using those_that_end = both;
#endif
template <class Names>
struct values_that_cannot_be_made : testing::Test {};
TYPED_TEST_SUITE(values_that_cannot_be_made, those_that_end);

TYPED_TEST(values_that_cannot_be_made, leave_the_promise_as_it_was) {
  typename TypeParam::template promise<fails_to_copy> p;
  auto f = p.get_future();
  const fails_to_copy x;
  EXPECT_THROW(p.set_value(x), std::length_error);
  EXPECT_EQ(f.wait_for(0s), std::future_status::timeout);
  p.set_value(fails_to_copy());
  (void)f.get();
}

TYPED_TEST(futures, promises_and_tasks_can_be_swapped) {
  typename TypeParam::template promise<int> a, b;
  auto fa = a.get_future(), fb = b.get_future();
  swap(a, b);
  a.set_value(1);
  b.set_value(2);
  EXPECT_EQ(fa.get(), 2);
  EXPECT_EQ(fb.get(), 1);
  typename TypeParam::template packaged_task<int()> s([] { return 1; }), t([] { return 2; });
  s.swap(t);
  s();
  EXPECT_EQ(s.get_future().get(), 2);
}

TYPED_TEST(futures, a_shared_future_may_be_read_again_and_again) {
  typename TypeParam::template promise<std::string> p;
  typename TypeParam::template shared_future<std::string> a = p.get_future();
  auto b = a;
  EXPECT_TRUE(a.valid() && b.valid());
  p.set_value("once");
  EXPECT_EQ(&a.get(), &b.get());
  EXPECT_EQ(a.get(), "once");
  static_assert(std::is_same_v<decltype(a.get()), const std::string&>);

  typename TypeParam::template promise<int&> q;
  int x = 0;
  const auto c = q.get_future().share();
  q.set_value(x);
  EXPECT_EQ(&c.get(), &x);
  static_assert(std::is_same_v<decltype(c.get()), int&>);

  typename TypeParam::template promise<void> r;
  const auto d = r.get_future().share();
  r.set_exception(std::make_exception_ptr(7));
  for (int i = 0; i < 2; ++i) EXPECT_THROW(d.get(), int);
}

TYPED_TEST(futures, a_task_calls_its_callable_and_can_be_renewed) {
  int calls = 0;
  typename TypeParam::template packaged_task<int(int, std::unique_ptr<int>)> t(
      [&calls, mine = std::make_unique<int>(100)](int a, std::unique_ptr<int> b) {
        ++calls;
        return a + *b + *mine;
      });
  auto f = t.get_future();
  t(1, std::make_unique<int>(10));
  EXPECT_EQ(f.get(), 111);
  t.reset();
  f = t.get_future();
  t(2, std::make_unique<int>(20));
  EXPECT_EQ(f.get(), 122);
  EXPECT_EQ(calls, 2);

  typename TypeParam::template packaged_task<void(int)> v([](int n) {
    if (n == 0) throw std::out_of_range("zero");
  });
  auto g = v.get_future();
  v(0);
  EXPECT_THROW(g.get(), std::out_of_range);
  v.reset();
  EXPECT_TRUE(v.valid());
  auto h = v.get_future();
  v.reset();
  expect_code(std::future_errc::broken_promise, [&] { h.get(); });

  int x = 0;
  typename TypeParam::template packaged_task<int&()> r([&]() -> int& { return x; });
  r();
  EXPECT_EQ(&r.get_future().get(), &x);
}

struct adder {
  int base;
  int add(int n) const { return base + n; }
};

TYPED_TEST(futures, async_copies_its_arguments_and_calls_whatever_can_be_called) {
  const auto policy = std::launch::async;
  EXPECT_EQ(TypeParam::async(
                policy, [](int a, int b) { return a - b; }, 5, 3)
                .get(),
            2);
  const adder a{10};
  EXPECT_EQ(TypeParam::async(policy, &adder::add, &a, 4).get(), 14);
  EXPECT_EQ(TypeParam::async(policy, &adder::add, a, 5).get(), 15);
  EXPECT_EQ(TypeParam::async(policy, &adder::base, &a).get(), 10);
  int x = 0;
  EXPECT_EQ(&TypeParam::async(
                 policy, [](int& r) -> int& { return r; }, std::ref(x))
                 .get(),
            &x);
  auto p = TypeParam::async(
      policy, [](std::unique_ptr<int> u) { return u; }, std::make_unique<int>(6));
  EXPECT_EQ(*p.get(), 6);
  TypeParam::async([] {}).get();
  auto f = TypeParam::async([]() -> int { throw std::domain_error("no"); });
  EXPECT_THROW(f.get(), std::domain_error);
}

TYPED_TEST(futures, launch_async_runs_elsewhere_and_its_future_waits_when_it_dies) {
  const auto me = TypeParam::self();
  EXPECT_NE(TypeParam::async(std::launch::async, [] { return TypeParam::self(); }).get(), me);
  // The sleeps give a future that does not wait the time to be found out.
  bool done = false;
  {
    auto f = TypeParam::async(std::launch::async, [&] {
      std::this_thread::sleep_for(10ms);
      done = true;
    });
    EXPECT_TRUE(f.valid());
  }
  EXPECT_TRUE(done);
  done = false;
  auto f = TypeParam::async(std::launch::async, [&] {
    std::this_thread::sleep_for(10ms);
    done = true;
  });
  f = {};
  EXPECT_TRUE(done);
}

TYPED_TEST(futures, launch_deferred_runs_in_the_first_that_waits_and_once) {
  int calls = 0;
  auto f = TypeParam::async(std::launch::deferred, [&] {
    ++calls;
    return TypeParam::self();
  });
  EXPECT_EQ(f.wait_for(1h), std::future_status::deferred);
  EXPECT_EQ(f.wait_until(steady::now() + 1h), std::future_status::deferred);
  EXPECT_EQ(calls, 0);
  f.wait();
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(f.wait_for(0s), std::future_status::ready);
  EXPECT_EQ(f.get(), TypeParam::self());
  EXPECT_EQ(calls, 1);

  auto g = TypeParam::async(std::launch::deferred, []() -> int { throw 5; });
  g.wait();
  EXPECT_THROW(g.get(), int);

  // Never asked for, never run.
  {
    auto h = TypeParam::async(std::launch::deferred, [&] { ++calls; });
  }
  EXPECT_EQ(calls, 1);
}

TYPED_TEST(futures, a_timed_wait_reports_in_time_and_not_early) {
  typename TypeParam::template promise<int> p;
  auto f = p.get_future();
  const auto until = steady::now() + 5ms;
  EXPECT_EQ(f.wait_until(until), std::future_status::timeout);
  EXPECT_GE(steady::now(), until);
  const auto by_wall = std::chrono::system_clock::now() + 5ms;
  EXPECT_EQ(f.wait_until(by_wall), std::future_status::timeout);
  EXPECT_GE(std::chrono::system_clock::now(), by_wall);
  EXPECT_EQ(f.wait_for(-1h), std::future_status::timeout);
  auto g = TypeParam::async(std::launch::async, [&] { p.set_value(1); });
  EXPECT_EQ(f.wait_for(1h), std::future_status::ready);
}

}  // namespace
