// The real transport: one thread, libcurl's multi interface on an epoll loop.
#pragma once

#include <cstddef>
#include <memory>

#include "net/transport.h"

namespace xcs::net {

struct ReactorOptions {
  // Requests beyond this many wait in line, first come first served. 0: as many as file descriptors allow.
  std::size_t max_in_flight = 0;
};

// What a reactor has done since it was made, read at one moment.
struct ReactorStats {
  std::size_t in_flight = 0;       // attempts handed to libcurl and not finished
  std::size_t queued = 0;          // waiting for a slot
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

 private:
  class Loop;
  std::unique_ptr<Loop> loop_;
};

}  // namespace xcs::net
