#include "sched/registry.h"

#include <algorithm>

#include "locks/immortal.h"

namespace conc::detail {
namespace {

struct registry {
  conc::mutex lock;
  std::vector<scheduler*> all;
};
constinit immortal<registry> the_registry;

}  // namespace

void enter_registry(scheduler& s) {
  const std::lock_guard guard(the_registry.object.lock);
  the_registry.object.all.push_back(&s);
}

void leave_registry(scheduler& s) noexcept {
  const std::lock_guard guard(the_registry.object.lock);
  auto& all = the_registry.object.all;
  all.erase(std::find(all.begin(), all.end(), &s));
}

all_runtimes::all_runtimes() noexcept : lock_(the_registry.object.lock) {}

const std::vector<scheduler*>& all_runtimes::list() const noexcept {
  return the_registry.object.all;
}

}  // namespace conc::detail
