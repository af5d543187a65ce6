// Random delays at the moments that the protocols must survive, for a build of their own.
//
// A race that needs another kernel thread to run just between two of our instructions happens once
// in a long while. `CONC_RANDOM_DELAY();` stands where such a moment is: before and after a switch,
// between a publication and the sleep that follows, between a push and the wake for it, inside the
// sections whose other side has to wait. In the build with random delays the kernel thread then
// sometimes lingers there, gives its CPU away or sleeps; in every other build it is nothing.
// Unlike a mutant it leaves the protocol whole: all tests must pass.
#ifndef CONC_LOCKS_RANDOM_DELAY_H
#define CONC_LOCKS_RANDOM_DELAY_H

#ifdef CONC_RANDOM_DELAYS

namespace conc::detail {
// Keeps errno. Mostly it returns at once; the delays are up to 50 us long.
void random_delay() noexcept;
}  // namespace conc::detail

#define CONC_RANDOM_DELAY() ::conc::detail::random_delay()

#else
#define CONC_RANDOM_DELAY() static_cast<void>(0)
#endif

#endif  // CONC_LOCKS_RANDOM_DELAY_H
