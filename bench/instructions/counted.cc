// Does one thing so many times, on one processor, for a tool that counts instructions.
//
//   counted FIGURE N
//
// Called with N and 2N, the difference is what N of them take: start and end cancel out.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <vector>

#include "conc/conc.h"

namespace {

void yield(long n) {
  conc::thread other([n] {
    for (long i = 0; i < n / 2; ++i) conc::this_thread::yield();
  });
  for (long i = 0; i < n / 2; ++i) conc::this_thread::yield();
  other.join();
}

void spawn_join(long n) {
  for (long i = 0; i < n; ++i) conc::thread([] {}).join();
}

void spawn_join_100(long n) {
  std::vector<conc::thread> batch;
  for (long i = 0; i < n; i += 100) {
    for (int t = 0; t < 100; ++t) batch.emplace_back([] {});
    for (auto& t : batch) t.join();
    batch.clear();
  }
}

template <class Player>
void play_in_two_threads(Player player) {
  conc::thread other([&] { player(1); });
  player(0);
  other.join();
}

void condition(long n) {
  conc::mutex m;
  conc::condition_variable moved;
  long turn = 0;
  play_in_two_threads([&](long me) {
    std::unique_lock lock(m);
    for (long t = me; t < n; t += 2) {
      moved.wait(lock, [&] { return turn == t; });
      turn = t + 1;
      moved.notify_one();
    }
  });
}

void semaphore(long n) {
  conc::binary_semaphore turn[2] = {conc::binary_semaphore(1), conc::binary_semaphore(0)};
  play_in_two_threads([&](long me) {
    for (long t = me; t < n; t += 2) {
      turn[me].acquire();
      turn[1 - me].release();
    }
  });
}

// As semaphore, with a deadline far off that is armed and disarmed each time.
void timed_wait(long n) {
  conc::binary_semaphore turn[2] = {conc::binary_semaphore(1), conc::binary_semaphore(0)};
  play_in_two_threads([&](long me) {
    for (long t = me; t < n; t += 2) {
      if (turn[me].try_acquire_for(std::chrono::hours(1))) turn[1 - me].release();
    }
  });
}

// A sleep that is over as soon as somebody looks.
void sleep(long n) {
  for (long i = 0; i < n; ++i) conc::this_thread::sleep_for(std::chrono::nanoseconds(1));
}

void channel(long n) {
  conc::channel<long> there(0), back(0);
  play_in_two_threads([&](long me) {
    for (long t = 0; t < n / 2; ++t) {
      if (me == 0 && there.send(t)) (void)back.recv();
      if (me == 1 && there.recv()) (void)back.send(t);
    }
  });
}

void lock(long n) {
  conc::mutex m;
  for (long i = 0; i < n; ++i) {
    m.lock();
    m.unlock();
  }
}

struct figure {
  const char* name;
  void (*run)(long);
};
constexpr figure figures[] = {
    {"yield", yield},         {"spawn_join", spawn_join}, {"spawn_join_100", spawn_join_100},
    {"condition", condition}, {"semaphore", semaphore},   {"timed_wait", timed_wait},
    {"sleep", sleep},         {"channel", channel},       {"lock", lock}};

}  // namespace

int main(int argc, char** argv) {
  for (const figure& f : figures) {
    if (argc != 3 || std::strcmp(argv[1], f.name) != 0) continue;
    conc::runtime({.processors = 1}).run([&] { f.run(std::atol(argv[2])); });
    return 0;
  }
  std::fprintf(stderr, "usage: %s FIGURE N, where FIGURE is one of", argv[0]);
  for (const figure& f : figures) std::fprintf(stderr, " %s", f.name);
  std::fprintf(stderr, "\n");
  return 2;
}
