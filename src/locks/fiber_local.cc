#include "conc/fiber_local.h"

#include <cstdlib>
#include <mutex>
#include <utility>
#include <vector>

#include "conc/mutex.h"
#include "locks/fiber_values.h"

namespace conc::detail {

namespace {

void destroy_value(fiber_values::value v) noexcept {
  if (v.object != nullptr) v.destroy(v.object);
}

// Which places are free. Never destroyed, as fiber_locals may have static storage.
struct all_places {
  conc::mutex lock;
  std::vector<std::uint32_t> free;  // has room for all of them
  std::uint32_t made = 0;
  std::uint64_t last_serial = 0;
};

// The end of main() is no end of a thread to the C library.
bool destroy_at_exit() noexcept {
  return std::atexit([] {
           if (task_head* self = current_or_null()) end_fiber_values(static_cast<task&>(*self));
         }) == 0;
}

all_places& places() {
  static all_places* const all = new all_places;
  return *all;
}

}  // namespace

fiber_key::fiber_key() {
  all_places& all = places();
  const std::lock_guard guard(all.lock);
  if (all.free.empty()) {
    all.free.reserve(all.made + std::size_t{1});
    place_ = all.made++;
  } else {
    place_ = all.free.back();
    all.free.pop_back();
  }
  serial_ = ++all.last_serial;
}

fiber_key::~fiber_key() {
  all_places& all = places();
  const std::lock_guard guard(all.lock);
  all.free.push_back(place_);
}

void* fiber_key::find() const noexcept {
  const fiber_values* own = current_task().fiber_locals;
  if (own == nullptr || own->places.size() <= place_) return nullptr;
  const fiber_values::value& v = own->places[place_];
  return v.serial == serial_ ? v.object : nullptr;
}

void fiber_key::put(void* value, void (*destroy)(void*) noexcept) const {
  auto& table = fiber_values_of(current_task()).places;
  if (table.size() <= place_) table.resize(place_ + std::size_t{1});
  // What is there belonged to an object that is gone. Its destructor may come here again.
  destroy_value(std::exchange(table[place_], {serial_, value, destroy}));
}

fiber_values& fiber_values_of(task& self) {
  [[maybe_unused]] static const bool registered = destroy_at_exit();
  if (self.fiber_locals == nullptr) self.fiber_locals = new fiber_values;
  return *self.fiber_locals;
}

void exit_calls::add(std::unique_ptr<exit_call> call) noexcept {
  exit_call* const added = call.get();
  (empty() ? first_ : last_->next_) = std::move(call);
  last_ = added;
}

std::unique_ptr<exit_call> exit_calls::take_first() noexcept {
  std::unique_ptr<exit_call> first = std::move(first_);
  first_ = std::move(first->next_);
  return first;
}

void destroy_fiber_values(task& self) noexcept {
  // A destructor may make values anew, in the same table or, once that is gone, in another; so may
  // a call that lets go of the last share in something.
  while (self.fiber_locals != nullptr) {
    auto& table = self.fiber_locals->places;
    while (!table.empty()) {
      const fiber_values::value last = table.back();
      table.pop_back();
      destroy_value(last);
    }
    if (exit_calls& left = self.fiber_locals->left; !left.empty()) {
      left.take_first()->run();
    } else {
      delete std::exchange(self.fiber_locals, nullptr);
    }
  }
}

}  // namespace conc::detail
