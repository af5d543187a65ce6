// The spin and teaching locks as programs use them.
#include <conc/conc.h>

#include <concepts>
#include <mutex>
#include <type_traits>

namespace {

template <class L>
concept basic_lockable = std::default_initializable<L> && requires(L l) {
  { l.lock() } -> std::same_as<void>;
  { l.unlock() } -> std::same_as<void>;
};
template <class L>
concept lockable = basic_lockable<L> && requires(L l) {
  { l.try_lock() } -> std::same_as<bool>;
};
static_assert(lockable<conc::tas_lock> && lockable<conc::ttas_lock> && lockable<conc::cas_lock>);
static_assert(lockable<conc::ticket_lock> && lockable<conc::mcs_lock>);
static_assert(lockable<conc::anderson_lock> && lockable<conc::two_phase_lock>);
static_assert(basic_lockable<conc::clh_lock> && !lockable<conc::clh_lock>);

template <class L>
concept for_numbered_threads = requires(L l, unsigned me) {
  { l.lock(me) } -> std::same_as<void>;
  { l.unlock(me) } -> std::same_as<void>;
};
static_assert(for_numbered_threads<conc::peterson_lock>);
static_assert(for_numbered_threads<conc::filter_lock> && for_numbered_threads<conc::bakery_lock>);
static_assert(std::default_initializable<conc::peterson_lock>);
static_assert(std::constructible_from<conc::filter_lock, unsigned>);
static_assert(std::constructible_from<conc::bakery_lock, unsigned>);

// Locks of static storage are ready before any code of the program runs.
constinit conc::tas_lock tas;
constinit conc::ttas_lock ttas;
constinit conc::cas_lock cas;
constinit conc::ticket_lock ticket;
constinit conc::mcs_lock mcs;
constinit conc::clh_lock clh;
constinit conc::anderson_lock anderson;
constinit conc::peterson_lock peterson;

}  // namespace

int main() {
  const auto guarded = [](auto& l) { const std::lock_guard guard(l); };
  guarded(tas);
  guarded(ttas);
  guarded(cas);
  guarded(ticket);
  guarded(mcs);
  guarded(clh);
  guarded(anderson);
  const std::scoped_lock all(tas, ttas, cas, ticket, mcs, anderson);
  peterson.lock(0);
  peterson.unlock(0);
  conc::filter_lock filter(4);
  filter.lock(3);
  filter.unlock(3);
  conc::bakery_lock bakery(4);
  bakery.lock(2);
  bakery.unlock(2);
}
