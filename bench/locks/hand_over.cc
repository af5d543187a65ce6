// Two threads that take turns: nanoseconds for a hand-over in one direction.
//
//   condition_pingpong      by a mutex and a condition variable
//   semaphore_pingpong      by two semaphores
//   channel_pingpong        by two unbuffered channels
//   channel_pingpong_1      by two channels with one slot
//   kernel_thread_pingpong  a kernel thread and a user-level thread, by semaphores
#include "locks/figures.h"
#include "support/channels.h"
#include "support/futex_pingpong.h"
#include "support/kernel_peers.h"
#include "support/per_operation.h"

namespace bench {
namespace {

template <class Peer, class Player>
nanos play_in_two_threads(Player player) {
  nanos took = 0;
  Peer::run([&] {
    typename Peer::thread other([&] {
      Peer::settle(1);
      player(1);
    });
    Peer::settle(0);
    const nanos start = now();
    player(0);
    other.join();
    took = now() - start;
  });
  return took;
}

template <class Peer>
nanos condition_pingpong(std::int64_t n) {
  typename Peer::mutex m;
  typename Peer::condition_variable moved;
  std::int64_t turn = 0;
  return play_in_two_threads<Peer>([&](std::int64_t me) {
    std::unique_lock lock(m);
    for (std::int64_t t = me; t < n; t += 2) {
      moved.wait(lock, [&] { return turn == t; });
      turn = t + 1;
      moved.notify_one();
    }
  });
}

template <class Peer>
nanos semaphore_pingpong(std::int64_t n) {
  typename Peer::semaphore turn[2] = {typename Peer::semaphore(1), typename Peer::semaphore(0)};
  return play_in_two_threads<Peer>([&](std::int64_t me) {
    for (std::int64_t t = me; t < n; t += 2) {
      turn[me].acquire();
      turn[1 - me].release();
    }
  });
}

template <class Peer, class Channel>
nanos channel_pingpong(std::int64_t n) {
  Channel there, back;
  return play_in_two_threads<Peer>([&](std::int64_t me) {
    for (std::int64_t t = 0; t < n / 2; ++t) {
      if (me == 0) {
        there.put(t);
        back.take();
      } else {
        there.take();
        back.put(t);
      }
    }
  });
}

// A kernel thread and a thread of the peer's wake each other, wherever the kernel lets them run.
template <class Peer>
nanos kernel_thread_pingpong(std::int64_t n) {
  typename Peer::semaphore there(0), back(0);
  nanos took = 0;
  std::thread kernel_thread([&] {
    const nanos start = now();
    for (std::int64_t i = 0; i < n; i += 2) {
      there.release();
      back.acquire();
    }
    took = now() - start;
  });
  Peer::run([&] {
    for (std::int64_t i = 0; i < n; i += 2) {
      there.acquire();
      back.release();
    }
  });
  kernel_thread.join();
  return took;
}

auto condition_figure = []<class Peer>(const std::string& peer) {
  per_operation("condition_pingpong/" + peer, condition_pingpong<Peer>);
};

void on_processors() {
  condition_figure.operator()<conc_peer<1>>("conc");
  condition_figure.operator()<conc_peer<2>>("conc, 2 processors");
  each_user_level_peer(condition_figure);
  per_operation("semaphore_pingpong/conc", semaphore_pingpong<conc_peer<1>>);
  per_operation("semaphore_pingpong/conc, 2 processors", semaphore_pingpong<conc_peer<2>>);
  per_operation("channel_pingpong/conc", channel_pingpong<conc_peer<1>, conc_channel<0>>);
  per_operation("channel_pingpong/conc, 2 processors",
                channel_pingpong<conc_peer<2>, conc_channel<0>>);
  per_operation("channel_pingpong/Boost.Fiber", channel_pingpong<boost_peer, boost_unbuffered>);
  per_operation("channel_pingpong_1/conc", channel_pingpong<conc_peer<1>, conc_channel<1>>);
  per_operation("channel_pingpong_1/conc, 2 processors",
                channel_pingpong<conc_peer<2>, conc_channel<1>>);
  // Boost's ring keeps one slot free.
  per_operation("channel_pingpong_1/Boost.Fiber", channel_pingpong<boost_peer, boost_channel<2>>);
  per_operation("kernel_thread_pingpong/conc", kernel_thread_pingpong<conc_peer<1>>);
  per_operation("kernel_thread_pingpong/std::thread", kernel_thread_pingpong<std_across_cpus>);
}

void by_kernel_threads() {
  const std::vector<int> cpus = allowed_cpus();
  each_kernel_peer<std_one_cpu>(", one CPU", condition_figure);
  per_operation("semaphore_pingpong/std::thread, one CPU", semaphore_pingpong<std_one_cpu>);
  per_operation("semaphore_pingpong/conc, kernel threads, one CPU",
                semaphore_pingpong<conc_objects<std_one_cpu>>);
  per_operation("semaphore_pingpong/futex, one CPU",
                [a = cpus[0]](std::int64_t n) { return futex_pingpong(n, a, a); });
  if (cpus.size() < 2) {
    for (const char* name :
         {"condition_pingpong/std::thread, across CPUs",
          "semaphore_pingpong/std::thread, across CPUs", "semaphore_pingpong/futex, across CPUs"}) {
      not_possible(name, "this needs two CPUs");
    }
    return;
  }
  each_kernel_peer<std_across_cpus>(", across CPUs", condition_figure);
  per_operation("semaphore_pingpong/std::thread, across CPUs", semaphore_pingpong<std_across_cpus>);
  per_operation("semaphore_pingpong/conc, kernel threads, across CPUs",
                semaphore_pingpong<conc_objects<std_across_cpus>>);
  per_operation("semaphore_pingpong/futex, across CPUs",
                [a = cpus[0], b = cpus[1]](std::int64_t n) { return futex_pingpong(n, a, b); });
}

}  // namespace

void hand_over_figures() {
  on_processors();
  by_kernel_threads();
}

}  // namespace bench
