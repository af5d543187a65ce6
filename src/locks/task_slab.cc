#include "locks/task_slab.h"

#include <sys/mman.h>

#include <algorithm>
#include <system_error>

#include "locks/internal_lock.h"
#include "locks/task.h"

namespace conc::detail {

namespace {

constinit slab_state& slab = conc_task_slab_v0;

constexpr std::size_t chunk_size = std::size_t{cells_per_chunk} * task_cell_size;

std::byte* map_pages(std::size_t size) {
  void* p = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                 -1, 0);
  if (p == MAP_FAILED) {
    throw std::system_error(std::make_error_code(std::errc::resource_unavailable_try_again),
                            "conc: no memory for thread control blocks");
  }
  return static_cast<std::byte*>(p);
}

// Whoever has filled one chunk, with 8192 tasks, will fill most of the next: it may come as one
// huge page, which saves 512 page faults. The first is left in small pages, as few programs need
// more than a few of them.
std::byte* map_chunk(std::uint32_t number) {
  if (number == 0) return map_pages(chunk_size);
  std::byte* p = map_pages(2 * chunk_size);
  const std::size_t before = -reinterpret_cast<std::uintptr_t>(p) % chunk_size;
  if (before != 0) munmap(p, before);
  munmap(p + before + chunk_size, chunk_size - before);
  madvise(p + before, chunk_size, MADV_HUGEPAGE);  // refused: small pages do as well
  return p + before;
}

}  // namespace

fresh_cells take_fresh_cells(std::uint32_t wanted) {
  internal_lock_guard guard(slab.lock);
  const std::uint32_t used = slab.handed_out.load(memory_order_relaxed);
  const std::uint32_t chunk = used / cells_per_chunk;
  if (chunk >= max_chunks) {
    throw std::system_error(std::make_error_code(std::errc::resource_unavailable_try_again),
                            "conc: too many threads");
  }
  if (slab.chunks[chunk].load(memory_order_relaxed) == nullptr) {
    slab.chunks[chunk].store(map_chunk(chunk), memory_order_relaxed);
  }
  const std::uint32_t count =
      std::min(std::max(wanted, std::uint32_t{1}), cells_per_chunk - used % cells_per_chunk);
  // [slab.grow] release: pairs with the acquire in last_task_id(); the chunk pointer is visible to
  // whoever sees the new count.
  slab.handed_out.store(used + count, memory_order_release);
  return {used + 1, count};
}

void* cell_address(std::uint32_t id) noexcept {
  const std::uint32_t index = id - 1;
  return slab.chunks[index / cells_per_chunk].load(memory_order_relaxed) +
         std::size_t{index % cells_per_chunk} * task_cell_size;
}

std::uint32_t last_task_id() noexcept {
  // [slab.grow] acquire: pairs with the release in take_fresh_cells().
  return slab.handed_out.load(memory_order_acquire);
}

task* find_task(std::uint32_t id) noexcept {
  if (id == 0 || id > last_task_id()) return nullptr;
  return static_cast<task*>(cell_address(id));
}

}  // namespace conc::detail
