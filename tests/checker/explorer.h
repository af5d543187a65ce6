// Where an execution can go on in several ways, and which of them it takes: the search.
//
// A test is executed again and again; an execution is determined by the answers to its questions
// (who runs, what a load returns, whether a time is over), and so can be told as a string of
// numbers and repeated. Three strategies give the answers:
//
//   exhaustive   depth first: every answer, within the bounds of the plan. Bounding preemptions
//                after Musuvathi and Qadeer, "Iterative context bounding", 2007.
//   random       dice, with a seed.
//   pct          random priorities that change at a few random moments: Burckhardt, Kothari,
//                Musuvathi, Nagarakatte, "A randomized scheduler with probabilistic guarantees of
//                finding bugs", 2010.
#ifndef CONC_TESTS_CHECKER_EXPLORER_H
#define CONC_TESTS_CHECKER_EXPLORER_H

#include <cstdint>
#include <random>
#include <span>
#include <string>
#include <vector>

namespace conc::checker {

enum class strategy : std::uint8_t { exhaustive, random, pct };

struct plan {
  strategy how = strategy::exhaustive;
  long executions = 200'000;  // at most
  // In one execution, where the search is exhaustive: how often a thread is stopped that could have
  // gone on, and how often a load returns another value than the newest.
  int preemptions = 2;
  int stale_reads = 2;
  std::uint64_t seed = 1;
  int priority_changes = 3;  // pct
  std::string replay = {};   // of one execution, from a report
};

class explorer {
 public:
  explicit explorer(const plan& p);

  bool more() const;  // whether another execution is due
  void begin();
  void end();
  bool complete() const { return plan_.how == strategy::exhaustive && exhausted_; }
  long executions() const { return executions_; }

  // One of the threads. The first is the one that goes on by itself; `forced` if it cannot.
  unsigned choose_thread(std::span<const int> threads, bool forced);
  // Which of n versions a load returns; 0 is the newest.
  unsigned choose_version(unsigned n);
  unsigned choose(unsigned n);

  // The execution so far, for plan::replay.
  std::string told() const;

 private:
  struct answer {
    unsigned chosen, of;
  };
  bool throws_dice() const { return plan_.how != strategy::exhaustive; }
  unsigned dice(unsigned n) { return static_cast<unsigned>(random_() % n); }
  // What the script says, else `suggestion`.
  unsigned answer_with(unsigned n, unsigned suggestion);
  unsigned by_priority(std::span<const int> threads, bool forced);
  void read_replay();

  const plan plan_;
  std::vector<answer> answers_;
  std::size_t asked_ = 0;
  int preemptions_left_ = 0, stale_reads_left_ = 0;
  long executions_ = 0;
  bool exhausted_ = false;
  std::mt19937_64 random_;
  std::vector<int> priorities_;             // pct; by thread, the highest runs
  std::vector<std::size_t> change_points_;  // pct
  std::size_t longest_ = 64;                // pct: choices in the longest execution so far
};

}  // namespace conc::checker

#endif  // CONC_TESTS_CHECKER_EXPLORER_H
