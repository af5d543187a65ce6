#include "checker/explorer.h"

#include <algorithm>
#include <sstream>

namespace conc::checker {

explorer::explorer(const plan& p) : plan_(p), random_(p.seed) {
  if (!plan_.replay.empty()) read_replay();
}

bool explorer::more() const {
  if (!plan_.replay.empty()) return executions_ == 0;
  return executions_ < plan_.executions && !exhausted_;
}

void explorer::begin() {
  asked_ = 0;
  preemptions_left_ = plan_.preemptions;
  stale_reads_left_ = plan_.stale_reads;
  if (plan_.how != strategy::pct) return;
  priorities_.clear();
  change_points_.clear();
  for (int i = 0; i < plan_.priority_changes; ++i) change_points_.push_back(random_() % longest_);
}

void explorer::end() {
  ++executions_;
  longest_ = std::max(longest_, asked_);
  answers_.resize(asked_);
  if (throws_dice()) return answers_.clear();
  // Depth first: the last question that has an answer left gets the next one.
  while (!answers_.empty() && answers_.back().chosen + 1 >= answers_.back().of) answers_.pop_back();
  exhausted_ = answers_.empty();
  if (!exhausted_) ++answers_.back().chosen;
}

unsigned explorer::answer_with(unsigned n, unsigned suggestion) {
  if (n <= 1) return 0;
  if (asked_ == answers_.size()) answers_.push_back({suggestion, n});
  answer& a = answers_[asked_++];
  a.of = n;
  return std::min(a.chosen, n - 1);
}

unsigned explorer::choose_thread(std::span<const int> threads, bool forced) {
  const auto n = static_cast<unsigned>(threads.size());
  if (plan_.how == strategy::pct) return answer_with(n, by_priority(threads, forced));
  if (plan_.how == strategy::random) {
    return answer_with(n, forced || dice(3) == 0 ? dice(n) : 0);
  }
  if (forced) return answer_with(n, 0);
  const unsigned chosen = answer_with(preemptions_left_ > 0 ? n : 1, 0);
  if (chosen > 0) --preemptions_left_;
  return chosen;
}

unsigned explorer::by_priority(std::span<const int> threads, bool forced) {
  for (const int t : threads) {
    while (static_cast<std::size_t>(t) >= priorities_.size()) {
      priorities_.push_back(static_cast<int>(dice(1'000'000)) + 1'000);
    }
  }
  const bool changes =
      std::find(change_points_.begin(), change_points_.end(), asked_) != change_points_.end();
  // Who gives way by itself, or is at a change point, falls behind all others.
  if (changes) priorities_[threads[0]] = -static_cast<int>(asked_);
  if (forced) return dice(static_cast<unsigned>(threads.size()));
  const auto best = std::max_element(threads.begin(), threads.end(),
                                     [&](int a, int b) { return priorities_[a] < priorities_[b]; });
  return static_cast<unsigned>(best - threads.begin());
}

unsigned explorer::choose_version(unsigned n) {
  if (throws_dice()) return answer_with(n, dice(4) == 0 ? dice(n) : 0);
  const unsigned chosen = answer_with(stale_reads_left_ > 0 ? n : 1, 0);
  if (chosen > 0) --stale_reads_left_;
  return chosen;
}

unsigned explorer::choose(unsigned n) { return answer_with(n, throws_dice() ? dice(n) : 0); }

// Numbers with dots between; zN stands for N zeros, and zeros at the end are left out.
std::string explorer::told() const {
  std::ostringstream out;
  std::size_t zeros = 0;
  for (std::size_t i = 0; i < asked_; ++i) {
    if (answers_[i].chosen == 0) {
      ++zeros;
      continue;
    }
    if (zeros > 0) out << 'z' << zeros << '.';
    out << answers_[i].chosen << '.';
    zeros = 0;
  }
  std::string text = out.str();
  if (!text.empty()) text.pop_back();
  return text.empty() ? "0" : text;
}

void explorer::read_replay() {
  std::istringstream in(plan_.replay);
  for (std::string word; std::getline(in, word, '.');) {
    if (word[0] == 'z') {
      answers_.insert(answers_.end(), std::stoul(word.substr(1)), {0, 1});
    } else {
      answers_.push_back({static_cast<unsigned>(std::stoul(word)), 1});
    }
  }
}

}  // namespace conc::checker
