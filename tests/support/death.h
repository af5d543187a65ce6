// Tests of how a process ends. Each statement runs in a child process that starts from scratch,
// because a fork of a process with threads could not run threads of its own.
#ifndef CONC_TESTS_SUPPORT_DEATH_H
#define CONC_TESTS_SUPPORT_DEATH_H

#include <gtest/gtest.h>

namespace conc_test {

class death_test : public testing::Test {
 protected:
  void SetUp() override { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

}  // namespace conc_test

#endif  // CONC_TESTS_SUPPORT_DEATH_H
