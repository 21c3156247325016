// A machine between client and server: a proxy, or a network that may fail.
#pragma once

#include <atomic>
#include <list>
#include <string>
#include <thread>
#include <vector>

#include "base/mutex.h"

namespace xcs::net::testing {

// Forwards every connection to a port of 127.0.0.1, both ways. Destroying it closes them all.
class Relay {
 public:
  enum class Kind {
    kPlain,    // forwards from the first byte
    kConnect,  // an HTTP proxy: waits for a CONNECT request first, and answers it
  };
  Relay(Kind kind, int target);
  ~Relay();
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;

  int port() const { return port_; }
  int connections() const;
  // The CONNECT requests it has had.
  std::vector<std::string> requests() const;
  // From now on the connections that are open carry nothing any more, and stay open; new ones work.
  void go_dark() { dark_before_ = connections(); }

 private:
  struct Session {
    int client = -1;
    int server = -1;
    std::thread thread;
  };
  void accept_all();
  void serve(Session& session, int number);
  bool connect_target(Session& session);
  bool is_dark(int number) const { return number < dark_before_; }

  const Kind kind_;
  const int target_;
  const int listener_;
  const int port_;
  std::atomic<int> dark_before_ = 0;
  mutable Mutex mutex_;
  std::list<Session> sessions_ XCS_GUARDED_BY(mutex_);
  std::vector<std::string> requests_ XCS_GUARDED_BY(mutex_);
  std::thread acceptor_;
};

}  // namespace xcs::net::testing
