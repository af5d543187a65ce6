// The calls of conc::io that change files as a whole, and their names.
#include <sys/stat.h>

#include <chrono>
#include <functional>
#include <stop_token>

#include "conc/conc.h"
#include "support/sockets.h"

namespace io = conc::io;
using namespace std::chrono_literals;
using conc_test::bytes_of;
using conc_test::in_each_world;

namespace {

struct folder {
  std::string path = std::string(testing::TempDir()) + "conc_io_XXXXXX";
  io::unique_fd fd;
  folder() {
    EXPECT_NE(::mkdtemp(path.data()), nullptr);
    fd.reset(io::open(path.c_str(), O_RDONLY | O_DIRECTORY, 0));
  }
  ~folder() { EXPECT_EQ(::rmdir(path.c_str()), 0) << "something was left in it"; }
  folder(const folder&) = delete;
  folder& operator=(const folder&) = delete;
};

struct ::statx look(int directory, const char* path, int flags = 0) {
  struct ::statx s {};
  EXPECT_EQ(io::statx(directory, path, flags, STATX_BASIC_STATS, &s), 0);
  return s;
}

}  // namespace

TEST(io_names, a_file_made_without_a_mode_is_for_everybody_whom_the_umask_leaves) {
  in_each_world([] {
    const folder at;
    const mode_t before = ::umask(0026);
    std::error_code e;
    const std::string here = at.path + "/one";
    const io::unique_fd one(io::open(here.c_str(), O_WRONLY | O_CREAT | O_EXCL));
    const io::unique_fd two(io::openat(at.fd.get(), "two", O_WRONLY | O_CREAT | O_EXCL, e));
    EXPECT_FALSE(e) << e.message();
    ::umask(before);
    for (const char* name : {"one", "two"}) {
      EXPECT_EQ(look(at.fd.get(), name).stx_mode & 07777, 0640) << name;
      EXPECT_EQ(io::unlinkat(at.fd.get(), name, 0), 0);
    }
    EXPECT_EQ(io::open(here.c_str(), O_RDONLY, e), -1);
    EXPECT_EQ(e, std::errc::no_such_file_or_directory);
  });
}

TEST(io_names, from_the_first_name_to_the_last) {
  in_each_world([] {
    const folder at;
    const int dir = at.fd.get();
    EXPECT_EQ(io::mkdirat(dir, "sub", 0700), 0);
    EXPECT_TRUE(S_ISDIR(look(dir, "sub").stx_mode));
    io::unique_fd file(io::openat(dir, "one", O_RDWR | O_CREAT | O_EXCL, 0600));
    EXPECT_EQ(io::write(file.get(), bytes_of("0123456789")), 10u);
    EXPECT_EQ(io::fdatasync(file.get()), 0);
    EXPECT_EQ(io::ftruncate(file.get(), 4), 0);
    EXPECT_EQ(look(file.get(), "", AT_EMPTY_PATH).stx_size, 4u);
    EXPECT_EQ(io::fallocate(file.get(), 0, 0, 100), 0);
    EXPECT_EQ(look(dir, "one").stx_size, 100u);
    EXPECT_EQ(io::linkat(dir, "one", dir, "two", 0), 0);
    EXPECT_EQ(look(dir, "two").stx_nlink, 2u);
    EXPECT_EQ(io::symlinkat("two", dir, "three"), 0);
    EXPECT_TRUE(S_ISLNK(look(dir, "three", AT_SYMLINK_NOFOLLOW).stx_mode));
    EXPECT_EQ(look(dir, "three").stx_ino, look(dir, "one").stx_ino);
    EXPECT_EQ(io::renameat(dir, "two", dir, "sub/two"), 0);
    EXPECT_EQ(io::unlinkat(dir, "sub/two", 0), 0);
    EXPECT_EQ(look(dir, "one").stx_nlink, 1u);
    EXPECT_EQ(io::unlinkat(dir, "three", 0), 0);
    EXPECT_EQ(io::unlinkat(dir, "one", 0), 0);
    EXPECT_EQ(io::unlinkat(dir, "sub", AT_REMOVEDIR), 0);
  });
}

// Every call, asked for the impossible: both forms report it; and none begins once it is too late.
TEST(io_names, errors_deadlines_and_stop_requests) {
  in_each_world([] {
    struct ::statx s {};
    using call = std::function<int(std::error_code*, const io::options&)>;
#define CALL(name, ...)                                                                       \
  {                                                                                           \
#name, [&](std::error_code * e,                                                           \
               const io::options&                                                             \
                   o) { return e ? io::name(__VA_ARGS__, *e, o) : io::name(__VA_ARGS__, o); } \
  }
    const std::pair<const char*, call> calls[] = {
        CALL(fallocate, -1, 0, 0, 1),
        CALL(ftruncate, -1, 0),
        CALL(statx, -1, "x", 0, STATX_BASIC_STATS, &s),
        CALL(renameat, -1, "x", -1, "y"),
        CALL(unlinkat, -1, "x", 0),
        CALL(mkdirat, -1, "x", 0700),
        CALL(linkat, -1, "x", -1, "y", 0),
        CALL(symlinkat, "x", -1, "y"),
        CALL(openat, -1, "x", O_RDONLY, 0),
        {"fdatasync",
         [](std::error_code* e, const io::options& o) {
           return e ? io::fdatasync(-1, *e, o) : io::fdatasync(-1, o);
         }},
    };
#undef CALL
    std::stop_source source;
    source.request_stop();
    for (const auto& [name, f] : calls) {
      std::error_code ec;
      EXPECT_EQ(f(&ec, {}), -1) << name;
      EXPECT_EQ(ec, std::errc::bad_file_descriptor) << name;
      try {
        f(nullptr, {});
        ADD_FAILURE() << name << " did not throw";
      } catch (const std::system_error& e) {
        EXPECT_EQ(e.code(), std::errc::bad_file_descriptor) << name;
        EXPECT_NE(std::string(e.what()).find(name), std::string::npos) << e.what();
      }
      EXPECT_EQ(f(&ec, {.stop = source.get_token()}), -1) << name;
      EXPECT_EQ(ec, std::errc::operation_canceled) << name;
    }
    for (const auto& [name, f] : std::span(calls).first(8)) {
      std::error_code ec;
      EXPECT_EQ(f(&ec, {.deadline = -1s}), -1) << name;
      EXPECT_EQ(ec, std::errc::timed_out) << name;
    }
  });
}
