#include "checker/operations.h"

#include "checker/schedule.h"
#include "checker/world.h"

namespace conc::checker {
namespace {

// The location of an operation that is about to happen, alive and known to the current thread.
int enter(const void* where, std::size_t size) {
  memory& m = current_memory();
  const int id = m.find(where, size);
  if (!m[id].alive) fail("an atomic was used after its end");
  const store_record& first = m[id].stores[0];
  if (!current_knowledge().knows(first.thread, first.time)) {
    fail("an atomic was used without order after its construction");
  }
  return id;
}

std::uint64_t raw(const void* where, std::size_t size) {
  std::uint64_t value = 0;
  __builtin_memcpy(&value, where, size);
  return value;
}

int changing = -1;
std::memory_order changing_order;
site* changing_site = nullptr;
std::size_t changing_size = 0;

}  // namespace

void begin_location(const void* where, std::size_t size) noexcept {
  if (!executing()) return;
  own_business mine;
  current_memory().begin(where, size, current_knowledge());
}

void end_location(const void* where) noexcept {
  if (!executing()) return;
  own_business mine;
  if (!current_memory().end(where, current_knowledge())) {
    fail("an atomic was destroyed while another thread could still use it");
  }
}

std::uint64_t load(const void* where, std::size_t size, std::memory_order order,
                   std::source_location at) noexcept {
  if (!executing()) return raw(where, size);
  own_business mine;
  before_operation();
  site& s = site_of(at);
  const int id = enter(where, size);
  const auto got =
      current_memory().load(id, s.order(order), current_knowledge(), current_explorer());
  if (got.age > 0) note_old_value();
  note("load", id, got.value, got.age, &s);
  return got.value;
}

void store(void* where, std::size_t size, std::uint64_t value, std::memory_order order,
           std::source_location at) noexcept {
  if (!executing()) {
    __builtin_memcpy(where, &value, size);
    return;
  }
  own_business mine;
  before_operation();
  site& s = site_of(at);
  const int id = enter(where, size);
  if (current_memory().newest(id) != value) note_change();
  current_memory().store(id, value, s.order(order), current_knowledge());
  note("store", id, value, 0, &s);
}

std::uint64_t begin_change(void* where, std::size_t size, std::memory_order order,
                           std::source_location at) noexcept {
  changing_size = size;
  if (!executing()) return raw(where, size);
  own_business mine;
  before_operation();
  changing_site = &site_of(at);
  changing = enter(where, size);
  changing_order = changing_site->order(order);
  return current_memory().read_for_change(changing, changing_order, current_knowledge());
}

void end_change(void* where, std::uint64_t value) noexcept {
  if (!executing()) {
    __builtin_memcpy(where, &value, changing_size);
    return;
  }
  own_business mine;
  if (current_memory().newest(changing) != value) note_change();
  current_memory().write_after(changing, value, changing_order, current_knowledge());
  note("change", changing, value, 0, changing_site);
}

// A failure is a load, which may see an old value; a weak one may also fail without a reason.
bool compare_exchange(void* where, std::size_t size, std::uint64_t& expected, std::uint64_t desired,
                      std::memory_order success, std::memory_order failure, bool weak,
                      std::source_location at) noexcept {
  if (!executing()) {
    const bool same = raw(where, size) == expected;
    if (same) __builtin_memcpy(where, &desired, size);
    expected = same ? expected : raw(where, size);
    return same;
  }
  own_business mine;
  before_operation();
  site& s = site_of(at);
  site& f = site_of(at, true);
  const int id = enter(where, size);
  memory& m = current_memory();
  knowledge& k = current_knowledge();
  const std::memory_order succeeding = s.order(success), failing = f.order(failure);
  if (m.newest(id) == expected && (!weak || current_explorer().choose_version(2) == 0)) {
    m.read_for_change(id, succeeding, k);
    if (desired != expected) note_change();
    m.write_after(id, desired, succeeding, k);
    note("swap", id, desired, 0, &s);
    return true;
  }
  if (m.newest(id) == expected) {
    note_old_value();
    note("fail", id, m.read_for_change(id, failing, k), 0, &f);
    return false;
  }
  // Which of the values that are not the expected one.
  const auto got = m.load_other_than(id, expected, failing, k, current_explorer());
  if (got.age > 0) note_old_value();
  note("fail", id, got.value, got.age, &f);
  expected = got.value;
  return false;
}

void full_fence(std::source_location at) noexcept {
  if (!executing()) return;
  own_business mine;
  before_operation();
  current_memory().full_fence(current_knowledge());
  note("fence", -1, 0, 0, &site_of(at));
}

void fence_in_all_threads() noexcept {
  if (!executing()) return;
  own_business mine;
  before_operation();
  memory& m = current_memory();
  m.full_fence(current_knowledge());  // the kernel's, before it interrupts the others …
  for_all_threads([&m](knowledge& k) { m.full_fence(k); });
  m.full_fence(current_knowledge());  // … and when they have answered
  note("membarrier", -1, 0, 0, nullptr);
}

void relax() noexcept {
  if (!executing()) return;
  own_business mine;
  wait_for_change();
}

unsigned choose(unsigned n) noexcept {
  if (!executing()) return 0;
  own_business mine;
  return current_explorer().choose(n);
}

bounded_spin::bounded_spin() noexcept {
  if (executing()) enter_bounded_spin(1);
}
bounded_spin::~bounded_spin() {
  if (executing()) enter_bounded_spin(-1);
}

bool bounded_spin::expired() noexcept { return ++looks_ > 2 || choose(2) == 0; }

}  // namespace conc::checker
