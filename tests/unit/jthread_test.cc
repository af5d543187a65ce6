#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "conc/thread.h"
#include "support/crew.h"
#include "support/eventually.h"

namespace {

using conc_test::eventually;

void until_stopped(std::stop_token stop, std::atomic<int>& ended) {
  while (!stop.stop_requested()) conc::this_thread::yield();
  ++ended;
}

TEST(jthread, its_destructor_stops_and_joins) {
  conc_test::in_both_worlds([](const char* who) {
    std::atomic<int> ended{0};
    { conc::jthread t(until_stopped, std::ref(ended)); }
    EXPECT_EQ(ended, 1) << who;
    {
      conc::jthread plain([&] { ++ended; });
      EXPECT_TRUE(plain.joinable()) << who;
    }
    EXPECT_EQ(ended, 2) << who;
  });
}

TEST(jthread, request_stop_reaches_its_token_once) {
  std::atomic<int> ended{0};
  conc::jthread t(conc::thread_options{.name = "j"}, until_stopped, std::ref(ended));
  const std::stop_token token = t.get_stop_token();
  EXPECT_TRUE(token.stop_possible());
  EXPECT_FALSE(token.stop_requested());
  EXPECT_TRUE(t.request_stop());
  EXPECT_FALSE(t.request_stop());
  EXPECT_TRUE(token.stop_requested());
  t.join();
  EXPECT_FALSE(t.joinable());
  EXPECT_EQ(ended, 1);
}

TEST(jthread, assignment_ends_the_thread_that_it_replaces) {
  std::atomic<int> first{0}, second{0};
  conc::jthread t(until_stopped, std::ref(first));
  const auto old = t.get_id();
  t = conc::jthread(until_stopped, std::ref(second));
  EXPECT_EQ(first, 1);
  EXPECT_EQ(second, 0);
  EXPECT_NE(t.get_id(), old);
  conc::jthread moved(std::move(t));
  EXPECT_TRUE(moved.joinable());
  conc::jthread other;
  swap(other, moved);
  EXPECT_TRUE(other.joinable());
  EXPECT_FALSE(moved.joinable());
  EXPECT_TRUE(other.get_stop_source().request_stop());
  other.join();
  EXPECT_EQ(second, 1);
}

TEST(jthread, an_empty_one_cannot_be_stopped) {
  conc::jthread none;
  EXPECT_FALSE(none.joinable());
  EXPECT_FALSE(none.request_stop());
  EXPECT_FALSE(none.get_stop_token().stop_possible());
  EXPECT_EQ(none.get_id(), conc::jthread::id());
  EXPECT_THROW(none.join(), std::system_error);
}

TEST(jthread, a_detached_one_keeps_its_token_alive) {
  auto ended = std::make_shared<std::atomic<int>>(0);
  std::stop_source source(std::nostopstate);
  {
    conc::jthread t([ended](std::stop_token stop) {
      while (!stop.stop_requested()) conc::this_thread::yield();
      ++*ended;
    });
    source = t.get_stop_source();
    t.detach();
  }
  EXPECT_EQ(*ended, 0);
  source.request_stop();
  EXPECT_TRUE(eventually([&] { return *ended == 1; }));
}

}  // namespace
