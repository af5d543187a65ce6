// Where tasks live: 256-byte cells in chunks that are never given back, numbered for life.
//
// Type-stable memory is what lets a waker finish its last instruction on a task that has already
// gone on, or ended: the cell is still a task, perhaps another one. A cell's type (kernel thread or
// user-level thread) is fixed when it is first taken; each kind keeps its own free list. The slab
// is at the same time the registry of all tasks, at no cost to spawning: a dump walks the cells.
#ifndef CONC_LOCKS_TASK_SLAB_H
#define CONC_LOCKS_TASK_SLAB_H

#include <cstddef>
#include <cstdint>

#include "conc/detail/atomic.h"
#include "locks/internal_lock.h"
#include "locks/sanitized.h"

namespace conc::detail {

struct task;

// The sanitizers keep more about each stack than a cell has room for.
#if defined(CONC_ASAN) || defined(CONC_TSAN)
inline constexpr std::size_t task_cell_size = 512;
#else
inline constexpr std::size_t task_cell_size = 256;
#endif

// Cells that nobody has used yet: zero-filled memory with the ids first … first + count - 1.
struct fresh_cells {
  std::uint32_t first;
  std::uint32_t count;
};

// Between 1 and `wanted` cells. Throws std::system_error (resource_unavailable_try_again) if the
// kernel refuses a chunk, and once 16 million tasks exist. Thread-safe.
fresh_cells take_fresh_cells(std::uint32_t wanted);

// The memory of cell `id`, which must have been handed out.
void* cell_address(std::uint32_t id) noexcept;

// The highest id handed out so far; every id from 1 up to it is a task, alive or free.
std::uint32_t last_task_id() noexcept;

// The task with this id, or null if that id was never handed out.
task* find_task(std::uint32_t id) noexcept;

// Cell `id` is number (id - 1) % cells_per_chunk in chunk (id - 1) / cells_per_chunk.
inline constexpr std::uint32_t cells_per_chunk = 8192;  // 2 MiB of address space
inline constexpr std::uint32_t max_chunks = 2048;

struct slab_state {
  internal_lock lock;                   // guards growth
  atomic<std::uint32_t> handed_out{0};  // ids 1 … handed_out exist
  atomic<std::byte*> chunks[max_chunks]{};
};

// One a process, like the parking table (parking_table.h): ids name tasks of all copies. Here for
// debuggers (sched/gdb_layout.cc) and for task_slab.cc.
extern "C" {
[[gnu::visibility("default"), gnu::used]] inline constinit slab_state conc_task_slab_v0;
}

}  // namespace conc::detail

#endif  // CONC_LOCKS_TASK_SLAB_H
