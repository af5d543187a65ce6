// Child processes for the tests of conc::io.
#ifndef CONC_TESTS_SUPPORT_CHILDREN_H
#define CONC_TESTS_SUPPORT_CHILDREN_H

#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace conc_test {

// Runs a line of shell in a child, which is the caller's to wait for. In a process group of its own
// if wanted.
inline pid_t run_shell(const char* line, bool own_group = false) {
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  if (own_group) posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  char shell[] = "sh", option[] = "-c";
  char* const arguments[] = {shell, option, const_cast<char*>(line), nullptr};
  pid_t child = -1;
  EXPECT_EQ(posix_spawn(&child, "/bin/sh", nullptr, &attributes, arguments, environ), 0);
  posix_spawnattr_destroy(&attributes);
  return child;
}

// A child that stays until the end of the scope.
struct lasting_child {
  pid_t pid = run_shell("exec sleep 1000");
  lasting_child() = default;
  lasting_child(const lasting_child&) = delete;
  lasting_child& operator=(const lasting_child&) = delete;
  ~lasting_child() {
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
  }
};

}  // namespace conc_test

#endif  // CONC_TESTS_SUPPORT_CHILDREN_H
