// A shared object that carries a copy of the library, and a program's way into it.
#include <chrono>
#include <mutex>

#include "conc/conc.h"

#define EXPORTED extern "C" __attribute__((visibility("default")))

EXPORTED void lock(conc::mutex& m) { m.lock(); }
EXPORTED void unlock(conc::mutex& m) { m.unlock(); }
EXPORTED void acquire(conc::binary_semaphore& s) { s.acquire(); }
EXPORTED void release(conc::binary_semaphore& s) { s.release(); }
EXPORTED long value(conc::binary_semaphore& s) { return s.value(); }

// Increments under the mutex, by user-level threads of this copy's runtime and by the caller.
EXPORTED void count(conc::mutex& m, long& counter, int times) {
  const auto work = [&] {
    for (int i = 0; i < times; ++i) {
      const std::lock_guard guard(m);
      const long seen = counter;
      if (i % 64 == 0) conc::this_thread::yield();
      counter = seen + 1;
    }
  };
  conc::thread first(work), second(work);
  work();
  first.join();
  second.join();
}

// Takes turns with another copy: waits for `mine`, releases `theirs`.
EXPORTED void take_turns(conc::binary_semaphore& mine, conc::binary_semaphore& theirs, int times) {
  conc::thread([&] {
    for (int i = 0; i < times; ++i) {
      mine.acquire();
      theirs.release();
    }
  }).join();
}
