#include "sched/dump.h"

#include <cxxabi.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <unordered_map>

#include "locks/mutex_word.h"
#include "locks/task_slab.h"
#include "sched/whereabouts.h"
#include "threads/frame_line.h"
#include "threads/own_memory.h"
#include "threads/snapshot.h"

namespace conc::detail {
namespace {

// The words for each address of a trace; most threads share most of theirs.
class places {
 public:
  explicit places(const modules& all) noexcept : symbols_(all) {}

  const std::string& words_for(std::uintptr_t address) {
    std::string& words = known_[address];
    if (words.empty()) words = find(address);
    return words;
  }

 private:
  std::string find(std::uintptr_t address) {
    const symbols::place p = symbols_.find(address);
    const std::unique_ptr<char, void (*)(void*)> readable(
        p.function == nullptr ? nullptr
                              : abi::__cxa_demangle(p.function, nullptr, nullptr, nullptr),
        std::free);
    line text;
    append_place(text, address, p, readable != nullptr ? readable.get() : p.function);
    return std::string(text.text());
  }

  symbols symbols_;
  std::unordered_map<std::uintptr_t, std::string> known_;
};

class report {
 public:
  explicit report(std::ostream& out) : out_(out), unwinder_(modules_), places_(modules_) {}

  void write(scheduler& s);
  void write_kernel_threads();

 private:
  void write_processors(const scheduler& s);
  void write_thread(const whereabouts& where, task_snapshot& t);
  void write_heading(const whereabouts& where, const carrier* on, const task_snapshot& t);
  void write_ready(const whereabouts& where, const tcb& t);
  void write_wait(const task& t);
  void write_mutex_owner(const void* mutex);
  void write_id(const task_snapshot& t);
  void write_trace_of_suspended(task_snapshot& t);
  void write_trace_of_running(carrier& on, const task_snapshot& t);
  void write_trace_of_caller(const task_snapshot& t);
  void write_trace();
  void end_line() {
    out_ << line_.text() << '\n';
    line_.clear();
  }

  std::ostream& out_;
  modules modules_;
  unwinder unwinder_;
  places places_;
  line line_;
  trace trace_;
  stopped_thread stopped_;
};

void report::write_id(const task_snapshot& t) {
  // As operator<< of thread::id does.
  line_.number(t.id());
  if (t.generation() > 1) (line_ << ".").number(t.generation());
}

void report::write_mutex_owner(const void* mutex) {
  std::uint64_t word;
  if (!read_object(word, mutex)) return;
  task_snapshot owner;
  if (mutex_word::owner(word) == 0 || !owner.read(mutex_word::owner(word))) return;
  line_ << ", held by " << (owner.as_task().is_thread ? "thread " : "kernel thread ");
  write_id(owner);
}

// "waits for a conc::mutex at 0x7ffd12345678, held by thread 4"
void report::write_wait(const task& t) {
  const wait_kind kind = t.waits_for.load(memory_order_relaxed);
  const void* address = t.wait_address.load(memory_order_relaxed);
  if (kind == wait_kind::sleep) {
    line_ << "sleeps";
    return;
  }
  line_ << "waits for " << wait_kind_words[static_cast<std::size_t>(kind)];
  if (kind == wait_kind::io) {
    line_ << " on descriptor ";
    line_.number(reinterpret_cast<std::uintptr_t>(address));
  } else if (task_snapshot other; kind == wait_kind::join) {
    if (other.read_at(address)) {
      line_ << ", which is thread ";
      write_id(other);
    }
  } else {
    (line_ << " at ").address(kind < first_kind_with_a_record ? address : t.wait_context);
    if (kind == wait_kind::mutex) write_mutex_owner(address);
  }
}

// "3.120 s", from a time that is right to a millisecond.
void append_seconds(line& out, nanos t) {
  const auto milliseconds = static_cast<std::uint64_t>(t / 1'000'000);
  out.number(milliseconds / 1000) << ".";
  for (std::uint64_t unit = 100; unit > 0; unit /= 10) out.number(milliseconds / unit % 10);
  out << " s";
}

void report::write_ready(const whereabouts& where, const tcb& t) {
  line_ << "ready";
  if (std::uint32_t child = 0; where.stands_aside(t.id, child)) {
    line_ << ", has stepped aside for ";
    if (child != 0) {
      line_ << "its child, thread ";
      line_.number(child);
    } else {
      line_ << "a child";
    }
  } else if (t.stack_base == nullptr) {
    line_ << ", has not run yet";
  }
}

void report::write_heading(const whereabouts& where, const carrier* on, const task_snapshot& t) {
  const tcb& thread = t.as_thread();
  line_ << "thread ";
  write_id(t);
  char name[128];
  copy_name(thread, name, sizeof name);
  if (name[0] != '\0') line_ << " \"" << name << "\"";
  line_ << ": ";
  switch (t.state()) {
    case task_state::ready:
      if (on == nullptr) {
        write_ready(where, thread);
      } else {
        line_ << "running";
        for (const auto& p : thread.home->processors) {
          if (p.get() == thread.host) (line_ << " on processor ").number(p->index);
        }
      }
      break;
    case task_state::running:
      line_ << "in a blocking section";
      break;
    case task_state::blocked:
      write_wait(thread);
      line_ << ", for ";
      append_seconds(line_, since_ticks(thread.waits_since.load(memory_order_relaxed), now()));
      if (is_kernel_thread(thread)) line_ << ", in a blocking section";
      break;
    default:
      line_ << "ended, not joined yet";
  }
  if (const stack_memory s = stack_of(thread)) {
    line_ << "; stack ";
    line_.number(touched_part(s) / 1024) << " of ";
    line_.number(s.usable_size() / 1024) << " KiB";
  }
  end_line();
}

void report::write_trace() {
  for (std::size_t i = 0; i < trace_.depth; ++i) {
    out_ << "    #" << i << (i < 10 ? "  " : " ") << places_.words_for(trace_.at[i]) << '\n';
  }
  if (!trace_.whole) out_ << "    ... and further up, which cannot be seen from here\n";
}

void report::write_trace_of_suspended(task_snapshot& t) {
  const stack_memory s = stack_of(t.as_thread());
  if (!s) return;
  stack_words words = words_of(s);
  unwinder_.follow(register_set::of(t.as_thread().flow.registers), words, false, trace_);
  task_snapshot later;
  if (later.read(t.id()) && t.still_true_in(later)) {
    write_trace();
  } else {
    out_ << "    (no trace: it went on meanwhile)\n";
  }
}

void report::write_trace_of_running(carrier& on, const task_snapshot& t) {
  const tcb& thread = t.as_thread();
  if (!look_at_running(on, stopped_) || stopped_.who != t.id()) {
    out_ << "    (no trace: it went on meanwhile, or does not answer)\n";
    return;
  }
  stack_words words(stopped_.registers.sp(),
                    reinterpret_cast<std::uintptr_t>(stack_of(thread).top()), stopped_.copy,
                    stopped_.held);
  unwinder_.follow(stopped_.registers, words, true, trace_);
  write_trace();
}

[[gnu::noinline]] void report::write_trace_of_caller(const task_snapshot& t) {
  // From the call of this function on, which it finds by its own frame pointer.
  const auto frame = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
  register_set r;
  r.set(reg_return, reinterpret_cast<std::uintptr_t>(__builtin_return_address(0)));
  r.set(reg_rsp, frame + 2 * sizeof frame);
  r.set(reg_rbp, *reinterpret_cast<const std::uintptr_t*>(frame));
  stack_words words = words_of(stack_of(t.as_thread()));
  unwinder_.follow(r, words, false, trace_);
  write_trace();
}

void report::write_thread(const whereabouts& where, task_snapshot& t) {
  const task_state state = t.state();
  const bool suspended = is_user_thread(t.as_task()) && state != task_state::running;
  carrier* on = nullptr;
  if (!suspended || state == task_state::ready) on = where.carrier_with(find_task(t.id()));
  write_heading(where, on, t);
  if (state == task_state::finished) return;
  if (current_or_null() != nullptr && current_or_null()->id == t.id()) {
    write_trace_of_caller(t);
  } else if (on != nullptr) {
    write_trace_of_running(*on, t);
  } else if (suspended) {
    write_trace_of_suspended(t);
  } else {
    out_ << "    (no trace: it went on meanwhile)\n";
  }
}

void report::write_processors(const scheduler& s) {
  for (const auto& p : s.processors) {
    line_ << "processor ";
    line_.number(p->index);
    const std::uint32_t how = p->resting.load(memory_order_relaxed);
    line_ << (how == rest::on_futex || how == rest::in_poller ? ": sleeps" : ": awake");
    if (const std::uint32_t n = p->ready_threads(); n != 0) {
      line_ << ", ";
      line_.number(n) << " ready";
    }
    end_line();
  }
}

void report::write(scheduler& s) {
  line_ << "runtime ";
  line_.address(&s.face) << ": ";
  line_.number(s.processors.size()) << (s.processors.size() == 1 ? " processor" : " processors");
  end_line();
  write_processors(s);
  const whereabouts where(s);
  task_snapshot t;
  const std::uint32_t last = last_task_id();
  for (std::uint32_t id = 1; id <= last; ++id) {
    if (!t.read(id) || t.state() == task_state::free || !t.as_task().is_thread) continue;
    if (t.as_thread().home == &s) write_thread(where, t);
  }
}

void report::write_kernel_threads() {
  task_snapshot t;
  const std::uint32_t last = last_task_id();
  for (std::uint32_t id = 1; id <= last; ++id) {
    if (!t.read(id) || t.state() != task_state::blocked || t.as_task().is_thread) continue;
    line_ << "kernel thread ";
    write_id(t);
    line_ << " (";
    line_.number(static_cast<std::uint64_t>(t.as_kernel_thread().thread_id)) << "): ";
    write_wait(t.as_task());
    line_ << ", for ";
    append_seconds(line_, since_ticks(t.as_task().waits_since.load(memory_order_relaxed), now()));
    end_line();
  }
}

}  // namespace

void dump(std::ostream& out, std::span<scheduler* const> runtimes) {
  const auto r = std::make_unique<report>(out);  // too large for a small stack
  for (scheduler* s : runtimes) r->write(*s);
  r->write_kernel_threads();
}

}  // namespace conc::detail
