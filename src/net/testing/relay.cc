#include "net/testing/relay.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string_view>

#include "net/testing/listener.h"

namespace xcs::net::testing {
namespace {

bool send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

// Everything up to the empty line; empty when the client closes before it.
std::string read_head(int fd) {
  std::string head;
  char byte = 0;
  while (!head.ends_with("\r\n\r\n")) {
    if (recv(fd, &byte, 1, 0) <= 0) return "";
    head.push_back(byte);
  }
  return head;
}

}  // namespace

Relay::Relay(Kind kind, int target)
    : kind_(kind), target_(target), listener_(listen_on_free_port()), port_(port_of(listener_)) {
  acceptor_ = std::thread([this] { accept_all(); });
}

Relay::~Relay() {
  shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  close(listener_);
  std::list<Session> sessions;
  {
    MutexLock lock(mutex_);
    sessions.swap(sessions_);
  }
  for (const Session& session : sessions) shutdown(session.client, SHUT_RDWR);
  for (Session& session : sessions) {
    session.thread.join();
    close(session.client);
    close(session.server);
  }
}

int Relay::connections() const {
  MutexLock lock(mutex_);
  return static_cast<int>(sessions_.size());
}

std::vector<std::string> Relay::requests() const {
  MutexLock lock(mutex_);
  return requests_;
}

void Relay::accept_all() {
  for (;;) {
    const int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) return;
    MutexLock lock(mutex_);
    const int number = static_cast<int>(sessions_.size());
    Session& session = sessions_.emplace_back();
    session.client = client;
    session.server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    session.thread = std::thread([this, &session, number] { serve(session, number); });
  }
}

bool Relay::connect_target(Session& session) {
  if (kind_ == Kind::kConnect) {
    std::string request = read_head(session.client);
    if (request.empty()) return false;
    MutexLock lock(mutex_);
    requests_.push_back(std::move(request));
  }
  sockaddr_in address = loopback(target_);
  if (connect(session.server, reinterpret_cast<sockaddr*>(&address), sizeof address) < 0) return false;
  return kind_ == Kind::kPlain || send_all(session.client, "HTTP/1.1 200 Connection established\r\n\r\n");
}

void Relay::serve(Session& session, int number) {
  bool open = connect_target(session);
  std::array<char, 16384> buffer;
  while (open) {
    std::array<pollfd, 2> ends = {{{.fd = session.client, .events = POLLIN, .revents = 0},
                                   {.fd = session.server, .events = POLLIN, .revents = 0}}};
    if (poll(ends.data(), ends.size(), -1) < 0) break;
    for (std::size_t i = 0; i < ends.size() && open; ++i) {
      if (ends[i].revents == 0) continue;
      const ssize_t size = recv(ends[i].fd, buffer.data(), buffer.size(), 0);
      open = size > 0 &&
             (is_dark(number) || send_all(ends[1 - i].fd, {buffer.data(), static_cast<std::size_t>(size)}));
    }
  }
  shutdown(session.client, SHUT_RDWR);
  shutdown(session.server, SHUT_RDWR);
}

}  // namespace xcs::net::testing
