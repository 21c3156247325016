#include "sim/sim_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "sim/http_response.h"

namespace xcs::sim {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::StartsWith;

constexpr TimePoint kStart{};

SimOptions at_once() {
  SimOptions options;
  options.weather = fixed_latency(0);
  return options;
}

std::string chat(std::string_view text, std::string_view more = "") {
  return R"({"model":"m","messages":[{"role":"user","content":")" + std::string(text) + R"("}])" +
         std::string(more) + "}";
}

// A service with requests made by hand. Scripts that are over are ended, unless a test holds them in flight.
class SimServiceTest : public testing::Test {
 protected:
  void use(const SimOptions& options) { service_ = *SimService::make(options); }

  Script begin(std::string_view target, const std::string& body, TimePoint now = kStart) {
    HttpRequest request;
    request.method = "POST";
    request.target = target;
    request.authorization = authorization_;
    request.anthropic_version = target.starts_with("/v1/messages") ? "2026-10-21" : "";
    request.body = body;
    return service_->handle(request, now);
  }

  std::string post(std::string_view target, const std::string& body, TimePoint now = kStart) {
    const Script script = begin(target, body, now);
    service_->end(script, true);
    return http_response(script);
  }

  std::string ask(const std::string& body, TimePoint now = kStart) {
    return post("/v1/chat/completions", body, now);
  }

  SimStats& stats() { return service_->stats(); }

  std::string authorization_ = "Bearer k";
  std::unique_ptr<SimService> service_ = *SimService::make(at_once());
};

std::string body_of(const std::string& response) { return response.substr(response.find("\r\n\r\n") + 4); }

TEST_F(SimServiceTest, AnswersTheSameBodyToTheSameRequestInAnyOrder) {
  const std::string first = body_of(ask(chat("one")));
  const std::string second = body_of(ask(chat("two")));
  EXPECT_NE(first, second);
  SimOptions other = at_once();
  other.seed = 99;
  use(other);
  EXPECT_EQ(body_of(ask(chat("two"))), second);
  EXPECT_EQ(body_of(ask(chat("one"))), first);
}

TEST_F(SimServiceTest, LetsTheAnswerDependOnTheOrderWhenStateful) {
  SimOptions options = at_once();
  options.stateful = true;
  use(options);
  EXPECT_NE(body_of(ask(chat("one"))), body_of(ask(chat("one"))));
}

TEST_F(SimServiceTest, CountsARepeatedCanonicalBodyAsADuplicate) {
  ask(chat("one"));
  ask(chat("two"));
  EXPECT_EQ(stats().duplicates, 0U);
  ask(chat("one", R"(,"stream":true)"));
  EXPECT_EQ(stats().duplicates, 1U);
}

TEST_F(SimServiceTest, DrawsLatencyFromTheRequestAndItsOrdinalNotFromTheOrder) {
  use(SimOptions{});
  const auto due = [this](const std::string& body) {
    return begin("/v1/chat/completions", body).steps.back().due;
  };
  const auto one = due(chat("one"));
  const auto two = due(chat("two"));
  const auto one_again = due(chat("one"));
  EXPECT_NE(one, one_again);
  use(SimOptions{});
  EXPECT_EQ(due(chat("two")), two);
  EXPECT_EQ(due(chat("one")), one);
  EXPECT_EQ(due(chat("one")), one_again);
}

TEST_F(SimServiceTest, KeepsTheBooksOfWhatIsInFlight) {
  const Script one = begin("/v1/chat/completions", chat("one"));
  const Script two =
      begin("/v1/messages", R"({"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}]})");
  EXPECT_EQ(stats().in_flight, 2U);
  service_->end(one, true);
  service_->end(two, false);
  EXPECT_EQ(stats().in_flight, 0U);
  EXPECT_EQ(stats().peak_in_flight, 2U);
  EXPECT_EQ(stats().abandoned, 1U);
  EXPECT_EQ(stats().chat_completions, 1U);
  EXPECT_EQ(stats().messages, 1U);
}

TEST_F(SimServiceTest, RefusesWhatIsOverTheLimitOfRequestsUntilTheWaitIsOver) {
  SimOptions options = at_once();
  options.limits.requests_per_minute = 60;
  options.limits.burst = 1s;
  use(options);
  EXPECT_THAT(ask(chat("one")), StartsWith("HTTP/1.1 200"));
  const std::string refused = ask(chat("two"));
  EXPECT_THAT(refused, StartsWith("HTTP/1.1 429"));
  EXPECT_THAT(refused, HasSubstr("retry-after-ms: 1000\r\n"));
  EXPECT_THAT(refused, HasSubstr("\"type\":\"requests\",\"param\":null,\"code\":\"rate_limit_exceeded\""));
  EXPECT_THAT(ask(chat("two"), kStart + 1s), StartsWith("HTTP/1.1 200"));
  EXPECT_EQ(stats().limit_violations(), 1U);
}

TEST_F(SimServiceTest, LimitsEachKeyAndModelByItself) {
  SimOptions options = at_once();
  options.limits.requests_per_minute = 1;
  use(options);
  EXPECT_THAT(ask(chat("one")), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(ask(R"({"model":"other","messages":[{"role":"user","content":"x"}]})"),
              StartsWith("HTTP/1.1 200"));
  authorization_ = "bearer other";
  EXPECT_THAT(ask(chat("one")), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(ask(chat("one")), StartsWith("HTTP/1.1 429"));
}

TEST_F(SimServiceTest, ReservesTheMostTokensForOpenAiAndChargesTheProducedOnesForAnthropic) {
  SimOptions options = at_once();
  options.limits.tokens_per_minute = 1000;
  use(options);
  EXPECT_THAT(ask(chat("[one of: x]", R"(,"max_tokens":900)")),
              HasSubstr("x-ratelimit-remaining-tokens: 96\r\n"));
  const std::string refused = ask(chat("[one of: x]", R"(,"max_tokens":900)"));
  EXPECT_THAT(refused, StartsWith("HTTP/1.1 429"));
  EXPECT_THAT(refused, HasSubstr(R"("type":"tokens")"));
  const std::string message =
      R"({"model":"a","max_tokens":900,"messages":[{"role":"user","content":"[one of: abcdefgh]"}]})";
  EXPECT_THAT(post("/v1/messages", message), HasSubstr("anthropic-ratelimit-tokens-remaining: 992\r\n"));
}

TEST_F(SimServiceTest, SaysThatARequestLargerThanTheBucketCanNeverPass) {
  SimOptions options = at_once();
  options.limits.tokens_per_minute = 100;
  use(options);
  const std::string refused = ask(chat("x", R"(,"max_tokens":900)"));
  EXPECT_THAT(refused, HasSubstr("Request too large"));
  EXPECT_THAT(refused, testing::Not(HasSubstr("retry-after")));
}

TEST_F(SimServiceTest, RefusesMoreInFlightThanAllowed) {
  SimOptions options = at_once();
  options.limits.concurrency = 1;
  use(options);
  const Script one = begin("/v1/chat/completions", chat("one"));
  EXPECT_TRUE(one.in_flight);
  const Script refused = begin("/v1/chat/completions", chat("two"));
  EXPECT_THAT(http_response(refused), StartsWith("HTTP/1.1 429"));
  EXPECT_FALSE(refused.in_flight);
  service_->end(refused, true);
  service_->end(one, true);
  EXPECT_TRUE(begin("/v1/chat/completions", chat("two")).in_flight);
  EXPECT_EQ(stats().of(LimitKind::kConcurrency), 1U);
  EXPECT_EQ(stats().peak_in_flight, 1U);
}

TEST_F(SimServiceTest, AcceptsOnlyItsOwnKeyWhenItHasOne) {
  SimOptions options = at_once();
  options.api_key = "right";
  use(options);
  EXPECT_THAT(ask(chat("x")), HasSubstr("invalid_api_key"));
  authorization_ = "";
  EXPECT_THAT(ask(chat("x")), HasSubstr("You didn't provide an API key"));
  authorization_ = "BEARER right";
  EXPECT_THAT(ask(chat("x")), StartsWith("HTTP/1.1 200"));
  EXPECT_EQ(stats().by_status[401], 2U);
}

TEST_F(SimServiceTest, AnswersErrorsInTheShapeOfTheProvider) {
  const std::string openai = body_of(ask("{"));
  EXPECT_THAT(openai, StartsWith(R"({"error":{"message":"We could not parse the JSON body)"));
  EXPECT_THAT(openai, HasSubstr(R"("type":"invalid_request_error","param":null,"code":null}})"));
  const std::string anthropic = body_of(post("/v1/messages", "{}"));
  EXPECT_THAT(anthropic,
              StartsWith(R"({"type":"error","error":{"type":"invalid_request_error",)"
                         R"("message":"model: Field required","details":null},"request_id":"req_)"));
  EXPECT_THAT(post("/v1/nothing", ""), StartsWith("HTTP/1.1 404"));
  EXPECT_EQ(stats().unknown_paths, 1U);
}

TEST_F(SimServiceTest, BreaksAStreamOffWithAnErrorBetweenItsFirstAndItsLastEvent) {
  SimOptions options = at_once();
  options.weather.rate(Fault::kStreamError) = 1;
  use(options);
  for (int i = 0; i < 50; ++i) {
    const std::string stream = ask(chat(std::to_string(i), R"(,"stream":true)"));
    EXPECT_THAT(stream, HasSubstr(R"("role":"assistant")"));
    EXPECT_THAT(stream, HasSubstr(R"(data: {"error":{"message":"The server had an error)"));
    EXPECT_THAT(stream, testing::Not(HasSubstr("[DONE]")));
    EXPECT_TRUE(stream.ends_with("0\r\n\r\n"));
  }
  EXPECT_EQ(stats().of(Fault::kStreamError), 50U);
}

TEST_F(SimServiceTest, FailsTheAttemptsThatThePromptAsksToFail) {
  const std::string body = chat("Hi [fault slow_down x2]");
  EXPECT_THAT(ask(body), HasSubstr(R"("type":"rate_limit_error","param":null,"code":"slow_down")"));
  EXPECT_THAT(ask(body), StartsWith("HTTP/1.1 429"));
  EXPECT_THAT(ask(body), StartsWith("HTTP/1.1 200"));
  EXPECT_EQ(stats().of(Fault::kSlowDown), 2U);
}

TEST_F(SimServiceTest, FailsByTheOrderOfArrivalUnlessThePromptAsksForAnotherFault) {
  SimOptions options = at_once();
  options.faults = {{Fault::kOverloaded, 2, 3}};
  use(options);
  EXPECT_THAT(ask(chat("one")), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(ask(chat("two")), StartsWith("HTTP/1.1 503"));
  EXPECT_THAT(ask(chat("[fault bad_gateway]")), StartsWith("HTTP/1.1 502"));
  EXPECT_THAT(ask(chat("four")), StartsWith("HTTP/1.1 200"));
}

TEST_F(SimServiceTest, CountsARepetitionOfWhatWasAnsweredInFull) {
  ask(chat("[fault overloaded]"));
  ask(chat("[fault overloaded]"));
  EXPECT_EQ(stats().duplicates, 1U);
  EXPECT_EQ(stats().repeats, 0U) << "the first attempt had failed";
  ask(chat("[fault overloaded]"));
  EXPECT_EQ(stats().repeats, 1U);
  ask(chat("[fault malformed]"));
  ask(chat("[fault truncated]"));
  ask(chat("[fault malformed]"));
  ask(chat("[fault truncated]"));
  EXPECT_EQ(stats().repeats, 1U);
}

TEST_F(SimServiceTest, DoesNotBlameAClientForALimitThatItCouldNotKnow) {
  SimOptions options = at_once();
  options.weather = fixed_latency(1000);
  options.limits.requests_per_minute = 1;
  use(options);
  ask(chat("one"));
  ask(chat("two"), kStart + 500ms);
  EXPECT_EQ(stats().limit_violations(), 1U);
  EXPECT_EQ(stats().refused_after_answer, 0U);
  ask(chat("two"), kStart + 1000ms);
  EXPECT_EQ(stats().refused_after_answer, 1U);
}

TEST_F(SimServiceTest, AnswersABadGatewayWithAPage) {
  const std::string response = ask(chat("[fault bad_gateway]"));
  EXPECT_THAT(response, StartsWith("HTTP/1.1 502 Bad Gateway\r\ncontent-type: text/html\r\n"));
  EXPECT_THAT(response, HasSubstr("<h1>502 Bad Gateway</h1>"));
}

TEST_F(SimServiceTest, PausesBeforeALateAnswerAndStretchesATrickle) {
  SimOptions options = at_once();
  options.weather.stall_ms = 700;
  use(options);
  const Script late = begin("/v1/chat/completions", chat("[fault late]"));
  EXPECT_EQ(late.steps.front().due, 700ms);
  const Script trickle = begin("/v1/chat/completions", chat("[fault trickle]"));
  EXPECT_EQ(trickle.steps.size(), 50U);
  EXPECT_EQ(trickle.steps.back().due, 700ms);
}

TEST_F(SimServiceTest, BreaksTheJsonButNotTheFrameOfAMalformedAnswer) {
  simdjson::dom::parser parser;
  for (int i = 0; i < 50; ++i) {
    const std::string response = ask(chat("[fault malformed] " + std::to_string(i)));
    const std::string body = body_of(response);
    EXPECT_THAT(response, HasSubstr("content-length: " + std::to_string(body.size()) + "\r\n"));
    EXPECT_NE(parser.parse(body).error(), simdjson::SUCCESS);
  }
}

TEST_F(SimServiceTest, ClosesTheConnectionInsideATruncatedAnswer) {
  const Script script = begin("/v1/chat/completions", chat("[fault truncated]"));
  EXPECT_EQ(script.ending, Ending::kClose);
  EXPECT_EQ(script.steps.back().end, script.body.size());
  EXPECT_LT(script.body.size(), *script.length);
}

TEST_F(SimServiceTest, ShowsAndClearsItsCountersButNotWhatIsInFlight) {
  begin("/v1/chat/completions", chat("one"));
  HttpRequest request;
  request.target = "/sim/stats";
  request.method = "GET";
  EXPECT_THAT(http_response(service_->handle(request, kStart)), HasSubstr(R"({"requests":1,)"));
  request.method = "DELETE";
  const std::string cleared = http_response(service_->handle(request, kStart));
  EXPECT_THAT(cleared, HasSubstr(R"({"requests":0,)"));
  EXPECT_THAT(cleared, HasSubstr(R"("in_flight":1,"peak_in_flight":1,)"));
  ask(chat("one"));
  EXPECT_EQ(stats().duplicates, 0U) << "the requests seen are forgotten, too";
}

TEST_F(SimServiceTest, PromptTokensAreAboutFourCharactersEach) {
  EXPECT_THAT(ask(chat(std::string(4000, 'x'))), HasSubstr(R"("prompt_tokens":1001,)"));
}

}  // namespace
}  // namespace xcs::sim
