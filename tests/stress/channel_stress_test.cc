// Channels under load: many of both kinds of thread, deadlines, closing, selects, destruction.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstring>
#include <memory>
#include <new>
#include <optional>
#include <random>
#include <thread>
#include <vector>

#include "conc/channel.h"
#include "conc/latch.h"
#include "conc/runtime.h"
#include "conc/select.h"
#include "support/crew.h"
#include "support/eventually.h"
#include "support/scale.h"

namespace {

using namespace std::chrono_literals;
using conc::channel;
using conc::channel_status;
using conc_test::crew;
using conc_test::scaled;

constexpr auto ignore = [](auto&&) {};

struct item {
  int producer = -1;
  int number = 0;
};

// What one consumer has seen: each producer's items in their order.
struct ledger {
  std::vector<int> last = std::vector<int>(16, -1);
  long items = 0;
  void note(const item& i) {
    int& seen = last[static_cast<std::size_t>(i.producer)];
    EXPECT_LT(seen, i.number);
    seen = i.number;
    ++items;
  }
};

TEST(channel_stress, many_to_many_in_order_and_nothing_lost) {
  for (const std::size_t capacity : {0u, 1u, 7u, 128u}) {
    channel<item> c(capacity);
    const int each = scaled(3'000);
    std::vector<ledger> ledgers(6);
    crew consumers, producers;
    consumers.mixed(6, [&](int me) {
      while (auto i = c.recv()) ledgers[static_cast<std::size_t>(me)].note(*i);
    });
    producers.mixed(6, [&](int me) {
      for (int n = 0; n < each; ++n) ASSERT_TRUE(c.send({me, n}));
    });
    producers.join();
    c.close();
    consumers.join();
    long all = 0;
    for (const auto& l : ledgers) all += l.items;
    EXPECT_EQ(all, 6L * each) << "capacity " << capacity;
  }
}

// Everybody may give up; whatever was sent is received, whatever was not is still the sender's.
TEST(channel_stress, deadlines_race_with_hand_overs) {
  for (const std::size_t capacity : {0u, 2u}) {
    channel<std::unique_ptr<int>> c(capacity);
    std::atomic<long> sent{0}, received{0}, gave_up{0}, wrong{0};
    const int each = scaled(4'000);
    crew consumers, producers;
    consumers.mixed(4, [&](int me) {
      std::minstd_rand random(static_cast<unsigned>(me + 1));
      for (;;) {
        std::unique_ptr<int> got;
        const auto status = c.recv_for(got, std::chrono::microseconds(random() % 50));
        if (status == channel_status::closed) return;
        if (status == channel_status::timed_out) {
          if (got != nullptr) ++wrong;
          ++gave_up;
        } else {
          received += *got;
        }
      }
    });
    producers.mixed(4, [&](int me) {
      std::minstd_rand random(static_cast<unsigned>(me + 77));
      for (int n = 0; n < each; ++n) {
        auto mine = std::make_unique<int>(n);
        const auto status = c.send_for(std::move(mine), std::chrono::microseconds(random() % 50));
        if ((mine == nullptr) != (status == channel_status::ok)) ++wrong;
        if (mine == nullptr) {
          sent += n;
        } else {
          if (*mine != n) ++wrong;
          ++gave_up;
        }
      }
    });
    producers.join();
    c.close();
    consumers.join();
    EXPECT_EQ(wrong, 0);
    EXPECT_EQ(sent, received);
    EXPECT_GT(gave_up, 0);
  }
}

// A close in the middle: a value is received, or its sender is told that it was not.
TEST(channel_stress, close_races_with_everything) {
  for (int round = 0; round < scaled(600); ++round) {
    channel<std::unique_ptr<int>> c(static_cast<std::size_t>(round % 3)), idle(0);
    std::atomic<int> sent{0}, received{0}, wrong{0};
    crew all;
    all.mixed(3, [&](int) {
      for (;;) {
        auto mine = std::make_unique<int>(1);
        if (c.send(std::move(mine))) {
          ++sent;
        } else {
          if (mine == nullptr) ++wrong;
          return;
        }
      }
    });
    all.mixed(2, [&](int) {
      while (c.recv()) ++received;
    });
    all.mixed(2, [&](int) {
      bool open = true;
      while (open) {
        conc::select(conc::on_recv(c, [&](auto v) { v ? void(++received) : void(open = false); }),
                     conc::on_recv(idle, ignore));
      }
    });
    // The moment of the close is another in each round; nothing depends on it.
    if (round % 2 == 0) conc::this_thread::sleep_for(std::chrono::microseconds(round % 100));
    c.close();
    all.join();
    ASSERT_EQ(wrong, 0);
    ASSERT_EQ(sent, received) << "round " << round;
  }
}

// Selects on both sides, over channels with and without a buffer, with deadlines, while others use
// the same channels plainly.
TEST(channel_stress, selects_lose_and_double_nothing) {
  channel<int> a(0), b(3), c(0);
  std::atomic<long> in{0}, out{0}, sends{0}, receives{0};
  std::atomic<bool> stop{false};
  const auto note_in = [&](int v) {
    return [&, v](bool ok) {
      if (ok) in += v, ++sends;
    };
  };
  const auto note_out = [&](std::optional<int> v) {
    if (v) out += *v, ++receives;
  };
  crew senders, receivers;
  const int each = scaled(4'000);
  senders.mixed(4, [&](int me) {
    std::minstd_rand random(static_cast<unsigned>(me + 1));
    for (int n = 1; n <= each; ++n) {
      switch (random() % 3) {
        case 0:
          conc::select(conc::on_send(a, n, note_in(n)), conc::on_send(b, n, note_in(n)),
                       conc::on_send(c, n, note_in(n)));
          break;
        case 1:
          conc::select_for(std::chrono::microseconds(random() % 40),
                           conc::on_send(c, n, note_in(n)), conc::on_send(a, n, note_in(n)));
          break;
        default:
          note_in(n)(b.send(n));
      }
    }
  });
  receivers.mixed(4, [&](int me) {
    std::minstd_rand random(static_cast<unsigned>(me + 50));
    while (!stop) {
      switch (random() % 3) {
        case 0:
          conc::select_for(std::chrono::microseconds(random() % 40), conc::on_recv(c, note_out),
                           conc::on_recv(b, note_out), conc::on_recv(a, note_out));
          break;
        case 1: {
          int v = 0;
          if (a.recv_for(v, std::chrono::microseconds(random() % 40)) == channel_status::ok) {
            note_out(v);
          }
          break;
        }
        default:
          conc::select_for(1ms, conc::on_recv(b, note_out), conc::on_recv(c, note_out));
      }
    }
  });
  senders.join();
  stop = true;
  receivers.join();
  while (conc::try_select(conc::on_recv(b, note_out)) == 0) {
  }
  EXPECT_EQ(sends, receives);
  EXPECT_EQ(in, out);
}

// An object in memory of its own that is checked for late writes.
template <class T>
struct mortal {
  explicit mortal(std::size_t capacity) : object(::new (room) T(capacity)) {}
  void destroy() {
    object->~T();
    std::memset(room, 0xcd, sizeof room);
  }
  bool untouched() const {
    for (const unsigned char b : room) {
      if (b != 0xcd) return false;
    }
    return true;
  }
  alignas(T) unsigned char room[sizeof(T)];
  T* object;
};

// Whoever has had the last hand-over destroys the channel, while the other one is still on his way
// out of it.
TEST(channel_stress, may_be_destroyed_right_after_the_last_hand_over) {
  for (int variant = 0; variant < 32; ++variant) {
    const bool user_sends = variant & 1, user_receives = variant & 2,
               receiver_destroys = variant & 4, timed = variant & 8;
    const std::size_t capacity = variant & 16 ? 1 : 0;
    if (!receiver_destroys && capacity == 1) continue;  // the value is then still inside
    mortal<channel<int>>* offered = nullptr;
    channel<int> made(0), gone(0);
    std::atomic<int> faults{0};
    const int n = scaled(1'500);
    crew pair;
    const auto receive = [&](int) {
      for (int i = 0; i < n; ++i) {
        ASSERT_TRUE(made.recv());
        mortal<channel<int>>& m = *offered;
        int got = 0;
        if (!timed) {
          got = m.object->recv().value();
        } else {
          while (m.object->recv_for(got, 20us) != channel_status::ok) {
          }
        }
        if (got != i) ++faults;
        if (receiver_destroys) m.destroy();
        ASSERT_TRUE(gone.send(i));
      }
    };
    const auto send = [&](int) {
      for (int i = 0; i < n; ++i) {
        mortal<channel<int>> m(capacity);
        offered = &m;
        ASSERT_TRUE(made.send(i));
        if (!timed) {
          ASSERT_TRUE(m.object->send(i));
        } else {
          while (m.object->send_for(i, 20us) != channel_status::ok) {
          }
        }
        if (!receiver_destroys) m.destroy();
        ASSERT_TRUE(gone.recv());
        if (!m.untouched()) ++faults;
      }
    };
    user_receives ? pair.users(1, receive) : pair.kernels(1, receive);
    user_sends ? pair.users(1, send) : pair.kernels(1, send);
    pair.join();
    ASSERT_EQ(faults, 0) << "variant " << variant;
  }
}

// The same when the one who waits is in a select, which must not look at the channel that served
// it.
TEST(channel_stress, may_be_destroyed_right_after_serving_a_select) {
  channel<int> other(0);
  for (int i = 0; i < scaled(2'000); ++i) {
    auto c = std::make_unique<channel<int>>(0);
    crew waiter;
    conc::latch done(1);
    const auto wait = [&](int) {
      conc::select(conc::on_recv(other, ignore), conc::on_recv(*c, ignore));
      done.count_down();
    };
    i % 2 == 0 ? waiter.users(1, wait) : waiter.kernels(1, wait);
    ASSERT_TRUE(c->send(1));
    c.reset();
    done.wait();
    waiter.join();
  }
}

}  // namespace
