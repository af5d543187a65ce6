#include "conc/resource_allocator.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <numeric>
#include <random>
#include <stdexcept>
#include <vector>

#include "support/crew.h"
#include "support/death.h"
#include "support/eventually.h"
#include "support/scale.h"

namespace {

using namespace std::chrono_literals;
using conc::allocation;
using conc::resource_allocator;
using conc_test::crew;
using conc_test::eventually;
using conc_test::scaled;
using amounts = resource_allocator::amounts;
using client = resource_allocator::client;

// The example of the textbooks: five clients, three kinds of resources.
TEST(resource_allocator, tells_safe_requests_from_unsafe_ones) {
  resource_allocator bank({10, 5, 7});
  client p0(bank, {7, 5, 3}), p1(bank, {3, 2, 2}), p2(bank, {9, 0, 2}), p3(bank, {2, 2, 2}),
      p4(bank, {4, 3, 3});
  p0.request({0, 1, 0});
  p1.request({2, 0, 0});
  p2.request({3, 0, 2});
  p3.request({2, 1, 1});
  p4.request({0, 0, 2});
  EXPECT_EQ(bank.available(), (amounts{3, 3, 2}));
  EXPECT_TRUE(p1.would_be_safe({1, 0, 2}));
  ASSERT_TRUE(p1.try_request({1, 0, 2}));
  EXPECT_EQ(p1.held(), (amounts{3, 0, 2}));
  EXPECT_FALSE(p4.would_be_safe({3, 3, 0}));  // there is not enough
  EXPECT_FALSE(p0.would_be_safe({0, 2, 0}));  // there is, but then nobody could end
  EXPECT_FALSE(p0.try_request({0, 2, 0}));
  EXPECT_FALSE(p0.request_for({0, 2, 0}, 1ms));
  EXPECT_EQ(bank.available(), (amounts{2, 3, 0}));
  EXPECT_TRUE(bank.detect().empty());
  p1.release({3, 0, 2});
  EXPECT_TRUE(p0.would_be_safe({0, 2, 0}));
}

TEST(resource_allocator, refuses_amounts_that_make_no_sense) {
  resource_allocator bank({2, 2});
  EXPECT_THROW(client(bank, {3, 0}), std::invalid_argument);
  EXPECT_THROW(client(bank, {1}), std::invalid_argument);
  client c(bank, {1, 2});
  EXPECT_THROW(c.request({2, 0}), std::invalid_argument);
  EXPECT_THROW(static_cast<void>(c.try_request({0, 0, 0})), std::invalid_argument);
  c.request({1, 0});
  EXPECT_THROW(static_cast<void>(c.would_be_safe({1, 0})), std::invalid_argument);
  EXPECT_THROW(c.release({0, 1}), std::invalid_argument);
  EXPECT_EQ(bank.available(), (amounts{1, 2}));
}

TEST(resource_allocator, takes_everything_back_from_a_client_that_goes) {
  resource_allocator bank({3});
  { client(bank, {2}).request({2}); }
  EXPECT_EQ(bank.available(), (amounts{3}));
}

// Two who want what the other has. The banker keeps the second waiting before it has anything, and
// serves it when the first is done; whoever detects only finds both.
TEST(resource_allocator, avoidance_serves_one_after_the_other) {
  for (int first_kind = 0; first_kind < 2; ++first_kind) {
    resource_allocator bank({1, 1});
    client a(bank, {1, 1});
    a.request({1, 0});
    std::atomic<bool> served{false};
    crew other;
    const auto opposite = [&](int) {
      client b(bank, {1, 1});
      b.request({0, 1});
      served = true;
      b.request({1, 0});
    };
    first_kind == 0 ? other.users(1, opposite) : other.kernels(1, opposite);
    for (int i = 0; i < 200; ++i) conc::this_thread::yield();
    EXPECT_FALSE(served);
    ASSERT_TRUE(a.request_for({0, 1}, 30s));
    EXPECT_FALSE(served);
    a.release({1, 1});
    other.join();
    EXPECT_TRUE(served);
  }
}

TEST(resource_allocator, detection_finds_those_who_are_locked_up_and_a_time_limit_frees_them) {
  resource_allocator pool({1, 1, 1}, allocation::detection);
  client a(pool, {1, 1, 1}), b(pool, {1, 1, 1}), busy(pool, {1, 1, 1});
  a.request({1, 0, 0});
  b.request({0, 1, 0});
  busy.request({0, 0, 1});
  crew others;
  std::atomic<bool> gave_up{false};
  others.users(1, [&](int) { a.request({0, 1, 0}); });
  EXPECT_TRUE(pool.detect().empty());  // b may still end
  others.kernels(1, [&](int) {
    while (!b.request_for({1, 0, 1}, 5ms)) {
      if (!gave_up) continue;
      b.release({0, 1, 0});
      return;
    }
  });
  using stuck = std::vector<const client*>;
  EXPECT_TRUE(eventually([&] { return pool.detect() == stuck{&a, &b}; }));
  gave_up = true;
  others.join();
  EXPECT_TRUE(pool.detect().empty());
  EXPECT_EQ(a.held(), (amounts{1, 1, 0}));
}

// Both searches against the definition: is there an order in which all can end?
struct situation {
  amounts free;
  std::vector<amounts> held, needs;

  bool some_order_ends_all() const {
    std::vector<std::size_t> order(held.size());
    std::iota(order.begin(), order.end(), 0u);
    do {
      amounts work = free;
      const auto ends = [&](std::size_t c) {
        for (std::size_t i = 0; i < work.size(); ++i) {
          if (needs[c][i] > work[i]) return false;
        }
        for (std::size_t i = 0; i < work.size(); ++i) work[i] += held[c][i];
        return true;
      };
      if (std::all_of(order.begin(), order.end(), ends)) return true;
    } while (std::next_permutation(order.begin(), order.end()));
    return false;
  }
};

TEST(resource_allocator, searches_agree_with_all_orders) {
  std::minstd_rand random(7);
  const auto upto = [&](unsigned n) { return static_cast<unsigned>(random() % (n + 1)); };
  int safe = 0, unsafe = 0;
  for (int round = 0; round < scaled(3'000); ++round) {
    const amounts totals{1 + upto(5), 1 + upto(5)};
    resource_allocator bank(totals);
    std::vector<amounts> claims;
    std::vector<std::unique_ptr<client>> all;
    for (int c = 0; c < 4; ++c) {
      claims.push_back({upto(totals[0]), upto(totals[1])});
      all.push_back(std::make_unique<client>(bank, claims.back()));
    }
    for (int step = 0; step < 12; ++step) {
      const std::size_t who = random() % all.size();
      const amounts& has = all[who]->held();
      const amounts wanted{upto(claims[who][0] - has[0]), upto(claims[who][1] - has[1])};
      situation s{bank.available(), {}, {}};
      const bool enough = wanted[0] <= s.free[0] && wanted[1] <= s.free[1];
      if (enough) {
        for (std::size_t c = 0; c < all.size(); ++c) {
          amounts h = all[c]->held();
          if (c == who) h = {h[0] + wanted[0], h[1] + wanted[1]};
          s.held.push_back(h);
          s.needs.push_back({claims[c][0] - h[0], claims[c][1] - h[1]});
        }
        s.free = {s.free[0] - wanted[0], s.free[1] - wanted[1]};
      }
      const bool expected = enough && s.some_order_ends_all();
      ASSERT_EQ(all[who]->would_be_safe(wanted), expected);
      ASSERT_EQ(all[who]->try_request(wanted), expected);
      ++(expected ? safe : unsafe);
    }
  }
  EXPECT_GT(safe, 0);
  EXPECT_GT(unsafe, 0);
}

// Clients who collect what they claim piece by piece, in any order: all of them end.
TEST(resource_allocator, nobody_is_locked_up_under_the_banker) {
  resource_allocator bank({3, 2, 4});
  const int rounds = scaled(400);
  crew()
      .mixed(8,
             [&](int me) {
               std::minstd_rand random(static_cast<unsigned>(me + 1));
               for (int i = 0; i < rounds; ++i) {
                 const amounts claim{static_cast<unsigned>(random() % 4),
                                     static_cast<unsigned>(random() % 3),
                                     static_cast<unsigned>(random() % 5)};
                 client c(bank, claim);
                 while (c.held() != claim) {
                   const std::size_t kind = random() % 3;
                   if (c.held()[kind] == claim[kind]) continue;
                   amounts one(3);
                   one[kind] = 1;
                   if (random() % 4 != 0) {
                     c.request(one);
                   } else if (!c.request_for(one, std::chrono::microseconds(random() % 50))) {
                     conc::this_thread::yield();
                   }
                 }
               }
             })
      .join();
  EXPECT_EQ(bank.available(), (amounts{3, 2, 4}));
}

using ResourceAllocatorDeathTest = conc_test::death_test;

TEST_F(ResourceAllocatorDeathTest, misuse_has_a_message) {
  EXPECT_DEATH(
      {
        auto bank = std::make_unique<resource_allocator>(amounts{1});
        const client c(*bank, {1});
        bank.reset();
      },
      "a resource_allocator was destroyed before its clients");
}

}  // namespace
