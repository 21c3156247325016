#include "net/testing/fake_server.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <utility>

#include "base/check.h"
#include "net/testing/listener.h"

namespace xcs::net::testing {
namespace {

std::size_t content_length(std::string_view head) {
  constexpr std::string_view kName = "Content-Length: ";
  const std::size_t at = head.find(kName);
  return at == std::string_view::npos ? 0 : std::strtoul(head.data() + at + kName.size(), nullptr, 10);
}

}  // namespace

Connection::~Connection() { ::close(fd_); }

std::string Connection::wait_request() {
  std::size_t wanted = std::string::npos;
  for (;;) {
    if (const std::size_t end = unread_.find("\r\n\r\n"); end != std::string::npos) {
      wanted = end + 4 + content_length(std::string_view(unread_).substr(0, end + 2));
    }
    if (unread_.size() >= wanted) break;
    char buffer[4096];
    const ssize_t got = recv(fd_, buffer, sizeof buffer, 0);
    if (got <= 0) return "";
    unread_.append(buffer, static_cast<std::size_t>(got));
  }
  std::string request = unread_.substr(0, wanted);
  unread_.erase(0, wanted);
  return request;
}

void Connection::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

void Connection::respond(int status, std::string_view body, std::string_view extra_header_lines) {
  send(fmt::format("HTTP/1.1 {} Whatever\r\nContent-Length: {}\r\n{}\r\n{}", status, body.size(),
                   extra_header_lines, body));
}

void Connection::wait_closed() {
  char buffer[4096];
  while (recv(fd_, buffer, sizeof buffer, 0) > 0) {
  }
}

void Connection::reset() {
  const sockaddr nobody{.sa_family = AF_UNSPEC, .sa_data = {}};
  const int reset = connect(fd_, &nobody, sizeof nobody);
  XCS_CHECK(reset == 0, errno);
}

void Connection::shut_down() { shutdown(fd_, SHUT_RDWR); }

FakeServer::FakeServer(Script script)
    : script_(std::move(script)), listener_(listen_on_free_port()), port_(port_of(listener_)) {
  acceptor_ = std::thread([this] { accept_all(); });
}

FakeServer::~FakeServer() {
  shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  ::close(listener_);
  std::list<Session> sessions;
  {
    MutexLock lock(mutex_);
    sessions.swap(sessions_);
  }
  for (Session& session : sessions) session.connection.shut_down();
  for (Session& session : sessions) session.thread.join();
}

void FakeServer::accept_all() {
  for (;;) {
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) return;
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    MutexLock lock(mutex_);
    Session& session = sessions_.emplace_back(fd);
    session.thread = std::thread([this, &session] {
      script_(session.connection);
      session.connection.shut_down();
    });
  }
}

std::string FakeServer::url(std::string_view path) const {
  return fmt::format("http://127.0.0.1:{}{}", port_, path);
}

int FakeServer::connections() const {
  MutexLock lock(mutex_);
  return static_cast<int>(sessions_.size());
}

FakeServer::Script always(int status, std::string body, std::string extra_header_lines) {
  return [status, body = std::move(body), lines = std::move(extra_header_lines)](Connection& connection) {
    while (!connection.wait_request().empty()) connection.respond(status, body, lines);
  };
}

int unused_port() {
  const int fd = listen_on_free_port();
  const int port = port_of(fd);
  ::close(fd);
  return port;
}

}  // namespace xcs::net::testing
