// The shapes of the public contract that exist so far: names, signatures, defaults. It compiles
// against <conc/conc.h> alone and is linked with the shared library; a few lines of it also run.
#include <conc/conc.h>
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <functional>
#include <iostream>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <sstream>
#include <stop_token>
#include <system_error>
#include <type_traits>
#include <unordered_map>
#include <utility>

using namespace std::chrono_literals;

namespace {

// --- what the standard calls Lockable ---------------------------------------------------------
template <class L>
concept lockable = std::default_initializable<L> && requires(L l) {
  { l.lock() } -> std::same_as<void>;
  { l.unlock() } -> std::same_as<void>;
  { l.try_lock() } -> std::same_as<bool>;
};
static_assert(lockable<conc::mutex> && lockable<conc::two_phase_lock>);
static_assert(lockable<conc::tas_lock> && lockable<conc::ttas_lock>);
static_assert(lockable<conc::cas_lock> && lockable<conc::ticket_lock>);

void guards() {
  conc::mutex a, b;
  { const std::scoped_lock both(a, b); }
  { const std::lock_guard one(a); }
  std::unique_lock later(a, std::defer_lock);
  std::unique_lock tried(b, std::try_to_lock);
  later.lock();
  conc::condition_variable cv;
  const conc::cv_status outcome = cv.wait_for(later, 1us);
  static_assert(std::same_as<conc::cv_status, std::cv_status>);
  if (outcome == conc::cv_status::timeout) {
    cv.wait(later, [] { return true; });
    static_assert(std::same_as<decltype(cv.wait_for(later, 1us, [] { return true; })), bool>);
    static_assert(std::same_as<decltype(cv.wait_until(later, std::chrono::system_clock::now())),
                               conc::cv_status>);
    static_assert(std::same_as<decltype(cv.wait_until(later, std::chrono::steady_clock::now(),
                                                      [] { return true; })),
                               bool>);
  }
  cv.notify_one();
  cv.notify_all();
}

void permits() {
  conc::counting_semaphore<> many(2);
  conc::binary_semaphore one(1);
  static_assert(std::same_as<conc::binary_semaphore, conc::counting_semaphore<1>>);
  static_assert(conc::counting_semaphore<12>::max() >= 12);
  many.acquire();
  one.acquire();
  one.release();
  many.release(1);
  bool got = many.try_acquire();
  got = got && many.try_acquire_for(1us);
  got = got && many.try_acquire_until(std::chrono::system_clock::now());
  const std::ptrdiff_t left = many.value();
  many.release(2 - left);
  conc::latch gate(1);
  gate.count_down(1);
  gate.wait();
  conc::latch other(1);
  other.arrive_and_wait();
  static_assert(std::same_as<decltype(gate.try_wait()), bool>);
}

// Both kinds of monitor by one text.
template <class Monitor>
void monitors() {
  static_assert(lockable<Monitor>);
  Monitor m;
  typename Monitor::condition a(m), b(m);
  const std::lock_guard inside(m);
  if (!a.empty() && a.size() > 0 && a.least_rank() < 7) a.signal();
  if (!b.empty()) b.wait();
  if (!b.empty()) b.wait(std::uint64_t{3});
}

void monitors_and_regions() {
  monitors<conc::monitor>();
  monitors<conc::mesa_monitor>();
  monitors<conc::hoare_monitor>();
  conc::mesa_monitor m;
  conc::mesa_monitor::condition c(m);
  m.lock();
  c.broadcast();
  bool in_time = c.wait_for(0us) || c.wait_until(std::chrono::system_clock::now(), 1);
  m.unlock();

  conc::region<std::optional<int>> r(std::in_place, 3);
  auto inside = r.enter();
  const auto full = [](const std::optional<int>& v) { return v.has_value(); };
  inside.await(full);
  in_time = inside.await_for(1us, full) && in_time;
  in_time = inside.await_until(std::chrono::system_clock::now(), full) && in_time;
  inside->reset();
  *inside = in_time ? 4 : 5;

  conc::resource_allocator bank({3, 2});
  const conc::resource_allocator pool({1}, conc::allocation::detection);
  conc::resource_allocator::client borrower(bank, {2, 1});
  borrower.request({1, 0});
  if (borrower.would_be_safe({0, 1}) && borrower.try_request({0, 1})) borrower.release({0, 1});
  static_assert(std::same_as<decltype(borrower.request_for({0, 0}, 1us)), bool>);
  const auto stuck = pool.detect();
  const auto left = bank.available();
}

void limits() {
  const conc::two_phase_lock none(conc::spin_limit::none());
  const conc::two_phase_lock cost, eight(conc::spin_limit::of_cost(8)),
      always(conc::spin_limit::always()), fixed(conc::spin_limit::time(5us));
  static_assert(std::same_as<decltype(cost.limit()), std::chrono::nanoseconds>);
  static_assert(std::same_as<decltype(conc::measured_block_cost()), std::chrono::nanoseconds>);
}

// --- threads and runtimes -----------------------------------------------------------------------
void threads() {
  const conc::thread_options all{
      .name = "all", .stack_size = 256 << 10, .priority = 0, .tickets = 1, .expected_run = 1ms};
  int seen = 0;
  conc::thread plain([](int n, int& out) { out = n; }, 3, std::ref(seen));
  plain.join();
  conc::thread with(all, [&] { ++seen; });
  conc::thread moved = std::move(with);
  std::swap(with, moved);
  with.swap(moved);
  std::unordered_map<conc::thread::id, int> by_id{{moved.get_id(), 1},
                                                  {conc::this_thread::get_id(), 2}};
  static_assert(std::three_way_comparable<conc::thread::id, std::strong_ordering>);
  std::ostringstream out;
  out << moved.get_id() << conc::thread::id();
  if (moved.joinable()) moved.join();
  const unsigned cpus = conc::thread::hardware_concurrency();
  seen += static_cast<int>(cpus);

  conc::jthread stoppable([](std::stop_token) {});
  conc::jthread named(
      conc::thread_options{.name = "j"}, [](std::stop_token, int) {}, 1);
  conc::jthread simple([] {});
  stoppable.request_stop();
  const std::stop_token token = named.get_stop_token();
  const std::stop_source source = named.get_stop_source();

  conc::this_thread::yield();
  conc::this_thread::sleep_for(1us);
  conc::this_thread::sleep_until(std::chrono::steady_clock::now());
  conc::this_thread::sleep_until(std::chrono::system_clock::now());
}

void runtimes() {
  conc::runtime_options o{.processors = 1,
                          .policy = conc::policy::work_stealing(),
                          .queues = conc::queue_layout::stealing,
                          .time_slice = 0us,
                          .stack_size = 0};
  conc::runtime r(o);
  static_assert(!std::is_copy_constructible_v<conc::runtime>);
  int x = 0;
  static_assert(std::same_as<decltype(r.run([&]() -> int& { return x; })), int&>);
  static_assert(
      std::same_as<decltype(r.run([] { return std::unique_ptr<int>(); })), std::unique_ptr<int>>);
  static_assert(std::same_as<decltype(r.run([] {})), void>);
  r.run([&] { x = 1; });
  r.spawn([](int) {}, 1).join();
  r.spawn(conc::thread_options{.name = "s"}, [] {}).join();
  const conc::runtime_stats s = r.stats();
  static_assert(std::same_as<decltype(conc::runtime::current()), conc::runtime&>);
  x += static_cast<int>(s.processors.size() + s.spawned + s.finished);
}

void numbers_and_values() {
  conc::event_count e;
  conc::sequencer s;
  static_assert(std::same_as<decltype(s.ticket()), std::uint64_t>);
  e.await(s.ticket());
  e.advance();
  e.advance(2);
  static_assert(std::same_as<decltype(e.read()), std::uint64_t>);
  conc::channel<int> c(1);
  int out = 0;
  conc::channel_status st = c.try_recv(out);
  if (c.send(1)) st = c.recv_for(out, 1ms);
  c.close();
  const std::optional<int> v = c.recv();
  static_cast<void>(st == conc::channel_status::ok && v.has_value());
}

void structured() {
  conc::promise<int> p;
  conc::future<int> f = p.get_future();
  p.set_value(1);
  f.get();
  conc::async([] { return 2; }).get();
  conc::packaged_task<int(int)> task([](int i) { return i; });
  task(3);
  conc::task_group g;
  g.run([] {});
  g.wait();
  conc::fiber_local<int> mine;
  *mine = conc::blocking([] { return 1; });
  conc::runtime::current().dump(std::cout);
}

// Both forms of the helpers and the owners' calls.
void owners() {
  std::error_code e;
  std::array<std::byte, 4> in{};
  const std::span<const std::byte> out = in;
  static_assert(std::same_as<decltype(conc::io::write_all(1, out)), std::size_t>);
  conc::io::write_all(-1, out, e);
  conc::io::read_exactly(-1, in, e, {.deadline = 1ms});
  conc::io::unique_fd fd(::dup(1));
  conc::io::file f(std::move(fd));
  f = conc::io::file::open("/dev/zero", O_RDWR);
  f.read_exactly(in, {.deadline = 1s});
  f.pread(in, 0, e);
  f.write_all(out);
  f.close();
  const auto here = conc::io::socket_address::loopback(0);
  auto l = conc::io::listener::listen(here);
  auto client = conc::io::stream_socket::connect(conc::io::socket_address::loopback(l.local_port()),
                                                 {.deadline = 10s});
  conc::io::stream_socket server = l.accept({.deadline = 10s});
  client.set_no_delay();
  client.send_all(out);
  server.recv_exactly(in);
  server.shutdown(SHUT_WR);
  static_assert(std::same_as<decltype(client.recv(in)), std::size_t>);
  auto d = conc::io::datagram_socket::bind(here);
  d.connect(d.local_address());
  d.send(out);
  d.recv(in, e);
}

}  // namespace

int main() {
  conc::runtime::configure_default({.processors = 2});
  guards();
  permits();
  monitors_and_regions();
  limits();
  threads();
  runtimes();
  numbers_and_values();
  structured();
  owners();
}
