// A pool of buffers: input, computation and output share a fixed number of them.
//
//     input: empty buffer -> full of numbers      computation: numbers -> squares, in another
//     output: squares -> checked, buffer given back
//
// The computation holds one buffer while it asks for another. If input may have all buffers there
// comes a moment when all hold numbers: no computation can go on without an empty buffer, nothing
// comes out, and no buffer becomes empty: deadlock by hold and wait. The remedy is a quota: one
// buffer less than there are may hold input. Then a computation always finds one at last.
//
// Checked: without the quota the pool comes to that moment and with it not; every number is squared
// and put out once; no buffer is in two hands; in the end all are back.
#include <conc/conc.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <mutex>
#include <vector>

#include "check.h"
#include "crew.h"
#include "options.h"

namespace {

using examples::fail;

struct buffer {
  std::array<std::uint64_t, 32> numbers{};
  std::atomic<bool> in_use{false};  // for the check
};

// A semaphore counts the empty buffers, so that waiting for one is waiting for a permit; the list
// of them needs a lock only for the moment of taking one off.
class pool {
 public:
  explicit pool(unsigned n) : buffers_(n), empty_(n) {
    for (buffer& b : buffers_) free_.push_back(&b);
  }
  buffer* get() {
    empty_.acquire();
    return take();
  }
  buffer* try_get() { return empty_.try_acquire() ? take() : nullptr; }
  void put_back(buffer* b) {
    if (!b->in_use.exchange(false)) fail("a buffer was given back twice");
    {
      const std::lock_guard inside(lock_);
      free_.push_back(b);
    }
    empty_.release();
  }
  bool complete() {
    const std::lock_guard inside(lock_);
    return free_.size() == buffers_.size();
  }

 private:
  buffer* take() {
    const std::lock_guard inside(lock_);
    if (free_.empty()) fail("a permit for a buffer, and no buffer");
    buffer* b = free_.back();
    free_.pop_back();
    if (b->in_use.exchange(true)) fail("a buffer is in two hands");
    return b;
  }

  std::vector<buffer> buffers_;
  conc::counting_semaphore<> empty_;
  conc::mutex lock_;
  std::vector<buffer*> free_;
};

// Whether a computation can go on once input has taken what it may.
bool gets_stuck(unsigned buffers, unsigned quota) {
  pool p(buffers);
  std::vector<buffer*> input;
  while (input.size() < quota) {
    buffer* b = p.try_get();
    if (b == nullptr) break;
    input.push_back(b);
  }
  buffer* for_output = p.try_get();
  const bool stuck = for_output == nullptr;
  if (!stuck) p.put_back(for_output);
  for (buffer* b : input) p.put_back(b);
  return stuck;
}

struct sums {
  std::uint64_t numbers = 0, total = 0;
};

std::uint64_t square(std::uint64_t n) { return n * n; }

sums run(unsigned buffers, unsigned threads, unsigned kernel, unsigned batches) {
  pool p(buffers);
  conc::counting_semaphore<> input_quota(buffers - 1);
  // As many places as there are buffers: passing one on never waits.
  conc::channel<buffer*> full(buffers), computed(buffers);

  std::atomic<unsigned> inputs_left{threads}, computations_left{threads};
  examples::crew input(threads, kernel, [&](unsigned me) {
    for (unsigned i = 0; i < batches; ++i) {
      input_quota.acquire();
      buffer* b = p.get();
      std::uint64_t n = (std::uint64_t{me} * batches + i) * b->numbers.size();
      for (auto& to : b->numbers) to = n++;
      if (!full.send(b)) fail("the input was closed too early");
    }
    if (--inputs_left == 0) full.close();
  });
  examples::crew computation(threads, kernel, [&](unsigned) {
    while (const auto from = full.recv()) {
      buffer* to = p.get();  // while holding another: the quota makes sure that one comes
      std::transform((*from)->numbers.begin(), (*from)->numbers.end(), to->numbers.begin(), square);
      p.put_back(*from);
      input_quota.release();
      if (!computed.send(to)) fail("the output was closed too early");
    }
    if (--computations_left == 0) computed.close();
  });
  sums out;
  while (const auto b = computed.recv()) {
    for (const std::uint64_t n : (*b)->numbers) {
      ++out.numbers;
      out.total += n;
    }
    p.put_back(*b);
  }
  input.join();
  computation.join();
  if (!p.complete()) fail("buffers are missing in the end");
  return out;
}

}  // namespace

int main(int argc, char** argv) {
  examples::options given(argc, argv);
  const unsigned buffers = given.number("buffers", 4, "in the pool", 2);
  const unsigned threads = given.number("threads", 6, "that read, and that compute");
  const unsigned kernel = given.number("kernel-threads", 1, "of each on kernel threads", 0);
  const unsigned batches = given.number("batches", 2'000, "buffers of input from each");
  given.finish();

  if (!gets_stuck(buffers, buffers)) fail("input without a quota left a buffer");
  if (gets_stuck(buffers, buffers - 1)) fail("the quota did not keep a buffer free");
  std::printf("without a quota input fills all %u buffers, and nobody can go on\n", buffers);

  const sums out = run(buffers, threads, kernel, batches);
  const std::uint64_t n = std::uint64_t{threads} * batches * buffer{}.numbers.size();
  std::uint64_t expected = 0;
  for (std::uint64_t i = 0; i < n; ++i) expected += square(i);
  if (out.numbers != n || out.total != expected) {
    fail("%" PRIu64 " of %" PRIu64 " numbers came out, or not their squares", out.numbers, n);
  }
  std::printf("with a quota of %u: %" PRIu64 " numbers through %u buffers\n", buffers - 1, n,
              buffers);
  std::puts("ok: every number came out once, and all buffers are back");
}
