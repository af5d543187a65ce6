#include "checker/plain.h"

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <sstream>
#include <vector>

#include "checker/schedule.h"

namespace conc::checker {
namespace {

// What is known of eight bytes at a multiple of eight. A clock of 0 means never.
struct cell {
  std::uintptr_t granule = 0;
  std::uint32_t generation = 0;
  std::uint32_t wrote_at = 0;
  std::uint8_t writer = 0, written = 0;  // bytes, as a mask
  std::uint8_t read[most_threads] = {};
  std::uint32_t read_at[most_threads] = {};
};

constexpr std::size_t cells = 1 << 14;
std::vector<cell> table(cells);
std::uint32_t generation = 1;
std::size_t in_use = 0;

cell& find(std::uintptr_t granule) {
  std::size_t slot = granule * 0x9E3779B97F4A7C15u >> 50;
  for (;; slot = (slot + 1) % cells) {
    cell& c = table[slot];
    if (c.generation != generation) {
      if (++in_use > cells / 2) fail("more plain memory than the checker has room for");
      c = {};
      c.granule = granule;
      c.generation = generation;
      return c;
    }
    if (c.granule == granule) return c;
  }
}

[[noreturn]] void race(const char* mine, std::uintptr_t address, int other, const char* his,
                       const void* pc) {
  std::ostringstream out;
  out << "a race: " << mine << " at 0x" << std::hex << address << std::dec << ", which thread "
      << other << ' ' << his << " without order (code at " << pc << ')';
  fail(out.str());
}

void access_granule(std::uintptr_t granule, std::uint8_t mask, bool writes, const void* pc) {
  cell& c = find(granule);
  const knowledge& k = current_knowledge();
  const char* mine = writes ? "writes" : "reads";
  if ((c.written & mask) != 0 && c.writer != k.thread && !k.knows(c.writer, c.wrote_at)) {
    race(mine, granule * 8, c.writer, "has written", pc);
  }
  if (!writes) {
    // An older reading of other bytes is forgotten only if this one says as much.
    const bool same_time = c.read_at[k.thread] == k.now.clock[k.thread];
    c.read[k.thread] = same_time ? c.read[k.thread] | mask : mask;
    c.read_at[k.thread] = k.now.clock[k.thread];
    return;
  }
  for (int t = 0; t < most_threads; ++t) {
    if (t != k.thread && (c.read[t] & mask) != 0 && !k.knows(t, c.read_at[t])) {
      race(mine, granule * 8, t, "has read", pc);
    }
  }
  const bool same_write = c.writer == k.thread && c.wrote_at == k.now.clock[k.thread];
  c.written = same_write ? c.written | mask : mask;
  c.writer = static_cast<std::uint8_t>(k.thread);
  c.wrote_at = k.now.clock[k.thread];
}

void access(const void* where, std::size_t size, bool writes, const void* pc) {
  // errno is each kernel thread's own, and all threads of an execution are one kernel thread.
  if (own_business::going_on() || where == &errno) return;
  own_business mine;
  auto address = reinterpret_cast<std::uintptr_t>(where);
  while (size > 0) {
    const std::size_t offset = address % 8;
    const std::size_t here = size < 8 - offset ? size : 8 - offset;
    const auto mask = static_cast<std::uint8_t>(((1u << here) - 1) << offset);
    access_granule(address / 8, mask, writes, pc);
    address += here;
    size -= here;
  }
}

}  // namespace

void reset_plain_memory() {
  ++generation;
  in_use = 0;
}

}  // namespace conc::checker

// What -fsanitize=thread makes the compiler call. Of the calls for atomics only the one for the
// guard of a local static occurs: the library's own have been replaced.
extern "C" {

void __tsan_init() {}
void __tsan_func_entry(void*) {}
void __tsan_func_exit() {}
unsigned char __tsan_atomic8_load(const volatile unsigned char* p, int order) {
  return __atomic_load_n(p, order == 0 ? __ATOMIC_RELAXED : __ATOMIC_ACQUIRE);
}

#define CONC_ACCESS(name, size, writes) \
  void name(void* p) { conc::checker::access(p, size, writes, __builtin_return_address(0)); }

CONC_ACCESS(__tsan_read1, 1, false)
CONC_ACCESS(__tsan_read2, 2, false)
CONC_ACCESS(__tsan_read4, 4, false)
CONC_ACCESS(__tsan_read8, 8, false)
CONC_ACCESS(__tsan_read16, 16, false)
CONC_ACCESS(__tsan_write1, 1, true)
CONC_ACCESS(__tsan_write2, 2, true)
CONC_ACCESS(__tsan_write4, 4, true)
CONC_ACCESS(__tsan_write8, 8, true)
CONC_ACCESS(__tsan_write16, 16, true)
CONC_ACCESS(__tsan_unaligned_read2, 2, false)
CONC_ACCESS(__tsan_unaligned_read4, 4, false)
CONC_ACCESS(__tsan_unaligned_read8, 8, false)
CONC_ACCESS(__tsan_unaligned_read16, 16, false)
CONC_ACCESS(__tsan_unaligned_write2, 2, true)
CONC_ACCESS(__tsan_unaligned_write4, 4, true)
CONC_ACCESS(__tsan_unaligned_write8, 8, true)
CONC_ACCESS(__tsan_unaligned_write16, 16, true)
CONC_ACCESS(__tsan_vptr_read, 8, false)
#undef CONC_ACCESS

void __tsan_vptr_update(void** p, void*) {
  conc::checker::access(p, 8, true, __builtin_return_address(0));
}
void __tsan_read_range(void* p, unsigned long size) {
  conc::checker::access(p, size, false, __builtin_return_address(0));
}
void __tsan_write_range(void* p, unsigned long size) {
  conc::checker::access(p, size, true, __builtin_return_address(0));
}
}
