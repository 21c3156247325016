#include "sim/latency.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

namespace xcs::sim {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kDraws = 20'000;

TEST(Fate, IsAFunctionOfSeedRequestAndOrdinal) {
  const Weather weather;
  const Fate fate = draw_fate(weather, 1, 2, 3);
  EXPECT_EQ(draw_fate(weather, 1, 2, 3).first_byte, fate.first_byte);
  EXPECT_NE(draw_fate(weather, 9, 2, 3).first_byte, fate.first_byte);
  EXPECT_NE(draw_fate(weather, 1, 9, 3).first_byte, fate.first_byte);
  EXPECT_NE(draw_fate(weather, 1, 2, 9).first_byte, fate.first_byte);
}

TEST(Fate, OfAFixedLatencyIsExact) {
  for (const double ms : {0.0, 0.5, 100.0}) {
    const Fate fate = draw_fate(fixed_latency(ms), 1, 2, 3);
    EXPECT_EQ(fate.first_byte, std::chrono::nanoseconds(static_cast<std::int64_t>(ms * 1e6)));
    EXPECT_EQ(fate.per_token, 0ns);
    EXPECT_EQ(fate.fault, Fault::kNone);
  }
}

TEST(Fate, HasALogNormalFirstByte) {
  const Weather weather;
  std::vector<double> logs;
  for (std::uint64_t hash = 0; hash < kDraws; ++hash) {
    logs.push_back(std::log(static_cast<double>(draw_fate(weather, 1, hash, 0).first_byte.count()) / 600e6));
  }
  double sum = 0;
  double squares = 0;
  for (const double log : logs) {
    sum += log;
    squares += log * log;
  }
  EXPECT_NEAR(sum / kDraws, 0, 0.01);
  EXPECT_NEAR(std::sqrt(squares / kDraws), 0.32, 0.01);
  std::ranges::sort(logs);
  EXPECT_NEAR(std::exp(logs[kDraws * 95 / 100]), std::exp(1.645 * 0.32), 0.03) << "p95 over p50";
}

TEST(Fate, HasATokenRateAroundItsMedian) {
  const Weather weather;
  std::vector<std::int64_t> per_token;
  for (std::uint64_t hash = 0; hash < kDraws; ++hash) {
    per_token.push_back(draw_fate(weather, 1, hash, 0).per_token.count());
  }
  std::ranges::nth_element(per_token, per_token.begin() + kDraws / 2);
  EXPECT_NEAR(static_cast<double>(per_token[kDraws / 2]), 1e9 / 90, 2e5);
}

std::map<Fault, double> shares(const Weather& weather) {
  std::map<Fault, double> shares;
  for (std::uint64_t hash = 0; hash < kDraws; ++hash) {
    shares[draw_fate(weather, 1, hash, 0).fault] += 1.0 / kDraws;
  }
  return shares;
}

TEST(Fate, StrikesAtTheGivenRates) {
  Weather weather;
  weather.rate(Fault::kBlackHole) = 0.1;
  weather.rate(Fault::kReset) = 0.2;
  weather.error_rate = 0.3;
  weather.rate(Fault::kStreamError) = 0.15;
  const auto found = shares(weather);
  EXPECT_NEAR(found.at(Fault::kBlackHole), 0.1, 0.01);
  EXPECT_NEAR(found.at(Fault::kReset), 0.2, 0.01);
  EXPECT_NEAR(found.at(Fault::kServerError), 0.15, 0.01);
  EXPECT_NEAR(found.at(Fault::kOverloaded), 0.15, 0.01);
  EXPECT_NEAR(found.at(Fault::kStreamError), 0.15, 0.01);
  EXPECT_NEAR(found.at(Fault::kNone), 0.25, 0.01);
}

TEST(Fate, OfARateOfOneIsCertain) {
  Weather weather;
  weather.rate(Fault::kBlackHole) = 1;
  EXPECT_EQ(shares(weather).size(), 1U);
}

TEST(Fate, MakesStragglersSlowerByTheirFactor) {
  Weather weather = fixed_latency(10);
  weather.straggler_rate = 0.25;
  double slow = 0;
  for (std::uint64_t hash = 0; hash < kDraws; ++hash) {
    const auto first_byte = draw_fate(weather, 1, hash, 0).first_byte;
    ASSERT_TRUE(first_byte == 10ms || first_byte == 100ms);
    slow += first_byte == 100ms ? 1.0 / kDraws : 0;
  }
  EXPECT_NEAR(slow, 0.25, 0.01);
}

TEST(Weather, OfAnIncidentSwallowsEveryTenthRequest) {
  EXPECT_NEAR(shares(incident_weather()).at(Fault::kBlackHole), 0.1, 0.01);
  EXPECT_NEAR(shares(good_weather()).at(Fault::kNone), 0.997, 0.003);
}

}  // namespace
}  // namespace xcs::sim
