// Channels of integers behind put() and take().
#ifndef CONC_BENCH_SUPPORT_CHANNELS_H
#define CONC_BENCH_SUPPORT_CHANNELS_H

#include <boost/fiber/buffered_channel.hpp>
#include <boost/fiber/unbuffered_channel.hpp>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "conc/conc.h"

namespace bench {

template <std::size_t Capacity>
class conc_channel {
 public:
  void put(std::int64_t item) {
    if (!channel_.send(item)) std::abort();
  }
  std::int64_t take() { return *channel_.recv(); }

 private:
  conc::channel<std::int64_t> channel_{Capacity};
};

class boost_unbuffered {
 public:
  void put(std::int64_t item) { channel_.push(item); }
  std::int64_t take() { return channel_.value_pop(); }

 private:
  boost::fibers::unbuffered_channel<std::int64_t> channel_;
};

// Capacity is a power of two from 2 on; one slot of it stays free.
template <std::size_t Capacity>
class boost_channel {
 public:
  void put(std::int64_t item) { channel_.push(item); }
  std::int64_t take() { return channel_.value_pop(); }

 private:
  boost::fibers::buffered_channel<std::int64_t> channel_{Capacity};
};

}  // namespace bench

#endif  // CONC_BENCH_SUPPORT_CHANNELS_H
