#include "conc/fiber_local.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <thread>
#include <vector>

#include "conc/runtime.h"
#include "conc/task_group.h"
#include "conc/thread.h"
#include "support/crew.h"
#include "support/death.h"

namespace {

using conc_test::crew;
using conc_test::in_both_worlds;

struct counted {
  static inline std::atomic<int> alive{0}, made{0};
  counted() { ++alive, ++made; }
  counted(const counted&) = delete;
  ~counted() {
    conc::this_thread::yield();
    --alive;
  }
  int n = 0;
};

TEST(fiber_local, begins_as_nothing_and_is_each_threads_own) {
  conc::fiber_local<int> number;
  EXPECT_EQ(*number, 0);
  *number = -1;
  crew()
      .mixed(20,
             [&](int i) {
               EXPECT_EQ(*number, 0);
               int* const mine = &*number;
               for (int k = 0; k < 100; ++k) {
                 *number = i + k;
                 conc::this_thread::yield();
                 EXPECT_EQ(*number, i + k);
                 EXPECT_EQ(&*number, mine);
               }
             })
      .join();
  EXPECT_EQ(*number, -1);
}

TEST(fiber_local, follows_the_thread_to_other_processors) {
  conc::runtime r({.processors = 3, .queues = conc::queue_layout::per_cpu});
  conc::fiber_local<unsigned> number;
  r.run([&] {
    *number = 7;
    for (unsigned i = 0; i < 300; ++i) {
      conc::this_thread::migrate_to(i % 3);
      EXPECT_EQ(*number, 7 + i);
      ++*number;
    }
  });
}

TEST(fiber_local, values_end_before_their_thread_is_joined) {
  conc::fiber_local<counted> local;
  in_both_worlds([&](const char*) { local->n = 1; });
  EXPECT_EQ(counted::alive, 0);
  conc::task_group g;
  for (int i = 0; i < 10; ++i) g.run([&] { ++local->n; });
  g.wait();
  EXPECT_EQ(counted::alive, 0);
  EXPECT_EQ(counted::made, 12);
}

TEST(fiber_local, a_thread_that_does_not_use_it_makes_no_value) {
  conc::fiber_local<counted> local;
  const int before = counted::made;
  in_both_worlds([](const char*) {});
  EXPECT_EQ(counted::made, before);
}

TEST(fiber_local, a_destroyed_objects_place_is_used_again_without_its_value) {
  in_both_worlds([](const char* kind) {
    for (int i = 0; i < 100; ++i) {
      conc::fiber_local<int> number;
      EXPECT_EQ(*number, 0) << kind;
      *number = i + 1;
      conc::fiber_local<counted> other;
      EXPECT_EQ(other->n, 0) << kind;
      other->n = 5;
    }
    EXPECT_LE(counted::alive, 1);
  });
  EXPECT_EQ(counted::alive, 0);
}

TEST(fiber_local, a_destructor_may_use_another) {
  static conc::fiber_local<std::vector<int>> list;
  static std::atomic<std::size_t> seen{0};
  struct user {
    ~user() {
      list->push_back(1);
      seen += list->size();
    }
  };
  conc::fiber_local<user> local;
  in_both_worlds([&](const char*) { (void)*local; });
  EXPECT_EQ(seen, 2u);
}

using FiberLocalDeathTest = conc_test::death_test;

TEST_F(FiberLocalDeathTest, the_main_threads_values_end_at_exit) {
  struct last_words {
    ~last_words() {
      if (n != 0) std::fputs("the value has ended\n", stderr);
    }
    int n = 0;
  };
  EXPECT_EXIT(
      {
        static conc::fiber_local<last_words> local;
        local->n = 1;
        std::exit(0);
      },
      testing::ExitedWithCode(0), "the value has ended");
}

TEST(fiber_local, a_constructor_that_throws_leaves_nothing) {
  static std::atomic<bool> fails{true};
  struct fussy {
    fussy() {
      if (fails.load()) throw std::runtime_error("not now");
    }
    int n = 3;
  };
  conc::fiber_local<fussy> local;
  in_both_worlds([&](const char*) {
    fails = true;
    EXPECT_THROW((void)*local, std::runtime_error);
    fails = false;
    EXPECT_EQ(local->n, 3);
  });
}

}  // namespace
