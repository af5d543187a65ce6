// errno and the exceptions in flight belong to the thread, whichever kernel thread carries it.
#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <exception>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "conc/mutex.h"
#include "conc/runtime.h"
#include "conc/semaphore.h"
#include "support/crew.h"
#include "support/eventually.h"
#include "support/opaque.h"
#include "support/scale.h"

namespace {

using conc_test::scaled;

// errno by a call that the compiler cannot keep the result of: a thread may move between two.
[[CONC_OPAQUE]] int errno_now() { return errno; }
[[CONC_OPAQUE]] void set_errno(int value) { errno = value; }

TEST(error_number, follows_the_thread) {
  conc_test::crew()
      .users(8,
             [](int me) {
               EXPECT_EQ(errno_now(), 0) << "a thread begins with a clean errno";
               for (int i = 0; i < scaled(2'000); ++i) {
                 set_errno(1'000 * me + i);
                 conc::this_thread::yield();
                 ASSERT_EQ(errno_now(), 1'000 * me + i);
                 if (i % 100 == 0) {
                   conc::this_thread::sleep_for(std::chrono::microseconds(50));
                   ASSERT_EQ(errno_now(), 1'000 * me + i);
                 }
               }
             })
      .join();
}

TEST(error_number, of_a_kernel_thread_survives_waiting) {
  conc::binary_semaphore s(0);
  std::thread t([&] {
    set_errno(77);
    s.acquire();
    EXPECT_EQ(errno_now(), 77);
    EXPECT_FALSE(s.try_acquire_for(std::chrono::milliseconds(2)));
    EXPECT_EQ(errno_now(), 77);
  });
  EXPECT_TRUE(conc_test::eventually_parked(&s, 1));
  s.release();
  t.join();
}

// Handlers that suspend while others throw: each keeps its own exception, through moves.
TEST(exceptions, a_handler_may_suspend) {
  conc_test::crew()
      .users(8,
             [](int me) {
               const std::string mine = "thread " + std::to_string(me);
               for (int i = 0; i < scaled(500); ++i) {
                 try {
                   throw std::runtime_error(mine);
                 } catch (const std::runtime_error& outer) {
                   conc::this_thread::yield();
                   EXPECT_EQ(outer.what(), mine);
                   try {
                     throw me;
                   } catch (const int inner) {
                     conc::this_thread::yield();
                     EXPECT_EQ(inner, me);
                   }
                   conc::this_thread::yield();
                   EXPECT_EQ(outer.what(), mine);
                   const auto current = std::current_exception();
                   ASSERT_NE(current, nullptr);
                   try {
                     std::rethrow_exception(current);
                   } catch (const std::exception& again) {
                     EXPECT_EQ(again.what(), mine);
                   }
                 }
                 EXPECT_EQ(std::current_exception(), nullptr);
                 conc::this_thread::yield();
                 ASSERT_EQ(std::current_exception(), nullptr);
               }
             })
      .join();
}

// A destructor that suspends during unwinding.
TEST(exceptions, unwinding_may_suspend) {
  struct suspends {
    int expected;
    ~suspends() {
      EXPECT_EQ(std::uncaught_exceptions(), expected);
      conc::this_thread::yield();
      EXPECT_EQ(std::uncaught_exceptions(), expected);
    }
  };
  conc_test::crew()
      .users(8,
             [](int) {
               for (int i = 0; i < scaled(500); ++i) {
                 { const suspends calm{0}; }
                 try {
                   const suspends falling{1};
                   throw i;
                 } catch (const int got) {
                   EXPECT_EQ(got, i);
                 }
                 ASSERT_EQ(std::uncaught_exceptions(), 0);
               }
             })
      .join();
}

TEST(exceptions, a_new_thread_begins_without_any) {
  conc_test::in_both_worlds([](const char* who) {
    try {
      throw 1;
    } catch (int) {
      conc::thread([&] {
        EXPECT_EQ(std::current_exception(), nullptr) << who;
        EXPECT_EQ(std::uncaught_exceptions(), 0) << who;
      }).join();
      EXPECT_NE(std::current_exception(), nullptr) << who;
    }
  });
}

}  // namespace
