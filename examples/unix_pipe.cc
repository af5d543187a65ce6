// A Unix pipe, built from a mutex and two condition variables: bytes go in at one end and come out
// at the other.
//
// The rules are pipe(7)'s. A reader waits while the pipe is empty, and is told "end of file" once
// no writer is left. A writer waits while there is no room; what it writes at once comes out in one
// piece if it is no longer than `atomic_size`; and once no reader is left it is told that the pipe
// is broken. Readers read what there is, wherever that ends. pipeline.cc uses the kernel's pipes.
//
// Checked: every byte comes out once and in order, records of different writers do not mix, the end
// comes after the last byte, and a writer without a reader does not wait for ever.
#include <conc/conc.h>

#include <algorithm>
#include <array>
#include <cinttypes>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <mutex>
#include <span>
#include <vector>

#include "check.h"
#include "crew.h"
#include "options.h"

namespace {

using examples::fail;

class unix_pipe {
 public:
  static constexpr std::size_t atomic_size = 64;

  unix_pipe(std::size_t capacity, unsigned writers, unsigned readers)
      : ring_(std::max(capacity, atomic_size)), writers_(writers), readers_(readers) {}

  // The number of bytes read; 0 is the end of file.
  std::size_t read(std::span<std::byte> to) {
    std::unique_lock inside(lock_);
    not_empty_.wait(inside, [&] { return count_ > 0 || writers_ == 0; });
    const std::size_t n = std::min(to.size(), count_);
    for (std::byte& b : to.first(n)) {
      b = ring_[first_];
      first_ = (first_ + 1) % ring_.size();
    }
    count_ -= n;
    // Writers wait for room of different sizes, so the one that fits need not be the first.
    if (n > 0) has_room_.notify_all();
    return n;
  }

  // False if the pipe is broken: then not everything was written.
  bool write(std::span<const std::byte> from) {
    std::unique_lock inside(lock_);
    while (!from.empty()) {
      // A short text goes in at once, a long one as the room comes, between the others'.
      const std::size_t least = from.size() <= atomic_size ? from.size() : 1;
      has_room_.wait(inside, [&] { return ring_.size() - count_ >= least || readers_ == 0; });
      if (readers_ == 0) return false;
      const std::size_t n = std::min(from.size(), ring_.size() - count_);
      for (const std::byte b : from.first(n)) ring_[(first_ + count_++) % ring_.size()] = b;
      from = from.subspan(n);
      not_empty_.notify_one();
    }
    return true;
  }

  void close_writer() {
    const std::lock_guard inside(lock_);
    if (--writers_ == 0) not_empty_.notify_all();
  }
  void close_reader() {
    const std::lock_guard inside(lock_);
    if (--readers_ == 0) has_room_.notify_all();
  }

 private:
  conc::mutex lock_;
  conc::condition_variable not_empty_, has_room_;
  std::vector<std::byte> ring_;
  std::size_t first_ = 0, count_ = 0;
  unsigned writers_, readers_;
};

// What a writer writes at once; its bytes give it away if records were mixed.
struct record {
  std::uint32_t writer = 0, number = 0;
  std::array<std::uint32_t, 10> filling{};

  record() = default;
  record(std::uint32_t w, std::uint32_t n) : writer(w), number(n) { filling.fill(w * 31 + n); }
  bool is_whole() const {
    return std::all_of(filling.begin(), filling.end(),
                       [&](std::uint32_t f) { return f == writer * 31 + number; });
  }
};
static_assert(sizeof(record) <= unix_pipe::atomic_size);

// One reader, who takes the bytes in portions that fit no record.
void many_writers(unsigned writers, unsigned kernel, unsigned records, std::size_t capacity) {
  unix_pipe p(capacity, writers, 1);
  examples::crew writing(writers, kernel, [&](unsigned me) {
    for (std::uint32_t n = 1; n <= records; ++n) {
      const record r(me, n);
      if (!p.write(std::as_bytes(std::span(&r, 1)))) fail("writer %u: broken pipe", me);
    }
    p.close_writer();
  });
  std::vector<std::uint32_t> seen(writers);
  std::array<std::byte, sizeof(record)> bytes;
  std::size_t have = 0;
  std::uint64_t portions = 0;
  while (const std::size_t n = p.read(std::span(bytes).subspan(have).first(
             std::min<std::size_t>(bytes.size() - have, 1 + portions % 29)))) {
    ++portions;
    have += n;
    if (have < bytes.size()) continue;
    have = 0;
    record r;
    std::memcpy(&r, bytes.data(), sizeof r);
    if (r.writer >= writers || !r.is_whole()) fail("records were mixed");
    if (r.number != ++seen[r.writer]) {
      fail("record %u of writer %u came after %u", r.number, r.writer, seen[r.writer] - 1);
    }
  }
  writing.join();
  if (have != 0) fail("the end came in the middle of a record");
  for (const std::uint32_t n : seen) {
    if (n != records) fail("the end came after %u of %u records", n, records);
  }
  std::printf("%u writers: %" PRIu64 " records arrived whole and in order, in %" PRIu64
              " portions, and then the end\n",
              writers, std::uint64_t{writers} * records, portions);
}

// A text longer than the pipe, and a reader who has enough of it before the end.
void a_reader_who_leaves(std::size_t capacity) {
  unix_pipe p(capacity, 1, 1);
  const std::vector<std::byte> text(16 * std::max(capacity, unix_pipe::atomic_size));
  bool written = true;
  conc::thread writer([&] {
    written = p.write(text);
    p.close_writer();
  });
  std::array<std::byte, 10> some;
  if (p.read(some) == 0) fail("the end came before the text");
  p.close_reader();
  writer.join();
  if (written) fail("a writer was not told that nobody reads");
  std::puts("a writer whose reader had left was told so");
}

}  // namespace

int main(int argc, char** argv) {
  examples::options given(argc, argv);
  const unsigned writers = given.number("threads", 8, "writers");
  const unsigned kernel = given.number("kernel-threads", 1, "of them on kernel threads", 0);
  const unsigned records = given.number("records", 20'000, "from each writer");
  const unsigned capacity = given.number("capacity", 200, "bytes that the pipe holds");
  given.finish();
  many_writers(writers, kernel, records, capacity);
  a_reader_who_leaves(capacity);
  std::puts("ok: the pipe kept its rules");
}
