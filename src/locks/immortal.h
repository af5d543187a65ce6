// An object of static storage that is made before the program runs and never destroyed: detached
// threads go on while static objects end.
#ifndef CONC_LOCKS_IMMORTAL_H
#define CONC_LOCKS_IMMORTAL_H

namespace conc::detail {

template <class T>
union immortal {
  T object;

  constexpr immortal() noexcept : object() {}
  ~immortal() {}
  immortal(const immortal&) = delete;
  immortal& operator=(const immortal&) = delete;
};

}  // namespace conc::detail

#endif  // CONC_LOCKS_IMMORTAL_H
