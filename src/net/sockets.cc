#include "net/sockets.h"

#include <curl/curl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>

#include "base/check.h"

namespace xcs::net {
namespace {

// epoll counts in whole milliseconds: round up, so that a deadline has passed when the wait returns.
int milliseconds_until(TimePoint deadline) {
  const auto now = std::chrono::steady_clock::now();
  if (deadline <= now) return 0;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - now).count();
  return static_cast<int>(std::min<decltype(left)>(left, std::numeric_limits<int>::max()));
}

}  // namespace

Sockets::Sockets() : epoll_(epoll_create1(EPOLL_CLOEXEC)) { XCS_CHECK(epoll_ >= 0, errno); }

Sockets::~Sockets() { ::close(epoll_); }

Sockets::Socket& Sockets::at(int fd) {
  const auto index = static_cast<std::size_t>(fd);
  if (index >= sockets_.size()) sockets_.resize(std::max(index + 1, 2 * sockets_.size()));
  return sockets_[index];
}

void Sockets::register_events(int fd, Socket& socket, std::uint32_t events) const {
  if (socket.registered == events) return;
  const int operation = events == 0 ? EPOLL_CTL_DEL : socket.registered == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
  epoll_event event{.events = events, .data = {.fd = fd}};
  const int failed = epoll_ctl(epoll_, operation, fd, &event);
  // A socket that libcurl closed by itself has already left the kernel's set.
  XCS_CHECK(failed == 0 || operation == EPOLL_CTL_DEL, fd, errno);
  socket.registered = events;
}

void Sockets::watch_wakeup(int fd) {
  wakeup_ = fd;
  register_events(fd, at(fd), EPOLLIN);
}

void Sockets::opened(int fd) {
  at(fd) = Socket{.ours = true};
  ++opened_count_;
}

void Sockets::close(int fd) {
  at(fd) = Socket{};
  ::close(fd);
}

void Sockets::watch(int fd, int curl_poll, Multi* multi) {
  Socket& socket = at(fd);
  socket.multi = multi;
  socket.wanted = (((curl_poll & CURL_POLL_IN) != 0) ? EPOLLIN : 0u) |
                  (((curl_poll & CURL_POLL_OUT) != 0) ? EPOLLOUT : 0u);
  if (curl_poll == CURL_POLL_REMOVE) socket.wanted = 0;
  if (socket.wanted == 0 && socket.ours && socket.registered == EPOLLIN) return;
  register_events(fd, socket, socket.wanted);
}

// The kernel gives each ready socket once before it gives one again, so that after as many events as there
// are sockets all those have been given that were ready when the sweep began.
void Sockets::note_given(std::size_t count) {
  given_ += count;
  if (count == kBatch && given_ < sockets_.size()) return;
  heard_until_ = sweep_began_;
  given_ = 0;
}

std::span<const Sockets::Event> Sockets::wait(TimePoint deadline) {
  if (given_ == 0) sweep_began_ = std::chrono::steady_clock::now();
  const int count = epoll_wait(epoll_, ready_.data(), kBatch, milliseconds_until(deadline));
  XCS_CHECK(count >= 0 || errno == EINTR, errno);
  note_given(static_cast<std::size_t>(std::max(count, 0)));
  events_.clear();
  for (const epoll_event& event : std::span(ready_).first(static_cast<std::size_t>(std::max(count, 0)))) {
    const int fd = event.data.fd;
    Socket& socket = at(fd);
    if (fd != wakeup_ && socket.wanted == 0) {
      register_events(fd, socket, 0);
      continue;
    }
    const int in = ((event.events & EPOLLIN) != 0u) ? CURL_CSELECT_IN : 0;
    const int out = ((event.events & EPOLLOUT) != 0u) ? CURL_CSELECT_OUT : 0;
    const int broken = ((event.events & (EPOLLERR | EPOLLHUP)) != 0u) ? CURL_CSELECT_ERR : 0;
    events_.push_back({.fd = fd, .curl_events = in | out | broken, .multi = socket.multi});
  }
  return events_;
}

}  // namespace xcs::net
