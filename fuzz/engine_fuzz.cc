// Runs random programs through the window under random schedules and compares them with sequential execution,
// until it is told to stop or something differs.
//
//   engine_fuzz [--seed N] [--programs N] [--seconds S] [--keep-going]
//
// Each program is run with several latency seeds and options. A difference is printed with a shrunk program
// and its seed; the exit status is then 1.
#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>

#include "window/testing/checker.h"
#include "window/testing/generator.h"
#include "window/testing/plans.h"

namespace xcs::window::toy {
namespace {

struct Arguments {
  std::uint64_t seed = 1;
  std::uint64_t programs = 0;  // 0: no limit
  double seconds = 60;
  bool keep_going = false;
};

Arguments read(int count, char** values) {
  Arguments a;
  for (int i = 1; i < count; ++i) {
    const std::string_view option = values[i];
    const char* value = i + 1 < count ? values[i + 1] : "";
    if (option == "--keep-going") {
      a.keep_going = true;
      continue;
    }
    if (option == "--seed") a.seed = std::strtoull(value, nullptr, 10);
    if (option == "--programs") a.programs = std::strtoull(value, nullptr, 10);
    if (option == "--seconds") a.seconds = std::strtod(value, nullptr);
    ++i;
  }
  return a;
}

int run(const Arguments& arguments) {
  const auto start = std::chrono::steady_clock::now();
  std::uint64_t programs = 0, runs = 0, differences = 0;
  for (std::uint64_t seed = arguments.seed;; ++seed) {
    const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start;
    if (spent.count() > arguments.seconds || (arguments.programs != 0 && programs == arguments.programs))
      break;
    const Scenario scenario = generate(seed);
    ++programs;
    const auto e = expected(scenario, kMostSteps);
    if (!e) continue;
    for (const Plan& plan : plans(seed)) {
      ++runs;
      const auto difference = check(scenario, *e, plan);
      if (!difference) continue;
      ++differences;
      std::cout << fmt::format("program {}: {}\n", seed, *difference) << std::flush;
      std::cout << shrunk(scenario, plan) << std::endl;
      if (!arguments.keep_going) return 1;
      break;
    }
  }
  std::cout << fmt::format("{} programs, {} runs, {} differences\n", programs, runs, differences);
  return differences == 0 ? 0 : 1;
}

}  // namespace
}  // namespace xcs::window::toy

int main(int count, char** values) { return xcs::window::toy::run(xcs::window::toy::read(count, values)); }
