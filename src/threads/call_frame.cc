#include "threads/call_frame.h"

#include <cstddef>
#include <cstring>

#include "threads/own_memory.h"

namespace conc::detail {
namespace {

// Pointer encodings: LSB Core, 10.5.1. Compilers for x86-64 and aarch64 use sdata4, relative.
constexpr std::uint8_t format_mask = 0x0f, absolute_pointer = 0x00, udata4 = 0x03, sdata4 = 0x0b;
constexpr std::uint8_t how_mask = 0x70, relative_to_itself = 0x10;
constexpr std::uint8_t index_encoding = 0x3b;  // sdata4 relative to the index

// A piece of a table, copied out of memory that may vanish, and the place where reading is at.
class reader {
 public:
  // Up to `most` bytes from `from`.
  reader(std::uintptr_t from, std::size_t most) noexcept : from_(from) {
    end_ = read_memory(bytes_, reinterpret_cast<const void*>(from),
                       most < sizeof bytes_ ? most : sizeof bytes_);
  }

  bool good() const noexcept { return good_; }
  bool at_end() const noexcept { return at_ >= end_ || !good_; }
  std::uintptr_t address() const noexcept { return from_ + at_; }
  void skip(std::uint64_t n) noexcept {
    if (n > end_ - at_) {
      good_ = false;
    } else {
      at_ += n;
    }
  }
  void cut_at(std::uintptr_t address) noexcept {
    if (address - from_ > end_) {
      good_ = false;
    } else {
      end_ = address - from_;
    }
  }

  template <class T>
  T take() noexcept {
    T value{};
    if (sizeof value > end_ - at_) {
      good_ = false;
    } else {
      std::memcpy(&value, bytes_ + at_, sizeof value);
      at_ += sizeof value;
    }
    return value;
  }
  std::uint64_t unsigned_number() noexcept {  // LEB128
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const auto b = take<std::uint8_t>();
      value |= std::uint64_t{b & 0x7fu} << shift;
      if ((b & 0x80) == 0) break;
    }
    return value;
  }
  std::int64_t signed_number() noexcept {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64;) {
      const auto b = take<std::uint8_t>();
      value |= std::uint64_t{b & 0x7fu} << shift;
      shift += 7;
      if ((b & 0x80) != 0) continue;
      if ((b & 0x40) != 0 && shift < 64) value |= ~std::uint64_t{0} << shift;
      break;
    }
    return static_cast<std::int64_t>(value);
  }
  std::uint64_t pointer(std::uint8_t encoding) noexcept {
    const std::uintptr_t here = address();
    std::uint64_t value = 0;
    switch (encoding & format_mask) {
      case absolute_pointer:
        value = take<std::uint64_t>();
        break;
      case udata4:
        value = take<std::uint32_t>();
        break;
      case sdata4:
        value = static_cast<std::uint64_t>(take<std::int32_t>());
        break;
      default:
        good_ = false;
    }
    switch (encoding & how_mask) {
      case 0:
        return value;
      case relative_to_itself:
        return value + here;
      default:
        good_ = false;
        return 0;
    }
  }

 private:
  std::uintptr_t from_;
  std::size_t at_ = 0, end_ = 0;
  bool good_ = true;
  std::byte bytes_[2048];  // the longest descriptions are some hundred bytes
};

// What the functions of one compilation have in common.
struct common_entry {
  std::uint8_t encoding = 0;
  bool has_augmentation = false;
  std::uint64_t code_unit = 1;
  std::int64_t data_unit = 1;
};

// The state of the machine that the instructions drive: the frame at `at`.
struct machine {
  call_frame now, initial;
  std::uintptr_t at = 0;  // where `now` begins to hold
  call_frame saved[4];
  unsigned saved_count = 0;

  void set(std::uint64_t r, call_frame::rule rule) noexcept {
    if (r < register_count) now.rules[r] = rule;
  }
  void at_offset(std::uint64_t r, std::int64_t units, const common_entry& c) noexcept {
    set(r, static_cast<call_frame::rule>(units * c.data_unit));
  }
  void restore(std::uint64_t r) noexcept {
    if (r < register_count) now.rules[r] = initial.rules[r];
  }
  void cfa(std::uint64_t r, std::int64_t offset) noexcept {
    now.cfa_register = r < register_count ? static_cast<std::uint8_t>(r) : call_frame::no_register;
    now.cfa_offset = static_cast<std::int32_t>(offset);
  }

  // Runs until the end, or until the row for `target` is complete. False for what is not
  // understood.
  bool run(reader& in, const common_entry& c, std::uintptr_t target) noexcept;

 private:
  bool run_extended(std::uint8_t op, reader& in, const common_entry& c) noexcept;
};

bool machine::run(reader& in, const common_entry& c, std::uintptr_t target) noexcept {
  while (!in.at_end()) {
    const auto op = in.take<std::uint8_t>();
    const std::uint64_t low = op & 0x3f;
    std::uint64_t advance = 0;
    switch (op & 0xc0) {
      case 0x40:
        advance = low;
        break;
      case 0x80:
        at_offset(low, static_cast<std::int64_t>(in.unsigned_number()), c);
        continue;
      case 0xc0:
        restore(low);
        continue;
      default:
        switch (op) {
          case 0x02:
            advance = in.take<std::uint8_t>();
            break;
          case 0x03:
            advance = in.take<std::uint16_t>();
            break;
          case 0x04:
            advance = in.take<std::uint32_t>();
            break;
          default:
            if (!run_extended(op, in, c)) return false;
            continue;
        }
    }
    at += advance * c.code_unit;
    if (at > target) return in.good();
  }
  return in.good();
}

bool machine::run_extended(std::uint8_t op, reader& in, const common_entry& c) noexcept {
  std::uint64_t r;
  switch (op) {
    case 0x00:
      return true;  // nop
    case 0x05:      // offset_extended
      r = in.unsigned_number();
      at_offset(r, static_cast<std::int64_t>(in.unsigned_number()), c);
      return true;
    case 0x11:  // offset_extended_sf
      r = in.unsigned_number();
      at_offset(r, in.signed_number(), c);
      return true;
    case 0x06:
      restore(in.unsigned_number());
      return true;
    case 0x07:
      set(in.unsigned_number(), call_frame::lost);
      return true;
    case 0x08:
      set(in.unsigned_number(), call_frame::unchanged);
      return true;
    case 0x09:  // register: in another register, which compilers do not do on our machines
    case 0x14:  // val_offset
      set(in.unsigned_number(), call_frame::lost);
      in.unsigned_number();
      return true;
    case 0x0a:  // remember_state
      if (saved_count == 4) return false;
      saved[saved_count++] = now;
      return true;
    case 0x0b:  // restore_state
      if (saved_count == 0) return false;
      now = saved[--saved_count];
      return true;
    case 0x0c:  // def_cfa
      r = in.unsigned_number();
      cfa(r, static_cast<std::int64_t>(in.unsigned_number()));
      return true;
    case 0x12:  // def_cfa_sf
      r = in.unsigned_number();
      cfa(r, in.signed_number() * c.data_unit);
      return true;
    case 0x0d:
      cfa(in.unsigned_number(), now.cfa_offset);
      return true;
    case 0x0e:
      now.cfa_offset = static_cast<std::int32_t>(in.unsigned_number());
      return true;
    case 0x13:
      now.cfa_offset = static_cast<std::int32_t>(in.signed_number() * c.data_unit);
      return true;
    case 0x0f:  // def_cfa_expression
      in.skip(in.unsigned_number());
      now.cfa_register = call_frame::no_register;
      return true;
    case 0x10:  // expression
    case 0x16:  // val_expression
      set(in.unsigned_number(), call_frame::lost);
      in.skip(in.unsigned_number());
      return true;
    case 0x2e:
      in.unsigned_number();
      return true;  // GNU_args_size
    default:
      return false;
  }
}

// Reads the common entry and runs its instructions.
bool read_common(std::uintptr_t from, common_entry& c, machine& m) noexcept {
  reader in(from, 512);
  const auto length = in.take<std::uint32_t>();
  if (length == 0 || length > 500) return false;
  in.cut_at(in.address() + length);
  if (in.take<std::uint32_t>() != 0) return false;  // not a common entry
  const auto version = in.take<std::uint8_t>();
  if (version != 1 && version != 3) return false;
  char augmentation[8];
  std::size_t n = 0;
  do {
    if (n == sizeof augmentation) return false;
    augmentation[n] = in.take<char>();
  } while (in.good() && augmentation[n++] != '\0');
  c.code_unit = in.unsigned_number();
  c.data_unit = in.signed_number();
  if (in.unsigned_number() != reg_return) return false;
  if (augmentation[0] == 'z') {
    c.has_augmentation = true;
    const std::uint64_t bytes = in.unsigned_number();
    const std::uintptr_t instructions = in.address() + bytes;
    for (std::size_t i = 1; in.good() && augmentation[i] != '\0'; ++i) {
      switch (augmentation[i]) {
        case 'R':
          c.encoding = in.take<std::uint8_t>();
          break;
        case 'L':
          in.take<std::uint8_t>();
          break;
        case 'P':
          in.pointer(in.take<std::uint8_t>() & 0x7f);
          break;
        case 'S':
          return false;  // a signal frame: its registers are described by expressions
        default:
          return false;
      }
    }
    if (in.address() > instructions) return false;
    in.skip(instructions - in.address());
  } else if (augmentation[0] != '\0') {
    return false;
  }
  if (!m.run(in, c, ~std::uintptr_t{0})) return false;
  m.initial = m.now;
  return true;
}

// The description of the function that begins last before the address: a binary search.
std::uintptr_t find_description(const module& m, std::uintptr_t address) noexcept {
  struct {
    std::uint8_t version, frame_encoding, count_encoding, table_encoding;
    std::int32_t frames;
    std::uint32_t count;
  } head;
  struct {
    std::int32_t function, description;
  } entry;
  const std::uintptr_t index = m.unwind_index;
  if (index == 0 || !read_object(head, index) || head.version != 1) return 0;
  if ((head.frame_encoding & format_mask) != sdata4 || head.count_encoding != udata4) return 0;
  if (head.table_encoding != index_encoding || head.count == 0) return 0;
  const auto wanted = static_cast<std::int64_t>(address - index);
  std::uintptr_t found = 0;
  for (std::size_t low = 0, high = head.count; low < high;) {
    const std::size_t middle = low + (high - low) / 2;
    if (!read_object(entry, index + sizeof head + middle * sizeof entry)) return 0;
    if (entry.function <= wanted) {
      found = index + static_cast<std::uintptr_t>(std::int64_t{entry.description});
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return found;
}

}  // namespace

bool find_call_frame(const module& m, std::uintptr_t address, call_frame& out) noexcept {
  const std::uintptr_t description = find_description(m, address);
  if (description == 0) return false;
  reader in(description, 2048);
  const auto length = in.take<std::uint32_t>();
  if (length == 0 || length > 2000) return false;
  in.cut_at(in.address() + length);
  const std::uintptr_t here = in.address();
  common_entry c;
  machine state;
  if (!read_common(here - in.take<std::uint32_t>(), c, state)) return false;
  state.at = in.pointer(c.encoding);
  const std::uint64_t bytes = in.pointer(c.encoding & format_mask);
  if (!in.good() || address < state.at || address >= state.at + bytes) return false;
  if (c.has_augmentation) in.skip(in.unsigned_number());
  if (!state.run(in, c, address)) return false;
  out = state.now;
  return out.cfa_register != call_frame::no_register;
}

}  // namespace conc::detail
