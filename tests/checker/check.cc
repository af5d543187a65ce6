#include "checker/check.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sstream>

#include "checker/operations.h"
#include "checker/schedule.h"
#include "checker/world.h"

namespace conc::checker {
namespace {

std::string step_left_out;

// What the child writes: lines of a key and a value, then the report.
std::string tell(const scenario& s, const plan& p, const omission& without) {
  leave_out_order(without.order);
  step_left_out = without.step;
  explorer e(p);
  std::string report;
  while (e.more() && report.empty()) {
    e.begin();
    report = execute(e, s);
    if (report.empty()) e.end();
  }
  std::ostringstream out;
  out << "executions " << e.executions() << "\ncomplete " << (e.complete() ? 1 : 0) << '\n';
  for (const mutant& m : possible_mutants()) out << "mutant " << m.name << '\t' << m.key << '\n';
  out << "report\n" << report;
  return out.str();
}

void write_all(int fd, const std::string& text) {
  for (std::size_t done = 0; done < text.size();) {
    const ssize_t n = write(fd, text.data() + done, text.size() - done);
    if (n <= 0) std::_Exit(3);
    done += static_cast<std::size_t>(n);
  }
}

std::string read_all(int fd) {
  std::string text;
  char buffer[4096];
  for (ssize_t n; (n = read(fd, buffer, sizeof buffer)) > 0;) {
    text.append(buffer, static_cast<std::size_t>(n));
  }
  return text;
}

verdict understand(const std::string& text) {
  verdict v;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line) && line != "report";) {
    const auto space = line.find(' ');
    const std::string key = line.substr(0, space), value = line.substr(space + 1);
    if (key == "executions") v.executions = std::stol(value);
    if (key == "complete") v.complete = value == "1";
    if (key == "mutant") {
      const auto tab = value.find('\t');
      v.mutants.push_back({value.substr(0, tab), value.substr(tab + 1)});
    }
  }
  v.report.assign(std::istreambuf_iterator<char>(in), {});
  v.failed = !v.report.empty();
  return v;
}

}  // namespace

verdict search(const scenario& s, const plan& p, const omission& without) {
  int ends[2];
  if (pipe(ends) != 0) throw std::runtime_error("no pipe");
  const pid_t child = fork();
  if (child < 0) throw std::runtime_error("no process");
  if (child == 0) {
    close(ends[0]);
    write_all(ends[1], tell(s, p, without));
    std::_Exit(0);
  }
  close(ends[1]);
  verdict v = understand(read_all(ends[0]));
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    v.failed = true;
    v.report += "the execution ended the process, with status " + std::to_string(status);
  }
  return v;
}

plans usual_plans(int preemptions, int stale_reads) {
  const char* effort = std::getenv("CONC_CHECK_EFFORT");
  const long times = effort == nullptr ? 1 : std::max(1L, std::atol(effort));
  plan dice;
  dice.how = strategy::random;
  dice.executions = 1'500 * times;
  plan priorities;
  priorities.how = strategy::pct;
  priorities.executions = 1'500 * times;
  plan thorough;
  thorough.executions = 3'000 * times;
  thorough.preemptions = preemptions;
  thorough.stale_reads = stale_reads;
  return {dice, priorities, thorough};
}

plans longer_plans(long times) {
  plans p = usual_plans();
  for (plan& one : p) one.executions *= times;
  return p;
}

namespace {

// The plans do not reach the same places.
void add_new(std::vector<mutant>& known, const std::vector<mutant>& found) {
  for (const mutant& m : found) {
    const auto is_m = [&](const mutant& k) { return k.key == m.key; };
    if (std::none_of(known.begin(), known.end(), is_m)) known.push_back(m);
  }
}

// The first failure, or the last verdict.
verdict search_all(const scenario& s, plans p, const omission& without = {}) {
  const char* replay = std::getenv("CONC_CHECK_REPLAY");
  verdict v;
  for (plan& one : p) {
    if (replay != nullptr) one.replay = replay;
    verdict next = search(s, one, without);
    next.executions += v.executions;
    next.complete = next.complete || v.complete;
    add_new(v.mutants, next.mutants);
    next.mutants = std::move(v.mutants);
    v = std::move(next);
    if (v.failed) break;
  }
  return v;
}

void say(const std::string& what, const verdict& v) {
  std::printf("  %s: %ld executions%s\n", what.c_str(), v.executions,
              v.failed     ? ""
              : v.complete ? ", all within the bounds"
                           : "");
}

}  // namespace

void expect_sound(const scenario& s, const plans& p) {
  const verdict v = search_all(s, p);
  EXPECT_FALSE(v.failed) << v.report;
  say("sound", v);
}

void expect_orders_needed(const scenario& s, const std::set<std::string>& not_needed,
                          const plans& p) {
  const verdict whole = search_all(s, p);
  ASSERT_FALSE(whole.failed) << whole.report;
  say("sound", whole);
  std::set<std::string> survived;
  for (const mutant& m : whole.mutants) {
    const verdict v = search_all(s, p, {.order = m.key});
    say((v.failed ? "needed: " : "not needed: ") + m.name, v);
    if (!v.failed) survived.insert(m.name);
  }
  EXPECT_EQ(survived, not_needed);
}

void expect_step_needed(const scenario& s, const std::string& step, const std::string& words,
                        const plans& p) {
  const verdict v = search_all(s, p, {.step = step});
  say("without " + step, v);
  EXPECT_TRUE(v.failed) << "nothing fails without " << step;
  EXPECT_NE(v.report.find(words), std::string::npos) << "not for this reason:\n" << v.report;
}

void expect_failure(const scenario& s, const std::string& words, const plans& p) {
  const verdict v = search_all(s, p);
  say("fails", v);
  EXPECT_TRUE(v.failed);
  EXPECT_NE(v.report.find(words), std::string::npos) << "not for this reason:\n" << v.report;
}

void as_user_thread() { make_user_thread(current_thread()); }

void must(bool condition, std::source_location at) {
  if (condition) return;
  fail("line " + std::to_string(at.line()) + ": not true");
}

bool stands(const char* step) noexcept { return step_left_out.empty() || step_left_out != step; }

}  // namespace conc::checker
