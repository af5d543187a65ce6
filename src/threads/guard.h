// The inaccessible page below a stack, in one of two kinds.
//
// A *mark* (MADV_GUARD_INSTALL, Linux 6.13) lives in the page table: it needs no mapping of its
// own, so a million guarded stacks fit under vm.max_map_count, and it survives when the memory
// around it is given back. Without it each guard is a *mapping* that splits another in two, and
// only so many are allowed before the program itself could run out of them.
//
// The two kinds also fail differently. A mark needs a part of the page table, as the first touch of
// the stack does a moment later: where the kernel has no memory for the one it has none for the
// other, and no program survives the latter. So marks are set when a stack is taken for the first
// time. A mapping can be refused while there is memory in plenty, so guards of that kind are made
// when the address space is reserved, where the refusal can be reported.
#ifndef CONC_THREADS_GUARD_H
#define CONC_THREADS_GUARD_H

#include <cstddef>
#include <cstdint>

namespace conc::detail {

// Whether the kernel has marks; found out at the first call.
bool guards_are_marks() noexcept;

// What a page has become. Memory that the program has locked (mlockall) takes no marks: there even
// a kernel that has them makes mappings, and whoever keeps the page remembers which it was.
enum class guard : unsigned char { none, mark, mapping };

// Makes the page at `page` inaccessible; errno says why not.
guard install_guard(std::byte* page) noexcept;
// The same for several stacks, 64 at most, where guards are marks; says which have become mappings
// all the same, one bit a stack. Ends the process if the kernel has no memory for them.
std::uint64_t install_guards(std::byte* const* pages, std::size_t count) noexcept;

// For guards that are mappings: how many more may be made, at most a quarter of vm.max_map_count
// in all; and that some are gone with the memory that they were in.
std::size_t guard_mappings_left() noexcept;
void forget_guards(std::size_t count) noexcept;

}  // namespace conc::detail

#endif  // CONC_THREADS_GUARD_H
