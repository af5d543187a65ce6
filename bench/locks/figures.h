// The groups of figures of bench_locks; each registers its own with Google Benchmark.
#ifndef CONC_BENCH_LOCKS_FIGURES_H
#define CONC_BENCH_LOCKS_FIGURES_H

namespace bench {

void uncontended_figures();
void contended_figures();
void crowd_figures();
void shared_figures();
void hand_over_figures();
void broadcast_figures();
void buffer_figures();

}  // namespace bench

#endif  // CONC_BENCH_LOCKS_FIGURES_H
