// Trees of threads that wait for their children.
//
//   fib_30                Fibonacci's numbers by their definition, a child for one of the two calls
//                         at every level: nanoseconds a child, of 1,346,268
//   skynet_1000000        each node has ten children, the million leaves return their number, the
//                         others the sum of their children: nanoseconds for the whole tree
#include <array>
#include <cstdio>
#include <cstdlib>

#include "support/memory.h"
#include "support/peers.h"
#include "support/per_operation.h"
#include "threads/figures.h"
#ifdef BENCH_HAVE_TBB
#include <oneapi/tbb/task_arena.h>
#include <oneapi/tbb/task_group.h>
#endif

namespace bench {
namespace {

void must_be(std::int64_t found, std::int64_t right) {
  if (found == right) return;
  std::fprintf(stderr, "fork and join came to %lld, not %lld\n", static_cast<long long>(found),
               static_cast<long long>(right));
  std::abort();
}

template <class Group>
std::int64_t fib(int n) {
  if (n < 2) return n;
  std::int64_t a = 0;
  Group children;
  children.run([&a, n] { a = fib<Group>(n - 1); });
  const std::int64_t b = fib<Group>(n - 2);
  children.wait();
  return a + b;
}

template <class Group>
std::int64_t skynet(std::int64_t first, std::int64_t leaves) {
  if (leaves == 1) return first;
  std::array<std::int64_t, 10> sums{};
  Group children;
  for (std::size_t i = 0; i < sums.size(); ++i) {
    const std::int64_t part = leaves / 10, from = first + static_cast<std::int64_t>(i) * part;
    children.run([&sums, i, from, part] { sums[i] = skynet<Group>(from, part); });
  }
  children.wait();
  std::int64_t sum = 0;
  for (std::int64_t s : sums) sum += s;
  return sum;
}

template <class Group, class Run>
void trees(const std::string& peer, Run run) {
  figure("fib_30/" + peer, [run] {
    constexpr std::int64_t children = 1'346'268;
    run([] {});  // starts the processors
    const spent from_here;
    nanos took = 0;
    run([&] {
      const nanos start = now();
      must_be(fib<Group>(30), 832'040);
      took = now() - start;
    });
    reading r{.time = static_cast<double>(took) / static_cast<double>(children)};
    from_here.each_of(static_cast<double>(children), r);
    return r;
  });
  figure("skynet_1000000/" + peer, [run] {
    nanos took = 0;
    run([&] {
      const nanos start = now();
      must_be(skynet<Group>(0, 1'000'000), 499'999'500'000);
      took = now() - start;
    });
    reading r{.time = static_cast<double>(took)};
    r.beside["peak_bytes"] = static_cast<double>(memory_use().peak);
    return r;
  });
}

}  // namespace

void fork_join_figures() {
  trees<conc::task_group>("conc", [](auto f) { conc_peer<1>::run(f); });
  trees<conc::task_group>("conc, 2 processors", [](auto f) { conc_peer<2>::run(f); });
  trees<conc::task_group>("conc, 2 processors, pinned", [](auto f) { conc_peer<2, true>::run(f); });
#ifdef BENCH_HAVE_TBB
  // Its tasks are functions that cannot wait for anything but each other.
  trees<tbb::task_group>("TBB tasks", [](auto f) { tbb::task_arena(1).execute(f); });
  trees<tbb::task_group>("TBB tasks, 2 processors", [](auto f) { tbb::task_arena(2).execute(f); });
#endif
}

}  // namespace bench
