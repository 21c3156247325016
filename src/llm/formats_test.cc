// Tools, responses, embeddings, budgets and billing over the fake transport.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "llm/client.h"
#include "llm/meter.h"
#include "llm/testing/script_transport.h"

namespace xcs::llm {
namespace {

using ::testing::HasSubstr;
using testing::ScriptTransport;

class FormatsTest : public ::testing::Test {
 protected:
  Result<ChatAnswer> call(ChatRequest request) {
    std::optional<Result<ChatAnswer>> outcome;
    const net::Handle handle =
        client_.start(std::move(request), [&](Result<ChatAnswer> r) { outcome = std::move(r); });
    return outcome.value();
  }
  Result<ChatAnswer> stream(ChatRequest request) {
    std::optional<Result<ChatAnswer>> outcome;
    const net::Handle handle = client_.start_stream(
        std::move(request), [](std::string_view) {}, [&](Result<ChatAnswer> r) { outcome = std::move(r); });
    return outcome.value();
  }
  static ChatRequest request(Provider provider) {
    ChatRequest r{.provider = provider, .base_url = "http://server", .api_key = "k", .model = "m"};
    r.messages = {{.role = "user", .content = "x"}};
    return r;
  }

  ScriptTransport transport_;
  Client client_{transport_, transport_.clock(), 1};
};

void expect_weather(const Result<ChatAnswer>& answer) {
  ASSERT_TRUE(answer) << to_string(answer.error());
  ASSERT_EQ(answer->tool_calls.size(), 1u);
  EXPECT_EQ(answer->tool_calls[0].id, "c1");
  EXPECT_EQ(answer->tool_calls[0].name, "weather");
  EXPECT_EQ(answer->tool_calls[0].arguments, R"({"city":"Oslo"})");
}

TEST_F(FormatsTest, ToolCallsArriveInPiecesFromOpenAi) {
  transport_.add_stream(
      {R"(data: {"choices":[{"delta":{"tool_calls":[{"index":0,"id":"c1","function":{"name":"weather","arguments":""}}]}}]})"
       "\n\n"
       R"(data: {"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"city\":"}}]}}]})"
       "\n\n",
       R"(data: {"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"\"Oslo\"}"}}]},"finish_reason":"tool_calls"}]})"
       "\n\ndata: [DONE]\n\n"});
  expect_weather(stream(request(Provider::kOpenAi)));
}

TEST_F(FormatsTest, ToolCallsArriveInPiecesFromAnthropic) {
  transport_.add_stream(
      {R"(data: {"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"c1","name":"weather","input":{}}})"
       "\n\n"
       R"(data: {"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{\"city\":"}})"
       "\n\n"
       R"(data: {"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"\"Oslo\"}"}})"
       "\n\n"
       R"(data: {"type":"message_stop"})"
       "\n\n"});
  expect_weather(stream(request(Provider::kAnthropic)));
}

TEST_F(FormatsTest, AStreamOfResponsesEndsWithTheWholeAnswer) {
  transport_.add_stream(
      {"data: {\"type\":\"response.created\"}\n\ndata: {\"type\":\"something.new\"}\n\n",
       R"(data: {"type":"response.completed","response":{"status":"completed","id":"r1","usage":{"input_tokens":3},)"
       R"("output":[{"type":"function_call","call_id":"c1","name":"weather","arguments":"{\"city\":\"Oslo\"}"}]}})"
       "\n\n"});
  const Result<ChatAnswer> answer = stream(request(Provider::kResponses));
  expect_weather(answer);
  EXPECT_EQ(answer->usage.input_tokens, 3);
  EXPECT_EQ(answer->id, "r1");
}

TEST_F(FormatsTest, AFailedResponseIsAnError) {
  for (const char* event :
       {R"({"type":"error","code":"server_error","message":"no"})",
        R"({"type":"response.failed","response":{"error":{"code":"server_error","message":"no"}}})"}) {
    transport_.add_stream({std::string("data: ") + event + "\n\n"});
    ChatRequest r = request(Provider::kResponses);
    r.max_retries = 0;
    const Result<ChatAnswer> answer = stream(r);
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().provider_reason, "server_error");
  }
}

TEST_F(FormatsTest, EmbeddingsComeInTheOrderOfTheirInputs) {
  transport_.add(
      200,
      R"({"data":[{"index":1,"embedding":[3,4.5]},{"index":0,"embedding":[1,2]}],"usage":{"prompt_tokens":2}})");
  ChatRequest r = request(Provider::kEmbeddings);
  r.messages = {{.content = "a"}, {.content = "b\n"}};
  const Result<ChatAnswer> answer = call(r);
  ASSERT_TRUE(answer) << to_string(answer.error());
  EXPECT_EQ(answer->vectors, (std::vector<std::vector<double>>{{1, 2}, {3, 4.5}}));
  EXPECT_EQ(transport_.requests().at(0).url, "http://server/v1/embeddings");
  EXPECT_THAT(transport_.requests().at(0).body, HasSubstr(R"("input":["a","b\n"])"));
  transport_.add(200, R"({"data":[{"index":0,"embedding":[1]},{"index":0,"embedding":[1]}]})");
  EXPECT_EQ(call(r).error().code, "llm.malformed");
}

TEST_F(FormatsTest, TheKeyGoesWhereAzureLooksForIt) {
  transport_.add(200, R"({"choices":[{"message":{"content":"x"}}]})");
  ChatRequest r = request(Provider::kOpenAi);
  r.base_url = "https://mine.openai.azure.com/openai/deployments/d?api-version=1";
  ASSERT_TRUE(call(r));
  const net::Request& sent = transport_.requests().at(0);
  EXPECT_EQ(sent.url, "https://mine.openai.azure.com/openai/deployments/d/chat/completions?api-version=1");
  EXPECT_EQ(sent.headers.find("api-key"), "k");
  EXPECT_EQ(sent.headers.find("authorization"), std::nullopt);
}

TEST_F(FormatsTest, ABudgetIsChargedWithWhatAnAnswerTookAndWithAllWhenNobodyKnows) {
  ChatRequest r = request(Provider::kOpenAi);
  r.max_tokens = 10;
  r.max_retries = 0;
  r.budget = std::make_shared<Budget>(25e-6);
  r.meter = std::make_shared<Meter>();
  r.price = Price{.output = 1};
  transport_.add(
      200, R"({"choices":[{"message":{"content":"x"}}],"usage":{"prompt_tokens":5,"completion_tokens":4}})");
  ASSERT_TRUE(call(r));
  EXPECT_DOUBLE_EQ(r.budget->spent(), 4e-6);
  transport_.add(500, "{}");
  EXPECT_FALSE(call(r));
  EXPECT_DOUBLE_EQ(r.budget->spent(), 4e-6) << "an error costs nothing";
  transport_.add(Error{.kind = ErrorKind::kTransient, .code = "net.first_byte_timeout"});
  EXPECT_FALSE(call(r));
  EXPECT_DOUBLE_EQ(r.budget->spent(), 14e-6);
  transport_.add(Error{.kind = ErrorKind::kTransient, .code = "net.connect"});
  EXPECT_FALSE(call(r));
  EXPECT_DOUBLE_EQ(r.budget->spent(), 14e-6);
  transport_.add(Error{.kind = ErrorKind::kTransient, .code = "net.broken"});
  EXPECT_FALSE(call(r));
  EXPECT_EQ(call(r).error().code, "llm.budget");
  const Spend spent = r.meter->total();
  EXPECT_EQ(spent.calls, 6u);
  EXPECT_EQ(spent.failed, 5u);
  EXPECT_EQ(spent.attempts, 5u);
  EXPECT_EQ(spent.lost, 2u);
}

TEST_F(FormatsTest, SeveralChoicesAreReservedFor) {
  ChatRequest r = request(Provider::kOpenAi);
  r.max_tokens = 10;
  r.extra_json = R"({"n":3})";
  r.budget = std::make_shared<Budget>(25e-6);
  r.price = Price{.output = 1};
  EXPECT_EQ(call(r).error().code, "llm.budget");
  EXPECT_TRUE(transport_.requests().empty());
}

TEST_F(FormatsTest, ARefusalForRateIsRepeatedMoreOftenThanAFailure) {
  net::Headers headers;
  headers.add("retry-after-ms", "100");
  for (int i = 0; i < 8; ++i) transport_.add(429, R"({"error":{"code":"rate_limit_exceeded"}})", headers);
  transport_.add(200, R"({"choices":[{"message":{"content":"x"}}]})");
  const Result<ChatAnswer> answer = call(request(Provider::kOpenAi));
  ASSERT_TRUE(answer) << to_string(answer.error());
  EXPECT_EQ(answer->attempts, 9);
}

TEST_F(FormatsTest, TheNextCallWaitsUntilTheProviderLetsItPass) {
  net::Headers headers;
  headers.add("x-ratelimit-limit-requests", "60");
  headers.add("x-ratelimit-remaining-requests", "0");
  headers.add("x-ratelimit-reset-requests", "1m0s");
  transport_.add(200, R"({"choices":[{"message":{"content":"x"}}]})", headers);
  transport_.add(200, R"({"choices":[{"message":{"content":"x"}}]})", headers);
  ASSERT_TRUE(call(request(Provider::kOpenAi)));
  ASSERT_TRUE(call(request(Provider::kOpenAi)));
  ASSERT_EQ(transport_.waits().size(), 1u);
  EXPECT_GE(transport_.waits()[0], std::chrono::milliseconds(999));
}

}  // namespace
}  // namespace xcs::llm
