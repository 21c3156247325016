#include "window/testing/checker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "ir/parser.h"
#include "ir/verifier.h"
#include "window/testing/generator.h"
#include "window/testing/plans.h"

namespace xcs::window::toy {
namespace {

using ::testing::IsEmpty;

TEST(Generator, WritesWellFormedProgramsThatTheTextFormKeeps) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    for (const auto& p : generate(seed).programs) {
      ASSERT_THAT(ir::verify(*p), IsEmpty()) << text(generate(seed));
      const std::string printed = text(Scenario{.programs = {p}, .shape = 0});
      const auto again = ir::parse(printed);
      ASSERT_TRUE(again.has_value()) << again.error().message << printed;
      ASSERT_EQ(*again, *p) << printed;
    }
  }
}

TEST(Generator, WritesProgramsThatCallPrintRaiseAndReturn) {
  int ended = 0, calls = 0, logs = 0, raised = 0, returned = 0;
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    const auto e = expected(generate(seed), kMostSteps);
    if (!e) continue;
    ++ended;
    if (e->calls.size() >= 3) ++calls;
    if (!e->log.empty()) ++logs;
    if (e->exceptions) ++raised;
    if (e->state.starts_with("returned")) ++returned;
  }
  EXPECT_GT(ended, 450);
  EXPECT_GT(calls, 150);
  EXPECT_GT(logs, 150);
  EXPECT_GT(raised, 150);
  EXPECT_GT(returned, 150);
}

TEST(Checker, RandomProgramsGiveTheSequentialObservationUnderEveryPlan) {
  int programs = 0;
  for (std::uint64_t seed = 0; seed < 3000; ++seed) {
    const Scenario scenario = generate(seed);
    const auto e = expected(scenario, kMostSteps);
    if (!e) continue;
    ++programs;
    for (const Plan& plan : plans(seed))
      ASSERT_FALSE(check(scenario, *e, plan)) << "program " << seed << "\n" << shrunk(scenario, plan);
  }
  EXPECT_GT(programs, 2700);
}

TEST(Checker, ARunDestroyedAfterAnyStepLeavesNothingRunningAndNothingHeld) {
  int programs = 0;
  for (std::uint64_t seed = 0; programs < 40; ++seed) {
    const Scenario scenario = generate(seed);
    const auto e = expected(scenario, 400);
    if (!e || e->calls.size() < 3) continue;
    ++programs;
    for (Plan plan : {plans(seed)[0], plans(seed)[5]}) {
      const auto left = check_destruction(scenario, plan);
      ASSERT_FALSE(left) << "program " << seed << ": " << *left << "\n" << text(plan) << text(scenario);
    }
  }
}

// A checker is worth what it notices.
class BrokenHost : public ::testing::TestWithParam<int> {};

TEST_P(BrokenHost, IsNoticed) {
  const auto fault = static_cast<Fault>(GetParam());
  for (std::uint64_t seed = 0; seed < 6000; ++seed) {
    const Scenario scenario = generate(seed);
    const auto e = expected(scenario, kMostSteps);
    if (!e) continue;
    for (const std::size_t i : {0U, 3U}) {
      Plan plan = plans(seed)[i];
      plan.fault = fault;
      if (!check(scenario, *e, plan)) continue;
      RecordProperty("program", static_cast<int>(seed));
      return;
    }
  }
  FAIL() << "no program shows that " << name(fault);
}

INSTANTIATE_TEST_SUITE_P(EachFault, BrokenHost, ::testing::Range(1, kFaults), [](const auto& info) {
  std::string words(name(static_cast<Fault>(info.param)));
  std::ranges::replace(words, ' ', '_');
  return words;
});

}  // namespace
}  // namespace xcs::window::toy
