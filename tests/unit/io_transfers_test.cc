// Vectors, messages and splice of conc::io.
#include <sys/uio.h>

#include <array>
#include <climits>
#include <cstring>

#include "conc/conc.h"
#include "support/sockets.h"

namespace io = conc::io;
using conc_test::bytes_of;
using conc_test::in_each_world;
using conc_test::text_buffer;

namespace {

std::array<iovec, 2> halves_of(std::span<std::byte> all, std::size_t first) {
  return {{{all.data(), first}, {all.data() + first, all.size() - first}}};
}

}  // namespace

TEST(io_transfers, vectors) {
  in_each_world([] {
    auto [out, in] = conc_test::pipe_pair();
    auto [a, b] = conc_test::socket_pair();
    text_buffer from{"onetwothree"}, to;
    for (const auto& [reader, writer] : {std::pair(out.get(), in.get()), {a.get(), b.get()}}) {
      conc::thread late(
          [&, w = writer] { EXPECT_EQ(io::writev(w, halves_of(from.all().first(11), 3)), 11u); });
      EXPECT_EQ(io::readv(reader, halves_of(to.all(), 5)), 11u);
      EXPECT_EQ(to.first(11), "onetwothree");
      late.join();
    }
    EXPECT_EQ(io::readv(out.get(), {}), 0u);
    std::error_code ec;
    const std::vector<iovec> many(IOV_MAX + 1, iovec{to.data, 1});
    EXPECT_EQ(io::writev(in.get(), many, ec), 0u);
    EXPECT_EQ(ec, std::errc::invalid_argument);
    EXPECT_EQ(io::readv(-1, halves_of(to.all(), 5), ec), 0u);
    EXPECT_EQ(ec, std::errc::bad_file_descriptor);
    EXPECT_THROW(io::writev(-1, halves_of(to.all(), 5)), std::system_error);
  });
}

TEST(io_transfers, a_vector_moves_the_files_position) {
  in_each_world([] {
    const conc_test::temporary_file file;
    const io::unique_fd fd(io::open(file.path.c_str(), O_RDWR, 0));
    text_buffer from{"0123456789"}, to;
    EXPECT_EQ(io::writev(fd.get(), halves_of(from.all().first(10), 4)), 10u);
    EXPECT_EQ(::lseek(fd.get(), 2, SEEK_SET), 2);
    EXPECT_EQ(io::readv(fd.get(), halves_of(to.all().first(4), 1)), 4u);
    EXPECT_EQ(io::readv(fd.get(), halves_of(to.all(), 1)), 4u);
    EXPECT_EQ(to.first(4), "6789");
  });
}

// A datagram's sender, and a descriptor on the way.
TEST(io_transfers, messages) {
  in_each_world([] {
    auto [a, b] = conc_test::socket_pair(SOCK_DGRAM);
    conc::thread sender([&, to = a.get()] {
      const io::unique_fd gift(::dup(to));
      alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
      char text[] = "with a gift";
      iovec v{text, 11};
      msghdr m{};
      m.msg_iov = &v;
      m.msg_iovlen = 1;
      m.msg_control = control;
      m.msg_controllen = sizeof control;
      cmsghdr* c = CMSG_FIRSTHDR(&m);
      c->cmsg_level = SOL_SOCKET;
      c->cmsg_type = SCM_RIGHTS;
      c->cmsg_len = CMSG_LEN(sizeof(int));
      const int number = gift.get();
      std::memcpy(CMSG_DATA(c), &number, sizeof number);
      EXPECT_EQ(io::sendmsg(to, &m, 0), 11u);
    });
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    text_buffer t;
    iovec v{t.data, 4};
    msghdr m{};
    m.msg_iov = &v;
    m.msg_iovlen = 1;
    m.msg_control = control;
    m.msg_controllen = sizeof control;
    EXPECT_EQ(io::recvmsg(b.get(), &m, MSG_CMSG_CLOEXEC), 4u);
    EXPECT_EQ(t.first(4), "with");
    EXPECT_TRUE(m.msg_flags & MSG_TRUNC);
    ASSERT_NE(CMSG_FIRSTHDR(&m), nullptr);
    int number = -1;
    std::memcpy(&number, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof number);
    const io::unique_fd gift(number);
    EXPECT_EQ(::fcntl(number, F_GETFD), FD_CLOEXEC);
    sender.join();
    std::error_code ec;
    EXPECT_EQ(io::recvmsg(b.get(), &m, MSG_DONTWAIT, ec), 0u);
    EXPECT_EQ(ec, std::errc::resource_unavailable_try_again);
    EXPECT_EQ(io::sendmsg(-1, &m, 0, ec), 0u);
    EXPECT_EQ(ec, std::errc::bad_file_descriptor);
    EXPECT_THROW(io::recvmsg(-1, &m, 0), std::system_error);
    EXPECT_THROW(io::sendmsg(-1, &m, 0), std::system_error);
  });
}

TEST(io_transfers, splice_from_a_file_to_a_socket) {
  in_each_world([] {
    const conc_test::temporary_file file;
    const io::unique_fd fd(io::open(file.path.c_str(), O_RDWR, 0));
    io::write(fd.get(), bytes_of("0123456789"));
    auto [out, in] = conc_test::pipe_pair();
    auto [a, b] = conc_test::socket_pair();
    off_t offset = 3;
    EXPECT_EQ(io::splice(fd.get(), &offset, in.get(), nullptr, 5, 0), 5u);
    EXPECT_EQ(offset, 8);
    EXPECT_EQ(io::splice(out.get(), nullptr, a.get(), nullptr, 100, 0), 5u);
    text_buffer t;
    EXPECT_EQ(io::recv(b.get(), t.all(), 0), 5u);
    EXPECT_EQ(t.first(5), "34567");
    std::error_code ec;
    EXPECT_EQ(io::splice(out.get(), nullptr, a.get(), nullptr, 9, SPLICE_F_NONBLOCK, ec), 0u);
    EXPECT_EQ(ec, std::errc::resource_unavailable_try_again);
    offset = -1;
    EXPECT_EQ(io::splice(fd.get(), &offset, in.get(), nullptr, 5, 0, ec), 0u);
    EXPECT_EQ(ec, std::errc::invalid_argument);
    EXPECT_THROW(io::splice(-1, nullptr, in.get(), nullptr, 5, 0), std::system_error);
  });
}

TEST(io_transfers, splice_waits_for_both_sides) {
  in_each_world([] {
    for (const int flags : {0, O_NONBLOCK}) {
      auto [out, in] = conc_test::pipe_pair(flags);
      auto [last, next] = conc_test::pipe_pair(flags);
      constexpr std::size_t size = 300'000;
      conc::thread source([&, to = in.get()] {
        const std::vector<std::byte> much(size, std::byte{5});
        for (std::span<const std::byte> rest(much); !rest.empty();) {
          rest = rest.subspan(io::write(to, rest));
        }
        in.reset();
      });
      conc::thread sink([&, from = last.get()] {
        std::vector<std::byte> b(7000);
        std::size_t got = 0;
        while (const std::size_t n = io::read(from, b)) got += n;
        EXPECT_EQ(got, size);
      });
      std::size_t moved = 0;
      while (const std::size_t n = io::splice(out.get(), nullptr, next.get(), nullptr, size, 0)) {
        moved += n;
      }
      EXPECT_EQ(moved, size);
      next.reset();
      source.join();
      sink.join();
    }
  });
}
