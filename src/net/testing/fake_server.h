// An HTTP server whose every byte a test decides.
#pragma once

#include <functional>
#include <list>
#include <string>
#include <string_view>
#include <thread>

#include "base/mutex.h"

namespace xcs::net::testing {

// The server's end of one connection.
class Connection {
 public:
  explicit Connection(int fd) : fd_(fd) {}
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Waits for a whole request (head and Content-Length body) and returns it; empty when the client closed.
  std::string wait_request();
  // Sends bytes as they are; quietly does nothing when the client is gone.
  void send(std::string_view bytes);
  // Sends a complete response with a Content-Length.
  void respond(int status, std::string_view body, std::string_view extra_header_lines = "");
  // Waits until the client closes: a server that stalls.
  void wait_closed();
  // Breaks the connection with a TCP reset.
  void reset();

  void shut_down();  // from any thread: makes every wait return

 private:
  const int fd_;
  std::string unread_;
};

// Listens on a free port of 127.0.0.1 and runs the script, on a thread of its own, for each connection;
// the connection closes when the script returns. Destroying the server shuts all connections down.
class FakeServer {
 public:
  using Script = std::function<void(Connection&)>;

  explicit FakeServer(Script script);
  ~FakeServer();

  int port() const { return port_; }
  std::string url(std::string_view path = "/") const;
  int connections() const;  // accepted so far

 private:
  void accept_all();

  const Script script_;
  const int listener_;
  int port_ = 0;
  struct Session {
    explicit Session(int fd) : connection(fd) {}
    Connection connection;
    std::thread thread;
  };
  mutable Mutex mutex_;
  std::list<Session> sessions_ XCS_GUARDED_BY(mutex_);
  std::thread acceptor_;
};

// Answers every request on every connection in the same way.
FakeServer::Script always(int status, std::string body, std::string extra_header_lines = "");

// A port of 127.0.0.1 on which nothing listens.
int unused_port();

}  // namespace xcs::net::testing
