// A Unix pipeline whose programs are user-level threads: real pipes, blocking reads and writes.
//
//     numbers | filter 2 | filter 3 | filter 5 | ... | last
//
// The sieve of Eratosthenes as a pipeline (McIlroy, 1968): each filter keeps the first number that
// it reads, which is a prime, passes on what that does not divide, and starts the next filter when
// it needs one. The primes are checked against a sieve in an array.
#include <conc/io.h>
#include <conc/mutex.h>
#include <conc/task_group.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <mutex>
#include <span>
#include <system_error>
#include <utility>
#include <vector>

#include "check.h"
#include "options.h"

namespace io = conc::io;

namespace {

using number = std::uint32_t;

struct pipe_ends {
  io::file out, in;  // what is written to `in` is read from `out`
};

pipe_ends make_pipe() {
  int fds[2];
  if (pipe2(fds, O_CLOEXEC) != 0) {
    throw std::system_error(errno, std::system_category(), "pipe2");
  }
  return {io::file(io::unique_fd(fds[0])), io::file(io::unique_fd(fds[1]))};
}

// Numbers in portions, as a program's standard output has them: a system call for each number would
// be most of the work.
class writer {
 public:
  explicit writer(io::file to) : to_(std::move(to)) {}
  void put(number n) {
    buffer_[count_++] = n;
    if (count_ == buffer_.size()) flush();
  }
  void flush() {
    to_.write_all(std::as_bytes(std::span(buffer_).first(count_)));
    count_ = 0;
  }

 private:
  io::file to_;
  std::array<number, 256> buffer_;
  std::size_t count_ = 0;
};

class reader {
 public:
  explicit reader(io::file from) : from_(std::move(from)) {}
  // False at the end. A read may end in the midst of a number: its other bytes come next.
  bool get(number& n) {
    const auto bytes = std::as_writable_bytes(std::span(buffer_));
    while (end_ - at_ < sizeof n) {
      std::memmove(bytes.data(), bytes.data() + at_, end_ - at_);
      end_ -= std::exchange(at_, 0);
      const std::size_t more = from_.read(bytes.subspan(end_));
      if (more == 0) {
        if (end_ != 0) examples::fail("a number was cut in two");
        return false;
      }
      end_ += more;
    }
    std::memcpy(&n, bytes.data() + at_, sizeof n);
    at_ += sizeof n;
    return true;
  }

 private:
  io::file from_;
  std::array<number, 256> buffer_;
  std::size_t at_ = 0, end_ = 0;  // bytes
};

class sieve {
 public:
  std::vector<number> primes_below(number limit) {
    pipe_ends first = make_pipe();
    filters_.run([this, out = std::move(first.out)]() mutable { filter(std::move(out)); });
    writer numbers(std::move(first.in));
    for (number n = 2; n < limit; ++n) numbers.put(n);
    numbers.flush();
    { const writer end = std::move(numbers); }  // closes the pipe: the filters come to their end
    filters_.wait();
    std::sort(found_.begin(), found_.end());
    return found_;
  }

 private:
  void filter(io::file from) {
    reader in(std::move(from));
    number prime = 0, n = 0;
    if (!in.get(prime)) return;
    note(prime);
    // A filter whose prime's square is too large would pass everything on, and nothing is lost by
    // making it all the same: it is a pipeline to be tested, not the quickest way to primes.
    while (in.get(n)) {
      if (n % prime == 0) continue;
      pipe_ends next = make_pipe();
      filters_.run([this, out = std::move(next.out)]() mutable { filter(std::move(out)); });
      writer out(std::move(next.in));
      out.put(n);
      while (in.get(n)) {
        if (n % prime != 0) out.put(n);
      }
      out.flush();
    }
  }

  void note(number prime) {
    const std::scoped_lock lock(mutex_);
    found_.push_back(prime);
  }

  conc::task_group filters_;
  conc::mutex mutex_;
  std::vector<number> found_;
};

std::vector<number> primes_by_array(number limit) {
  std::vector<bool> composite(limit);
  std::vector<number> primes;
  for (number n = 2; n < limit; ++n) {
    if (composite[n]) continue;
    primes.push_back(n);
    for (std::uint64_t m = std::uint64_t{n} * n; m < limit; m += n) composite[m] = true;
  }
  return primes;
}

}  // namespace

int main(int argc, char** argv) {
  examples::options options(argc, argv);
  const number limit = options.number("limit", 2000, "numbers below this one are sieved", 2);
  options.finish();
  const auto primes = sieve().primes_below(limit);
  if (primes != primes_by_array(limit)) {
    examples::fail("%zu primes below %u came out of the pipeline", primes.size(), limit);
  }
  std::printf("%zu primes below %u, each the work of a thread and a pipe\n", primes.size(), limit);
}
