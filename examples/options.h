// The command lines of the examples: --name value or --name=value, and --help.
#ifndef CONC_EXAMPLES_OPTIONS_H
#define CONC_EXAMPLES_OPTIONS_H

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace examples {

// Ask for each option by its name, then call finish(), which refuses what nobody asked for.
class options {
 public:
  options(int argc, char** argv) : words_(argv + 1, argv + argc) {}

  unsigned number(std::string_view name, unsigned otherwise, std::string_view meaning,
                  unsigned least = 1) {
    unsigned value = otherwise;
    read(name, meaning, std::to_string(otherwise), value);
    if (value < least)
      refuse("--" + std::string(name), "must be at least " + std::to_string(least));
    return value;
  }
  double seconds(double otherwise, std::string_view meaning) {
    double value = otherwise;
    read("seconds", meaning, std::to_string(otherwise).substr(0, 4), value);
    if (!(value > 0 && value < 1e6)) refuse("--seconds", "must be positive");
    return value;
  }
  std::string text(std::string_view name, std::string otherwise, std::string_view meaning) {
    const std::string given = take(name, meaning, otherwise);
    return given.empty() ? otherwise : given;
  }
  void finish() const {
    for (const std::string& word : words_) {
      if (word != "--help") refuse(word, "is not known; --help lists the options");
      std::fputs(help_.c_str(), stdout);
      std::exit(0);
    }
  }
  [[noreturn]] static void refuse(const std::string& what, const std::string& why) {
    std::fprintf(stderr, "%s %s\n", what.c_str(), why.c_str());
    std::exit(2);
  }

 private:
  // Removes the option from the words and returns its value; empty if it was not given.
  std::string take(std::string_view name, std::string_view meaning, const std::string& otherwise) {
    const std::string flag = "--" + std::string(name);
    help_ += "  " + flag + ' ' + otherwise + "   " + std::string(meaning) + '\n';
    for (auto word = words_.begin(); word != words_.end(); ++word) {
      if (word->starts_with(flag + '=')) {
        const std::string value = word->substr(flag.size() + 1);
        words_.erase(word);
        return value;
      }
      if (*word == flag) {
        if (word + 1 == words_.end()) refuse(flag, "needs a value");
        const std::string value = word[1];
        words_.erase(word, word + 2);
        return value;
      }
    }
    return {};
  }
  template <class Number>
  void read(std::string_view name, std::string_view meaning, const std::string& otherwise,
            Number& value) {
    const std::string given = take(name, meaning, otherwise);
    if (given.empty()) return;
    const auto [end, error] = std::from_chars(given.data(), given.data() + given.size(), value);
    if (error != std::errc{} || end != given.data() + given.size()) {
      refuse("--" + std::string(name), "needs a number, not " + given);
    }
  }

  std::vector<std::string> words_;
  std::string help_ = "options, and what they are if not given:\n";
};

}  // namespace examples

#endif  // CONC_EXAMPLES_OPTIONS_H
