// read_exactly and write_all: parts, ends, one deadline.
#include <atomic>

#include "conc/conc.h"
#include "support/eventually.h"
#include "support/io_waiters.h"
#include "support/sockets.h"

namespace io = conc::io;
using namespace std::chrono_literals;
using conc_test::bytes_of;
using conc_test::in_each_world;
using conc_test::text_buffer;

TEST(io_whole, collects_the_parts) {
  in_each_world([] {
    auto [out, in] = conc_test::pipe_pair();
    const conc_test::io_caller reader;
    conc::thread writer([&reader, to = in.get()] {
      for (const char* part : {"a", "bc", "def"}) {
        EXPECT_TRUE(reader.eventually_waits());  // for the next part
        io::write_all(to, bytes_of(part));
      }
    });
    text_buffer t;
    EXPECT_EQ(io::read_exactly(out.get(), t.all().first(6)), 6u);
    EXPECT_EQ(t.first(6), "abcdef");
    writer.join();
  });
}

TEST(io_whole, writes_more_than_fits) {
  in_each_world([] {
    auto [out, in] = conc_test::pipe_pair();
    ::fcntl(in.get(), F_SETPIPE_SZ, 4096);
    std::vector<std::byte> much(100'000), got(much.size());
    for (std::size_t i = 0; i < much.size(); ++i) much[i] = std::byte(i * 7);
    conc::thread reader([&, from = out.get()] { io::read_exactly(from, got); });
    EXPECT_EQ(io::write_all(in.get(), much), much.size());
    reader.join();
    EXPECT_EQ(got, much);
  });
}

TEST(io_whole, an_end_between_records_is_none_within_one_is_an_error) {
  in_each_world([] {
    auto [out, in] = conc_test::pipe_pair();
    io::write_all(in.get(), bytes_of("1234567"));
    in.reset();
    text_buffer t;
    std::error_code error;
    const auto record = t.all().first(4);
    EXPECT_EQ(io::read_exactly(out.get(), record, error), 4u);
    EXPECT_FALSE(error);
    EXPECT_EQ(io::read_exactly(out.get(), record, error), 0u);
    EXPECT_EQ(error, std::errc::no_message_available) << "three bytes of four";
    EXPECT_EQ(io::read_exactly(out.get(), record, error), 0u);
    EXPECT_FALSE(error) << "nothing at all";
    EXPECT_EQ(io::read_exactly(out.get(), record), 0u);
  });
}

TEST(io_whole, the_throwing_form_throws_at_a_torn_record) {
  in_each_world([] {
    auto [out, in] = conc_test::pipe_pair();
    io::write_all(in.get(), bytes_of("1"));
    in.reset();
    text_buffer t;
    try {
      io::read_exactly(out.get(), t.all());
      ADD_FAILURE() << "no exception";
    } catch (const std::system_error& e) {
      EXPECT_EQ(e.code(), std::errc::no_message_available);
      EXPECT_NE(std::string(e.what()).find("read_exactly"), std::string::npos) << e.what();
    }
  });
}

TEST(io_whole, nothing_is_done_at_once) {
  std::error_code error = std::make_error_code(std::errc::io_error);
  EXPECT_EQ(io::read_exactly(-1, {}, error), 0u);
  EXPECT_FALSE(error);
  EXPECT_EQ(io::write_all(-1, {}), 0u);
}

// The peer feeds one byte whenever the last one has been taken, so that each single read is quick.
TEST(io_whole, one_deadline_for_all_parts) {
  in_each_world([] {
    auto [a, b] = conc_test::socket_pair();
    const int taken_from = a.get(), fed_to = b.get();
    std::atomic<bool> enough = false;
    conc::thread feeder([&] {
      std::error_code error;
      while (!enough.load()) {
        io::send(fed_to, bytes_of("x"), MSG_NOSIGNAL | MSG_DONTWAIT, error);
        conc::this_thread::yield();
      }
    });
    std::vector<std::byte> endless(std::size_t{16} << 20);
    std::error_code error;
    EXPECT_EQ(io::read_exactly(taken_from, endless, error, {.deadline = 20ms}), 0u);
    EXPECT_EQ(error, std::errc::timed_out);
    enough = true;
    feeder.join();
  });
}

TEST(io_whole, a_write_that_nobody_reads_ends_by_deadline_and_stop) {
  in_each_world([] {
    auto [out, in] = conc_test::pipe_pair();
    const std::vector<std::byte> much(1 << 20);
    std::error_code error;
    EXPECT_EQ(io::write_all(in.get(), much, error, {.deadline = 5ms}), 0u);
    EXPECT_EQ(error, std::errc::timed_out);
    std::stop_source stop;
    stop.request_stop();
    EXPECT_EQ(io::write_all(in.get(), much, error, {.stop = stop.get_token()}), 0u);
    EXPECT_EQ(error, std::errc::operation_canceled);
  });
}
