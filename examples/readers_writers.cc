// Readers and writers: any number may read at once, a writer must be alone.
//
// Who goes first when both want in? Readers first lets writers starve, writers first lets readers
// starve, and the fair forms serve in the order of arrival. Each form below states whom it may
// starve; the longest waits in the table show it.
//
// Checked: a writer is never in with anybody else, readers see no half-written record, and every
// thread whom the form promises a turn gets one.
#include <conc/conc.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "check.h"
#include "crew.h"
#include "options.h"

namespace {

using examples::fail;

struct library {
  virtual ~library() = default;
  virtual void enter_reader() = 0;
  virtual void leave_reader() = 0;
  virtual void enter_writer() = 0;
  virtual void leave_writer() = 0;
};

// Readers first, by semaphores. The first reader takes the room for all readers and the last one
// gives it back: as long as one reader is in, more may join, and a writer waits.
struct readers_first : library {
  void enter_reader() override {
    const std::lock_guard counting(lock);
    if (++readers == 1) room.acquire();
  }
  void leave_reader() override {
    const std::lock_guard counting(lock);
    if (--readers == 0) room.release();
  }
  void enter_writer() override { room.acquire(); }
  void leave_writer() override { room.release(); }

  conc::mutex lock;
  unsigned readers = 0;
  conc::binary_semaphore room{1};
};

// Writers first, as a monitor: no reader enters while a writer is in or wants in.
struct writers_first : library {
  void enter_reader() override {
    std::unique_lock inside(lock);
    may_read.wait(inside, [&] { return !writing && writers_waiting == 0; });
    ++readers;
  }
  void leave_reader() override {
    const std::lock_guard inside(lock);
    if (--readers == 0) may_write.notify_one();
  }
  void enter_writer() override {
    std::unique_lock inside(lock);
    ++writers_waiting;
    may_write.wait(inside, [&] { return !writing && readers == 0; });
    --writers_waiting;
    writing = true;
  }
  void leave_writer() override {
    const std::lock_guard inside(lock);
    writing = false;
    if (writers_waiting > 0) {
      may_write.notify_one();
    } else {
      may_read.notify_all();
    }
  }

  conc::mutex lock;
  conc::condition_variable may_read, may_write;
  unsigned readers = 0, writers_waiting = 0;
  bool writing = false;
};

// Fair, by semaphores: readers first behind a turnstile. A waiting writer stands in the turnstile,
// so whoever comes later stands behind him. That this is fair rests on the semaphore, which serves
// in the order of arrival.
struct turnstile : readers_first {
  void enter_reader() override {
    gate.acquire();
    readers_first::enter_reader();
    gate.release();
  }
  void enter_writer() override {
    gate.acquire();
    readers_first::enter_writer();
    gate.release();
  }

  conc::binary_semaphore gate{1};
};

// Fair, as a monitor: everybody queues, and whoever is at the head and fits goes in. So readers who
// stand next to each other read together. Each has a condition of his own: nobody is woken in vain.
struct queue_monitor : library {
  void enter_reader() override { enter(false); }
  void enter_writer() override { enter(true); }
  void leave_reader() override {
    const std::lock_guard inside(lock);
    --readers;
    admit();
  }
  void leave_writer() override {
    const std::lock_guard inside(lock);
    writing = false;
    admit();
  }

 private:
  struct visitor {
    explicit visitor(bool writes) : is_writer(writes) {}
    const bool is_writer;
    bool admitted = false;
    conc::condition_variable turn;
  };

  void enter(bool is_writer) {
    std::unique_lock inside(lock);
    visitor me(is_writer);
    queue.push_back(&me);
    admit();
    me.turn.wait(inside, [&] { return me.admitted; });
  }
  void admit() {
    while (!queue.empty() && !writing) {
      visitor& v = *queue.front();
      if (v.is_writer && readers > 0) return;
      queue.pop_front();
      (v.is_writer ? writing = true : ++readers);
      v.admitted = true;
      v.turn.notify_one();
    }
  }

  conc::mutex lock;
  std::deque<visitor*> queue;
  unsigned readers = 0;
  bool writing = false;
};

// Readers first, as a Mesa monitor: whoever is woken looks again, and a new reader may come before
// the writer who was signalled.
struct mesa_form : library {
  void enter_reader() override {
    const std::lock_guard inside(monitor);
    while (writing) may_read.wait();
    ++readers;
  }
  void leave_reader() override {
    const std::lock_guard inside(monitor);
    if (--readers == 0) may_write.signal();
  }
  void enter_writer() override {
    const std::lock_guard inside(monitor);
    while (writing || readers > 0) may_write.wait();
    writing = true;
  }
  void leave_writer() override {
    const std::lock_guard inside(monitor);
    writing = false;
    may_read.broadcast();
    may_write.signal();
  }

  conc::mesa_monitor monitor;
  conc::mesa_monitor::condition may_read{monitor}, may_write{monitor};
  unsigned readers = 0;
  bool writing = false;
};

// Fair, as a Hoare monitor, like Hoare's own example of 1974: no reader passes a waiting writer,
// and a writer who leaves lets in the readers who wait. Each reader who comes in signals the next,
// so that all do; what was signalled still holds: nobody looks twice.
struct hoare_form : library {
  void enter_reader() override {
    const std::lock_guard inside(monitor);
    if (writing || !may_write.empty()) may_read.wait();
    ++readers;
    may_read.signal();
  }
  void leave_reader() override {
    const std::lock_guard inside(monitor);
    if (--readers == 0) may_write.signal();
  }
  void enter_writer() override {
    const std::lock_guard inside(monitor);
    if (writing || readers > 0) may_write.wait();
    writing = true;
  }
  void leave_writer() override {
    const std::lock_guard inside(monitor);
    writing = false;
    may_read.empty() ? may_write.signal() : may_read.signal();
  }

  conc::hoare_monitor monitor;
  conc::hoare_monitor::condition may_read{monitor}, may_write{monitor};
  unsigned readers = 0;
  bool writing = false;
};

// Fair, as a region: everybody draws a ticket and states what he waits for. Nobody signals.
struct ticket_region : library {
  struct desk {
    std::uint64_t next_ticket = 0, now_serving = 0;
    unsigned readers = 0;
    bool writing = false;
  };
  void enter_reader() override {
    auto inside = room.enter();
    const std::uint64_t mine = inside->next_ticket++;
    inside.await([=](const desk& d) { return d.now_serving == mine && !d.writing; });
    ++inside->now_serving;
    ++inside->readers;
  }
  void leave_reader() override { --room.enter()->readers; }
  void enter_writer() override {
    auto inside = room.enter();
    const std::uint64_t mine = inside->next_ticket++;
    inside.await(
        [=](const desk& d) { return d.now_serving == mine && !d.writing && d.readers == 0; });
    ++inside->now_serving;
    inside->writing = true;
  }
  void leave_writer() override { room.enter()->writing = false; }

  conc::region<desk> room;
};

// The record that they read and write, and the rules as the checks see them. The pages are plain
// variables: if a form let two in who must not meet, they would differ.
class record {
 public:
  void read(examples::pause_maker& pauses) {
    readers_.fetch_add(1);
    if (writers_ != 0) fail("a reader is in with a writer");
    const std::uint64_t first = pages_.front();
    pauses.pause(2);
    if (pages_.back() != first) fail("a reader saw a half-written record");
    readers_.fetch_sub(1);
  }
  void write(examples::pause_maker& pauses) {
    if (writers_.fetch_add(1) != 0) fail("two writers are in");
    if (readers_ != 0) fail("a writer is in with a reader");
    ++pages_.front();
    pauses.pause(2);
    pages_.back() = pages_.front();
    writers_.fetch_sub(1);
  }

 private:
  std::array<std::uint64_t, 2> pages_{};
  std::atomic<int> readers_{0}, writers_{0};
};

struct tally {
  std::uint64_t accesses = 0;
  std::chrono::nanoseconds longest_wait{0};
};

struct form {
  const char* name;
  const char* may_starve;
  bool readers_get_in, writers_get_in;  // whom it promises a turn
  std::unique_ptr<library> (*open)();
};

template <class Library>
std::unique_ptr<library> open() {
  return std::make_unique<Library>();
}

constexpr std::array forms{
    form{"readers-first", "writers", true, false, open<readers_first>},
    form{"writers-first", "readers", false, true, open<writers_first>},
    form{"turnstile", "nobody", true, true, open<turnstile>},
    form{"queue-monitor", "nobody", true, true, open<queue_monitor>},
    form{"mesa-monitor", "writers", true, false, open<mesa_form>},
    form{"hoare-monitor", "nobody", true, true, open<hoare_form>},
    form{"region", "nobody", true, true, open<ticket_region>},
};

void run(const form& f, unsigned readers, unsigned writers, unsigned kernel, double seconds) {
  const auto rules = f.open();
  record shared;
  std::vector<tally> tallies(readers + writers);
  examples::roll_call served;
  examples::stop_flag stop{false};
  const auto start = examples::clock::now();

  const auto visit = [&](unsigned number, bool is_writer) {
    examples::pause_maker pauses(number);
    tally& mine = tallies[number];
    const bool promised = is_writer ? f.writers_get_in : f.readers_get_in;
    while (!stop.load(std::memory_order_relaxed)) {
      pauses.pause(is_writer ? 20 : 4);  // elsewhere
      const auto came = examples::clock::now();
      is_writer ? rules->enter_writer() : rules->enter_reader();
      mine.longest_wait =
          std::max<std::chrono::nanoseconds>(mine.longest_wait, examples::clock::now() - came);
      is_writer ? shared.write(pauses) : shared.read(pauses);
      is_writer ? rules->leave_writer() : rules->leave_reader();
      if (++mine.accesses == 1 && promised) served.present();
    }
  };
  examples::crew reading(readers, kernel, [&](unsigned i) { visit(i, false); });
  examples::crew writing(writers, kernel, [&](unsigned i) { visit(readers + i, true); });
  served.wait_for((f.readers_get_in ? readers : 0) + (f.writers_get_in ? writers : 0), "threads",
                  "who were promised a turn got one");
  examples::sleep_until(start, seconds);
  stop = true;
  reading.join();
  writing.join();

  const double time = examples::seconds_since(start);
  tally r, w;
  for (unsigned i = 0; i < tallies.size(); ++i) {
    tally& sum = i < readers ? r : w;
    sum.accesses += tallies[i].accesses;
    sum.longest_wait = std::max(sum.longest_wait, tallies[i].longest_wait);
  }
  const auto milliseconds = [](std::chrono::nanoseconds t) {
    return std::chrono::duration<double, std::milli>(t).count();
  };
  std::printf("%-14s %-11s %11.0f %11.0f %16.1f %16.1f\n", f.name, f.may_starve,
              static_cast<double>(r.accesses) / time, static_cast<double>(w.accesses) / time,
              milliseconds(r.longest_wait), milliseconds(w.longest_wait));
}

}  // namespace

int main(int argc, char** argv) {
  examples::options given(argc, argv);
  const double seconds = given.seconds(1, "for each variant");
  const unsigned readers = given.number("threads", 40, "readers");
  const unsigned writers = given.number("writers", 4, "writers");
  const unsigned kernel = given.number("kernel-threads", 1, "of each on kernel threads", 0);
  const std::string wanted = given.text("variant", "all", "one of the table's; all of them");
  given.finish();
  const auto is_wanted = [&](const form& f) { return wanted == "all" || wanted == f.name; };
  if (std::none_of(forms.begin(), forms.end(), is_wanted)) {
    examples::options::refuse("--variant " + wanted, "names no variant");
  }

  std::printf("%u readers, %u writers; of each %u on kernel threads; waits in ms\n", readers,
              writers, kernel);
  std::printf("%-14s %-11s %11s %11s %16s %16s\n", "variant", "may starve", "reads/s", "writes/s",
              "reader's longest", "writer's longest");
  for (const form& f : forms) {
    if (is_wanted(f)) run(f, readers, writers, kernel, seconds);
  }
  std::puts("ok: no writer was in with anybody else, and who was promised a turn got one");
}
