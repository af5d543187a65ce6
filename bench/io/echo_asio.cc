// The echo server as Boost.Asio's documentation writes it: one thread, callbacks.
#include <array>
#include <boost/asio.hpp>
#include <memory>
#include <utility>

#include "io/listen.h"

using boost::asio::ip::tcp;

namespace {

class session : public std::enable_shared_from_this<session> {
 public:
  explicit session(tcp::socket socket) : socket_(std::move(socket)) {}

  void read() {
    socket_.async_read_some(
        boost::asio::buffer(buffer_),
        [self = shared_from_this()](boost::system::error_code error, std::size_t n) {
          if (!error) self->write(n);
        });
  }

 private:
  void write(std::size_t n) {
    boost::asio::async_write(
        socket_, boost::asio::buffer(buffer_.data(), n),
        [self = shared_from_this()](boost::system::error_code error, std::size_t) {
          if (!error) self->read();
        });
  }

  tcp::socket socket_;
  std::array<char, 4096> buffer_;
};

void accept(tcp::acceptor& acceptor) {
  acceptor.async_accept([&acceptor](boost::system::error_code error, tcp::socket socket) {
    if (!error) {
      socket.set_option(tcp::no_delay(true));
      std::make_shared<session>(std::move(socket))->read();
    }
    accept(acceptor);
  });
}

}  // namespace

int main() {
  boost::asio::io_context context(1);  // a promise of one thread spares it the locks
  tcp::acceptor acceptor(context, tcp::v4(), bench::listen_anywhere(0));
  accept(acceptor);
  context.run();
}
