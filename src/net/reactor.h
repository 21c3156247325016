// The real transport: one thread, libcurl's multi interface on an epoll loop.
#pragma once

#include <cstddef>
#include <memory>
#include <thread>

#include "net/transport.h"

namespace xcs::net {

struct ReactorOptions {
  // Requests beyond this many wait in line, first come first served. 0: as many as file descriptors allow.
  std::size_t max_in_flight = 0;
};

class Loop;
class Mailbox;

// What a reactor has done since it was made, read at one moment.
struct ReactorStats {
  std::size_t in_flight = 0;       // attempts handed to libcurl and not finished
  std::size_t waiting = 0;         // accepted and not in flight: for a slot, a name lookup or a repetition
  std::size_t most_in_flight = 0;  // the highest in_flight seen
  std::size_t attempts = 0;        // attempts begun
  std::size_t connections = 0;     // sockets opened
};

// A transport for http:// and https://. It keeps connections alive and reuses them, speaks HTTP/2 where a
// TLS server offers it, decompresses, trusts the system's certificates (or SSL_CERT_FILE and SSL_CERT_DIR),
// goes through HTTPS_PROXY and the like as libcurl reads them, and follows no redirects, so credentials
// never leave the host they were meant for. When the process runs out of file descriptors, requests wait.
class Reactor final : public Transport {
 public:
  // Starts the thread and raises the process's soft limit of open files to the hard one.
  explicit Reactor(ReactorOptions options = {});
  ~Reactor() override;

  [[nodiscard]] Handle start(Request request, Handler handler) override;

  ReactorStats stats() const;

  // Any thread but its own: waits until what was abandoned has been destroyed, and what was asked for has
  // been begun.
  void catch_up();

 private:
  const std::shared_ptr<Mailbox> mailbox_;
  const std::unique_ptr<Loop> loop_;
  std::thread thread_;
};

}  // namespace xcs::net
