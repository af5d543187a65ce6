// The switch between two stacks.
//
// A context is three words: stack pointer, frame pointer and the address to go on at. The switch
// stores them, loads the other's and *jumps*: a switch that ends in a return would be mispredicted
// every time, because the processor pairs returns with calls, at four times the cost. Everything
// else that a call preserves is declared clobbered, so that the compiler saves what is alive at the
// place of the switch and nothing more. The red zone below the stack pointer stays untouched.
//
// Not switched: the floating-point control registers (rounding mode, exception masks). They belong
// to the carrier; see "Floating point" in docs/architecture.md.
#ifndef CONC_THREADS_CONTEXT_H
#define CONC_THREADS_CONTEXT_H

#include <cstddef>
#include <cstdint>

#include "locks/task.h"

namespace conc::detail {

struct context {
  void* sp = nullptr;
  void* fp = nullptr;
  void* pc = nullptr;
};

// What travels through the registers of a switch, from the one who leaves to the one who arrives.
// The arriving side must call publish(*from, argument) if `publish` is not null, for only then is
// `from` off its stack. `host` is the task::host of both: the arriving side knows nothing yet.
struct departure {
  task* from;
  publish_fn publish;
  void* argument;
  void* host;
};

using entry_fn = void (*)(task* from, publish_fn publish, void* argument, void* host) noexcept;

// A context that will call `entry` with the departure's four words on an empty stack.
inline context make_context(void* stack_top, entry_fn entry) noexcept {
  auto sp = reinterpret_cast<std::uintptr_t>(stack_top) & ~std::uintptr_t{15};
#if defined(__x86_64__)
  // As if `entry` had been called: a return address, which is null so that unwinding ends here.
  sp -= 16;
  reinterpret_cast<void**>(sp)[1] = nullptr;
  sp += 8;
#endif
  context c;
  c.sp = reinterpret_cast<void*>(sp);
  c.fp = nullptr;
  c.pc = reinterpret_cast<void*>(entry);
  return c;
}

#if defined(__x86_64__)
#if defined(__AVX512F__)
#define CONC_AVX512_CLOBBERS                                                                    \
  , "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", "xmm23", "xmm24", "xmm25",   \
      "xmm26", "xmm27", "xmm28", "xmm29", "xmm30", "xmm31", "k1", "k2", "k3", "k4", "k5", "k6", \
      "k7"
#else
#define CONC_AVX512_CLOBBERS
#endif
#define CONC_SWITCH_CLOBBERS                                                                      \
  "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "cc", "memory", "xmm0", "xmm1", "xmm2",   \
      "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", \
      "xmm14", "xmm15" CONC_AVX512_CLOBBERS
#endif

// Saves the running context in `save` and goes on in `load`. Returns when somebody switches back,
// possibly on another kernel thread, with what *they* left behind.
[[gnu::always_inline]] inline departure switch_context(context& save, const context& load,
                                                       departure d) noexcept {
#if defined(__x86_64__)
  context* save_to = &save;
  const context* load_from = &load;
  asm volatile(
      "leaq 1f(%%rip), %%r8\n\t"
      "movq %%rsp, 0(%[save])\n\t"
      "movq %%rbp, 8(%[save])\n\t"
      "movq %%r8, 16(%[save])\n\t"
      "movq 0(%[load]), %%rsp\n\t"
      "movq 8(%[load]), %%rbp\n\t"
      "jmp *16(%[load])\n"
      "1:"
      : "+D"(d.from), "+S"(d.publish), "+d"(d.argument),
        "+c"(d.host), [save] "+a"(save_to), [load] "+b"(load_from)
      :
      : CONC_SWITCH_CLOBBERS);
  return d;
#elif defined(__aarch64__)
  // The same shape; not tested on hardware.
  register task* from asm("x0") = d.from;
  register publish_fn publish asm("x1") = d.publish;
  register void* argument asm("x2") = d.argument;
  register void* host asm("x3") = d.host;
  register context* save_to asm("x4") = &save;
  register const context* load_from asm("x5") = &load;
  asm volatile(
      "adr x6, 1f\n\t"
      "mov x7, sp\n\t"
      "stp x7, x29, [x4]\n\t"
      "str x6, [x4, #16]\n\t"
      "ldp x7, x29, [x5]\n\t"
      "ldr x6, [x5, #16]\n\t"
      "mov sp, x7\n\t"
      "mov x30, xzr\n\t"
      "br x6\n"
      "1:"
      : "+r"(from), "+r"(publish), "+r"(argument), "+r"(host), "+r"(save_to), "+r"(load_from)
      :
      : "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17", "x19",
        "x20", "x21", "x22", "x23", "x24", "x25", "x26", "x27", "x28", "x30", "cc", "memory", "v0",
        "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12", "v13", "v14",
        "v15", "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v24", "v25", "v26", "v27",
        "v28", "v29", "v30", "v31");
  return {from, publish, argument, host};
#endif
}

// The same where both contexts lie `at` bytes behind the tasks that they belong to, which are at
// hand in registers in any case.
template <std::size_t at>
[[gnu::always_inline]] inline departure switch_context_of(task& to, departure d) noexcept {
#if defined(__x86_64__)
  task* load_from = &to;
  asm volatile(
      "leaq 1f(%%rip), %%r8\n\t"
      "movq %%rsp, %c[sp](%%rdi)\n\t"
      "movq %%rbp, %c[fp](%%rdi)\n\t"
      "movq %%r8, %c[pc](%%rdi)\n\t"
      "movq %c[sp](%[load]), %%rsp\n\t"
      "movq %c[fp](%[load]), %%rbp\n\t"
      "jmp *%c[pc](%[load])\n"
      "1:"
      : "+D"(d.from), "+S"(d.publish), "+d"(d.argument), "+c"(d.host), [load] "+b"(load_from)
      : [sp] "i"(at + offsetof(context, sp)), [fp] "i"(at + offsetof(context, fp)),
        [pc] "i"(at + offsetof(context, pc))
      : CONC_SWITCH_CLOBBERS, "rax");
  return d;
#else
  auto context_in = [](task& t) -> context& {
    return *reinterpret_cast<context*>(reinterpret_cast<std::byte*>(&t) + at);
  };
  return switch_context(context_in(*d.from), context_in(to), d);
#endif
}

// Goes on in `load` for good: the running context ends here.
[[noreturn, gnu::always_inline]] inline void leave_context(const context& load,
                                                           departure d) noexcept {
#if defined(__x86_64__)
  asm volatile(
      "movq 0(%[load]), %%rsp\n\t"
      "movq 8(%[load]), %%rbp\n\t"
      "jmp *16(%[load])"
      :
      : "D"(d.from), "S"(d.publish), "d"(d.argument), "c"(d.host), [load] "a"(&load)
      : "memory");
#else
  context nowhere;
  switch_context(nowhere, load, d);
#endif
  __builtin_unreachable();
}

}  // namespace conc::detail

#endif  // CONC_THREADS_CONTEXT_H
