// A table of waiting operations by descriptor: chained hashing, the links are in the operations.
#ifndef CONC_IO_WAITS_BY_DESCRIPTOR_H
#define CONC_IO_WAITS_BY_DESCRIPTOR_H

#include <cstddef>
#include <memory>
#include <new>

#include "io/operation.h"

namespace conc::detail {

class waits_by_descriptor {
 public:
  void add(operation& op) noexcept {
    if (++size_ > mask_ + 1) grow();
    operation*& chain = chain_of(op.what.fd);
    op.next_on_descriptor = chain;
    chain = &op;
  }

  void remove(operation& op) noexcept {
    operation** at = &chain_of(op.what.fd);
    while (*at != &op) at = &(*at)->next_on_descriptor;
    *at = op.next_on_descriptor;
    --size_;
  }

  // All events that somebody waits for on `fd`.
  std::uint32_t wanted(int fd) noexcept {
    std::uint32_t events = 0;
    for (const operation* op = chain_of(fd); op != nullptr; op = op->next_on_descriptor) {
      if (op->what.fd == fd) events |= op->what.operation_flags;
    }
    return events;
  }

  // Takes out those on `fd` that wait for one of `events`; a list linked by next_on_descriptor, the
  // longest waiting first.
  operation* take(int fd, std::uint32_t events) noexcept {
    operation* taken = nullptr;
    for (operation** at = &chain_of(fd); *at != nullptr;) {
      operation& op = **at;
      if (op.what.fd == fd && (op.what.operation_flags & events) != 0) {
        *at = op.next_on_descriptor;
        op.next_on_descriptor = taken;
        taken = &op;
        --size_;
      } else {
        at = &op.next_on_descriptor;
      }
    }
    return taken;
  }

 private:
  static constexpr std::size_t first_size = 16;

  operation*& chain_of(int fd) noexcept { return chains_[static_cast<unsigned>(fd) & mask_]; }

  // Without memory the chains become longer instead.
  void grow() noexcept {
    const std::size_t larger = 2 * (mask_ + 1);
    std::unique_ptr<operation*[]> chains(new (std::nothrow) operation* [larger] {});
    if (chains == nullptr) return;
    for (std::size_t i = 0; i <= mask_; ++i) {
      operation* reversed = nullptr;
      while (operation* op = chains_[i]) {
        chains_[i] = op->next_on_descriptor;
        op->next_on_descriptor = reversed;
        reversed = op;
      }
      while (operation* op = reversed) {
        reversed = op->next_on_descriptor;
        operation*& chain = chains[static_cast<unsigned>(op->what.fd) & (larger - 1)];
        op->next_on_descriptor = chain;
        chain = op;
      }
    }
    larger_ = std::move(chains);
    chains_ = larger_.get();
    mask_ = larger - 1;
  }

  operation* first_[first_size] = {};
  std::unique_ptr<operation*[]> larger_;
  operation** chains_ = first_;
  std::size_t mask_ = first_size - 1;
  std::size_t size_ = 0;
};

}  // namespace conc::detail

#endif  // CONC_IO_WAITS_BY_DESCRIPTOR_H
