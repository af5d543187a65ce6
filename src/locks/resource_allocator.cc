#include "conc/resource_allocator.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "locks/fatal.h"
#include "locks/mutants.h"

namespace conc {

using namespace detail;

namespace {

using amounts = resource_allocator::amounts;

bool covers(const amounts& a, const amounts& b) noexcept {
  return std::equal(a.begin(), a.end(), b.begin(), [](unsigned x, unsigned y) { return x >= y; });
}
void add(amounts& a, const amounts& b) noexcept {
  for (std::size_t i = 0; i < a.size(); ++i) a[i] += b[i];
}
void subtract(amounts& a, const amounts& b) noexcept {
  for (std::size_t i = 0; i < a.size(); ++i) a[i] -= b[i];
}

// Checks what must hold of amounts before they are compared or subtracted.
void check(const amounts& least, const amounts& a, const char* otherwise) {
  if (a.size() != least.size()) {
    throw std::invalid_argument("resource_allocator: amounts of the wrong length");
  }
  if (!covers(least, a)) throw std::invalid_argument(otherwise);
}

}  // namespace

// Brings to its end whoever can be, one after another, and takes back what each has; marks them.
// With `wanted` it is the banker's search: `who` is imagined to have that too, and everybody may
// ask for the rest of his claim. Without it is the search for a deadlock: everybody gets what he
// asks for now. Either way the order does not matter, as whoever ends only makes more free.
void resource_allocator::state::search(const client* who, const amounts* wanted) const noexcept {
  work = free;
  if (wanted != nullptr) subtract(work, *wanted);
  for (const client* c : clients) c->finishes_ = false;
  const auto can_finish = [&](const client& c) {
    for (std::size_t i = 0; i < work.size(); ++i) {
      if (wanted == nullptr) {
        if (c.asks_ != nullptr && (*c.asks_)[i] > work[i]) return false;
      } else {
        const unsigned has = c.held_[i] + (&c == who ? (*wanted)[i] : 0);
        if (c.claim_[i] - has > work[i]) return false;
      }
    }
    return true;
  };
  for (bool found = true; found;) {
    found = false;
    for (const client* c : clients) {
      if (c->finishes_ || !can_finish(*c)) continue;
      add(work, c->held_);
      if (c == who) add(work, *wanted);
      c->finishes_ = found = true;
    }
  }
}

bool resource_allocator::state::safe_after(const client& who,
                                           const amounts& wanted) const noexcept {
  if (!covers(free, wanted)) return false;
  search(&who, &wanted);
  return std::all_of(clients.begin(), clients.end(), [](const client* c) { return c->finishes_; });
}

bool resource_allocator::state::grants(const client& who, const amounts& wanted) const noexcept {
  return avoids && CONC_STEP(banker_looks_ahead) ? safe_after(who, wanted) : covers(free, wanted);
}

resource_allocator::resource_allocator(amounts totals, allocation how)
    : state_(state{totals, totals, how == allocation::avoidance, {}, totals}) {}

resource_allocator::~resource_allocator() {
  if (!state_.enter()->clients.empty()) {
    fatal("a resource_allocator was destroyed before its clients", this);
  }
}

amounts resource_allocator::available() const { return state_.enter()->free; }

std::vector<const resource_allocator::client*> resource_allocator::detect() const {
  const auto s = state_.enter();
  s->search(nullptr, nullptr);
  std::vector<const client*> stuck;
  for (const client* c : s->clients) {
    if (!c->finishes_) stuck.push_back(c);
  }
  return stuck;
}

resource_allocator::client::client(resource_allocator& from, amounts claim)
    : allocator_(from), claim_(std::move(claim)), held_(claim_.size()) {
  const auto s = from.state_.enter();
  check(s->totals, claim_, "resource_allocator: a claim beyond the total");
  s->clients.push_back(this);
}

resource_allocator::client::~client() {
  const auto s = allocator_.state_.enter();
  add(s->free, held_);
  std::erase(s->clients, this);
}

void resource_allocator::client::check_request(const amounts& wanted) const {
  amounts rest = claim_;
  subtract(rest, held_);
  check(rest, wanted, "resource_allocator: a request beyond the claim");
}

bool resource_allocator::client::request_until_steady(const amounts& wanted,
                                                      steady_nanos deadline) {
  check_request(wanted);
  auto s = allocator_.state_.enter();
  asks_ = &wanted;
  const std::chrono::steady_clock::time_point until{std::chrono::nanoseconds(deadline)};
  const bool granted =
      s.await_until(until, [&](const state& now) { return now.grants(*this, wanted); });
  asks_ = nullptr;
  if (!granted) return false;
  subtract(s->free, wanted);
  add(held_, wanted);
  return true;
}

bool resource_allocator::client::try_request(const amounts& wanted) {
  check_request(wanted);
  const auto s = allocator_.state_.enter();
  if (!s->grants(*this, wanted)) return false;
  subtract(s->free, wanted);
  add(held_, wanted);
  return true;
}

void resource_allocator::client::release(const amounts& returned) {
  const auto s = allocator_.state_.enter();
  check(held_, returned, "resource_allocator: more is given back than was had");
  subtract(held_, returned);
  add(s->free, returned);
}

bool resource_allocator::client::would_be_safe(const amounts& wanted) const {
  check_request(wanted);
  return allocator_.state_.enter()->safe_after(*this, wanted);
}

}  // namespace conc
