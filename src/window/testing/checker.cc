#include "window/testing/checker.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"
#include "window/testing/shrink.h"
#include "window/testing/virtual_executor.h"

namespace xcs::window::toy {
namespace {

constexpr int kMostRunSteps = 20'000;
constexpr const char* kNoEnd = "no end";

std::string shown(const std::vector<std::string>& log) { return fmt::format("[{}]", fmt::join(log, " | ")); }

bool is_prefix(const std::vector<std::string>& part, const std::vector<std::string>& all) {
  return part.size() <= all.size() && std::equal(part.begin(), part.end(), all.begin());
}

std::optional<std::string> compare_calls(const std::vector<std::string>& started, const Counters& counters,
                                         const Expected& expected) {
  const std::multiset<std::string> calls(started.begin(), started.end());
  if (!std::ranges::includes(calls, expected.calls))
    return fmt::format("calls {} lack some of {}", fmt::join(calls, " "), fmt::join(expected.calls, " "));
  // Only what an exception cut off may have been started in vain.
  if (counters.speculated != 0) {
    if (!expected.exceptions && counters.calls - counters.wasted != expected.calls.size())
      return fmt::format("{} calls of {} wasted instead of {}", counters.wasted, counters.calls,
                         counters.calls - expected.calls.size());
    return std::nullopt;
  }
  if (counters.wasted != 0) return fmt::format("{} calls wasted without speculation", counters.wasted);
  if (!expected.exceptions && calls != expected.calls)
    return fmt::format("calls {} instead of {}", fmt::join(calls, " "), fmt::join(expected.calls, " "));
  if (!expected.exceptions && (counters.calls != calls.size() || counters.cancelled != 0))
    return fmt::format("counted {} calls, {} cancelled, of {}", counters.calls, counters.cancelled,
                       calls.size());
  return std::nullopt;
}

std::optional<std::string> leftovers(World& world, const VirtualExecutor& executor) {
  if (executor.running() != 0) return fmt::format("{} calls are still running", executor.running());
  if (world.handled.bound()) return "an exception is still being handled";
  if (const std::size_t left = world.leaked(); left != 0)
    return fmt::format("{} objects are still held", left);
  return std::nullopt;
}

// What a run of the window gave, in the given world.
std::optional<std::string> compare(World& world, const Scenario& scenario, const Expected& expected,
                                   const Plan& plan, VirtualExecutor& executor) {
  const Enter enter = prepare(scenario, world);
  ToyHost host(world, plan.fault);
  Run run(host, executor, plan.options);
  run.begin(enter);
  bool complete = false;
  for (int i = 0; !complete; ++i) {
    if (i == kMostRunSteps) return kNoEnd;
    complete = run.step();
    if (!is_prefix(world.log, expected.log))
      return fmt::format("log {} instead of {}", shown(world.log), shown(expected.log));
  }
  const Outcome outcome = run.take();
  if (world.log != expected.log)
    return fmt::format("log {} instead of {}", shown(world.log), shown(expected.log));
  const std::string end = state(world, outcome, enter.slots);
  if (end != expected.state) return fmt::format("state\n{}\ninstead of\n{}", end, expected.state);
  return compare_calls(executor.started(), run.counters(), expected);
}

}  // namespace

std::string text(const Plan& plan) {
  return fmt::format(
      "; seed {} longest {} in flight {} window {} forward {} summaries {} speculate {} fault {}\n",
      plan.seed, plan.longest, plan.options.max_in_flight, plan.options.window, plan.options.forward,
      plan.options.summaries, plan.options.speculate, name(plan.fault));
}

std::optional<std::string> check(const Scenario& scenario, const Expected& expected, const Plan& plan) {
  World world;
  VirtualExecutor executor(plan.seed, plan.longest, plan.options.max_in_flight);
  try {
    if (auto difference = compare(world, scenario, expected, plan, executor)) return difference;
  } catch (const std::logic_error& broken) {
    return fmt::format("threw {}", broken.what());
  } catch (const Endless&) {
    return kNoEnd;
  }
  return leftovers(world, executor);
}

std::string shrunk(const Scenario& scenario, const Plan& plan) {
  const auto difference = [&](const Scenario& s) -> std::optional<std::string> {
    const auto e = expected(s, kMostSteps);
    return e ? check(s, *e, plan) : std::nullopt;
  };
  const bool no_end = difference(scenario) == kNoEnd;
  const Scenario small = shrink(scenario, [&](const Scenario& s) {
    const auto d = difference(s);
    return d && (d == kNoEnd) == no_end;
  });
  return text(plan) + text(small) + *difference(small);
}

std::optional<std::string> check_destruction(const Scenario& scenario, const Plan& plan) {
  bool complete = false;
  for (int steps = 0; !complete; ++steps) {
    World world;
    VirtualExecutor executor(plan.seed, plan.longest, plan.options.max_in_flight);
    {
      const Enter enter = prepare(scenario, world);
      ToyHost host(world, plan.fault);
      Run run(host, executor, plan.options);
      run.begin(enter);
      for (int i = 0; i < steps && !complete; ++i) complete = run.step();
    }
    if (auto left = leftovers(world, executor)) return fmt::format("after {} steps {}", steps, *left);
  }
  return std::nullopt;
}

}  // namespace xcs::window::toy
