#include "threads/stack_pool.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <set>
#include <thread>
#include <vector>

#include "conc/latch.h"
#include "conc/runtime.h"
#include "support/eventually.h"
#include "support/files_of_process.h"
#include "support/scale.h"
#include "threads/guard.h"
#include "threads/stack_set.h"

namespace {

using conc::detail::default_stack_size;
using conc::detail::guard_size;
using conc::detail::least_warm_stacks;
using conc::detail::look_at_stacks;
using conc::detail::next_trim;
using conc::detail::no_deadline;
using conc::detail::stack_set;
using conc::detail::stacks_per_group;
using conc::detail::trim_interval;
using conc::detail::trim_stacks;

TEST(stack_set, finds_its_lowest_and_its_highest_member) {
  stack_set s;
  s.reserve(1'000);
  s.grow_to(1'000);
  EXPECT_TRUE(s.empty());
  for (const std::size_t group : {700u, 3u, 64u, 999u}) s.add(group, 1u << 5 | 1u << 9);
  EXPECT_EQ(s.size(), 8u);
  EXPECT_EQ(s.last_group(), 999u);
  s.remove(999, 1u << 5 | 1u << 9);
  EXPECT_EQ(s.last_group(), 700u);
  for (const std::size_t group : {3u, 64u, 700u}) {
    EXPECT_EQ(s.take_first(), group * stacks_per_group + 5);
    EXPECT_EQ(s.members(group), 1u << 9);
    EXPECT_EQ(s.take_first(), group * stacks_per_group + 9);
  }
  EXPECT_TRUE(s.empty());
}

// Stacks taken from the pool, given back at the end.
class taken_stacks {
 public:
  explicit taken_stacks(std::size_t n) : bases_(n) {
    conc::detail::reserve_stacks(n);
    for (std::size_t got = 0; got < n;) {
      got += conc::detail::take_stacks(&bases_[got], std::min<std::size_t>(n - got, 16));
    }
#if defined(CONC_ASAN)
    for (std::byte* b : bases_) ASAN_UNPOISON_MEMORY_REGION(b, default_stack_size);
#endif
  }
  ~taken_stacks() {
    conc::detail::give_stacks(bases_.data(), bases_.size());
    conc::detail::unreserve_stacks(bases_.size());
  }
  taken_stacks(const taken_stacks&) = delete;
  taken_stacks& operator=(const taken_stacks&) = delete;

  const std::vector<std::byte*>& bases() const { return bases_; }
  void touch_tops() {
    for (std::byte* b : bases_) b[default_stack_size - 1] = std::byte{1};
  }

 private:
  std::vector<std::byte*> bases_;
};

std::size_t touched(std::byte* base) {
  return conc::detail::touched_part({base, default_stack_size});
}

// A clock of the test's own: whatever was due is done, and an interval later again. A runtime of an
// earlier case could trim by the real clock, so these cases come first and start none.
class trimming {
 public:
  // To the end of the interval that runs, and all work that is due then.
  void pass_interval() {
    time_ += trim_interval;
    for (int i = 0; i < 10'000 && time_ >= next_trim.load(); ++i) trim_stacks(time_);
    EXPECT_LT(time_, next_trim.load());
  }
  void settle() {
    for (int i = 0; i < 10 && next_trim.load() != no_deadline; ++i) pass_interval();
    EXPECT_EQ(next_trim.load(), no_deadline);
  }

 private:
  conc::detail::nanos time_ = conc::detail::now();
};

TEST(stack_pool, stacks_do_not_overlap_and_are_used_again) {
  std::set<std::byte*> first;
  {
    taken_stacks some(100);
    int i = 0;
    for (std::byte* base : some.bases()) {
      // Every byte above the guard belongs to it alone.
      std::memset(base + guard_size, ++i, default_stack_size - guard_size);
      for (std::byte* other : first) {
        EXPECT_TRUE(base + default_stack_size <= other || other + default_stack_size <= base);
      }
      EXPECT_TRUE(first.insert(base).second);
    }
  }
  const taken_stacks again(100);
  for (std::byte* base : again.bases()) EXPECT_TRUE(first.contains(base));
}

TEST(stack_pool, gives_back_what_it_did_not_need_for_a_while) {
  constexpr std::size_t n = 2'000;
  trimming clock;
  clock.settle();
  {
    taken_stacks some(n);
    some.touch_tops();
  }
  EXPECT_GE(look_at_stacks().warm, n);
  clock.settle();
  const auto after = look_at_stacks();
  EXPECT_LE(after.warm, least_warm_stacks);
  EXPECT_GT(after.warm, least_warm_stacks - stacks_per_group);
  EXPECT_GE(conc::detail::guards_are_marks() ? after.fresh : after.cold,
            n - least_warm_stacks - stacks_per_group);

  // What comes out of the pool now is as good as new, but for the warm ones.
  const taken_stacks again(n);
  std::size_t with_memory = 0;
  for (std::byte* base : again.bases()) with_memory += touched(base) != 0 ? 1 : 0;
  EXPECT_LE(with_memory, least_warm_stacks);
  for (std::byte* base : again.bases()) base[guard_size] = std::byte{2};
}

// Whether the kernel refuses to read there on our behalf.
bool is_inaccessible(const std::byte* at) {
  int ends[2];
  if (pipe(ends) != 0) return false;
  const bool refused = write(ends[1], at, 1) == -1 && errno == EFAULT;
  close(ends[0]);
  close(ends[1]);
  return refused;
}

TEST(stack_pool, neighbours_of_a_stack_in_use_lose_their_memory_but_not_their_guards) {
  trimming clock;
  clock.settle();
  constexpr std::size_t n = 20 * stacks_per_group;
  conc::detail::reserve_stacks(n);
  std::vector<std::byte*> given(n), kept;
  for (std::size_t got = 0; got < n;) {
    got += conc::detail::take_stacks(&given[got], 1);
  }
  // One of each group stays in use, so that none of them is free altogether.
  for (std::size_t i = 0; i + stacks_per_group <= given.size(); i += stacks_per_group - 1) {
    kept.push_back(given[i]);
    given.erase(given.begin() + static_cast<std::ptrdiff_t>(i));
  }
  for (const auto& some : {given, kept}) {
    for (std::byte* base : some) base[default_stack_size - 1] = std::byte{3};
  }
  conc::detail::give_stacks(given.data(), given.size());
  clock.settle();
  EXPECT_GE(look_at_stacks().cold, given.size() - least_warm_stacks);
  std::size_t with_memory = 0;
  for (std::byte* base : given) with_memory += touched(base) != 0 ? 1 : 0;
  EXPECT_LE(with_memory, least_warm_stacks);
  for (std::byte* base : kept) EXPECT_EQ(base[default_stack_size - 1], std::byte{3});

  {
    const taken_stacks again(given.size());
    for (std::byte* base : again.bases()) ASSERT_TRUE(is_inaccessible(base));
  }
  conc::detail::give_stacks(kept.data(), kept.size());
  conc::detail::unreserve_stacks(n);
}

TEST(stack_pool, what_was_needed_within_the_interval_stays) {
  trimming clock;
  clock.settle();
  constexpr std::size_t n = 1'000;
  { taken_stacks(n).touch_tops(); }
  clock.pass_interval();  // begins the interval
  for (int i = 0; i < 5; ++i) {
    const std::size_t before = look_at_stacks().warm;
    EXPECT_GE(before, n);
    { const taken_stacks again(n); }  // all were needed, if only for a moment
    clock.pass_interval();
  }
  clock.settle();
  EXPECT_LE(look_at_stacks().warm, least_warm_stacks);
}

TEST(stack_pool, serves_others_while_it_trims) {
  std::atomic<bool> stop{false};
  std::atomic<long> taken{0};
  std::vector<std::thread> users;
  for (int k = 0; k < 3; ++k) {
    users.emplace_back([&, k] {
      while (!stop) {
        taken_stacks some(100 + static_cast<std::size_t>(k) * 150);
        some.touch_tops();
        for (std::byte* b : some.bases()) b[default_stack_size - 1] = std::byte(k);
        for (std::byte* b : some.bases()) ASSERT_EQ(b[default_stack_size - 1], std::byte(k));
        ++taken;
      }
    });
  }
  conc::detail::nanos time = conc::detail::now();
  for (int i = 0; i < conc_test::scaled(3'000) || taken < 50; ++i) {
    trim_stacks(time += trim_interval);
    if (i % 16 == 0) std::this_thread::yield();
  }
  stop = true;
  for (auto& t : users) t.join();
}

#if !defined(CONC_ASAN) && !defined(CONC_TSAN)  // whose own memory drowns ours
// The whole way: after a burst the process is as small as before, by itself, and then idle.
TEST(stack_pool, memory_goes_back_after_a_burst) {
  const std::size_t n = conc::detail::guards_are_marks() ? 20'000 : 5'000;
  conc::runtime r({.processors = 2});
  r.run([] {});
  const long before = conc_test::resident_kilobytes();
  r.run([&] {
    conc::latch here(static_cast<std::ptrdiff_t>(n)), gate(1);
    std::vector<conc::thread> all;
    for (std::size_t i = 0; i < n; ++i) {
      all.emplace_back([&] {
        here.count_down();
        gate.wait();
      });
    }
    here.wait();
    EXPECT_GT(conc_test::resident_kilobytes(), before + static_cast<long>(4 * n));
    gate.count_down();
    for (auto& t : all) t.join();
  });
  // The control blocks stay, a quarter of a kilobyte each, and a few stacks.
  const long room = static_cast<long>(n / 4 + 4 * least_warm_stacks + 4'000);
  EXPECT_TRUE(conc_test::eventually([&] {
    return conc_test::resident_kilobytes() < before + room;
  })) << conc_test::resident_kilobytes()
      << " kB, before " << before;
  EXPECT_TRUE(conc_test::eventually([] { return next_trim.load() == no_deadline; }));
}
#endif

}  // namespace
