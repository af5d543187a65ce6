// Reads of 4 KiB at random places of a cached file: what a read costs, one at a time and 64 at
// once.
//
// One way a run (--way), on one CPU if the caller binds it; prints nanoseconds of CPU time and of
// wall time a read as JSON.
#include <absl/flags/flag.h>
#include <absl/flags/parse.h>
#include <fcntl.h>
#include <liburing.h>
#include <time.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "conc/io.h"
#include "conc/runtime.h"
#include "conc/thread.h"
#include "support/clock.h"

ABSL_FLAG(std::string, way, "pread", "pread, conc or ring");
ABSL_FLAG(int, depth, 1, "reads under way: threads, or entries in the ring");
ABSL_FLAG(int, reads, 400'000, "how many in all");
ABSL_FLAG(std::string, path, "", "an existing file; none: 16 MiB in --folder");
ABSL_FLAG(std::string, folder, "/var/tmp", "where to make a file if there is no --path");
ABSL_FLAG(bool, direct, false, "with O_DIRECT; needs --path");

namespace bench {
namespace {

constexpr std::size_t block = 4096;

[[noreturn]] void fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

struct source {
  int fd = -1;
  std::uint64_t blocks = 4096;
  off_t place(std::uint64_t& state) const {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return static_cast<off_t>((state >> 33) % blocks * block);
  }
};

source open_source() {
  const std::string path = absl::GetFlag(FLAGS_path);
  source s;
  if (path.empty()) {
    // Nameless, and on a disk's file system: some that live in memory refuse RWF_NOWAIT.
    s.fd = open(absl::GetFlag(FLAGS_folder).c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (s.fd < 0) fail("O_TMPFILE");
    const std::vector<char> some(block, 'x');
    for (std::uint64_t i = 0; i < s.blocks; ++i) {
      if (write(s.fd, some.data(), block) != static_cast<ssize_t>(block)) fail("write");
    }
  } else {
    s.fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | (absl::GetFlag(FLAGS_direct) ? O_DIRECT : 0));
    const off_t size = s.fd < 0 ? -1 : lseek(s.fd, 0, SEEK_END);
    if (size < static_cast<off_t>(block)) fail(path.c_str());
    s.blocks = static_cast<std::uint64_t>(size) / block;
  }
  return s;
}

struct freed {
  void operator()(void* p) const { std::free(p); }
};
using aligned = std::unique_ptr<std::byte[], freed>;
aligned make_buffer() { return aligned(static_cast<std::byte*>(std::aligned_alloc(block, block))); }

void by_calls(const source& s, int reads, std::uint64_t seed, bool with_conc) {
  const aligned buffer = make_buffer();
  for (int i = 0; i < reads; ++i) {
    const off_t at = s.place(seed);
    const std::size_t n = with_conc
                              ? conc::io::pread(s.fd, std::span(buffer.get(), block), at)
                              : static_cast<std::size_t>(pread(s.fd, buffer.get(), block, at));
    if (n != block) fail("pread");
  }
}

template <class Thread>
void by_threads(const source& s, int reads, int depth, bool with_conc) {
  std::vector<Thread> all;
  for (int i = 0; i < depth; ++i) {
    all.emplace_back([&s, reads, depth, with_conc, i] {
      by_calls(s, reads / depth, static_cast<std::uint64_t>(i), with_conc);
    });
  }
  for (Thread& t : all) t.join();
}

void by_ring(const source& s, int reads, int depth) {
  io_uring ring;
  io_uring_params how{};
  how.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;
  if (io_uring_queue_init_params(128, &ring, &how) < 0) fail("io_uring_setup");
  std::vector<aligned> buffers;
  for (int i = 0; i < depth; ++i) buffers.push_back(make_buffer());
  std::uint64_t seed = 0;
  int started = 0;
  const auto start = [&](std::uint64_t slot) {
    io_uring_sqe* e = io_uring_get_sqe(&ring);
    io_uring_prep_read(e, s.fd, buffers[slot].get(), block, static_cast<__u64>(s.place(seed)));
    e->user_data = slot;
    ++started;
  };
  for (int i = 0; i < depth; ++i) start(static_cast<std::uint64_t>(i));
  for (int done = 0; done < reads;) {
    io_uring_submit_and_wait(&ring, 1);
    unsigned head, seen = 0;
    io_uring_cqe* e;
    io_uring_for_each_cqe(&ring, head, e) {
      if (e->res != static_cast<int>(block)) fail("read");
      ++seen;
      if (started < reads) start(e->user_data);
    }
    io_uring_cq_advance(&ring, seen);
    done += static_cast<int>(seen);
  }
  io_uring_queue_exit(&ring);
}

double cpu_nanos() {
  timespec t{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) * 1e9 + static_cast<double>(t.tv_nsec);
}

int measure() {
  const source s = open_source();
  const int reads = absl::GetFlag(FLAGS_reads), depth = absl::GetFlag(FLAGS_depth);
  const std::string way = absl::GetFlag(FLAGS_way);
  const std::map<std::string, std::function<void(int)>> ways{
      {"pread", [&](int n) { by_threads<std::thread>(s, n, depth, false); }},
      {"conc", [&](int n) { by_threads<conc::thread>(s, n, depth, true); }},
      {"ring", [&](int n) { by_ring(s, n, depth); }},
  };
  const auto chosen = ways.find(way);
  if (chosen == ways.end()) return 2;
  chosen->second(reads / 10);  // warm up: caches, the carrier's ring
  const double cpu = cpu_nanos();
  const nanos start = now();
  chosen->second(reads);
  const double wall = static_cast<double>(now() - start) / reads;
  std::printf("{\"wall_ns\":%.1f,\"cpu_ns\":%.1f}\n", wall, (cpu_nanos() - cpu) / reads);
  return 0;
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  absl::ParseCommandLine(argc, argv);
  return bench::measure();
}
