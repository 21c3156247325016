// Compares a run of the window with sequential execution.
#pragma once

#include <optional>
#include <string>

#include "window/testing/scenario.h"
#include "window/testing/toy_host.h"

namespace xcs::window::toy {

// How to run a scenario.
struct Plan {
  std::uint64_t seed = 0;  // of the latencies
  int longest = 20;        // latency; 1: all equal
  Options options;
  Fault fault = Fault::kNone;
};

std::string text(const Plan& plan);

// Runs the scenario and says the first difference from what is expected, or nothing. Compared are, after
// every step, the log, and in the end the log, the state, the calls issued, and that nothing is in flight or
// still referred to.
std::optional<std::string> check(const Scenario& scenario, const Expected& expected, const Plan& plan);

// The smallest scenario found that differs in the same way (that it does not end, or otherwise), and what
// differs. REQUIRES: check() finds a difference
std::string shrunk(const Scenario& scenario, const Plan& plan);

// Destroys the run after each number of steps in turn and says what is left over, or nothing.
std::optional<std::string> check_destruction(const Scenario& scenario, const Plan& plan);

// What a generated program needs to be worth running.
inline constexpr std::size_t kMostSteps = 3000;

}  // namespace xcs::window::toy
