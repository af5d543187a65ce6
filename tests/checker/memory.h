// The memory model: what a load may return, and what happens before what.
//
// Each location keeps the history of its stores, in modification order, which here is the order in
// which they are executed. Each thread has a view: for every location the oldest store that it may
// still read, and a vector clock. Reading or writing a location moves the view forward, which gives
// coherence; a release attaches the view to the store, and an acquire that reads it joins the view,
// which gives happens-before; read-modify-writes read the newest store and carry the view of the
// release sequence on. seq_cst operations and full fences go through one more view, that of their
// total order, which again is the order of execution.
//
// So a load may return an older value than the newest, wherever the C++ memory model lets it, as on
// the weakest of machines. Not modelled: a load that returns the value of a store that is executed
// after it, and stores to one location that are ordered otherwise than they are executed.
//
// After Kang et al., "A promising semantics for relaxed-memory concurrency", 2017, without
// promises; seq_cst after C++20's [atomics.order].
#ifndef CONC_TESTS_CHECKER_MEMORY_H
#define CONC_TESTS_CHECKER_MEMORY_H

#include <array>
#include <atomic>
#include <cstdint>
#include <vector>

namespace conc::checker {

class explorer;

inline constexpr int most_threads = 8;
inline constexpr int most_locations = 192;

using vector_clock = std::array<std::uint32_t, most_threads>;

struct view {
  vector_clock clock{};
  std::array<std::uint16_t, most_locations> seen{};

  void join(const view& other);
  void join_seen(const view& other);
};

// What a thread knows.
struct knowledge {
  int thread = 0;
  view now;
  view at_release_fence;   // what its relaxed stores hand on
  view for_acquire_fence;  // what its relaxed loads have been handed

  bool knows(int other, std::uint32_t time) const { return now.clock[other] >= time; }
  void join_all(const knowledge& other) { now.join(other.now); }
  // Time passes: everything that others do not know yet is new.
  void tick() { ++now.clock[thread]; }
};

struct store_record {
  std::uint64_t value = 0;
  int thread = 0;
  std::uint32_t time = 0;
  bool hands_on = false;
  view handed;  // to acquires that read it
};

struct location {
  const void* address = nullptr;
  std::size_t size = 0;
  bool alive = false;
  std::vector<store_record> stores;
  vector_clock last_access{};  // each thread's, to be ordered before the end
};

class memory {
 public:
  void reset();

  int find(const void* address, std::size_t size);  // begins to exist if it is unknown
  void begin(const void* address, std::size_t size, const knowledge& k);
  // False if some access to it is not ordered before.
  bool end(const void* address, const knowledge& k);
  const location& operator[](int id) const { return locations_[id]; }

  struct loaded {
    std::uint64_t value;
    unsigned age;  // 0: the newest
  };
  loaded load(int id, std::memory_order order, knowledge& k, explorer& e);
  // One of the values that a load might return and that is another one; the newest is one.
  loaded load_other_than(int id, std::uint64_t value, std::memory_order order, knowledge& k,
                         explorer& e);
  void store(int id, std::uint64_t value, std::memory_order order, knowledge& k);
  // Reads the newest; the order's release half is done by write_after().
  std::uint64_t read_for_change(int id, std::memory_order order, knowledge& k);
  void write_after(int id, std::uint64_t value, std::memory_order order, knowledge& k);
  void full_fence(knowledge& k);
  // From now on the thread sees the newest of every location, though nothing is ordered by it.
  void catch_up(knowledge& k);
  std::uint64_t newest(int id) const { return locations_[id].stores.back().value; }

 private:
  std::size_t oldest_readable(int id, std::memory_order order, const knowledge& k) const;
  std::uint64_t read(int id, std::size_t index, std::memory_order order, knowledge& k);
  void append(int id, std::uint64_t value, std::memory_order order, knowledge& k, bool continues);
  location& make(const void* address, std::size_t size);

  std::vector<location> locations_;
  std::size_t used_ = 0;
  std::vector<std::uint16_t> table_;  // by hash of the address: id + 1, or 0
  view total_order_;                  // of seq_cst operations: only `seen` is used
};

}  // namespace conc::checker

#endif  // CONC_TESTS_CHECKER_MEMORY_H
