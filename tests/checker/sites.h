// The places in the sources where an operation names a memory order, and what becomes of the order
// there: a mutant is a site whose order is weaker by one step.
#ifndef CONC_TESTS_CHECKER_SITES_H
#define CONC_TESTS_CHECKER_SITES_H

#include <atomic>
#include <source_location>
#include <string>
#include <vector>

namespace conc::checker {

class site {
 public:
  site(const std::source_location& at, bool on_failure);
  std::string place() const;  // file:line, for reports
  std::string name() const;   // "file function", which outlives small changes of the file
  // The order that takes effect here: weaker than the one that is written, for a mutant.
  std::memory_order order(std::memory_order written);
  bool is(const std::source_location& at, bool on_failure) const;
  bool is_in_a_test() const;
  bool comes_before(const site& other) const;
  // What can be left out of the orders seen here: "acquire", "release", "seq_cst".
  std::vector<std::string> parts() const;
  std::string key(const std::string& part) const;

 private:
  std::source_location at_;
  bool on_failure_;  // the second order of a compare-and-swap
  bool seen_acquire_ = false, seen_release_ = false, seen_seq_cst_ = false;
  char left_out_ = 0;  // the first letter of a part
};

// The site of an operation; made at its first use. References stay valid.
site& site_of(const std::source_location& at, bool on_failure = false);

struct mutant {
  std::string name;  // "file function: part", with a number if there are several
  std::string key;   // for leave_out_order()
};
// Of all orders that have been used so far.
std::vector<mutant> possible_mutants();
// Before the first execution.
void leave_out_order(const std::string& key);

}  // namespace conc::checker

#endif  // CONC_TESTS_CHECKER_SITES_H
