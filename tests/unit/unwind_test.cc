// Stack traces: reading memory that may be gone, finding modules and names, and the way up.
#include "threads/unwind.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "conc/latch.h"
#include "conc/thread.h"
#include "locks/task_slab.h"
#include "support/eventually.h"
#include "support/no_frame_pointers.h"
#include "threads/own_memory.h"
#include "threads/snapshot.h"
#include "threads/symbols.h"

namespace {

using namespace conc::detail;

std::uintptr_t number(const void* p) { return reinterpret_cast<std::uintptr_t>(p); }
template <class F>
std::uintptr_t code(F* f) {
  return reinterpret_cast<std::uintptr_t>(f);
}

TEST(read_memory, ends_where_nothing_is_mapped) {
  auto* p = static_cast<std::byte*>(
      mmap(nullptr, 3 * page_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  std::memset(p, 7, 3 * page_size);
  munmap(p + page_size, page_size);
  ASSERT_EQ(mprotect(p + 2 * page_size, page_size, PROT_NONE), 0);
  std::array<std::byte, 100> to{};
  errno = 5;
  EXPECT_EQ(read_memory(to.data(), p, to.size()), to.size());
  EXPECT_EQ(to[99], std::byte{7});
  EXPECT_EQ(read_memory(to.data(), p + page_size - 60, to.size()), 60u);
  EXPECT_EQ(read_memory(to.data(), p + page_size, to.size()), 0u);
  EXPECT_EQ(read_memory(to.data(), p + 2 * page_size, to.size()), 0u);
  EXPECT_EQ(read_memory(to.data(), nullptr, to.size()), 0u);
  EXPECT_EQ(errno, 5);
  munmap(p, 3 * page_size);
}

TEST(modules, know_where_code_comes_from) {
  const modules all;
  const module* own = all.find(code(&conc_test_no_frame_pointer));
  ASSERT_NE(own, nullptr);
  char self[4096] = {};
  ASSERT_GT(readlink("/proc/self/exe", self, sizeof self - 1), 0);
  EXPECT_STREQ(own->path, self);
  const module* c_library = all.find(code(&::getppid));
  ASSERT_NE(c_library, nullptr);
  EXPECT_NE(std::strstr(c_library->path, "libc"), nullptr) << c_library->path;
  int on_the_stack;
  EXPECT_EQ(all.find(number(&on_the_stack)), nullptr);
}

TEST(symbols, have_names_for_functions_that_are_not_exported) {
  const modules all;
  symbols names(all);
  const auto p = names.find(code(&conc_test_no_frame_pointer) + 3);
  ASSERT_NE(p.function, nullptr);
  EXPECT_STREQ(p.function, "conc_test_no_frame_pointer");
  EXPECT_EQ(p.of_function, 3u);
  const auto other = names.find(code(&::getppid));
  ASSERT_NE(other.function, nullptr);
  EXPECT_NE(std::string(other.function).find("getppid"), std::string::npos);
  int data;
  EXPECT_EQ(names.find(number(&data)).where, nullptr);
}

// The address as it is printed is one that addr2line, which comes with the linker, understands.
TEST(symbols, agree_with_addr2line) {
  const modules all;
  const std::uintptr_t at = code(&conc_test_with_alloca) + 1;
  const module* own = all.find(at);
  ASSERT_NE(own, nullptr);
  char command[4200];
  std::snprintf(command, sizeof command, "addr2line -f -e '%s' 0x%zx", own->path, own->in_file(at));
  FILE* answer = popen(command, "r");
  ASSERT_NE(answer, nullptr);
  char name[200] = {};
  EXPECT_NE(std::fgets(name, sizeof name, answer), nullptr);
  EXPECT_EQ(pclose(answer), 0) << command;
  EXPECT_STREQ(name, "conc_test_with_alloca\n");
}

// A thread that is parked below the function, and its trace as names.
class parked_thread {
 public:
  template <class Call>
  explicit parked_thread(Call call, conc::thread_options options = {})
      : thread_(std::move(options), [this, call] { call(&parked_thread::park, this); }) {
    EXPECT_TRUE(conc_test::eventually_parked(&gate_, 1));
    // Parked under the lock of its bucket: its registers are saved by whoever unlocked that.
  }
  ~parked_thread() {
    gate_.count_down();
    thread_.join();
  }
  parked_thread(const parked_thread&) = delete;
  parked_thread& operator=(const parked_thread&) = delete;

  std::vector<std::string> trace_of(bool& whole) const {
    for (std::uint32_t id = 1; id <= last_task_id(); ++id) {
      task_snapshot t;
      if (!t.read(id) || t.state() != task_state::blocked) continue;
      if (t.as_task().wait_address.load() != &gate_) continue;
      auto words = words_of(stack_of(t.as_thread()));
      const modules all;
      symbols names(all);
      const auto u = std::make_unique<unwinder>(all);
      const auto found = std::make_unique<trace>();
      u->follow(register_set::of(t.as_thread().flow.registers), words, false, *found);
      whole = found->whole;
      std::vector<std::string> result;
      for (std::size_t i = 0; i < found->depth; ++i) {
        const char* name = names.find(found->at[i]).function;
        result.push_back(name != nullptr ? name : "?");
      }
      return result;
    }
    return {};
  }

 private:
  static void park(void* self) {
    static_cast<parked_thread*>(self)->gate_.wait();
    asm volatile("");  // no tail call
  }

  conc::latch gate_{1};
  conc::thread thread_;
};

long count(const std::vector<std::string>& names, const std::string& wanted) {
  return std::count_if(names.begin(), names.end(),
                       [&](const std::string& n) { return n.find(wanted) != std::string::npos; });
}

std::string joined(const std::vector<std::string>& names) {
  std::string all;
  for (const auto& n : names) all += n + '\n';
  return all;
}

#if defined(__x86_64__)  // elsewhere call frame information is not read
TEST(unwinder, goes_through_code_without_frame_pointers) {
  for (const int depth : {0, 1, 40}) {
    const parked_thread t([depth](void (*bottom)(void*), void* argument) {
      conc_test_no_frame_pointer(depth, bottom, argument);
      asm volatile("");
    });
    bool whole = false;
    const auto names = t.trace_of(whole);
    EXPECT_EQ(count(names, "conc_test_no_frame_pointer"), depth + 1) << joined(names);
    EXPECT_TRUE(whole);
    ASSERT_FALSE(names.empty());
    EXPECT_NE(names.back().find("thread_main"), std::string::npos) << joined(names);
  }
}
#endif

TEST(unwinder, goes_through_frames_of_any_size) {
  const parked_thread t(
      [](void (*bottom)(void*), void* argument) {
        conc_test_with_alloca(500'000, bottom, argument);
        asm volatile("");
      },
      {.stack_size = 2u << 20});
  bool whole = false;
  const auto names = t.trace_of(whole);
  EXPECT_EQ(count(names, "conc_test_with_alloca"), 1) << joined(names);
  EXPECT_TRUE(whole);
}

TEST(unwinder, stops_at_its_limit) {
  const parked_thread t(
      [](void (*bottom)(void*), void* argument) {
        conc_test_no_frame_pointer(1'000, bottom, argument);
        asm volatile("");
      },
      {.stack_size = 1u << 20});
  bool whole = true;
  EXPECT_EQ(t.trace_of(whole).size(), trace::most);
  EXPECT_FALSE(whole);
}

// Whatever registers and stack hold: the end is reached, and nothing is touched that is not there.
TEST(unwinder, survives_nonsense) {
  const modules all;
  const auto u = std::make_unique<unwinder>(all);
  const auto found = std::make_unique<trace>();
  std::mt19937_64 random(1);
  std::vector<std::uintptr_t> stack(512);
  const std::uintptr_t low = number(stack.data()), high = low + stack.size() * sizeof stack[0];
  const std::uintptr_t interesting[] = {
      0, 8, ~std::uintptr_t{0}, code(&conc_test_with_alloca) + 5, code(&::getppid), number(&all)};
  const auto anything = [&]() -> std::uintptr_t {
    switch (random() % 4) {
      case 0:
        return random();
      case 1:
        return low + random() % (high - low + 64);
      case 2:
        return code(&conc_test_no_frame_pointer) + random() % 5'000;
      default:
        return interesting[random() % std::size(interesting)];
    }
  };
  for (int round = 0; round < 20'000; ++round) {
    if (round % 100 == 0) {
      for (auto& word : stack) word = anything();
    }
    register_set r;
    for (unsigned i = 0; i < register_count; ++i) {
      if (random() % 4 != 0) r.set(i, anything());
    }
    stack_words words(low, high);
    u->follow(r, words, random() % 2 == 0, *found);
    ASSERT_LE(found->depth, trace::most);
  }
}

TEST(call_frame, survives_nonsense) {
  std::mt19937_64 random(2);
  std::vector<unsigned char> bytes(4'096);
  for (int round = 0; round < 20'000; ++round) {
    for (auto& b : bytes) b = static_cast<unsigned char>(random());
    const std::uintptr_t base = number(bytes.data());
    // Often right enough to get further: a header, one entry, its two records.
    const auto put = [&](std::size_t at, std::int32_t v) { std::memcpy(&bytes[at], &v, sizeof v); };
    if (round % 8 != 0) {
      const unsigned char head[] = {1, 0x1b, 0x03, 0x3b};
      std::memcpy(&bytes[0], head, sizeof head);
      put(8, 1);
      put(12, 2'000);  // the function
      put(16, 512);    // its description
      put(512, static_cast<std::int32_t>(random() % 600));
      put(516, 516 - 100);
      put(100, static_cast<std::int32_t>(20 + random() % 300));
      put(104, 0);
      const unsigned char common[] = {1, 'z', 'R', 0, 1, 0x78, 16, 1, 0x1b};
      std::memcpy(&bytes[108], common, sizeof common);
      put(520, 2'000 - 520);
      put(524, 300);
      bytes[528] = 0;
    }
    const module m{base, base + bytes.size(), 0, base, 0, ""};
    call_frame f;
    if (find_call_frame(m, base + 2'000 + random() % 310, f)) {
      ASSERT_LT(f.cfa_register, register_count);
    }
  }
}

}  // namespace
