#include "llm/limit_headers.h"

#include <gtest/gtest.h>

#include <chrono>
#include <random>
#include <string>

namespace xcs::llm {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const LimitReport& at(const LimitReports& reports, Dimension d) {
  return *reports[static_cast<std::size_t>(d)];
}

TEST(LimitHeaders, DurationsAreReadAsGoWritesThem) {
  EXPECT_EQ(parse_go_duration("6ms"), milliseconds(6));
  EXPECT_EQ(parse_go_duration("1s"), seconds(1));
  EXPECT_EQ(parse_go_duration("1m30s"), seconds(90));
  EXPECT_EQ(parse_go_duration("6m0s"), seconds(360));
  EXPECT_EQ(parse_go_duration("1h2m3.5s"), milliseconds(3'723'500));
  EXPECT_EQ(parse_go_duration("59.70s"), milliseconds(59'700));
  EXPECT_EQ(parse_go_duration("250"), seconds(250));
  EXPECT_EQ(parse_go_duration("0s"), seconds(0));
  EXPECT_EQ(parse_go_duration("1e300h"), std::nullopt);
  EXPECT_EQ(parse_go_duration("99999999h"), std::chrono::hours(24));
  for (const char* nonsense : {"", "s", "1", "m1", "1x", "1m30", "-5s", "1s ", "1..2s", "soon"}) {
    if (std::string_view(nonsense) == "1") continue;
    EXPECT_EQ(parse_go_duration(nonsense), std::nullopt) << nonsense;
  }
}

TEST(LimitHeaders, DatesAreReadInBothForms) {
  const WallTime expected{seconds(1'764'032'523)};
  EXPECT_EQ(parse_rfc3339("2025-11-25T01:02:03Z"), expected);
  EXPECT_EQ(parse_rfc3339("2025-11-25T02:02:03+01:00"), expected);
  EXPECT_EQ(parse_rfc3339("2025-11-25t01:02:03.250z"), expected + milliseconds(250));
  EXPECT_EQ(parse_http_date("Tue, 25 Nov 2025 01:02:03 GMT"), expected);
  for (const char* nonsense :
       {"", "2025-11-25", "2025-13-25T01:02:03Z", "2025-11-25T25:02:03Z", "2025-11-25T01:02:03",
        "2025-11-25T01:02:03+1", "tomorrow", "25-11-25T01:02:03Z"}) {
    EXPECT_EQ(parse_rfc3339(nonsense), std::nullopt) << nonsense;
  }
}

TEST(LimitHeaders, OpenAisLimitsAreRead) {
  net::Headers headers;
  headers.add("x-ratelimit-limit-requests", "500");
  headers.add("X-RateLimit-Remaining-Requests", "499");
  headers.add("x-ratelimit-reset-requests", "120ms");
  headers.add("x-ratelimit-limit-tokens", "30000");
  headers.add("x-ratelimit-remaining-tokens", "29000");
  headers.add("x-ratelimit-reset-tokens", "2s");
  headers.add("x-ratelimit-limit-project-tokens", "20000");
  headers.add("x-ratelimit-remaining-project-tokens", "100");
  headers.add("x-ratelimit-reset-project-tokens", "59.7s");
  const LimitReports reports = read_limits(headers, {});
  EXPECT_EQ(at(reports, Dimension::kRequests).limit, 500);
  EXPECT_EQ(at(reports, Dimension::kRequests).remaining, 499);
  EXPECT_EQ(at(reports, Dimension::kRequests).full_after, milliseconds(120));
  EXPECT_EQ(at(reports, Dimension::kTokens).remaining, 100) << "the tighter of two limits";
  EXPECT_FALSE(reports[static_cast<std::size_t>(Dimension::kInputTokens)]);
}

TEST(LimitHeaders, AnthropicsLimitsAreRead) {
  net::Headers headers;
  headers.add("anthropic-ratelimit-requests-limit", "50");
  headers.add("anthropic-ratelimit-requests-remaining", "49");
  headers.add("anthropic-ratelimit-requests-reset", "2025-11-25T01:02:03Z");
  headers.add("anthropic-ratelimit-input-tokens-limit", "30000");
  headers.add("anthropic-ratelimit-input-tokens-remaining", "29000");
  headers.add("anthropic-ratelimit-output-tokens-limit", "8000");
  headers.add("anthropic-ratelimit-output-tokens-remaining", "9000");
  const LimitReports reports = read_limits(headers, *parse_rfc3339("2025-11-25T01:02:00Z"));
  EXPECT_EQ(at(reports, Dimension::kRequests).full_after, seconds(3));
  EXPECT_EQ(at(reports, Dimension::kInputTokens).remaining, 29000);
  EXPECT_EQ(at(reports, Dimension::kInputTokens).full_after, std::nullopt);
  EXPECT_EQ(at(reports, Dimension::kOutputTokens).remaining, 8000) << "never more than the limit";
  EXPECT_FALSE(reports[static_cast<std::size_t>(Dimension::kTokens)]);
}

TEST(LimitHeaders, WhatIsMissingOrMalformedIsLeftOut) {
  net::Headers headers;
  EXPECT_FALSE(read_limits(headers, {})[0]);
  headers.add("x-ratelimit-limit-requests", "many");
  headers.add("x-ratelimit-remaining-requests", "7");
  headers.add("x-ratelimit-limit-tokens", "0");
  headers.add("x-ratelimit-remaining-tokens", "0");
  const LimitReports reports = read_limits(headers, {});
  for (const auto& report : reports) EXPECT_FALSE(report);
}

TEST(LimitHeaders, NoTextMakesTheParsersFail) {
  constexpr std::string_view kLetters = "0123456789.hmsuµn-+:TZe \x80\xff";
  std::minstd_rand random(7);
  for (int i = 0; i < 200'000; ++i) {
    std::string text;
    for (std::size_t n = random() % 24; n > 0; --n) text += kLetters[random() % kLetters.size()];
    const auto duration = parse_go_duration(text);
    ASSERT_TRUE(!duration || (*duration >= Duration::zero() && *duration <= std::chrono::hours(24))) << text;
    parse_rfc3339(text);
    parse_http_date(text);
  }
}

TEST(Dates, BeyondWhatTheClockCanTellAreMovedToItsBounds) {
  const WallTime year_2255{std::chrono::seconds(9'000'000'000)};
  EXPECT_EQ(parse_http_date("Sun, 06 Nov 3808 08:49:37 GMT"), year_2255);
  EXPECT_EQ(parse_rfc3339("9999-12-31T23:59:59Z"), year_2255);
  EXPECT_EQ(parse_rfc3339("1900-01-01T00:00:00Z"), WallTime{});
}

}  // namespace
}  // namespace xcs::llm
