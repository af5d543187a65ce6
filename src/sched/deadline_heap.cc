#include "sched/deadline_heap.h"

#include <sys/mman.h>

#include <cerrno>
#include <cstring>

#include "locks/sanitized.h"

namespace conc::detail {
namespace {

void* map(std::size_t bytes) noexcept {
  return mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

// ThreadSanitizer does not hear of mremap(), and would take what was done to the memory that lay
// there before for something done to this.
void* move(void* from, std::size_t bytes, std::size_t wanted) noexcept {
#if defined(CONC_TSAN)
  void* to = map(wanted);
  if (to == MAP_FAILED) return to;
  std::memcpy(to, from, bytes);
  munmap(from, bytes);
  return to;
#else
  return mremap(from, bytes, wanted, MREMAP_MAYMOVE);
#endif
}

}  // namespace

deadline_heap::~deadline_heap() {
  if (bytes_ != 0) munmap(entries_, bytes_);
}

bool deadline_heap::grow() noexcept {
  if (capacity_ == most_) return false;
  const std::size_t wanted = std::max(2 * bytes_, page_size);
  const int saved_errno = errno;  // the waiter's
  void* p = bytes_ == 0 ? map(wanted) : move(entries_, bytes_, wanted);
  errno = saved_errno;
  if (p == MAP_FAILED) return false;
  entries_ = static_cast<deadline_entry*>(p);
  bytes_ = wanted;
  capacity_ = std::min(wanted / sizeof(deadline_entry), most_);
  return true;
}

void deadline_heap::insert_linked(const deadline_entry& e, deadline_link& link) noexcept {
  link.what = e;
  e.node->heap_index = timer_node::linked;
  if (CONC_STEP(timer_link)) linked_.insert(link);
}

void deadline_heap::remove_linked(deadline_link& link) noexcept {
  link.what.node->heap_index = timer_node::not_armed;
  if (CONC_STEP(timer_unlink)) linked_.remove(link);
}

void deadline_heap::put_back(const deadline_entry& e, deadline_link* link) noexcept {
  if (link != nullptr) return insert_linked(e, *link);
  sift_up(size_++, e);
}

void deadline_heap::sift_down(std::size_t i, deadline_entry e) noexcept {
  for (;;) {
    const std::size_t first = 4 * i + 1;
    if (first >= size_) break;
    std::size_t least = first;
    for (std::size_t c = first + 1; c < std::min(first + 4, size_); ++c) {
      if (entries_[c].deadline < entries_[least].deadline) least = c;
    }
    if (entries_[least].deadline >= e.deadline) break;
    place(i, entries_[least]);
    i = least;
  }
  place(i, e);
}

void deadline_heap::remove_at(std::size_t i) noexcept {
  entries_[i].node->heap_index = timer_node::not_armed;
  const deadline_entry last = entries_[--size_];
  if (i == size_) return;
  if (i > 0 && entries_[(i - 1) / 4].deadline > last.deadline) {
    sift_up(i, last);
  } else {
    sift_down(i, last);
  }
}

void deadline_heap::look_ahead(nanos until, std::size_t& many, nanos& last) const noexcept {
  const auto see = [&](nanos deadline) {
    if (deadline > until) return;
    ++many;
    last = std::max(last, deadline);
  };
  // The second and third rows of the heap are enough to see whether it is crowded.
  constexpr std::size_t rows = 1 + 4 + 16;
  for (std::size_t i = 0; i < std::min(size_, rows); ++i) see(entries_[i].deadline);
  if (linked_.empty()) return;
  const deadline_link* l = &linked_.first();
  see(l->what.deadline);
  l = l->child;
  for (std::size_t i = 1; i < rows && l != nullptr; ++i, l = l->next) see(l->what.deadline);
}

}  // namespace conc::detail
