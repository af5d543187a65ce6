// The groups of figures of bench_threads; each registers its own with Google Benchmark.
#ifndef CONC_BENCH_THREADS_FIGURES_H
#define CONC_BENCH_THREADS_FIGURES_H

namespace bench {

void yield_figures();
void spawn_figures();
void fork_join_figures();
void wake_figures();
void sleep_figures();
void parked_figures();
void idle_figures();
void throughput_figures();

}  // namespace bench

#endif  // CONC_BENCH_THREADS_FIGURES_H
