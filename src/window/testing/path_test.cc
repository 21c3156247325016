#include "window/path.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "window/testing/checker.h"
#include "window/testing/generator.h"
#include "window/testing/plans.h"
#include "window/testing/virtual_executor.h"

namespace xcs::window::toy {
namespace {

constexpr int kMostRunSteps = 20'000;

// What each path of a run led to, as ToyCall::text() says it; nothing when the run does not end.
std::map<std::string, std::string> paths_of(const Scenario& scenario, Plan plan) {
  plan.options.paths = true;
  World world;
  VirtualExecutor executor(plan.seed, plan.longest, plan.options.max_in_flight);
  const Enter enter = prepare(scenario, world);
  ToyHost host(world, plan.fault);
  Run run(host, executor, plan.options);
  run.begin(enter);
  for (int i = 0; i < kMostRunSteps; ++i)
    if (run.step()) return executor.paths();
  return {};
}

// The executor checks that no two calls of a run have the same path.
TEST(CallPath, LeadsToTheSameCallInWhateverOrderCallsFinish) {
  int compared = 0;
  for (std::uint64_t seed = 0; seed < 1500; ++seed) {
    const Scenario scenario = generate(seed);
    if (!expected(scenario, kMostSteps)) continue;
    std::map<std::string, std::string> all;
    for (const Plan& plan : plans(seed))
      for (const auto& [steps, call] : paths_of(scenario, plan)) {
        const auto [found, added] = all.emplace(steps, call);
        ASSERT_EQ(found->second, call) << "program " << seed << "\n" << text(plan) << text(scenario);
        if (!added) ++compared;
      }
  }
  EXPECT_GT(compared, 10'000);
}

}  // namespace
}  // namespace xcs::window::toy
