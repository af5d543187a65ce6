// Two shared objects that each carry a copy of the library, loaded so that neither sees the other's
// names: one parking table serves both, so their threads meet on the same locks.
#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>
#include <thread>

#include "conc/mutex.h"
#include "conc/semaphore.h"

namespace {

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "one_table_test: %s\n", what);
  std::_Exit(1);
}

class plugin {
 public:
  explicit plugin(const char* path) : handle_(dlopen(path, RTLD_NOW | RTLD_LOCAL)) {
    if (handle_ == nullptr) std::fprintf(stderr, "%s\n", dlerror());
    require(handle_ != nullptr, "a plugin cannot be loaded");
  }
  template <class Function>
  Function* get(const char* name) const {
    void* const p = dlsym(handle_, name);
    require(p != nullptr, name);
    return reinterpret_cast<Function*>(p);
  }

 private:
  void* handle_;
};

using mutex_call = void(conc::mutex&);
using semaphore_call = void(conc::binary_semaphore&);
using value_call = long(conc::binary_semaphore&);
using count_call = void(conc::mutex&, long&, int);
using turns_call = void(conc::binary_semaphore&, conc::binary_semaphore&, int);

// The objects' memory is this program's; it calls none of their functions itself.
struct shared_objects {
  alignas(conc::mutex) unsigned char mutex_room[sizeof(conc::mutex)] = {};
  alignas(8) long first_room = 0, second_room = 0;
  conc::mutex& m = reinterpret_cast<conc::mutex&>(mutex_room);
  conc::binary_semaphore& first = reinterpret_cast<conc::binary_semaphore&>(first_room);
  conc::binary_semaphore& second = reinterpret_cast<conc::binary_semaphore&>(second_room);
};

}  // namespace

int main(int, char** arguments) {
  const plugin a(arguments[1]), b(arguments[2]);
  require(a.get<mutex_call>("lock") != b.get<mutex_call>("lock"), "there is one plugin only");

  {  // Who locks by one copy may unlock by the other: it is the same thread.
    shared_objects s;
    a.get<mutex_call>("lock")(s.m);
    b.get<mutex_call>("unlock")(s.m);
  }
  {  // A kernel thread that waits by one copy is found by the other.
    shared_objects s;
    std::thread waiter([&] { a.get<semaphore_call>("acquire")(s.first); });
    while (a.get<value_call>("value")(s.first) != -1) std::this_thread::yield();
    b.get<semaphore_call>("release")(s.first);
    waiter.join();
  }
  {  // Threads of both copies' runtimes exclude each other; their numbers differ.
    shared_objects s;
    long counter = 0;
    std::thread other([&] { a.get<count_call>("count")(s.m, counter, 5'000); });
    b.get<count_call>("count")(s.m, counter, 5'000);
    other.join();
    require(counter == 30'000, "increments were lost");
  }
  {  // And wake each other.
    shared_objects s;
    std::thread other([&] { a.get<turns_call>("take_turns")(s.first, s.second, 5'000); });
    b.get<semaphore_call>("release")(s.first);
    b.get<turns_call>("take_turns")(s.second, s.first, 5'000);
    other.join();
  }
}
