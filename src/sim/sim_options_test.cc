#include "sim/sim_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace xcs::sim {
namespace {

Result<SimCommand> parse(const std::vector<const char*>& arguments) { return parse_sim_arguments(arguments); }

std::string complaint(const std::vector<const char*>& arguments) {
  const auto command = parse(arguments);
  return command ? "accepted" : command.error().message;
}

TEST(SimOptions, AreAQuietOrdinaryServerByDefault) {
  const auto command = parse({});
  ASSERT_TRUE(command);
  EXPECT_EQ(command->options.host, "127.0.0.1");
  EXPECT_EQ(command->options.port, 0);
  EXPECT_EQ(command->options.weather.first_byte_ms, 600);
  EXPECT_EQ(command->options.weather.error_rate, 0);
  EXPECT_FALSE(command->options.limits.any_told());
  EXPECT_FALSE(command->help);
}

TEST(SimOptions, TakeValuesWithASpaceOrAnEqualsSign) {
  const auto command =
      parse({"--port", "8080", "--host=::1", "--rpm=60", "--tpm", "1e3", "--max-concurrency", "5",
             "--burst-seconds", "2", "--api-key", "k", "--seed", "18446744073709551615", "--stateful"});
  ASSERT_TRUE(command) << command.error().message;
  EXPECT_EQ(command->options.port, 8080);
  EXPECT_EQ(command->options.host, "::1");
  EXPECT_EQ(command->options.limits.requests_per_minute, 60);
  EXPECT_EQ(command->options.limits.tokens_per_minute, 1000);
  EXPECT_EQ(command->options.limits.concurrency, 5);
  EXPECT_EQ(command->options.limits.burst, std::chrono::seconds(2));
  EXPECT_EQ(command->options.api_key, "k");
  EXPECT_EQ(command->options.seed, 18446744073709551615ULL);
  EXPECT_TRUE(command->options.stateful);
}

TEST(SimOptions, TakeEveryKindOfLimitAndFault) {
  auto command = parse({"--itpm",
                        "1000",
                        "--otpm=500",
                        "--rps",
                        "3",
                        "--ramp-percent",
                        "50",
                        "--ramp-seconds",
                        "2",
                        "--ramp-floor",
                        "7",
                        "--late-rate",
                        "0.1",
                        "--trickle-rate",
                        "0.2",
                        "--bad-gateway-rate",
                        "0.3",
                        "--slow-read-rate",
                        "0.4",
                        "--faults",
                        "reset@3,overloaded@5-9"});
  ASSERT_TRUE(command) << command.error().message;
  const Limits& limits = command->options.limits;
  EXPECT_EQ(limits.input_tokens_per_minute, 1000);
  EXPECT_EQ(limits.output_tokens_per_minute, 500);
  EXPECT_EQ(limits.requests_per_second, 3);
  EXPECT_EQ(limits.ramp_percent, 50);
  EXPECT_EQ(limits.ramp_seconds, 2);
  EXPECT_EQ(limits.ramp_floor, 7);
  Weather& weather = command->options.weather;
  EXPECT_EQ(weather.rate(Fault::kLate), 0.1);
  EXPECT_EQ(weather.rate(Fault::kTrickle), 0.2);
  EXPECT_EQ(weather.rate(Fault::kBadGateway), 0.3);
  EXPECT_EQ(weather.slow_read_rate, 0.4);
  EXPECT_EQ(command->options.faults.size(), 2U);
}

TEST(SimOptions, OfAFixedLatencySendTheWholeAnswerAtOnceUnlessARateFollows) {
  EXPECT_EQ(parse({"--latency-ms", "0"})->options.weather.fixed_ms, 0);
  EXPECT_EQ(parse({"--latency-ms", "0"})->options.weather.tokens_per_second, 0);
  EXPECT_EQ(parse({"--latency-ms", "0", "--tokens-per-second", "50"})->options.weather.tokens_per_second, 50);
}

TEST(SimOptions, OfAPresetAreRefinedByTheFlagsAfterIt) {
  auto command = parse({"--preset", "incident", "--error-rate", "0.5"});
  ASSERT_TRUE(command);
  EXPECT_EQ(command->options.weather.rate(Fault::kBlackHole), 0.10);
  EXPECT_EQ(command->options.weather.error_rate, 0.5);
}

TEST(SimOptions, ExplainWhatIsWrongWithAnArgument) {
  EXPECT_EQ(complaint({"--prot", "1"}), "unknown argument '--prot'");
  EXPECT_EQ(complaint({"8080"}), "unknown argument '8080'");
  EXPECT_EQ(complaint({"--port"}), "--port needs a value");
  EXPECT_EQ(complaint({"--port", "70000"}), "--port needs a number from 0 to 65535, not '70000'");
  EXPECT_EQ(complaint({"--port="}), "--port needs a number from 0 to 65535, not ''");
  EXPECT_EQ(complaint({"--error-rate", "1.5"}), "--error-rate needs a number from 0 to 1, not '1.5'");
  EXPECT_EQ(complaint({"--error-rate", "nan"}), "--error-rate needs a number from 0 to 1, not 'nan'");
  EXPECT_EQ(complaint({"--preset", "fine"}), "--preset needs good, bad or incident, not 'fine'");
  EXPECT_EQ(complaint({"--faults", "reset@0"}),
            "--faults needs faults like overloaded@10-20,reset@25, not 'reset@0'");
  EXPECT_EQ(complaint({"--stateful=yes"}), "--stateful takes no value");
}

TEST(SimOptions, AreAllInTheHelp) {
  const std::string help = sim_help();
  EXPECT_TRUE(parse({"--help"})->help);
  for (const char* flag :
       {"--host", "--port", "--seed", "--preset", "--latency-ms", "--rpm", "--tpm", "--api-key"}) {
    EXPECT_THAT(help, testing::HasSubstr(flag));
  }
}

}  // namespace
}  // namespace xcs::sim
