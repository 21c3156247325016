#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/error.h"
#include "sim/sim_options.h"
#include "sim/sim_stats.h"

namespace xcs::sim {

class SimLoop;

// A model provider's server that runs on a thread of this process. Destroying it closes every connection and
// returns when the thread has ended.
class SimServer {
 public:
  // Listens on options.host and options.port. Raises this process's soft limit on open files to its hard
  // limit. Fails with "sim.listen" and a sentence that names the address and the reason, with "sim.tls" or
  // with "sim.recording".
  static Result<std::unique_ptr<SimServer>> start(SimOptions options);
  ~SimServer();
  SimServer(const SimServer&) = delete;
  SimServer& operator=(const SimServer&) = delete;

  std::uint16_t port() const { return port_; }
  // "http://HOST:PORT", or https, without a path: OpenAI clients add /v1.
  const std::string& url() const { return url_; }
  // The counters at this moment, as GET /sim/stats tells them.
  SimStats stats() const;
  // What the user should know of since the start, a sentence each.
  const std::vector<std::string>& warnings() const { return warnings_; }

  // Ends the server, as destroying it does. Returns why it could not do what it was for, if it could not.
  std::optional<std::string> stop();

 private:
  SimServer(std::unique_ptr<SimLoop> loop, std::uint16_t port, std::string url,
            std::vector<std::string> warnings);

  std::unique_ptr<SimLoop> loop_;
  std::uint16_t port_;
  std::string url_;
  std::vector<std::string> warnings_;
  std::jthread thread_;
};

}  // namespace xcs::sim
