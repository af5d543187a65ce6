// A crew of user-level threads and kernel threads that do the same work on the same objects.
#ifndef CONC_TESTS_SUPPORT_CREW_H
#define CONC_TESTS_SUPPORT_CREW_H

#include <thread>
#include <utility>
#include <vector>

#include "conc/thread.h"

namespace conc_test {

class crew {
 public:
  crew() = default;
  crew(const crew&) = delete;
  crew& operator=(const crew&) = delete;
  ~crew() { join(); }

  // Each starts threads that call work(i), i counting all members of the crew.
  template <class Work>
  crew& users(int n, Work work) {
    for (int i = 0; i < n; ++i) users_.emplace_back(work, next_++);
    return *this;
  }
  template <class Work>
  crew& kernels(int n, Work work) {
    for (int i = 0; i < n; ++i) kernels_.emplace_back(work, next_++);
    return *this;
  }
  // Alternately.
  template <class Work>
  crew& mixed(int n, Work work) {
    for (int i = 0; i < n; ++i) i % 2 == 0 ? users(1, work) : kernels(1, work);
    return *this;
  }

  void join() {
    for (auto& t : std::exchange(users_, {})) t.join();
    for (auto& t : std::exchange(kernels_, {})) t.join();
  }

 private:
  std::vector<conc::thread> users_;
  std::vector<std::thread> kernels_;
  int next_ = 0;
};

// f(kind) once as a user-level thread of the default runtime and once as a kernel thread.
template <class F>
void in_both_worlds(F f) {
  std::thread([&] { f("kernel thread"); }).join();
  conc::thread([&] { f("user thread"); }).join();
}

}  // namespace conc_test

#endif  // CONC_TESTS_SUPPORT_CREW_H
