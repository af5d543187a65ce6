// The echo server on libuv: one loop, tries to write at once and queues only what does not fit.
#include <uv.h>

#include <array>
#include <cstdlib>
#include <cstring>

#include "io/listen.h"

namespace {

struct connection {
  uv_tcp_t handle;
  std::array<char, 4096> buffer;
};

struct rest {
  uv_write_t request;
  std::array<char, 4096> bytes;
};

void end(uv_handle_t* h) {
  uv_close(h, [](uv_handle_t* closed) { delete static_cast<connection*>(closed->data); });
}

void lend_buffer(uv_handle_t* h, std::size_t, uv_buf_t* buffer) {
  auto& c = *static_cast<connection*>(h->data);
  *buffer = uv_buf_init(c.buffer.data(), static_cast<unsigned>(c.buffer.size()));
}

void echo(uv_stream_t* s, ssize_t n, const uv_buf_t* buffer) {
  if (n == 0) return;
  if (n < 0) return end(reinterpret_cast<uv_handle_t*>(s));
  uv_buf_t all = uv_buf_init(buffer->base, static_cast<unsigned>(n));
  const int written = uv_try_write(s, &all, 1);
  if (written == n) return;
  const auto gone = static_cast<std::size_t>(written < 0 ? 0 : written);
  auto* r = new rest;
  std::memcpy(r->bytes.data(), buffer->base + gone, static_cast<std::size_t>(n) - gone);
  uv_buf_t left =
      uv_buf_init(r->bytes.data(), static_cast<unsigned>(n) - static_cast<unsigned>(gone));
  r->request.data = r;
  uv_write(&r->request, s, &left, 1,
           [](uv_write_t* w, int) { delete static_cast<rest*>(w->data); });
}

void accept(uv_stream_t* listener, int error) {
  if (error != 0) return;
  auto* c = new connection;
  uv_tcp_init(listener->loop, &c->handle);
  c->handle.data = c;
  auto* stream = reinterpret_cast<uv_stream_t*>(&c->handle);
  if (uv_accept(listener, stream) != 0) return end(reinterpret_cast<uv_handle_t*>(stream));
  uv_tcp_nodelay(&c->handle, 1);
  uv_read_start(stream, lend_buffer, echo);
}

}  // namespace

int main() {
  uv_loop_t* loop = uv_default_loop();
  uv_tcp_t listener;
  uv_tcp_init(loop, &listener);
  uv_tcp_open(&listener, bench::listen_anywhere(0));
  if (const int error = uv_listen(reinterpret_cast<uv_stream_t*>(&listener), SOMAXCONN, accept)) {
    bench::fail("uv_listen", -error);
  }
  uv_run(loop, UV_RUN_DEFAULT);
}
