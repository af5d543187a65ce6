// main() for a fuzz target without libFuzzer: every file of a folder, whole, cut off anywhere, and
// with each byte changed. FOLDER is the only argument.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

using bytes = std::vector<std::uint8_t>;

// In a block of its own size, so that AddressSanitizer sees the first byte read beyond its end.
void run(const bytes& input) { LLVMFuzzerTestOneInput(input.data(), input.size()); }

void run_around(const bytes& seed) {
  constexpr std::size_t most = 2000;  // positions: the long seeds differ in nothing beyond
  for (std::size_t i = 0; i < std::min(seed.size(), most); ++i) {
    const auto at = static_cast<std::ptrdiff_t>(i);
    run(bytes(seed.begin(), seed.begin() + at));
    for (const std::uint8_t byte : {'\0', '\n', '\r', ' ', ':', '%', '/', '.', '9', '\xff'}) {
      bytes changed = seed;
      changed[i] = byte;
      run(changed);
    }
  }
  run(seed);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  unsigned seeds = 0;
  for (const auto& entry : std::filesystem::directory_iterator(argv[1])) {
    std::ifstream file(entry.path(), std::ios::binary);
    run_around(bytes(std::istreambuf_iterator<char>(file), {}));
    ++seeds;
  }
  std::printf("%u seeds and their neighbours\n", seeds);
  return seeds == 0 ? 1 : 0;
}
