#include "checker/sites.h"

#include <algorithm>
#include <cctype>
#include <cstring>
#include <deque>
#include <map>
#include <sstream>

namespace conc::checker {
namespace {

std::deque<site> sites;
std::string left_out;  // the key of the mutant, or empty

std::string file_of(const std::source_location& at) {
  const char* slash = std::strrchr(at.file_name(), '/');
  return slash == nullptr ? at.file_name() : slash + 1;
}

// "void conc::latch::count_down(std::ptrdiff_t)" -> "count_down"; a closure belongs to the function
// that it is written in.
std::string function_of(const std::source_location& at) {
  std::string name = at.function_name();
  name = name.substr(0, name.find("::<lambda"));
  int depth = 0;  // of template arguments
  std::size_t end = 0;
  for (; end < name.size() && !(name[end] == '(' && depth == 0); ++end) {
    depth += name[end] == '<' ? 1 : name[end] == '>' ? -1 : 0;
  }
  std::size_t begin = end;
  while (begin > 0 && (std::isalnum(static_cast<unsigned char>(name[begin - 1])) != 0 ||
                       name[begin - 1] == '_' || name[begin - 1] == '~')) {
    --begin;
  }
  return name.substr(begin, end - begin);
}

bool is_acquire(std::memory_order o) {
  return o == std::memory_order_acquire || o == std::memory_order_acq_rel;
}
bool is_release(std::memory_order o) {
  return o == std::memory_order_release || o == std::memory_order_acq_rel;
}

}  // namespace

site::site(const std::source_location& at, bool on_failure) : at_(at), on_failure_(on_failure) {
  for (const char* part : {"acquire", "release", "seq_cst"}) {
    if (key(part) == left_out) left_out_ = *part;
  }
}

std::string site::key(const std::string& part) const {
  std::ostringstream out;
  out << place() << ':' << at_.column() << (on_failure_ ? " failure " : " ") << part;
  return out.str();
}

std::string site::place() const {
  std::ostringstream out;
  out << file_of(at_) << ':' << at_.line();
  return out.str();
}

std::string site::name() const {
  std::ostringstream out;
  out << file_of(at_) << ' ' << function_of(at_) << (on_failure_ ? " on failure" : "");
  return out.str();
}

bool site::is_in_a_test() const { return file_of(at_).find("_check.cc") != std::string::npos; }

bool site::is(const std::source_location& at, bool on_failure) const {
  return at.line() == at_.line() && at.column() == at_.column() && on_failure == on_failure_ &&
         (at.file_name() == at_.file_name() || std::strcmp(at.file_name(), at_.file_name()) == 0);
}

bool site::comes_before(const site& other) const {
  const int files = std::strcmp(at_.file_name(), other.at_.file_name());
  if (files != 0) return files < 0;
  return at_.line() != other.at_.line() ? at_.line() < other.at_.line()
                                        : at_.column() < other.at_.column();
}

std::vector<std::string> site::parts() const {
  std::vector<std::string> found;
  if (seen_acquire_) found.emplace_back("acquire");
  if (seen_release_) found.emplace_back("release");
  if (seen_seq_cst_) found.emplace_back("seq_cst");
  return found;
}

std::memory_order site::order(std::memory_order written) {
  seen_acquire_ = seen_acquire_ || is_acquire(written);
  seen_release_ = seen_release_ || is_release(written);
  seen_seq_cst_ = seen_seq_cst_ || written == std::memory_order_seq_cst;
  switch (left_out_) {
    case 0:
      return written;
    case 'a':
      if (written == std::memory_order_acq_rel) return std::memory_order_release;
      return written == std::memory_order_acquire ? std::memory_order_relaxed : written;
    case 'r':
      if (written == std::memory_order_acq_rel) return std::memory_order_acquire;
      return written == std::memory_order_release ? std::memory_order_relaxed : written;
    default:
      return written == std::memory_order_seq_cst ? std::memory_order_acq_rel : written;
  }
}

site& site_of(const std::source_location& at, bool on_failure) {
  // A small table in front, as an operation must find its site every time.
  static site* recent[1024];
  const auto key = reinterpret_cast<std::uintptr_t>(at.file_name()) + at.line() * 31u +
                   at.column() * 7u + (on_failure ? 1u : 0u);
  site*& guess = recent[key % 1024];
  if (guess != nullptr && guess->is(at, on_failure)) return *guess;
  auto found =
      std::find_if(sites.begin(), sites.end(), [&](const site& s) { return s.is(at, on_failure); });
  if (found == sites.end()) found = sites.emplace(sites.end(), at, on_failure);
  guess = &*found;
  return *guess;
}

// Mutants of the same name are numbered, in the order of their lines.
std::vector<mutant> possible_mutants() {
  std::vector<site*> sorted;
  for (site& s : sites) {
    if (!s.is_in_a_test()) sorted.push_back(&s);
  }
  std::sort(sorted.begin(), sorted.end(),
            [](const site* a, const site* b) { return a->comes_before(*b); });
  std::map<std::string, int> count;
  std::vector<mutant> found;
  for (const site* s : sorted) {
    for (const std::string& part : s->parts()) {
      std::ostringstream name;
      name << s->name() << ": " << part;
      if (const int n = ++count[name.str()]; n > 1) name << ' ' << n;
      found.push_back({name.str(), s->key(part)});
    }
  }
  return found;
}

void leave_out_order(const std::string& key) { left_out = key; }

}  // namespace conc::checker
