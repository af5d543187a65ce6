// What a renamed #include leaves behind: after one header of this library alone the standard's
// guards must be there, as they are after the header that stood in its place. Compiled once for
// each lock, by the build's GUARDED_HEADER and GUARDED_LOCK.
#include GUARDED_HEADER

namespace {

template <class Lock>
void guarded() {
  Lock a;
  { const std::lock_guard one(a); }
  std::unique_lock later(a, std::defer_lock);
  later.lock();
  const std::lock_guard adopted(*later.release(), std::adopt_lock);
}

template <class Lock>
void several() {
  if constexpr (requires(Lock l) { l.try_lock(); }) {
    Lock a, b;
    { const std::scoped_lock both(a, b); }
    std::lock(a, b);
    a.unlock();
    if (std::unique_lock tried(a, std::try_to_lock); tried.owns_lock()) b.unlock();
    std::lock(a, b);
    { const std::scoped_lock adopted(std::adopt_lock, a, b); }
    a.lock();
    const std::unique_lock adopted(a, std::adopt_lock);
  }
}

template <class Lock>
void shared() {
#if defined(GUARDED_SHARED)
  Lock a;
  const std::shared_lock one(a), other(a);
  a.lock_shared();
  const std::shared_lock adopted(a, std::adopt_lock);
#endif
}

}  // namespace

int main() {
  guarded<GUARDED_LOCK>();
  several<GUARDED_LOCK>();
  shared<GUARDED_LOCK>();
}
