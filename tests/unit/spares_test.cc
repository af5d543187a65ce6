// Carriers beyond the processors, when the system refuses kernel threads (src/sched/lending.h).
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <pthread.h>

#include <atomic>
#include <cerrno>
#include <system_error>

#include "conc/blocking.h"
#include "conc/runtime.h"
#include "conc/thread.h"
#include "sched/scheduler.h"

#if !defined(CONC_TSAN) && !defined(CONC_ASAN)

namespace {

std::atomic<bool> refuses{false};

}  // namespace

extern "C" int pthread_create(pthread_t* t, const pthread_attr_t* how, void* (*run)(void*),
                              void* argument) {
  using function = int (*)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
  static const auto real = reinterpret_cast<function>(dlsym(RTLD_NEXT, "pthread_create"));
  return refuses ? EAGAIN : real(t, how, run, argument);
}

namespace {

TEST(spares, a_refusal_loses_nothing) {
  conc::runtime r({.processors = 1, .blocking_limit = 1});
  r.run([] {
    conc::detail::scheduler& home = conc::detail::current_scheduler();
    refuses = true;
    for (int i = 0; i < 100; ++i) {
      try {
        conc::blocking([] { ADD_FAILURE() << "was called"; });
        ADD_FAILURE() << "is no error";
      } catch (const std::system_error& e) {
        EXPECT_EQ(e.code(), std::errc::resource_unavailable_try_again);
      }
      conc::thread([] {}).join();
    }
    // Neither carriers that never were, with a stack each; nor the only permit.
    EXPECT_LE(home.all_carriers().size(), 2u);
    EXPECT_EQ(home.loans.sections, 0u);
    refuses = false;
    EXPECT_EQ(conc::blocking([] { return 7; }), 7);
  });
}

}  // namespace

#else

TEST(spares, a_refusal_loses_nothing) {
  GTEST_SKIP() << "the sanitizers have a pthread_create of their own";
}

#endif
