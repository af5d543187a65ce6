#include "checker/memory.h"

#include <algorithm>
#include <cstring>

#include "checker/explorer.h"
#include "checker/schedule.h"

namespace conc::checker {
namespace {

constexpr std::size_t table_size = 1024;

bool acquires(std::memory_order o) {
  return o == std::memory_order_acquire || o == std::memory_order_acq_rel ||
         o == std::memory_order_seq_cst;
}
bool releases(std::memory_order o) {
  return o == std::memory_order_release || o == std::memory_order_acq_rel ||
         o == std::memory_order_seq_cst;
}

}  // namespace

void view::join_seen(const view& other) {
  for (int i = 0; i < most_locations; ++i) seen[i] = std::max(seen[i], other.seen[i]);
}

void view::join(const view& other) {
  for (int i = 0; i < most_threads; ++i) clock[i] = std::max(clock[i], other.clock[i]);
  join_seen(other);
}

void memory::reset() {
  table_.assign(table_size, 0);
  total_order_ = {};
  used_ = 0;
}

location& memory::make(const void* address, std::size_t size) {
  if (used_ == most_locations) fail("more atomic objects than the checker has room for");
  if (used_ == locations_.size()) locations_.emplace_back();
  location& l = locations_[used_++];
  l.address = address;
  l.size = size;
  l.alive = true;
  l.stores.clear();
  l.last_access = {};
  store_record first;
  std::memcpy(&first.value, address, size);
  l.stores.push_back(first);
  return l;
}

int memory::find(const void* address, std::size_t size) {
  std::size_t slot = reinterpret_cast<std::uintptr_t>(address) * 0x9E3779B97F4A7C15u >> 54;
  for (;; slot = (slot + 1) % table_size) {
    if (table_[slot] == 0) {
      make(address, size);
      table_[slot] = static_cast<std::uint16_t>(used_);
      return static_cast<int>(used_) - 1;
    }
    if (locations_[table_[slot] - 1].address == address) return table_[slot] - 1;
  }
}

// A new life at the same address is a new location: what was seen of the old one means nothing.
void memory::begin(const void* address, std::size_t size, const knowledge& k) {
  const auto before = used_;
  int id = find(address, size);
  if (used_ == before) {
    locations_[id].address = nullptr;  // its slot stays taken
    id = find(address, size);
  }
  location& l = locations_[id];
  l.stores[0].thread = k.thread;
  l.stores[0].time = k.now.clock[k.thread];
}

bool memory::end(const void* address, const knowledge& k) {
  const auto before = used_;
  location& l = locations_[find(address, 1)];
  if (used_ != before) return true;  // nobody has ever used it
  l.alive = false;
  for (int t = 0; t < most_threads; ++t) {
    if (!k.knows(t, l.last_access[t])) return false;
  }
  return true;
}

std::uint64_t memory::read(int id, std::size_t index, std::memory_order order, knowledge& k) {
  const store_record& s = locations_[id].stores[index];
  k.now.seen[id] = std::max(k.now.seen[id], static_cast<std::uint16_t>(index));
  if (s.hands_on) {
    if (acquires(order)) k.now.join(s.handed);
    k.for_acquire_fence.join(s.handed);
  }
  if (order == std::memory_order_seq_cst) {
    total_order_.seen[id] = std::max(total_order_.seen[id], static_cast<std::uint16_t>(index));
  }
  locations_[id].last_access[k.thread] = k.now.clock[k.thread];
  return s.value;
}

std::size_t memory::oldest_readable(int id, std::memory_order order, const knowledge& k) const {
  const bool in_total_order = order == std::memory_order_seq_cst;
  return std::max(k.now.seen[id], in_total_order ? total_order_.seen[id] : std::uint16_t{0});
}

memory::loaded memory::load(int id, std::memory_order order, knowledge& k, explorer& e) {
  const std::size_t newest = locations_[id].stores.size() - 1;
  const std::size_t oldest = oldest_readable(id, order, k);
  const unsigned age = e.choose_version(static_cast<unsigned>(newest - oldest + 1));
  return {read(id, newest - age, order, k), age};
}

memory::loaded memory::load_other_than(int id, std::uint64_t value, std::memory_order order,
                                       knowledge& k, explorer& e) {
  const auto& stores = locations_[id].stores;
  std::vector<std::size_t> others;  // newest first
  for (std::size_t i = stores.size(); i-- > oldest_readable(id, order, k);) {
    if (stores[i].value != value) others.push_back(i);
  }
  const std::size_t index = others[e.choose_version(static_cast<unsigned>(others.size()))];
  return {read(id, index, order, k), static_cast<unsigned>(stores.size() - 1 - index)};
}

void memory::append(int id, std::uint64_t value, std::memory_order order, knowledge& k,
                    bool continues) {
  location& l = locations_[id];
  store_record s;
  s.value = value;
  s.thread = k.thread;
  s.time = k.now.clock[k.thread];
  const auto index = static_cast<std::uint16_t>(l.stores.size());
  if (index == 0xffff) fail("more stores to one location than the checker counts");
  k.now.seen[id] = index;
  s.handed = releases(order) ? k.now : k.at_release_fence;
  s.hands_on = true;
  if (continues) s.handed.join(l.stores.back().handed);
  if (order == std::memory_order_seq_cst) total_order_.seen[id] = index;
  l.last_access[k.thread] = s.time;
  std::memcpy(const_cast<void*>(l.address), &value, l.size);
  l.stores.push_back(s);
  if (releases(order)) k.tick();
}

void memory::store(int id, std::uint64_t value, std::memory_order order, knowledge& k) {
  append(id, value, order, k, false);
}

std::uint64_t memory::read_for_change(int id, std::memory_order order, knowledge& k) {
  return read(id, locations_[id].stores.size() - 1, order, k);
}

void memory::write_after(int id, std::uint64_t value, std::memory_order order, knowledge& k) {
  append(id, value, order, k, true);
}

void memory::full_fence(knowledge& k) {
  k.now.join(k.for_acquire_fence);
  k.now.join_seen(total_order_);
  total_order_.join_seen(k.now);
  k.at_release_fence = k.now;
  k.tick();
}

void memory::catch_up(knowledge& k) {
  for (std::size_t id = 0; id < used_; ++id) {
    k.now.seen[id] = static_cast<std::uint16_t>(locations_[id].stores.size() - 1);
  }
}

}  // namespace conc::checker
