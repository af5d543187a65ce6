// What a channel does to the values that pass through it.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#include "conc/channel.h"
#include "conc/runtime.h"
#include "support/crew.h"
#include "support/eventually.h"

namespace {

using namespace std::chrono_literals;
using conc::channel_status;
using conc_test::crew;
using conc_test::eventually;

std::atomic<int> alive{0};

// Neither default constructible nor assignable nor copyable; counts itself.
struct guest {
  int value;
  explicit guest(int v) : value(v) { ++alive; }
  guest(guest&& other) noexcept : value(std::exchange(other.value, -1)) { ++alive; }
  ~guest() { --alive; }
};

struct alignas(128) wide {
  long number;
};

TEST(channel_values, are_constructed_and_destroyed_once_each) {
  for (const std::size_t capacity : {0u, 3u}) {
    {
      conc::channel<guest> c(capacity);
      crew receiver;
      receiver.mixed(1, [&](int) {
        for (int i = 0; i < 100; ++i) EXPECT_EQ(c.recv()->value, i);
      });
      for (int i = 0; i < 100; ++i) EXPECT_TRUE(c.send(guest(i)));
      receiver.join();
      for (std::size_t i = 0; i < capacity; ++i) EXPECT_TRUE(c.send(guest(7)));
      EXPECT_EQ(alive, static_cast<int>(capacity));  // left inside: destroyed with the channel
    }
    EXPECT_EQ(alive, 0);
  }
}

TEST(channel_values, are_copied_from_an_lvalue_and_moved_from_an_rvalue) {
  for (const std::size_t capacity : {0u, 1u}) {
    conc::channel<std::shared_ptr<int>> c(capacity);
    std::vector<std::shared_ptr<int>> got;
    crew receiver;
    receiver.users(1, [&](int) {
      while (auto p = c.recv()) got.push_back(std::move(*p));
    });
    auto mine = std::make_shared<int>(1);
    const auto& as_constant = mine;
    EXPECT_TRUE(c.send(as_constant));
    EXPECT_EQ(c.send_for(mine, 60s), channel_status::ok);
    EXPECT_NE(mine, nullptr);
    EXPECT_TRUE(c.send(std::move(mine)));
    EXPECT_EQ(mine, nullptr);
    c.close();
    receiver.join();
    ASSERT_EQ(got.size(), 3u);
    EXPECT_EQ(got[0].use_count(), 3);
  }
}

TEST(channel_values, keep_their_alignment) {
  conc::channel<wide> c(3);
  for (long i = 0; i < 3; ++i) EXPECT_TRUE(c.send({i}));
  for (long i = 0; i < 3; ++i) {
    const auto got = c.recv();
    ASSERT_TRUE(got);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(&*got) % alignof(wide), 0u);
    EXPECT_EQ(got->number, i);
  }
}

// A value that can be moved `moves` times; the next time fails, and leaves it as it was. After
// that, or if the number is negative, it can be moved for ever.
struct brittle {
  int value = 0;
  int moves = -1;
  brittle() = default;
  brittle(int v, int m) : value(v), moves(m) {}
  brittle(brittle&& other) { take(other); }
  brittle& operator=(brittle&& other) {
    take(other);
    return *this;
  }

 private:
  void take(brittle& other) {
    if (other.moves == 0) {
      other.moves = -1;
      throw std::runtime_error("would not move");
    }
    moves = other.moves > 0 ? other.moves - 1 : -1;
    value = std::exchange(other.value, -1);
  }
};

TEST(brittle_values, into_the_buffer_the_sender_has_the_exception_and_the_value) {
  conc::channel<brittle> c(2);
  brittle mine(5, 0);
  EXPECT_THROW((void)c.send(std::move(mine)), std::runtime_error);
  EXPECT_EQ(mine.value, 5);
  EXPECT_EQ(c.size(), 0u);
  EXPECT_TRUE(c.send(std::move(mine)));
  EXPECT_EQ(mine.value, -1);
  EXPECT_EQ(c.recv()->value, 5);
}

TEST(brittle_values, out_of_the_buffer_the_value_stays_the_first) {
  conc::channel<brittle> c(2);
  EXPECT_TRUE(c.send(brittle(1, 1)));
  EXPECT_TRUE(c.send(brittle(2, 1)));
  EXPECT_THROW((void)c.recv(), std::runtime_error);
  EXPECT_EQ(c.size(), 2u);
  EXPECT_EQ(c.recv()->value, 1);
  brittle got;
  EXPECT_THROW((void)c.try_recv(got), std::runtime_error);
  EXPECT_EQ(c.try_recv(got), channel_status::ok);
  EXPECT_EQ(got.value, 2);
}

// To the waiting receiver: he goes on waiting, at the front, and gets the next value.
TEST(brittle_values, to_a_waiting_receiver_the_sender_has_the_exception) {
  conc::runtime one({.processors = 1});
  one.run([&] {
    conc::channel<brittle> c(0);
    int arrived = 0;
    brittle first, second;
    conc::thread a([&] {
      ++arrived;
      EXPECT_EQ(c.recv_for(first, 60s), channel_status::ok);
    });
    ASSERT_TRUE(eventually([&] { return arrived == 1; }));
    conc::thread b([&] {
      ++arrived;
      auto got = c.recv();
      ASSERT_TRUE(got);
      second.value = got->value;
    });
    ASSERT_TRUE(eventually([&] { return arrived == 2; }));
    brittle mine(8, 0);
    EXPECT_THROW((void)c.send(std::move(mine)), std::runtime_error);
    EXPECT_EQ(mine.value, 8);
    conc::this_thread::yield();  // the first receiver takes its place again
    EXPECT_TRUE(c.send(std::move(mine)));
    EXPECT_TRUE(c.send(brittle(9, -1)));
    a.join();
    b.join();
    EXPECT_EQ(first.value, 8);
    EXPECT_EQ(second.value, 9);
  });
}

// From a waiting sender, directly or into the buffer: he has the exception, the next one is taken.
TEST(brittle_values, from_a_waiting_sender_he_has_the_exception) {
  for (const std::size_t capacity : {0u, 1u}) {
    conc::runtime one({.processors = 1});
    one.run([&] {
      conc::channel<brittle> c(capacity);
      if (capacity == 1) {
        EXPECT_TRUE(c.send(brittle(0, -1)));
      }
      int arrived = 0;
      brittle mine(1, 0);
      bool threw = false;
      conc::thread a([&] {
        ++arrived;
        try {
          (void)c.send(std::move(mine));
        } catch (const std::runtime_error&) {
          threw = true;
        }
      });
      ASSERT_TRUE(eventually([&] { return arrived == 1; }));
      conc::thread b([&] {
        ++arrived;
        EXPECT_TRUE(c.send(brittle(2, -1)));
      });
      ASSERT_TRUE(eventually([&] { return arrived == 2; }));
      if (capacity == 1) {
        EXPECT_EQ(c.recv()->value, 0);
      }
      EXPECT_EQ(c.recv()->value, 2);
      a.join();
      b.join();
      EXPECT_TRUE(threw);
      EXPECT_EQ(mine.value, 1);
    });
  }
}

}  // namespace
