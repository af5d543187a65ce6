// The bounded buffer: producers put items in, consumers take them out, and there is room for a few.
//
// A producer waits while the buffer is full, a consumer while it is empty. Two forms: semaphores
// count the free slots and the items, so that waiting is counting; condition variables wait for a
// condition on the buffer itself.
//
// Checked: the buffer never holds more than its capacity, every item that was produced is consumed
// exactly once, each consumer sees each producer's items in their order, and everybody gets to
// work.
#include <conc/conc.h>

#include <algorithm>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "check.h"
#include "crew.h"
#include "options.h"

namespace {

using examples::fail;

struct item {
  static constexpr unsigned no_more = ~0u;  // as the producer: tells a consumer to go home

  unsigned producer = no_more;
  std::uint64_t number = 0;  // 1, 2, 3 … for each producer
};

struct buffer {
  explicit buffer(unsigned n) : capacity(n), ring(n) {}
  virtual ~buffer() = default;
  virtual void put(item i) = 0;
  virtual item get() = 0;

  // Under the lock.
  void push(item i) {
    if (++count > capacity) fail("%u items in a buffer for %u", count, capacity);
    ring[(first + count - 1) % capacity] = i;
  }
  item pop() {
    if (count-- == 0) fail("an item was taken from an empty buffer");
    return ring[std::exchange(first, (first + 1) % capacity)];
  }

  const unsigned capacity;
  conc::mutex lock;
  std::vector<item> ring;
  unsigned first = 0, count = 0;
};

struct semaphore_buffer : buffer {
  explicit semaphore_buffer(unsigned n) : buffer(n), free_slots(n) {}
  void put(item i) override {
    free_slots.acquire();
    {
      const std::lock_guard inside(lock);
      push(i);
    }
    items.release();
  }
  item get() override {
    items.acquire();
    item taken;
    {
      const std::lock_guard inside(lock);
      taken = pop();
    }
    free_slots.release();
    return taken;
  }

  conc::counting_semaphore<> free_slots, items{0};
};

// One condition variable a condition: a producer never wakes a producer by mistake.
struct condition_buffer : buffer {
  using buffer::buffer;
  void put(item i) override {
    std::unique_lock inside(lock);
    not_full.wait(inside, [&] { return count < capacity; });
    push(i);
    not_empty.notify_one();
  }
  item get() override {
    std::unique_lock inside(lock);
    not_empty.wait(inside, [&] { return count > 0; });
    const item taken = pop();
    not_full.notify_one();
    return taken;
  }

  conc::condition_variable not_full, not_empty;
};

// What one consumer has seen of each producer.
struct receipt {
  std::uint64_t last = 0, count = 0, sum = 0;
};

void run(const char* name, buffer& b, unsigned producers, unsigned consumers, unsigned kernel,
         double seconds) {
  std::vector<std::uint64_t> produced(producers);
  std::vector<std::vector<receipt>> receipts(consumers, std::vector<receipt>(producers));
  examples::roll_call at_work;
  examples::stop_flag stop{false};
  const auto start = examples::clock::now();

  examples::crew producing(producers, kernel, [&](unsigned me) {
    do {
      b.put({me, ++produced[me]});
      if (produced[me] == 1) at_work.present();
    } while (!stop.load(std::memory_order_relaxed));
  });
  examples::crew consuming(consumers, kernel, [&](unsigned me) {
    bool first = true;
    for (item i = b.get(); i.producer != item::no_more; i = b.get()) {
      receipt& r = receipts[me][i.producer];
      if (i.number <= r.last) {
        fail("consumer %u got item %" PRIu64 " of producer %u after item %" PRIu64, me, i.number,
             i.producer, r.last);
      }
      r.last = i.number;
      r.sum += i.number;
      ++r.count;
      if (std::exchange(first, false)) at_work.present();
    }
  });
  at_work.wait_for(producers + consumers, "threads", "have got to work");
  examples::sleep_until(start, seconds);
  stop = true;
  producing.join();
  for (unsigned i = 0; i < consumers; ++i) b.put({});
  consuming.join();
  const double time = examples::seconds_since(start);

  std::uint64_t all = 0, least = ~std::uint64_t{0}, most = 0;
  for (unsigned p = 0; p < producers; ++p) {
    const std::uint64_t n = produced[p];
    receipt total;
    for (const auto& of : receipts) {
      total.count += of[p].count;
      total.sum += of[p].sum;
    }
    if (total.count != n || total.sum != n * (n + 1) / 2) {
      fail("producer %u made %" PRIu64 " items, %" PRIu64 " arrived", p, n, total.count);
    }
    all += n;
    least = std::min(least, n);
    most = std::max(most, n);
  }
  std::printf("%-11s %12.0f %17" PRIu64 " %17" PRIu64 "\n", name, static_cast<double>(all) / time,
              least, most);
}

}  // namespace

int main(int argc, char** argv) {
  examples::options given(argc, argv);
  const double seconds = given.seconds(1, "for each variant");
  const unsigned producers = given.number("threads", 20, "producers");
  const unsigned consumers = given.number("consumers", 20, "consumers");
  const unsigned kernel = given.number("kernel-threads", 1, "of each on kernel threads", 0);
  const unsigned capacity = given.number("capacity", 16, "items that the buffer holds");
  const std::string wanted = given.text("variant", "all", "semaphores, conditions");
  given.finish();
  if (wanted != "all" && wanted != "semaphores" && wanted != "conditions") {
    examples::options::refuse("--variant " + wanted, "names no variant");
  }

  std::printf("%u producers, %u consumers, of each %u on kernel threads; room for %u items\n",
              producers, consumers, kernel, capacity);
  std::printf("%-11s %12s %17s %17s\n", "variant", "items/s", "fewest a producer",
              "most a producer");
  if (wanted != "conditions") {
    semaphore_buffer b(capacity);
    run("semaphores", b, producers, consumers, kernel, seconds);
  }
  if (wanted != "semaphores") {
    condition_buffer b(capacity);
    run("conditions", b, producers, consumers, kernel, seconds);
  }
  std::puts("ok: every item arrived once and in order, and the buffer was never over-full");
}
