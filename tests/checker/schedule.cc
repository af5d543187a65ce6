#include "checker/schedule.h"

#include <cxxabi.h>

#include <cstdlib>
#include <memory>
#include <sstream>

#include "checker/plain.h"
#include "checker/world.h"
#include "threads/context.h"

namespace conc::checker {
namespace {

constexpr std::size_t stack_size = 256 * 1024;
constexpr std::size_t most_operations = 5'000;

enum class waits_for : std::uint8_t { nothing, change, wake, others, never };

struct thread {
  detail::context registers;
  std::unique_ptr<std::byte[]> stack;
  std::function<void()> body;
  knowledge knows;
  waits_for state = waits_for::never;
  std::uint64_t own_changes = 0, others_changes_seen = 0;
  bool read_old_value = false;
  const void* sleeps_on = nullptr;
  bool may_time_out = false;
  int bounded_spins = 0;
  std::uint64_t last_run = 0;
};

struct event {
  int thread;
  const char* what;
  int location;
  std::uint64_t value;
  unsigned age;
  const site* at;
};

struct execution {
  explorer* search = nullptr;
  memory mem;
  std::array<thread, most_threads> threads;
  int count = 0;  // of threads
  int running = 0;
  std::uint64_t changes = 0, turns = 0;
  std::vector<event> events;
  std::string failure;
  detail::context main;
  bool active = false;
};

execution now;
int own_depth = 0;

thread& self() { return now.threads[now.running]; }

bool all_others_ended() {
  for (int t = 1; t < now.count; ++t) {
    if (now.threads[t].state != waits_for::never) return false;
  }
  return true;
}

bool can_run(const thread& t) {
  switch (t.state) {
    case waits_for::nothing:
      return true;
    case waits_for::change:
      return now.changes - t.own_changes != t.others_changes_seen;
    case waits_for::wake:
      return t.may_time_out;
    case waits_for::others:
      return all_others_ended();
    case waits_for::never:
      return false;
  }
  return false;
}

// What the C++ runtime knows of a thread's exceptions in flight: __cxa_eh_globals.
struct exception_state {
  void* caught;
  unsigned uncaught;
};

void leave_for_main() {
  detail::context unused;
  detail::switch_context(unused, now.main, {});
  std::abort();
}

void switch_to(int next) {
  thread& from = self();
  thread& to = now.threads[next];
  to.last_run = ++now.turns;
  if (next == now.running) return;
  now.running = next;
  become(next);
  const int depth = own_depth;
  auto& exceptions = *reinterpret_cast<exception_state*>(abi::__cxa_get_globals());
  const exception_state mine = exceptions;
  exceptions = {};  // those of a thread that has not run yet
  detail::switch_context(from.registers, to.registers, {});
  exceptions = mine;
  own_depth = depth;
}

const char* describe(const thread& t) {
  switch (t.state) {
    case waits_for::nothing:
      return "can run";
    case waits_for::change:
      return "waits for a value to change";
    case waits_for::wake:
      return "sleeps in the kernel";
    case waits_for::others:
      return "waits for the others to end";
    case waits_for::never:
      return "has ended";
  }
  return "";
}

// Everybody that could run, the least recently run first; the current thread at the front or, if
// it gives way, at the end.
void choose_next(bool gives_way) {
  std::array<int, most_threads> able;
  std::size_t n = 0;
  const bool could_go_on = can_run(self());
  if (could_go_on && !gives_way) able[n++] = now.running;
  const std::size_t fixed = n;
  for (int t = 0; t < now.count; ++t) {
    if (t == now.running || !can_run(now.threads[t])) continue;
    std::size_t place = n++;
    for (; place > fixed && now.threads[able[place - 1]].last_run > now.threads[t].last_run;
         --place) {
      able[place] = able[place - 1];
    }
    able[place] = t;
  }
  if (could_go_on && gives_way) able[n++] = now.running;
  if (n == 0) {
    std::ostringstream out;
    out << "nobody can go on:";
    for (int t = 0; t < now.count; ++t) {
      out << (t == 0 ? " " : ", ") << "thread " << t << ' ' << describe(now.threads[t]);
    }
    fail(out.str());
  }
  const std::span<const int> choice(able.data(), n);
  switch_to(able[now.search->choose_thread(choice, !could_go_on)]);
}

void main_of_thread(detail::task*, detail::publish_fn, void*, void*) noexcept {
  own_depth = 0;
  self().body();
  own_business mine;
  self().state = waits_for::never;
  note_change();
  if (now.running == 0) leave_for_main();
  choose_next(false);
  std::abort();  // nobody runs a thread that has ended
}

int make_thread(std::function<void()> body) {
  if (now.count == most_threads) fail("more threads than the checker has room for");
  const int number = now.count++;
  thread& t = now.threads[number];
  if (t.stack == nullptr) t.stack = std::make_unique<std::byte[]>(stack_size);
  t.registers = detail::make_context(t.stack.get() + stack_size, main_of_thread);
  t.body = std::move(body);
  t.knows = {};
  t.knows.thread = number;
  t.state = waits_for::nothing;
  t.own_changes = t.others_changes_seen = 0;
  t.read_old_value = t.may_time_out = false;
  t.bounded_spins = 0;
  t.last_run = 0;
  make_task(number);
  return number;
}

std::string report() {
  std::ostringstream out;
  out << now.failure << "\nreplay: " << now.search->told() << '\n';
  const std::size_t shown = 120;
  const std::size_t first = now.events.size() > shown ? now.events.size() - shown : 0;
  if (first > 0) out << "  (" << first << " operations before)\n";
  for (std::size_t i = first; i < now.events.size(); ++i) {
    const event& e = now.events[i];
    out << "  thread " << e.thread << "  " << e.what;
    if (e.location >= 0) out << " [" << e.location << "] = " << static_cast<std::int64_t>(e.value);
    if (e.age > 0) out << "  (old by " << e.age << ')';
    if (e.at != nullptr) out << "  " << e.at->place();
    out << '\n';
  }
  return out.str();
}

}  // namespace

std::string execute(explorer& e, const std::function<void()>& body) {
  now.search = &e;
  now.mem.reset();
  reset_plain_memory();
  now.events.clear();
  now.failure.clear();
  now.count = now.running = 0;
  now.changes = now.turns = 0;
  now.active = true;
  own_depth = 1;
  make_thread(body);
  self().knows.tick();
  become(0);
  detail::switch_context(now.main, now.threads[0].registers, {});
  now.active = false;
  return now.failure.empty() ? "" : report();
}

bool executing() { return now.active; }
int current_thread() { return now.running; }
knowledge& current_knowledge() { return self().knows; }
void for_all_threads(const std::function<void(knowledge&)>& f) {
  for (int t = 0; t < now.count; ++t) f(now.threads[t].knows);
}
memory& current_memory() { return now.mem; }
explorer& current_explorer() { return *now.search; }

void before_operation() {
  if (now.events.size() > most_operations) fail("no end in sight");
  if (now.count > 1) choose_next(false);
}

void give_way() { choose_next(true); }

// What the others have done since the last time counts, for only then did the loop begin to look.
void wait_for_change() {
  if (now.events.size() > most_operations) fail("no end in sight");
  thread& t = self();
  now.mem.catch_up(t.knows);
  if (t.read_old_value || t.bounded_spins > 0) {
    t.read_old_value = false;
    give_way();
  } else {
    t.state = waits_for::change;
    choose_next(true);
    t.state = waits_for::nothing;
  }
  t.others_changes_seen = now.changes - t.own_changes;
}

void note_change() {
  ++now.changes;
  ++self().own_changes;
}
void note_old_value() { self().read_old_value = true; }

bool sleep_on(const void* address, bool may_time_out) {
  thread& t = self();
  t.state = waits_for::wake;
  t.sleeps_on = address;
  t.may_time_out = may_time_out;
  choose_next(false);
  const bool woken = t.sleeps_on == nullptr;
  t.state = waits_for::nothing;
  t.sleeps_on = nullptr;
  return woken;
}

int wake_from(const void* address, int count) {
  int woken = 0;
  for (int t = 0; t < now.count && woken < count; ++t) {
    thread& sleeper = now.threads[t];
    if (sleeper.state != waits_for::wake || sleeper.sleeps_on != address) continue;
    sleeper.state = waits_for::nothing;
    sleeper.sleeps_on = nullptr;
    ++woken;
  }
  return woken;
}

void spawn(std::function<void()> body) {
  own_business mine;
  const int child = make_thread(std::move(body));
  now.threads[child].knows.join_all(self().knows);
  now.threads[child].knows.tick();
  self().knows.tick();
}

void join_all() {
  own_business mine;
  thread& t = self();
  t.state = waits_for::others;
  choose_next(false);
  t.state = waits_for::nothing;
  for (int other = 0; other < now.count; ++other) t.knows.join_all(now.threads[other].knows);
}

void enter_bounded_spin(int by) { self().bounded_spins += by; }

void note(const char* what, int location, std::uint64_t value, unsigned age, const site* at) {
  now.events.push_back({now.running, what, location, value, age, at});
}

void fail(const std::string& why) {
  ++own_depth;
  now.failure = "thread " + std::to_string(now.running) + ": " + why;
  leave_for_main();
  std::abort();
}

own_business::own_business() { ++own_depth; }
own_business::~own_business() { --own_depth; }
bool own_business::going_on() { return own_depth > 0 || !now.active; }

}  // namespace conc::checker
