// A lock and a bounded buffer from nothing but numbers that grow: event counts and sequencers.
//
// A sequencer hands out turns, and an event count says how many turns are over. So a ticket lock is
// "take a number, wait until it is called"; and in the buffer a producer with turn t waits until t
// items have been put (it is his turn) and all but `capacity` of those have been taken (there is
// room). No data are shared but the slots, and for each slot it is known who may use it when.
//
// Checked: one at a time inside the lock, in the order of the tickets; every item arrives once, in
// order, and no slot is used twice.
#include <conc/conc.h>

#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <vector>

#include "check.h"
#include "crew.h"
#include "options.h"

namespace {

using examples::fail;

class ticket_lock {
 public:
  std::uint64_t lock() {
    const std::uint64_t mine = tickets_.ticket();
    served_.await(mine);
    return mine;
  }
  void unlock() { served_.advance(); }

 private:
  conc::sequencer tickets_;
  conc::event_count served_;
};

void use_the_lock(unsigned threads, unsigned kernel, unsigned rounds) {
  ticket_lock lock;
  std::uint64_t entries = 0;  // guarded by the lock
  const auto start = examples::clock::now();
  examples::crew(threads, kernel, [&](unsigned me) {
    examples::pause_maker pauses(me);
    for (unsigned i = 0; i < rounds; ++i) {
      const std::uint64_t mine = lock.lock();
      if (mine != entries) fail("ticket %" PRIu64 " came in as number %" PRIu64, mine, entries);
      pauses.pause(1);
      if (mine != entries++) fail("two threads were inside at ticket %" PRIu64, mine);
      lock.unlock();
    }
  }).join();
  if (entries != std::uint64_t{threads} * rounds) fail("%" PRIu64 " entries", entries);
  std::printf("ticket lock: %.0f entries/s\n",
              static_cast<double>(entries) / examples::seconds_since(start));
}

// Reed and Kanodia's buffer for any number of producers and consumers. Slot i belongs to the turns
// i, i + capacity, i + 2 capacity ...; a turn's item is its number, so that the reader can check.
class buffer {
 public:
  explicit buffer(unsigned capacity) : slots_(capacity, empty) {}

  std::uint64_t put() {
    const std::uint64_t turn = producers_.ticket();
    put_.await(turn);
    if (turn >= slots_.size()) taken_.await(turn - slots_.size() + 1);
    std::uint64_t& slot = slots_[turn % slots_.size()];
    if (slot != empty) fail("item %" PRIu64 " was overwritten by %" PRIu64, slot, turn);
    slot = turn;
    put_.advance();
    return turn;
  }
  std::uint64_t take() {
    const std::uint64_t turn = consumers_.ticket();
    taken_.await(turn);
    put_.await(turn + 1);
    std::uint64_t& slot = slots_[turn % slots_.size()];
    if (slot != turn) fail("turn %" PRIu64 " found item %" PRIu64, turn, slot);
    slot = empty;
    taken_.advance();
    return turn;
  }

 private:
  static constexpr std::uint64_t empty = ~std::uint64_t{0};

  std::vector<std::uint64_t> slots_;
  conc::sequencer producers_, consumers_;
  conc::event_count put_, taken_;
};

void use_the_buffer(unsigned threads, unsigned kernel, unsigned rounds, unsigned capacity) {
  buffer b(capacity);
  const auto start = examples::clock::now();
  // The even ones produce, the odd ones consume.
  examples::crew(2 * threads, 2 * kernel, [&](unsigned me) {
    std::uint64_t last = 0;
    for (unsigned i = 0; i < rounds; ++i) {
      const std::uint64_t turn = me % 2 == 0 ? b.put() : b.take();
      if (i > 0 && turn <= last) fail("turn %" PRIu64 " after turn %" PRIu64, turn, last);
      last = turn;
    }
  }).join();
  std::printf("bounded buffer: %.0f items/s through %u slots\n",
              1.0 * threads * rounds / examples::seconds_since(start), capacity);
}

}  // namespace

int main(int argc, char** argv) {
  examples::options given(argc, argv);
  const unsigned threads = given.number("threads", 20, "in the lock; of producers; of consumers");
  const unsigned kernel = given.number("kernel-threads", 1, "of each on kernel threads", 0);
  const unsigned rounds = given.number("rounds", 20000, "of each thread");
  const unsigned capacity = given.number("capacity", 16, "items that the buffer holds");
  given.finish();
  use_the_lock(threads, kernel, rounds);
  use_the_buffer(threads, kernel, rounds, capacity);
  std::puts("ok: one at a time, in the order of the tickets; every item arrived once, in its slot");
}
