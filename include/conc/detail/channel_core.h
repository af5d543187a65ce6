// What all channels have in common, whatever they carry.
#ifndef CONC_DETAIL_CHANNEL_CORE_H
#define CONC_DETAIL_CHANNEL_CORE_H

#include <cstddef>
#include <cstdint>
#include <exception>

#include "conc/config.h"
#include "conc/detail/deadline.h"
#include "conc/detail/internal_lock.h"

namespace conc {

// How an operation on a channel ended.
enum class channel_status : std::uint8_t {
  ok,
  would_block,  // a try_ form: it would have had to wait
  closed,
  timed_out,
};

namespace detail {

// Where a value goes: raw memory of the buffer, a std::optional<T> that is empty, or a T.
enum class value_place : std::uint8_t { slot, optional, object };

// Moves or copies the value `from` to `to`. If it throws, nothing has been put there.
using put_fn = void (*)(void* to, value_place where, void* from);

struct channel_type {
  std::size_t size, alignment;
  // Moves the value out of a slot of the buffer and ends it there; if it throws it does neither.
  void (*take)(void* to, value_place where, void* slot);
  void (*destroy)(void* slot) noexcept;
};

struct channel_waiter;  // src/locks/channel_waiter.h

struct channel_queue {
  channel_waiter* first = nullptr;
  channel_waiter* last = nullptr;
};

// In place of a deadline: do not wait.
inline constexpr steady_nanos at_once = never - 1;

class CONC_API channel_core {
 public:
  channel_core(std::size_t capacity, const channel_type& type);
  ~channel_core();
  channel_core(const channel_core&) = delete;
  channel_core& operator=(const channel_core&) = delete;

  // Both with the lock held; it is released before they wait, wake or return.
  channel_status send(void* value, put_fn put, steady_nanos deadline);
  channel_status recv(void* to, value_place where, steady_nanos deadline);

  // What nearly all calls of a stream come down to, done in line by channel<T>, with the lock held:
  // the slot where the next value goes, or from which it comes, if nobody has to be waited for or
  // woken; otherwise null, and it is for send() or recv(). filled() or emptied() follows when the
  // value has been moved.
  void* room(std::size_t size) noexcept {
    if (closed_ || receivers_.first != nullptr || count_ == capacity_) return nullptr;
    return ring_ + behind_the_last() * size;
  }
  void filled() noexcept { ++count_; }
  void* oldest(std::size_t size) noexcept {
    if (count_ == 0 || senders_.first != nullptr) return nullptr;
    return ring_ + first_ * size;
  }
  void emptied() noexcept {
    --count_;
    if (++first_ == capacity_) first_ = 0;
  }

  void close() noexcept;
  std::size_t size() const noexcept;
  std::size_t capacity() const noexcept { return capacity_; }

  // The steps of these, and of select.
  // What came of an attempt that does not wait. What is still to be done is done without the lock.
  struct match {
    channel_status status;
    channel_waiter* partner = nullptr;   // found waiting: the value passes directly
    channel_waiter* released = nullptr;  // senders whose wait is over, linked by `next`
  };
  match offer(void* value, put_fn put);    // with the lock held; throws what put() throws
  match ask(void* to, value_place where);  // with the lock held; throws what take() throws
  static void complete_offer(const match& m, void* value, put_fn put);  // throws what put() throws
  // False if the sender's value could not be moved: nothing was received.
  static bool complete_ask(const match& m, void* to, value_place where) noexcept;

  internal_lock& lock() const noexcept { return lock_; }
  channel_queue& waiters(bool senders) noexcept { return senders ? senders_ : receivers_; }
  // With the lock held: a number below n, anew each time.
  std::size_t pick(std::size_t n) noexcept;

 private:
  void* slot(std::size_t i) noexcept { return ring_ + i * type_.size; }
  std::size_t behind_the_last() const noexcept {
    const std::size_t i = first_ + count_;
    return i < capacity_ ? i : i - capacity_;
  }
  channel_waiter* fill_from_senders() noexcept;

  // The invariants are in src/locks/channel.cc.
  mutable internal_lock lock_;
  bool closed_ = false;
  std::size_t capacity_;
  std::size_t count_ = 0, first_ = 0;  // the values in the buffer, the oldest of them
  std::byte* ring_ = nullptr;
  const channel_type& type_;
  channel_queue receivers_, senders_;
  std::uint64_t random_;
};

}  // namespace detail
}  // namespace conc

#endif  // CONC_DETAIL_CHANNEL_CORE_H
