// Reading a dump: the part of it that is about one thread.
#ifndef CONC_TESTS_SUPPORT_DUMP_ENTRY_H
#define CONC_TESTS_SUPPORT_DUMP_ENTRY_H

#include <gtest/gtest.h>

#include <sstream>
#include <string>

#include "conc/runtime.h"
#include "conc/thread.h"

namespace conc_test {

template <class T>
std::string text(const T& value) {
  std::ostringstream out;
  out << value;
  return out.str();
}
inline std::string dump_of(const conc::runtime& r) {
  std::ostringstream out;
  r.dump(out);
  return out.str();
}

// The heading and the trace of one thread, found by how its heading begins.
inline std::string entry(const std::string& dump, const std::string& heading) {
  const auto at = ("\n" + dump).find("\n" + heading);
  if (at == std::string::npos) return {};
  std::size_t end = dump.find('\n', at);
  while (end != std::string::npos && dump.compare(end + 1, 4, "    ") == 0) {
    end = dump.find('\n', end + 1);
  }
  return dump.substr(at, end - at);
}
inline std::string entry(const std::string& dump, const conc::thread& t) {
  const std::string heading = "thread " + text(t.get_id());
  const std::string found = entry(dump, heading + ":");
  return found.empty() ? entry(dump, heading + " \"") : found;
}

inline testing::AssertionResult has(const std::string& all, const std::string& part) {
  if (all.find(part) != std::string::npos) return testing::AssertionSuccess();
  return testing::AssertionFailure() << '"' << part << "\" is not in:\n" << all;
}

}  // namespace conc_test

#endif  // CONC_TESTS_SUPPORT_DUMP_ENTRY_H
