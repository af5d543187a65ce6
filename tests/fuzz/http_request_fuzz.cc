// The HTTP server's parser against whatever bytes come: what must hold for every input.
//
// A libFuzzer target; replay.cc gives it a main() where there is no libFuzzer.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "http_path.h"
#include "http_request.h"

namespace {

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "broken: %s\n", what);
  std::abort();
}

bool lies_in(std::string_view part, std::string_view whole) {
  return part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size();
}

void check_path(std::string_view target) {
  const http::path p = http::path_of(target);
  if (p.refusal != 0) {
    require(p.refusal == 400 || p.refusal == 403, "the refusal of a path is no other status");
    return;
  }
  require(p.text.starts_with('/'), "a path begins with a slash");
  require(p.text.find('\0') == std::string::npos, "a path holds no NUL");
  require(p.text.find("//") == std::string::npos, "a path has no empty segment");
  require((p.text + '/').find("/../") == std::string::npos, "a path does not climb");
  // A second round finds nothing more to clean, unless a percent sign was a part of the name.
  if (p.text.find_first_of("%?#") == std::string::npos) {
    require(http::path_of(p.text).text == p.text, "a clean path stays as it is");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  http::request r, again;
  const http::verdict v = http::parse(text, r);
  require(v.length == 0 || v.refusal == 0, "a head is complete or refused");
  require(v.length <= size && v.length <= http::longest_head, "a head lies in its buffer");
  require(v.length != 0 || v.refusal != 0 || size <= http::longest_head,
          "no more than a head is asked for");
  check_path(text);
  if (v.length == 0) {
    // More bytes do not mend what was refused.
    if (v.refusal != 0) {
      const std::string more = std::string(text) + "\r\nHost: x\r\n\r\n";
      require(http::parse(more, again).refusal == v.refusal, "a refusal stands");
    }
    return 0;
  }
  require(lies_in(r.method, text) && lies_in(r.target, text), "the views lie in the buffer");
  require(!r.method.empty() && !r.target.empty(), "a request names method and target");
  check_path(r.target);
  // The same head, whatever comes after it, and not before its last byte.
  require(http::parse(text.substr(0, v.length), again).length == v.length, "the head ends there");
  require(again.method == r.method && again.target == r.target, "what follows changes nothing");
  require(again.persistent == r.persistent && again.has_body == r.has_body,
          "what follows changes no field");
  for (const std::size_t cut : {v.length - 1, v.length / 2, std::size_t{0}}) {
    const http::verdict part = http::parse(text.substr(0, cut), again);
    require(part.length == 0 && part.refusal == 0, "a part of a good head is a part");
  }
  return 0;
}
