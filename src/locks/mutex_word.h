// The state word of conc::mutex, and its legal transitions.
//
//   63 ........ 32 | 31 ...... 16 | 15 ... 4 | 3        | 2       | 1      | 0
//   owner's id     | bypasses     | unused   | spinning | waking  | parked | locked
//
// locked    somebody holds the mutex; `owner` is his id (0 when free).
// parked    tasks are queued in the parking table at this address. Changes only under the bucket's
//           lock, together with the queue: parked <=> the queue is not empty.
// waking    one waiter has been woken to compete for the mutex and has not decided yet: the
//           designated waiter. While he is on his way no unlock wakes another one.
// spinning  one newcomer spins for the mutex; an unlock leaves it to him instead of waking.
// bypasses  how often others obtained the mutex since the oldest waiter became the oldest.
//
// Invariant (no lost wake): if the mutex is free and somebody is parked, then `waking` or
// `spinning` is set, or an unlocker is inside unlock_slow(). Whoever clears one of those bits
// without taking the mutex must have seen `locked` in the same compare-and-swap, so that the
// owner's unlock will see the bit gone.
//
// Invariant (bounded bypass): while somebody is parked or waking, every acquisition by another than
// the designated waiter adds one to `bypasses`; at max_bypass the mutex is reserved: when free only
// the designated waiter may take it, and an unlock hands it over directly.
//
//   locked parked waking   lock() of a newcomer      unlock()
//     0      0      0      take                      misuse
//     1      0      0      spin, else park (1 1 0)   free it
//     1      1      0      spin, else park           free it and wake one (0 ? 1), or hand it over
//     0      ?      1      take if not reserved      misuse
//     1      ?      1      spin, else park           free it: the designated waiter is awake
#ifndef CONC_LOCKS_MUTEX_WORD_H
#define CONC_LOCKS_MUTEX_WORD_H

#include <cstdint>

#include "conc/mutex.h"
#include "locks/mutants.h"

namespace conc::detail::mutex_word {

inline constexpr std::uint64_t locked = 1, parked = 2, waking = 4, spinning = 8;
inline constexpr std::uint64_t one_bypass = 1u << 16, bypass_mask = 0xffffull << 16;
inline constexpr std::uint64_t owner_mask = 0xffffffffull << 32;

inline bool is_locked(std::uint64_t w) noexcept { return (w & locked) != 0; }
inline bool has_waiters(std::uint64_t w) noexcept { return (w & (parked | waking)) != 0; }
inline std::uint32_t owner(std::uint64_t w) noexcept { return static_cast<std::uint32_t>(w >> 32); }
inline std::uint64_t bypasses(std::uint64_t w) noexcept { return (w & bypass_mask) >> 16; }
inline bool is_reserved(std::uint64_t w) noexcept {
  return has_waiters(w) && bypasses(w) >= mutex::max_bypass && CONC_STEP(mutex_reserve);
}
// What a newcomer may take.
inline bool is_takeable(std::uint64_t w) noexcept { return !is_locked(w) && !is_reserved(w); }

// An uncontended mutex that this task holds; also the owner bits in the functions below.
inline std::uint64_t taken_by(const task_head& t) noexcept {
  return std::uint64_t{t.id} << 32 | locked;
}
// The word after a newcomer has taken it. `mine` is his owner bits with `locked`.
inline std::uint64_t taken_by_newcomer(std::uint64_t w, std::uint64_t mine) noexcept {
  return (has_waiters(w) ? w + one_bypass : w & ~bypass_mask) | mine;
}
// The word after the designated waiter has taken it: the next in the queue is the oldest now.
inline std::uint64_t taken_by_designated(std::uint64_t w, std::uint64_t mine) noexcept {
  return (w & ~(waking | bypass_mask)) | mine;
}

}  // namespace conc::detail::mutex_word

#endif  // CONC_LOCKS_MUTEX_WORD_H
