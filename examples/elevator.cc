// The disk-head scheduler: requests for cylinders, served as an elevator serves floors.
//
// Whoever wants a cylinder waits until the head is there and nobody else uses it. The monitor keeps
// two conditions, for the sweep up and for the sweep down, and the waits of each are ordered by
// cylinder: so the next one is always the nearest in the direction of the head, and nobody waits
// for more than two sweeps, while "nearest first" would let the edges starve.
//
// Checked: one request at a time has the head; each is the nearest in its direction, of those who
// wait; the head turns only when nobody is left in front of it. And it moves less than if requests
// were served as they come.
// Source: Hoare, "Monitors: an operating system structuring concept", 1974.
#include <conc/conc.h>

#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <set>

#include "check.h"
#include "crew.h"
#include "options.h"

namespace {

using examples::fail;

class disk_head {
 public:
  explicit disk_head(unsigned cylinders) : last_(cylinders - 1) {}

  // Returns when the head is at the cylinder, and the caller's until it calls release().
  void request(unsigned cylinder) {
    const conc::guard inside(monitor_);
    came_ += distance(came_last_, cylinder);
    came_last_ = cylinder;
    if (busy_) {
      waiting_.insert(cylinder);
      // Where the head stands it will not come back to in this sweep if it is on its way.
      if (cylinder > at_ || (cylinder == at_ && !up_)) {
        for_up_.wait(cylinder);
      } else {
        for_down_.wait(last_ - cylinder);
      }
      waiting_.erase(waiting_.find(cylinder));
    }
    move_to(cylinder);
  }
  void release() {
    const conc::guard inside(monitor_);
    busy_ = false;
    if (up_ ? for_up_.empty() : for_down_.empty()) {
      check_turn();
      up_ = !up_;
    }
    (up_ ? for_up_ : for_down_).signal();
  }

  std::uint64_t moved() const { return moved_; }
  std::uint64_t moved_in_order_of_arrival() const { return came_; }

 private:
  static unsigned distance(unsigned a, unsigned b) { return a < b ? b - a : a - b; }

  void move_to(unsigned cylinder) {
    if (busy_) fail("cylinders %u and %u are used at once", at_, cylinder);
    // Nobody who waits lies on the way.
    for (const unsigned other : waiting_) {
      const bool passed = up_ ? at_ < other && other < cylinder : cylinder < other && other < at_;
      if (passed) fail("on its way from %u to %u the head left out %u", at_, cylinder, other);
    }
    busy_ = true;
    moved_ += distance(at_, cylinder);
    at_ = cylinder;
  }
  void check_turn() const {
    for (const unsigned other : waiting_) {
      if (up_ ? other > at_ : other < at_) fail("at %u the head turned before %u", at_, other);
    }
  }

  const unsigned last_;
  conc::hoare_monitor monitor_;
  conc::hoare_monitor::condition for_up_{monitor_}, for_down_{monitor_};
  unsigned at_ = 0;
  bool up_ = true, busy_ = false;
  // For the checks: who waits, and how far the head has moved, and would have.
  std::multiset<unsigned> waiting_;
  std::uint64_t moved_ = 0, came_ = 0;
  unsigned came_last_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  examples::options given(argc, argv);
  const unsigned threads = given.number("threads", 100, "that use the disk");
  const unsigned kernel = given.number("kernel-threads", 2, "of them on kernel threads", 0);
  const unsigned requests = given.number("requests", 500, "of each");
  const unsigned cylinders = given.number("cylinders", 1000, "of the disk", 2);
  given.finish();

  disk_head head(cylinders);
  const auto start = examples::clock::now();
  examples::crew(threads, kernel, [&](unsigned me) {
    std::minstd_rand random(me + 1);
    examples::pause_maker pauses(me);
    for (unsigned i = 0; i < requests; ++i) {
      head.request(static_cast<unsigned>(random() % cylinders));
      pauses.pause(1);  // reads and writes
      head.release();
    }
  }).join();
  const double seconds = examples::seconds_since(start);
  const double n = 1.0 * threads * requests;
  std::printf("%.0f requests, %.0f/s; cylinders moved for each: %.1f, as they came %.1f\n", n,
              n / seconds, static_cast<double>(head.moved()) / n,
              static_cast<double>(head.moved_in_order_of_arrival()) / n);
  std::puts("ok: one at a time, the nearest ahead first, and no turn with somebody ahead");
}
