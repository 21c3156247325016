#include "sim/limiter.h"

#include <gtest/gtest.h>

#include "sim/limit_report.h"

namespace xcs::sim {
namespace {

using namespace std::chrono_literals;

constexpr TimePoint kStart{};

Limits limits(std::optional<double> requests, std::optional<double> tokens,
              std::chrono::seconds burst = 60s) {
  Limits limits;
  limits.requests_per_minute = requests;
  limits.tokens_per_minute = tokens;
  limits.burst = burst;
  return limits;
}

// `required` tokens must be there, `charged` are taken.
Demand tokens(std::int64_t required, std::int64_t charged) {
  return {.prompt = required, .required_output = 0, .charged_output = charged - required};
}

TEST(Bucket, StartsFullAndRefillsContinuously) {
  Bucket bucket(60, 10s, kStart);
  EXPECT_EQ(bucket.remaining(kStart), 10);
  bucket.take(10, kStart);
  EXPECT_EQ(bucket.remaining(kStart), 0);
  EXPECT_EQ(bucket.remaining(kStart + 2500ms), 2);
  EXPECT_EQ(bucket.remaining(kStart + 1h), 10);
}

TEST(Bucket, HasWhatWasAskedForAfterExactlyTheWaitItNamed) {
  Bucket bucket(7, 60s, kStart);
  bucket.take(7, kStart);
  const auto wait = bucket.wait_for(3, kStart);
  ASSERT_TRUE(wait);
  EXPECT_NEAR(std::chrono::duration<double>(*wait).count(), 3 * 60.0 / 7, 1e-6);
  EXPECT_EQ(bucket.wait_for(3, kStart + *wait), 0ns);
}

TEST(Bucket, SaysThatMoreThanItHoldsWillNeverBeThere) {
  Bucket bucket(60, 10s, kStart);
  EXPECT_EQ(bucket.wait_for(10, kStart), 0ns);
  EXPECT_EQ(bucket.wait_for(11, kStart), std::nullopt);
}

TEST(Bucket, MayOweAndThenTakesLongerToFill) {
  Bucket bucket(60, 10s, kStart);
  bucket.take(25, kStart);
  EXPECT_EQ(bucket.remaining(kStart), 0);
  EXPECT_EQ(bucket.until_full(kStart), 25s);
}

TEST(Bucket, HoldsAtLeastOneHoweverShortTheBurst) {
  Bucket bucket(60, 0s, kStart);
  EXPECT_EQ(bucket.wait_for(1, kStart), 0ns);
}

TEST(Limiter, AdmitsAtTheRateOfRequestsWhateverThePattern) {
  Limiter limiter(limits(600, std::nullopt, 1s), kStart);
  int admitted = 0;
  for (TimePoint now = kStart; now < kStart + 10s; now += 7ms) {
    if (!limiter.admit(tokens(1, 1), now)) ++admitted;
  }
  EXPECT_NEAR(admitted, 10 + 100, 1);
}

TEST(Limiter, TakesNothingFromOneBucketWhenTheOtherRefuses) {
  Limiter limiter(limits(2, 100), kStart);
  const auto refused = limiter.admit(tokens(101, 101), kStart);
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->kind, LimitKind::kTokens);
  EXPECT_EQ(refused->retry_after, std::nullopt);
  EXPECT_EQ(limiter.bucket(LimitKind::kRequests)->remaining(kStart), 2);
  EXPECT_FALSE(limiter.admit(tokens(1, 1), kStart));
  EXPECT_FALSE(limiter.admit(tokens(1, 1), kStart));
  EXPECT_EQ(limiter.admit(tokens(1, 1), kStart)->kind, LimitKind::kRequests);
  EXPECT_EQ(limiter.bucket(LimitKind::kTokens)->remaining(kStart), 98);
}

TEST(Limiter, ChargesMoreThanItRequires) {
  Limiter limiter(limits(std::nullopt, 100), kStart);
  EXPECT_FALSE(limiter.admit(tokens(10, 150), kStart));
  const auto refused = limiter.admit(tokens(10, 10), kStart);
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->retry_after, 36s);
}

TEST(Limiter, CountsInputAndOutputApart) {
  Limits both;
  both.input_tokens_per_minute = 100;
  both.output_tokens_per_minute = 50;
  Limiter limiter(both, kStart);
  EXPECT_FALSE(limiter.admit({.prompt = 10, .required_output = 0, .charged_output = 60}, kStart));
  const auto refused = limiter.admit({.prompt = 10, .required_output = 0, .charged_output = 1}, kStart);
  ASSERT_TRUE(refused) << "more was produced than the minute allows";
  EXPECT_EQ(refused->kind, LimitKind::kOutputTokens);
  EXPECT_EQ(refused->limit, 50);
  EXPECT_EQ(limiter.bucket(LimitKind::kInputTokens)->remaining(kStart), 90) << "the refused one took nothing";
  EXPECT_FALSE(limiter.admit({.prompt = 10, .required_output = 0, .charged_output = 1},
                             kStart + *refused->retry_after));
  EXPECT_EQ(limiter.admit({.prompt = 101}, kStart + 1h)->kind, LimitKind::kInputTokens);
}

TEST(Limiter, AllowsNoMoreInASecondHoweverMuchAMinuteAllows) {
  Limits second = limits(6000, std::nullopt);
  second.requests_per_second = 3;
  Limiter limiter(second, kStart);
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(limiter.admit({}, kStart));
  const auto refused = limiter.admit({}, kStart);
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->kind, LimitKind::kRequestsPerSecond);
  EXPECT_EQ(refused->limit, 3);
  EXPECT_EQ(limiter.bucket(LimitKind::kRequests)->remaining(kStart), 5997);
  EXPECT_FALSE(limiter.admit({}, kStart + *refused->retry_after));
}

// How many of many requests are let in within the stretch that begins at `begin`.
int let_in(Limiter& limiter, TimePoint begin) {
  int count = 0;
  while (!limiter.admit({}, begin)) ++count;
  return count;
}

TEST(Limiter, LetsRequestsGrowOnlyByAShareFromStretchToStretch) {
  Limits ramp;
  ramp.ramp_percent = 50;
  ramp.ramp_seconds = 10;
  ramp.ramp_floor = 4;
  Limiter limiter(ramp, kStart);
  EXPECT_EQ(let_in(limiter, kStart), 4);
  EXPECT_EQ(let_in(limiter, kStart + 10s), 6);
  EXPECT_EQ(let_in(limiter, kStart + 20s), 9);
  EXPECT_EQ(let_in(limiter, kStart + 30s), 13);
  const auto refused = limiter.admit({}, kStart + 33s);
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->kind, LimitKind::kRamp);
  EXPECT_EQ(refused->retry_after, 7s) << "until the next stretch begins";
  EXPECT_EQ(let_in(limiter, kStart + 60s), 4) << "after a stretch of silence, from the floor again";
}

TEST(Limiter, KnowsFromWhenOnAClientHasBeenTold) {
  Limiter limiter(limits(1, std::nullopt), kStart);
  EXPECT_FALSE(limiter.told(kStart + 1h));
  limiter.tell(kStart + 2s);
  limiter.tell(kStart + 3s);
  EXPECT_FALSE(limiter.told(kStart + 1s));
  EXPECT_TRUE(limiter.told(kStart + 2s));
}

TEST(LimitError, OfTheRampAsksToSlowDown) {
  EXPECT_EQ(limit_error(Provider::kOpenAi, {LimitKind::kRamp, 0, 1s}, "m").code, "slow_down");
  EXPECT_EQ(limit_error(Provider::kAnthropic, {LimitKind::kRamp, 0, 1s}, "m").code, "ramp_limit_exceeded");
}

TEST(LimitError, NamesTheLimit) {
  EXPECT_EQ(limit_error(Provider::kAnthropic, {LimitKind::kOutputTokens, 50, 1s}, "m").message,
            "This request would exceed the rate limit of 50 output tokens per minute for m.");
  EXPECT_EQ(limit_error(Provider::kOpenAi, {LimitKind::kRequestsPerSecond, 3, 1s}, "m").message,
            "Rate limit reached for m on requests per second (RPS): Limit 3. Please try again in 1s.");
}

TEST(LimitHeaders, OfAnthropicTellInputAndOutputApartAndTheTightestTogether) {
  Limits both;
  both.input_tokens_per_minute = 90'000;
  both.output_tokens_per_minute = 30'000;
  Limiter limiter(both, kStart);
  const std::string headers = limit_headers(Provider::kAnthropic, limiter, kStart, {});
  for (const char* line :
       {"anthropic-ratelimit-tokens-limit: 30000\r\n", "anthropic-ratelimit-input-tokens-limit: 90000\r\n",
        "anthropic-ratelimit-output-tokens-limit: 30000\r\n"}) {
    EXPECT_NE(headers.find(line), std::string::npos) << line;
  }
  EXPECT_EQ(headers.find("requests"), std::string::npos);
}

TEST(LimitHeaders, SpellDurationsAsGoDoes) {
  EXPECT_EQ(go_duration(0ns), "0s");
  EXPECT_EQ(go_duration(1ns), "1ms");
  EXPECT_EQ(go_duration(6ms), "6ms");
  EXPECT_EQ(go_duration(1s), "1s");
  EXPECT_EQ(go_duration(1500ms), "1.5s");
  EXPECT_EQ(go_duration(90s), "1m30s");
  EXPECT_EQ(go_duration(6min), "6m0s");
  EXPECT_EQ(go_duration(59'999ms), "59.999s");
  EXPECT_EQ(go_duration(2h + 3s), "2h0m3s");
}

TEST(LimitHeaders, OfOpenAiTellLimitRemainderAndReset) {
  Limiter limiter(limits(60, 6000), kStart);
  EXPECT_FALSE(limiter.admit(tokens(100, 100), kStart));
  EXPECT_EQ(limit_headers(Provider::kOpenAi, limiter, kStart, {}),
            "x-ratelimit-limit-requests: 60\r\nx-ratelimit-remaining-requests: 59\r\n"
            "x-ratelimit-reset-requests: 1s\r\n"
            "x-ratelimit-limit-tokens: 6000\r\nx-ratelimit-remaining-tokens: 5900\r\n"
            "x-ratelimit-reset-tokens: 1s\r\n");
}

TEST(LimitHeaders, OfAnthropicTellTheTimeOfDayAndRoundTokensToThousands) {
  Limiter limiter(limits(60, 60'000), kStart);
  EXPECT_FALSE(limiter.admit(tokens(600, 600), kStart));
  const std::chrono::system_clock::time_point wall(1'700'000'000s);
  EXPECT_EQ(limit_headers(Provider::kAnthropic, limiter, kStart, wall),
            "anthropic-ratelimit-requests-limit: 60\r\nanthropic-ratelimit-requests-remaining: 59\r\n"
            "anthropic-ratelimit-requests-reset: 2023-11-14T22:13:21Z\r\n"
            "anthropic-ratelimit-tokens-limit: 60000\r\nanthropic-ratelimit-tokens-remaining: 59000\r\n"
            "anthropic-ratelimit-tokens-reset: 2023-11-14T22:13:21Z\r\n"
            "anthropic-ratelimit-input-tokens-limit: 60000\r\n"
            "anthropic-ratelimit-input-tokens-remaining: 59000\r\n"
            "anthropic-ratelimit-input-tokens-reset: 2023-11-14T22:13:21Z\r\n"
            "anthropic-ratelimit-output-tokens-limit: 60000\r\n"
            "anthropic-ratelimit-output-tokens-remaining: 59000\r\n"
            "anthropic-ratelimit-output-tokens-reset: 2023-11-14T22:13:21Z\r\n");
}

TEST(LimitHeaders, RoundTheWaitUp) {
  EXPECT_EQ(retry_headers(Provider::kOpenAi, 1200us), "retry-after: 1\r\nretry-after-ms: 2\r\n");
  EXPECT_EQ(retry_headers(Provider::kAnthropic, 2001ms), "retry-after: 3\r\n");
}

}  // namespace
}  // namespace xcs::sim
