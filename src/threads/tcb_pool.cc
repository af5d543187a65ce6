#include "threads/tcb_pool.h"

#include <algorithm>
#include <new>

#include "locks/internal_lock.h"

namespace conc::detail {

static_assert(sizeof(tcb) <= task_cell_size, "a control block must fit its cell");

namespace {

// Each control block, in use or in a list, comes with one reserved stack: the reservation is made
// with the block and kept for ever, so spawning pays for it once. What the caches hoard beyond that
// is covered by a reservation of their own.
struct pool {
  internal_lock lock;
  tcb* first = nullptr;
};
constinit pool blocks;

tcb* pop_up_to(std::uint32_t wanted, std::uint32_t& got) noexcept {
  internal_lock_guard guard(blocks.lock);
  tcb* list = blocks.first;
  tcb* last = nullptr;
  for (got = 0; got < wanted && blocks.first != nullptr; ++got) {
    last = blocks.first;
    blocks.first = last->next_ready;
  }
  if (last != nullptr) last->next_ready = nullptr;
  return got == 0 ? nullptr : list;
}

void push_list(tcb* first, tcb* last) noexcept {
  internal_lock_guard guard(blocks.lock);
  last->next_ready = blocks.first;
  blocks.first = first;
}

// New blocks, and as many stacks reserved.
tcb* make(std::uint32_t wanted, std::uint32_t& got) {
  reserve_stacks(wanted);
  fresh_cells cells;
  try {
    cells = take_fresh_cells(wanted);
  } catch (...) {
    unreserve_stacks(wanted);
    throw;
  }
  unreserve_stacks(wanted - cells.count);
  tcb* list = nullptr;
  for (std::uint32_t i = cells.count; i-- > 0;) {
    tcb* t = ::new (cell_address(cells.first + i)) tcb;
    t->id = cells.first + i;
    t->next_ready = list;
    list = t;
  }
  got = cells.count;
  return list;
}

}  // namespace

thread_cache::thread_cache() { reserve_stacks(2 * stack_batch); }

void thread_cache::refill() {
  std::uint32_t got = 0;
  blocks_ = pop_up_to(cache_batch, got);
  if (blocks_ == nullptr) blocks_ = make(cache_batch, got);
  count_ = got;
}

void thread_cache::spill() noexcept {
  tcb* first = blocks_;
  tcb* last = first;
  for (std::uint32_t i = 1; i < cache_batch; ++i) last = last->next_ready;
  blocks_ = last->next_ready;
  count_ -= cache_batch;
  push_list(first, last);
}

thread_cache::~thread_cache() {
  while (blocks_ != nullptr) {
    tcb* t = blocks_;
    blocks_ = t->next_ready;
    give_tcb_to_pool(*t);
  }
  give_stacks(stacks_, stack_count_);
  unreserve_stacks(2 * stack_batch);
}

// The lowest comes on top: what is in use at the same time stays close together.
void thread_cache::refill_stacks() noexcept {
  stack_count_ = static_cast<std::uint32_t>(take_stacks(stacks_, stack_batch));
  std::reverse(stacks_, stacks_ + stack_count_);
}

// What was given first has been here the longest.
void thread_cache::spill_stacks() noexcept {
  give_stacks(stacks_, stack_batch);
  std::copy(stacks_ + stack_batch, stacks_ + stack_count_, stacks_);
  stack_count_ -= stack_batch;
}

tcb& take_tcb_from_pool() {
  std::uint32_t got = 0;
  tcb* t = pop_up_to(1, got);
  if (t == nullptr) {
    t = make(cache_batch, got);
    if (t->next_ready != nullptr) {
      tcb* last = t->next_ready;
      while (last->next_ready != nullptr) last = last->next_ready;
      push_list(t->next_ready, last);
    }
  }
  return *t;
}

void give_tcb_to_pool(tcb& t) noexcept { push_list(&t, &t); }

}  // namespace conc::detail
