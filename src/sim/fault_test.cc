#include "sim/fault.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace xcs::sim {
namespace {

TEST(Fault, HasANameOfItsOwn) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < kFaultCount; ++i) names.insert(fault_name(static_cast<Fault>(i)));
  EXPECT_EQ(names.size(), kFaultCount);
  EXPECT_EQ(fault_name(Fault::kBadGateway), "bad_gateway") << "the last one";
}

TEST(Fault, IsScriptedByItsNameInThePrompt) {
  for (std::size_t i = 1; i < kFaultCount; ++i) {
    const auto fault = static_cast<Fault>(i);
    EXPECT_EQ(scripted_fault("x [fault " + std::string(fault_name(fault)) + "] y", 0), fault);
  }
}

TEST(Fault, StrikesAsManyAttemptsAsTheScriptSays) {
  EXPECT_EQ(scripted_fault("[fault reset]", 1), Fault::kNone);
  EXPECT_EQ(scripted_fault("[fault reset x3]", 2), Fault::kReset);
  EXPECT_EQ(scripted_fault("[fault reset x3]", 3), Fault::kNone);
  EXPECT_EQ(scripted_fault("[fault reset always]", 1'000'000), Fault::kReset);
  EXPECT_EQ(scripted_fault("[fault reset] or [fault quota]", 0), Fault::kQuota);
}

TEST(Fault, IsNotScriptedByWhatOnlyLooksLikeADirective) {
  for (const std::string_view prompt : {"", "[fault", "[fault reset", "[fault none]", "[fault nothing]",
                                        "[fault reset x]", "[fault reset 3]", "[fault reset x3y]"}) {
    EXPECT_EQ(scripted_fault(prompt, 0), Fault::kNone) << prompt;
  }
}

TEST(FaultSchedule, StrikesByTheOrderOfArrivalAndTheFirstThatAppliesCounts) {
  const auto schedule = parse_fault_schedule("overloaded@2-4,reset@4,black_hole@6");
  ASSERT_TRUE(schedule);
  std::string seen;
  for (std::uint64_t arrival = 1; arrival <= 7; ++arrival) {
    seen += std::string(fault_name(scheduled_fault(*schedule, arrival))) + " ";
  }
  EXPECT_EQ(seen, "none overloaded overloaded overloaded none black_hole none ");
}

TEST(FaultSchedule, IsRefusedWhenAnyPartOfItIsMalformed) {
  for (const std::string_view text : {"", "reset", "reset@", "reset@0", "reset@4-3", "reset@1-", "reset@1,",
                                      "none@1", "nothing@1", "reset@x", "reset@1 ", "reset@-1"}) {
    EXPECT_FALSE(parse_fault_schedule(text)) << text;
  }
}

TEST(Fault, ThatIsAnAnswerIsOneFromBothProviders) {
  for (std::size_t i = 0; i < kFaultCount; ++i) {
    const auto fault = static_cast<Fault>(i);
    const auto openai = fault_error(Provider::kOpenAi, fault);
    const auto anthropic = fault_error(Provider::kAnthropic, fault);
    EXPECT_EQ(openai.has_value(), anthropic.has_value());
    EXPECT_GE(openai ? openai->status : 400, 400);
  }
  EXPECT_EQ(fault_error(Provider::kOpenAi, Fault::kOverloaded)->status, 503);
  EXPECT_EQ(fault_error(Provider::kAnthropic, Fault::kOverloaded)->status, 529);
  EXPECT_EQ(fault_error(Provider::kOpenAi, Fault::kReset), std::nullopt);
}

}  // namespace
}  // namespace xcs::sim
