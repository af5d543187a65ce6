// Producers and consumers: nanoseconds for an item.
//
//   buffer_SLOTS_PtoC         a ring of so many slots, a mutex and two condition variables
//   channel_stream_128        a channel with 128 slots, one of each
//   channel_stream_128_4to4   the same, four of each
#include <atomic>
#include <vector>

#include "locks/figures.h"
#include "support/channels.h"
#include "support/kernel_peers.h"
#include "support/per_operation.h"

namespace bench {
namespace {

template <class Peer, std::size_t Slots>
class buffer {
 public:
  void put(std::int64_t item) {
    std::unique_lock lock(mutex_);
    not_full_.wait(lock, [&] { return count_ < Slots; });
    ring_[(first_ + count_++) % Slots] = item;
    lock.unlock();
    not_empty_.notify_one();
  }
  std::int64_t take() {
    std::unique_lock lock(mutex_);
    not_empty_.wait(lock, [&] { return count_ > 0; });
    const std::int64_t item = ring_[first_];
    first_ = (first_ + 1) % Slots;
    --count_;
    lock.unlock();
    not_full_.notify_one();
    return item;
  }

 private:
  typename Peer::mutex mutex_;
  typename Peer::condition_variable not_full_, not_empty_;
  std::size_t first_ = 0, count_ = 0;
  std::int64_t ring_[Slots] = {};
};

template <class Peer, class Buffer>
nanos move_items(std::int64_t n, int pairs) {
  const std::int64_t each = std::max<std::int64_t>(1, n / pairs);
  std::atomic<std::int64_t> sent{0}, received{0};
  nanos took = 0;
  Peer::run([&] {
    Buffer between;
    std::vector<typename Peer::thread> all;
    const nanos start = now();
    for (int p = 0; p < pairs; ++p) {
      all.emplace_back([&, p] {
        std::int64_t sum = 0;
        for (std::int64_t i = 0; i < each; ++i) {
          between.put(i + p);
          sum += i + p;
        }
        sent.fetch_add(sum);
      });
      all.emplace_back([&] {
        std::int64_t sum = 0;
        for (std::int64_t i = 0; i < each; ++i) sum += between.take();
        received.fetch_add(sum);
      });
    }
    for (auto& t : all) t.join();
    took = now() - start;
  });
  if (sent.load() != received.load()) std::abort();
  return took * n / (each * pairs);
}

template <class Peer, std::size_t Slots>
void buffers(const std::string& peer) {
  for (int pairs : {1, 4}) {
    const std::string shape = std::to_string(pairs) + "to" + std::to_string(pairs);
    per_operation(
        "buffer_" + std::to_string(Slots) + "_" + shape + "/" + peer,
        [pairs](std::int64_t n) { return move_items<Peer, buffer<Peer, Slots>>(n, pairs); }, 1024);
  }
}

template <class Peer, class Channel>
void stream(const std::string& peer) {
  per_operation(
      "channel_stream_128/" + peer, [](std::int64_t n) { return move_items<Peer, Channel>(n, 1); },
      1024);
  per_operation(
      "channel_stream_128_4to4/" + peer,
      [](std::int64_t n) { return move_items<Peer, Channel>(n, 4); }, 1024);
}

}  // namespace

void buffer_figures() {
  auto add = []<class Peer>(const std::string& peer) {
    buffers<Peer, 1>(peer);
    buffers<Peer, 128>(peer);
  };
  add.operator()<conc_peer<1>>("conc");
  add.operator()<conc_peer<2>>("conc, 2 processors");
  each_user_level_peer(add);
  each_kernel_peer<std_anywhere>(", all CPUs", add);
  stream<conc_peer<1>, conc_channel<128>>("conc");
  stream<conc_peer<2>, conc_channel<128>>("conc, 2 processors");
  stream<boost_peer, boost_channel<128>>("Boost.Fiber");
}

}  // namespace bench
