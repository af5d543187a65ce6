// Deadlines in order: a four-way heap in an array, and what to do where the array cannot grow.
//
// The array holds deadline and node side by side, so that sifting compares without following
// pointers. It grows by mmap(2), not by operator new: a wait with a deadline is armed under a
// bucket's lock, and a program's allocator may wait for whatever it likes. And a wait cannot report
// that there is no memory; nor may it go on without its deadline, or end the process. So whoever
// finds the array full, and the kernel unwilling, is linked instead (linked_deadlines.h): slower,
// but in order like all the others. Later ones go to the array again as soon as it has room.
//
//   node.heap_index   not_armed          in neither
//                     linked             among the linked ones, by its deadline_link
//                     anything else      its place in the array
#ifndef CONC_SCHED_DEADLINE_HEAP_H
#define CONC_SCHED_DEADLINE_HEAP_H

#include <algorithm>

#include "locks/mutants.h"
#include "sched/linked_deadlines.h"

namespace conc::detail {

class deadline_heap {
 public:
  // The array takes `most` entries, if the kernel gives it the memory.
  explicit deadline_heap(std::size_t most) noexcept : most_(most) {}
  ~deadline_heap();
  deadline_heap(const deadline_heap&) = delete;
  deadline_heap& operator=(const deadline_heap&) = delete;

  static constexpr std::size_t most_places = timer_node::linked;

  nanos first() const noexcept {
    nanos d = size_ == 0 ? no_deadline : entries_[0].deadline;
    if (!linked_.empty() && CONC_STEP(timer_first_of_the_linked)) [[unlikely]]
      d = std::min(d, linked_.first().what.deadline);
    return d;
  }

  void insert(const deadline_entry& e, deadline_link& link) noexcept {
    if (size_ == capacity_ && !grow()) [[unlikely]]
      return insert_linked(e, link);
    sift_up(size_++, e);
  }

  // Both leave the node not armed. `link` is the one that it was inserted with.
  void remove(timer_node& t, deadline_link& link) noexcept {
    if (t.heap_index == timer_node::linked) [[unlikely]]
      return remove_linked(link);
    remove_at(t.heap_index);
  }
  // Only if there is one. Null: it was in the array.
  deadline_link* remove_first() noexcept {
    if (first_is_linked()) [[unlikely]] {
      deadline_link& l = linked_.first();
      remove_linked(l);
      return &l;
    }
    entries_[0].node->heap_index = timer_node::not_armed;
    if (--size_ != 0) sift_down(0, entries_[size_]);
    return nullptr;
  }
  // Only if there is one.
  const deadline_entry& first_entry() const noexcept {
    return first_is_linked() ? linked_.first().what : entries_[0];
  }

  // For one that has just been removed: needs no memory that was not there then.
  void put_back(const deadline_entry& e, deadline_link* link) noexcept;

  // Looks at a few of those that come first: how many are due by `until`, and the last of these.
  void look_ahead(nanos until, std::size_t& many, nanos& last) const noexcept;

 private:
  bool first_is_linked() const noexcept {
    if (linked_.empty()) [[likely]]
      return false;
    return size_ == 0 || linked_.first().what.deadline < entries_[0].deadline;
  }
  [[gnu::cold, gnu::noinline]] bool grow() noexcept;
  [[gnu::cold, gnu::noinline]] void insert_linked(const deadline_entry& e,
                                                  deadline_link& link) noexcept;
  [[gnu::cold, gnu::noinline]] void remove_linked(deadline_link& link) noexcept;
  void remove_at(std::size_t i) noexcept;
  [[gnu::always_inline]] void sift_up(std::size_t i, const deadline_entry& e) noexcept {
    while (i > 0) {
      const std::size_t parent = (i - 1) / 4;
      if (entries_[parent].deadline <= e.deadline) break;
      place(i, entries_[parent]);
      i = parent;
    }
    place(i, e);
  }
  void sift_down(std::size_t i, deadline_entry e) noexcept;
  void place(std::size_t i, const deadline_entry& e) noexcept {
    entries_[i] = e;
    e.node->heap_index = static_cast<std::uint32_t>(i);
  }

  deadline_entry* entries_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
  linked_deadlines linked_;
  std::size_t bytes_ = 0;  // mapped at entries_
  const std::size_t most_;
};

}  // namespace conc::detail

#endif  // CONC_SCHED_DEADLINE_HEAP_H
