// Which transfers go past the page cache, on a descriptor with O_DIRECT.
//
// There an attempt "without waiting" is none: RWF_NOWAIT means that nothing is waited for before
// the disk is asked, but its answer is waited for all the same, and with it wait all the threads of
// the processor. So such transfers go to the engine at once. To ask for the descriptor's flags is a
// system call, which transfers that cannot be of that kind go without; where the answer was no, the
// next fifteen transfers of that descriptor are not asked about either (carrier::cached).
#ifndef CONC_IO_DIRECT_TRANSFERS_H
#define CONC_IO_DIRECT_TRANSFERS_H

#include "io/request.h"

namespace conc::detail {

// Whether the request could be one past the cache: it must consist of whole sectors, as far as can
// be seen. Cheap, and no for nearly everything that is not made for it.
bool is_of_whole_sectors(const request& r) noexcept;

// Whether it is a transfer at the file's own position.
bool moves_the_position(const request& r) noexcept;

// What the descriptor's flags say: a system call or two. A pipe with that flag has no disk.
bool has_o_direct(int fd) noexcept;

}  // namespace conc::detail

#endif  // CONC_IO_DIRECT_TRANSFERS_H
