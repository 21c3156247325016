#include "llm/limits.h"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <vector>

namespace xcs::llm {
namespace {

using std::chrono::seconds;

class LimitsTest : public ::testing::Test {
 protected:
  std::shared_ptr<Group> group(std::string url, std::string key, std::string_view model) {
    WireRequest request;
    request.http.url = std::move(url);
    request.api_key = std::move(key);
    return limits_.group_of(request, model);
  }
  std::unique_ptr<Admission> call() {
    return std::make_unique<Admission>(group("http://a/v1", "k", "m"), Admission::Size{100, 50});
  }

  ManualClock clock_;
  Limits limits_{clock_, "", false};
};

TEST_F(LimitsTest, AGroupIsAServerAKeyAndAModelGroup) {
  const auto one = group("https://a.example/v1/chat/completions", "k", "gpt-5-2026-01-31");
  EXPECT_EQ(one, group("https://a.example/v1/responses", "k", "gpt-5"));
  EXPECT_NE(one, group("https://b.example/v1/chat/completions", "k", "gpt-5"));
  EXPECT_NE(one, group("https://a.example/v1/chat/completions", "other", "gpt-5"));
  EXPECT_NE(one, group("https://a.example/v1/chat/completions", "k", "gpt-5-mini"));
  EXPECT_NE(one->lane(), group("https://a.example/", "k", "gpt-5-mini")->lane());
}

TEST(ModelGroup, DropsDatesAndMinorVersions) {
  EXPECT_EQ(model_group("gpt-4o-2024-08-06"), "gpt-4o");
  EXPECT_EQ(model_group("claude-opus-4-8"), "claude-opus-4");
  EXPECT_EQ(model_group("claude-opus-4-5-20260131"), "claude-opus-4");
  EXPECT_EQ(model_group("claude-opus-4-latest"), "claude-opus-4");
  EXPECT_EQ(model_group("claude-3-5-haiku-latest"), "claude-3-5-haiku");
  EXPECT_EQ(model_group("gpt-6.1-sol"), "gpt-6.1-sol");
  EXPECT_EQ(model_group("-20260131"), "-20260131");
  EXPECT_EQ(model_group(""), "");
}

TEST_F(LimitsTest, OnlySoManyBeginBeforeTheFirstAnswer) {
  std::vector<std::unique_ptr<Admission>> calls;
  for (int i = 0; i < 20; ++i) {
    calls.push_back(call());
    EXPECT_EQ(calls.back()->try_begin(), Duration::zero());
  }
  const auto waits = call();
  EXPECT_GT(waits->try_begin().value(), Duration::zero());
  calls.pop_back();
  EXPECT_EQ(waits->try_begin(), Duration::zero()) << "a call that was given up makes room";
}

TEST_F(LimitsTest, AServerThatAsksForNoKeyMayHaveAThousandInFlightAtOnce) {
  const auto keyless = group("http://server/v1", "", "m");
  std::vector<std::unique_ptr<Admission>> calls;
  for (int i = 0; i < 1000; ++i) {
    calls.push_back(std::make_unique<Admission>(keyless, Admission::Size{}));
    EXPECT_EQ(calls.back()->try_begin(), Duration::zero());
  }
}

TEST_F(LimitsTest, AServerInTheOwnNetworkIsFoundOutAboutSooner) {
  const auto begun_after_a_round = [&](const std::string& host) {
    const auto group_there = group("http://" + host + "/v1", "k", "m");
    std::vector<std::unique_ptr<Admission>> calls;
    const auto begin_all = [&] {
      do calls.push_back(std::make_unique<Admission>(group_there, Admission::Size{}));
      while (calls.back()->try_begin() == Duration::zero());
      calls.pop_back();
      return calls.size();
    };
    begin_all();
    for (const auto& admitted : calls) admitted->end(nullptr, nullptr, {});
    calls.clear();
    return begin_all();
  };
  for (const std::string host :
       {"localhost:8000", "vllm", "10.1.2.3", "172.20.0.1", "192.168.1.7", "gpu.local"})
    EXPECT_EQ(begun_after_a_round(host), 80u) << host;
  for (const std::string host : {"a.example", "172.32.0.1", "11.1.2.3", "fda.example"})
    EXPECT_EQ(begun_after_a_round(host), 40u) << host;
}

TEST_F(LimitsTest, ABillingErrorRefusesAllThatWaitAndNoneThatComesLater) {
  const auto first = call();
  const auto second = call();
  ASSERT_EQ(first->try_begin(), Duration::zero());
  const Error error{.kind = ErrorKind::kUsage, .code = "llm.billing", .message = "no credit"};
  first->end(&error, nullptr, {});
  const Result<Duration> refused = second->try_begin();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "llm.billing");
  const auto third = call();
  const auto fourth = call();
  EXPECT_EQ(third->try_begin(), Duration::zero());
  EXPECT_GT(fourth->try_begin().value(), Duration::zero()) << "one call at a time finds out";
  third->end(nullptr, nullptr, {});
  EXPECT_EQ(fourth->try_begin(), Duration::zero());
}

TEST_F(LimitsTest, AProviderThatAsksToComeBackTomorrowRefusesAllThatWait) {
  const auto first = call();
  const auto second = call();
  ASSERT_EQ(first->try_begin(), Duration::zero());
  net::Response response;
  response.headers.add("retry-after", "3600");
  const Error error{.kind = ErrorKind::kTransient, .code = "llm.rate_limit", .message = "tokens per day"};
  first->end(&error, &response, {});
  EXPECT_FALSE(second->try_begin());
}

TEST_F(LimitsTest, ACoolDownHoldsForEveryCallOfTheGroup) {
  const auto first = call();
  const auto second = call();
  ASSERT_EQ(first->try_begin(), Duration::zero());
  net::Response response;
  response.headers.add("retry-after-ms", "5000");
  const Error error{.kind = ErrorKind::kTransient, .code = "llm.rate_limit", .message = "slower"};
  first->end(&error, &response, {});
  EXPECT_EQ(second->try_begin().value(), Duration(seconds(5)));
  clock_.advance(seconds(5));
  EXPECT_EQ(second->try_begin(), Duration::zero());
}

TEST(TokenEstimate, LearnsFromAnswers) {
  TokenEstimate estimate;
  estimate.learn(1000, {.input_tokens = 500, .output_tokens = 80});
  const Need need = estimate.need_of(Provider::kOpenAi, 1000, std::nullopt);
  EXPECT_DOUBLE_EQ(need[1], 500 + 80) << "underestimates are corrected at once";
  EXPECT_DOUBLE_EQ(estimate.need_of(Provider::kOpenAi, 1000, 4000)[1], 500 + 4000);
  const Need of_anthropic = estimate.need_of(Provider::kAnthropic, 1000, 4000);
  EXPECT_DOUBLE_EQ(of_anthropic[2], 500);
  EXPECT_DOUBLE_EQ(of_anthropic[3], 80);
}

}  // namespace
}  // namespace xcs::llm
