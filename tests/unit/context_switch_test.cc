// The switch itself, and what a thread may rely on to be its own across a suspension.
#include <gtest/gtest.h>

#include <array>
#include <numeric>
#include <sstream>
#include <thread>
#include <vector>

#include "conc/runtime.h"
#include "support/crew.h"
#include "support/scale.h"
#include "threads/context.h"

namespace {

// Too many live values for the registers: some are kept across the call, the rest is on the stack.
template <class Between>
void keeps_its_values(int seed, Between between) {
  std::array<long, 24> whole{};
  std::array<double, 24> real{};
  std::iota(whole.begin(), whole.end(), seed);
  std::iota(real.begin(), real.end(), seed + 0.5);
  long w0 = whole[0], w1 = whole[1], w2 = whole[2], w3 = whole[3], w4 = whole[4], w5 = whole[5];
  double r0 = real[0], r1 = real[1], r2 = real[2], r3 = real[3];
  for (int i = 0; i < conc_test::scaled(2'000); ++i) {
    between();
    w0 += 1, w1 += 2, w2 += 3, w3 += 4, w4 += 5, w5 += 6;
    r0 += 1, r1 += 2, r2 += 3, r3 += 4;
  }
  const long n = conc_test::scaled(2'000);
  EXPECT_EQ(w0, seed + n);
  EXPECT_EQ(w1, seed + 1 + 2 * n);
  EXPECT_EQ(w2, seed + 2 + 3 * n);
  EXPECT_EQ(w3, seed + 3 + 4 * n);
  EXPECT_EQ(w4, seed + 4 + 5 * n);
  EXPECT_EQ(w5, seed + 5 + 6 * n);
  EXPECT_EQ(r0, seed + 0.5 + static_cast<double>(n));
  EXPECT_EQ(r1, seed + 1.5 + 2 * static_cast<double>(n));
  EXPECT_EQ(r2, seed + 2.5 + 3 * static_cast<double>(n));
  EXPECT_EQ(r3, seed + 3.5 + 4 * static_cast<double>(n));
  for (std::size_t i = 0; i < whole.size(); ++i) {
    EXPECT_EQ(whole[i], seed + static_cast<long>(i));
    EXPECT_EQ(real[i], seed + 0.5 + static_cast<double>(i));
  }
}

TEST(context_switch, keeps_what_a_thread_has_in_registers_and_on_its_stack) {
  conc::runtime one({.processors = 1});
  one.run([] {
    std::vector<conc::thread> all;
    for (int i = 0; i < 4; ++i) {
      all.emplace_back([i] { keeps_its_values(1'000 * i, [] { conc::this_thread::yield(); }); });
    }
    for (auto& t : all) t.join();
  });
}

TEST(context_switch, keeps_them_also_when_threads_move_between_processors) {
  conc_test::crew()
      .users(6, [](int me) { keeps_its_values(1'000 * me, [] { conc::this_thread::yield(); }); })
      .join();
}

TEST(context_switch, a_new_stack_is_aligned_as_the_abi_wants_it) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{64} << 10, std::size_t{1} << 20}) {
    for (int i = 0; i < 40; ++i) {  // more than there are colours of stacks
      bool aligned = false;
      conc::thread({.stack_size = size}, [&] {
        // An aligned store that the compiler may use because the ABI promises 16 bytes.
        alignas(16) volatile float here[4] = {1, 2, 3, 4};
        aligned = reinterpret_cast<std::uintptr_t>(&here) % 16 == 0;
        std::ostringstream out;  // movaps in the library's own code
        out << 1.5 << here[0];
      }).join();
      ASSERT_TRUE(aligned);
    }
  }
}

#if !defined(CONC_ASAN) && !defined(CONC_TSAN)  // they must be told of stacks; this test does not
// Arguments that travel on a fresh stack: the contexts alone, without a scheduler.
struct ping_pong {
  conc::detail::context main, other;
  std::vector<int> trace;
};
ping_pong* game = nullptr;

void nothing(conc::detail::task&, void*) noexcept {}

void other_side(conc::detail::task*, conc::detail::publish_fn, void* argument, void*) noexcept {
  auto* number = static_cast<int*>(argument);
  for (;;) {
    game->trace.push_back(*number);
    number = static_cast<int*>(
        conc::detail::switch_context(game->other, game->main, {nullptr, nothing, number, nullptr})
            .argument);
  }
}

TEST(context_switch, hands_three_words_over_each_time) {
  ping_pong p;
  game = &p;
  alignas(16) static std::byte stack[64 << 10];
  p.other = conc::detail::make_context(stack + sizeof stack, other_side);
  int numbers[3] = {7, 8, 9};
  for (int& n : numbers) {
    const auto back =
        conc::detail::switch_context(p.main, p.other, {nullptr, nothing, &n, nullptr});
    EXPECT_EQ(back.argument, &n);
    EXPECT_EQ(back.publish, nothing);
  }
  EXPECT_EQ(p.trace, (std::vector<int>{7, 8, 9}));
}
#endif

}  // namespace
