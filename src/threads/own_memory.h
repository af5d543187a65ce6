// Reading memory of this process that may not be there.
//
// Whoever looks at a thread that goes on meanwhile follows pointers that may be stale: into a stack
// that has been unmapped since, a name that was freed, a library that was closed. Read by the
// kernel on our behalf, such a pointer is an error and not a fault; and whatever races with the
// read is a race of bytes, which the caller judges by looking again whether the thread has moved.
#ifndef CONC_THREADS_OWN_MEMORY_H
#define CONC_THREADS_OWN_MEMORY_H

#include <cstddef>
#include <cstdint>

namespace conc::detail {

// Copies up to `bytes` bytes from `from`; returns how many came before the first that is not there.
// By process_vm_readv(2), or through /proc/self/mem where a sandbox forbids that.
// Async-signal-safe; errno is kept.
std::size_t read_memory(void* to, const void* from, std::size_t bytes) noexcept;

template <class T>
bool read_object(T& to, std::uintptr_t from) noexcept {
  return read_memory(&to, reinterpret_cast<const void*>(from), sizeof to) == sizeof to;
}
template <class T>
bool read_object(T& to, const void* from) noexcept {
  return read_memory(&to, from, sizeof to) == sizeof to;
}

}  // namespace conc::detail

#endif  // CONC_THREADS_OWN_MEMORY_H
