// A program for a debugger to look at: threads that wait, each in its way, and one that computes.
// It ends itself by SIGABRT once they are all where they are wanted.
#include <conc/conc.h>

#include <atomic>
#include <cstdlib>
#include <sstream>
#include <string>

#include "support/no_frame_pointers.h"

namespace {

conc::mutex held;
conc::binary_semaphore never(0);
conc::channel<int> silent(0);
std::atomic<bool> computing{false};

void lock_it(void*) {
  held.lock();
  held.unlock();
}

void compute(void*) {
  for (;;) computing = true;
}

bool all_are_there(const conc::runtime& r) {
  std::ostringstream out;
  r.dump(out);
  for (const char* words : {"\"deep\": waits for a conc::mutex", "\"own\": waits for a semaphore",
                            "\"sleeper\": sleeps", "\"listener\": waits for a conc::channel"}) {
    if (out.str().find(words) == std::string::npos) return false;
  }
  return computing;
}

}  // namespace

int main() {
  conc::runtime r({.processors = 2});
  held.lock();
  r.spawn(conc::thread_options{.name = "deep"}, [] {
     conc_test_no_frame_pointer(5, lock_it, nullptr);
   }).detach();
  r.spawn(conc::thread_options{.name = "own", .stack_size = 1 << 20}, [] {
     never.acquire();
   }).detach();
  r.spawn(conc::thread_options{.name = "sleeper"}, [] {
     conc::this_thread::sleep_for(std::chrono::hours(1));
   }).detach();
  r.spawn(conc::thread_options{.name = "listener"}, [] {
     int value;
     static_cast<void>(silent.recv_for(value, std::chrono::hours(1)));
   }).detach();
  r.spawn(conc::thread_options{.name = "busy"}, [] {
     conc_test_no_frame_pointer(2, compute, nullptr);
   }).detach();
  while (!all_are_there(r)) conc::this_thread::sleep_for(std::chrono::milliseconds(1));
  std::abort();
}
