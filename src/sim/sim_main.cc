// The program behind `xcs sim`.

#include <fmt/format.h>

#include <csignal>
#include <cstdio>

#include "sim/sim_options.h"
#include "sim/sim_server.h"

namespace {

constexpr int kUsageError = 2;

int serve(const xcs::sim::SimOptions& options) {
  sigset_t stops;
  sigemptyset(&stops);
  sigaddset(&stops, SIGINT);
  sigaddset(&stops, SIGTERM);
  // Blocked before the server's thread starts, so that sigwait below gets them.
  pthread_sigmask(SIG_BLOCK, &stops, nullptr);
  const auto server = xcs::sim::SimServer::start(options);
  if (!server) {
    fmt::print(stderr, "xcs sim: {}\n", server.error().message);
    return 1;
  }
  fmt::print("listening on {}\n", (*server)->url());
  std::fflush(stdout);
  int signal = 0;
  sigwait(&stops, &signal);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const auto command = xcs::sim::parse_sim_arguments({argv + 1, static_cast<std::size_t>(argc - 1)});
  if (!command) {
    fmt::print(stderr, "xcs sim: {}\nTry xcs sim --help.\n", command.error().message);
    return kUsageError;
  }
  if (command->help) {
    fmt::print("{}", xcs::sim::sim_help());
    return 0;
  }
  return serve(command->options);
}
