#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "sim/fault.h"
#include "sim/latency.h"
#include "sim/limiter.h"

namespace xcs::sim {

struct SimOptions {
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;  // 0: the system picks a free one
  std::uint64_t seed = 0;
  Weather weather;
  Limits limits;
  std::optional<std::string> tls;  // serves TLS; the file to which its certificate is written
  bool http2 = true;               // over TLS, HTTP/2 is offered
  std::vector<ScheduledFault> faults;
  std::optional<std::string> api_key;  // the only key accepted; without one any key is, and none
  bool stateful = false;               // answers depend on the order of arrival, too
  std::optional<std::string> record;   // a file: forwards all requests to `upstream` and records what comes
  std::string upstream;                // a URL without a slash at its end
  std::optional<std::string> replay;   // a file: answers from it alone
  double speed = 1;                    // of the replay; 0 answers at once
};

// What a command line asks for.
struct SimCommand {
  SimOptions options;
  bool help = false;
  bool until_stdin_closes = false;  // serve no longer than somebody holds the other end of the standard input
};

// Reads the arguments after the program's name. Fails with "sim.usage" and a sentence for the user.
Result<SimCommand> parse_sim_arguments(std::span<const char* const> arguments);

// The text of --help.
std::string sim_help();

}  // namespace xcs::sim
