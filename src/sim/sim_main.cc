// The program behind `xcs sim`.

#include <fmt/format.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>

#include "sim/descriptor.h"
#include "sim/sim_options.h"
#include "sim/sim_server.h"

namespace {

using xcs::sim::Descriptor;

constexpr int kUsageError = 2;

// Waits for a signal of `stops`, which are blocked, or, if asked to, for the end of the standard input.
void wait_for_the_end(const sigset_t& stops, bool until_stdin_closes) {
  const Descriptor signals(::signalfd(-1, &stops, SFD_CLOEXEC));
  std::array<pollfd, 2> waits = {
      {{.fd = signals.get(), .events = POLLIN, .revents = 0},
       {.fd = until_stdin_closes ? STDIN_FILENO : -1, .events = POLLIN, .revents = 0}}};
  while (true) {
    if (::poll(waits.data(), waits.size(), -1) < 0 && errno != EINTR) return;
    if (waits[0].revents != 0) return;
    std::array<char, 512> ignored;
    if (waits[1].revents != 0 && ::read(STDIN_FILENO, ignored.data(), ignored.size()) <= 0) return;
  }
}

int serve(const xcs::sim::SimCommand& command) {
  sigset_t stops;
  sigemptyset(&stops);
  sigaddset(&stops, SIGINT);
  sigaddset(&stops, SIGTERM);
  // Blocked before the server's thread starts, so that the wait below gets them.
  pthread_sigmask(SIG_BLOCK, &stops, nullptr);
  const auto server = xcs::sim::SimServer::start(command.options);
  if (!server) {
    fmt::print(stderr, "xcs sim: {}\n", server.error().message);
    return 1;
  }
  for (const std::string& warning : (*server)->warnings()) fmt::print(stderr, "xcs sim: {}\n", warning);
  fmt::print("listening on {}\n", (*server)->url());
  std::fflush(stdout);
  wait_for_the_end(stops, command.until_stdin_closes);
  const auto problem = (*server)->stop();
  if (problem) fmt::print(stderr, "xcs sim: {}\n", *problem);
  return problem ? 1 : 0;
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
  return serve(*command);
}
