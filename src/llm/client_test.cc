#include "llm/client.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <future>
#include <optional>
#include <string>
#include <vector>

#include "llm/testing/script_transport.h"
#include "net/reactor.h"
#include "net/testing/fake_server.h"

namespace xcs::llm {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using testing::ScriptTransport;

constexpr std::string_view kOpenAiAnswer =
    R"({"id":"chatcmpl-1","object":"chat.completion","model":"gpt-x-2026",
  "choices":[{"index":0,"message":{"role":"assistant","content":"Hello \u20ac","refusal":null},"finish_reason":"stop"}],
  "usage":{"prompt_tokens":9,"completion_tokens":3,"total_tokens":12,
           "prompt_tokens_details":{"cached_tokens":4},"completion_tokens_details":{"reasoning_tokens":2}}})";
constexpr std::string_view kAnthropicAnswer = R"({"id":"msg_1","type":"message","role":"assistant",
  "model":"claude-x-2026","content":[{"type":"thinking","thinking":"hm"},{"type":"text","text":"Hel"},
  {"type":"text","text":"lo"}],"stop_reason":"end_turn",
  "usage":{"input_tokens":9,"output_tokens":3,"cache_read_input_tokens":4,"output_tokens_details":{"thinking_tokens":2}}})";

class ClientTest : public ::testing::Test {
 protected:
  ClientTest() {
    for (const char* name :
         {"OPENAI_API_KEY", "OPENAI_BASE_URL", "ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL"}) {
      unsetenv(name);
    }
  }

  static ChatRequest openai() {
    return {.base_url = "http://server:8000/v1/",
            .api_key = "sk-secret",
            .model = "gpt-x",
            .messages = {{.role = "user", .content = "Hi \"you\""}}};
  }
  static ChatRequest anthropic() {
    return {.base_url = "http://server:8000",
            .api_key = "sk-secret",
            .model = "claude-x",
            .messages = {{.role = "user", .content = "Hi"}}};
  }

  Result<ChatAnswer> call(ChatRequest request) {
    std::optional<Result<ChatAnswer>> outcome;
    const net::Handle handle =
        client_.start(std::move(request), [&](Result<ChatAnswer> r) { outcome = std::move(r); });
    return outcome.value();
  }
  Error call_error(ChatRequest request) {
    Result<ChatAnswer> result = call(std::move(request));
    EXPECT_FALSE(result) << result->text;
    return result ? Error{} : result.error();
  }
  Result<ChatAnswer> stream(ChatRequest request) {
    std::optional<Result<ChatAnswer>> outcome;
    const net::Handle handle = client_.start_stream(
        std::move(request), [&](std::string_view text) { deltas_.emplace_back(text); },
        [&](Result<ChatAnswer> r) { outcome = std::move(r); });
    return outcome.value();
  }

  ScriptTransport transport_;
  Client client_{transport_, transport_.clock(), 42};
  std::vector<std::string> deltas_;
};

net::Headers header(std::string_view name, std::string_view value) {
  net::Headers headers;
  headers.add(name, value);
  return headers;
}

TEST_F(ClientTest, OpenAiRequestHasTheWireFormat) {
  transport_.add(200, std::string(kOpenAiAnswer));
  ChatRequest request = openai();
  request.system = "Be brief";
  request.max_tokens = 50;
  request.temperature = 0.5;
  ASSERT_TRUE(call(request));
  const net::Request& sent = transport_.requests().at(0);
  EXPECT_EQ(sent.url, "http://server:8000/v1/chat/completions");
  EXPECT_EQ(sent.headers.find("authorization"), "Bearer sk-secret");
  EXPECT_EQ(sent.headers.find("content-type"), "application/json");
  EXPECT_EQ(sent.body, R"({"model":"gpt-x","messages":[{"role":"system","content":"Be brief"},)"
                       R"({"role":"user","content":"Hi \"you\""}],"max_tokens":50,"temperature":0.5})");
}

TEST_F(ClientTest, AnthropicRequestHasTheWireFormat) {
  transport_.add(200, std::string(kAnthropicAnswer));
  ChatRequest request = anthropic();
  request.system = "Be brief";
  request.messages.insert(request.messages.begin(), {.role = "system", .content = "and kind"});
  ASSERT_TRUE(call(request));
  const net::Request& sent = transport_.requests().at(0);
  EXPECT_EQ(sent.url, "http://server:8000/v1/messages");
  EXPECT_EQ(sent.headers.find("x-api-key"), "sk-secret");
  EXPECT_EQ(sent.headers.find("anthropic-version"), "2023-06-01");
  EXPECT_EQ(sent.headers.find("authorization"), std::nullopt);
  EXPECT_EQ(sent.body, R"({"model":"claude-x","system":"Be brief\n\nand kind",)"
                       R"("messages":[{"role":"user","content":"Hi"}],"max_tokens":4096})");
}

TEST_F(ClientTest, ExtraFieldsAreAddedAndWinOverOwnOnes) {
  transport_.add(200, std::string(kOpenAiAnswer));
  ChatRequest request = openai();
  request.max_tokens = 50;
  request.extra_json = R"( { "max_tokens" : 7, "stop": ["a b"] } )";
  ASSERT_TRUE(call(request));
  const std::string& body = transport_.requests().at(0).body;
  EXPECT_THAT(body, ::testing::EndsWith(R"(,"max_tokens":7,"stop":["a b"]})"));
  EXPECT_THAT(body, Not(HasSubstr("50")));
}

TEST_F(ClientTest, ContentJsonIsSentAsItIs) {
  transport_.add(200, std::string(kOpenAiAnswer));
  ChatRequest request = openai();
  request.messages = {{.json = R"({"role":"user","content":[{"type":"text","text":"x"}]})"}};
  ASSERT_TRUE(call(request));
  EXPECT_THAT(transport_.requests().at(0).body, HasSubstr(R"("content":[{"type":"text","text":"x"}])"));
}

TEST_F(ClientTest, OpenAiAnswerIsRead) {
  transport_.add(200, std::string(kOpenAiAnswer), header("X-Request-Id", "req-7"));
  const Result<ChatAnswer> answer = call(openai());
  ASSERT_TRUE(answer) << to_string(answer.error());
  EXPECT_EQ(answer->text, "Hello \xe2\x82\xac");
  EXPECT_EQ(answer->model, "gpt-x-2026");
  EXPECT_EQ(answer->finish_reason, "stop");
  EXPECT_EQ(answer->id, "chatcmpl-1");
  EXPECT_EQ(answer->request_id, "req-7");
  EXPECT_EQ(answer->raw, kOpenAiAnswer);
  EXPECT_EQ(answer->usage.input_tokens, 9);
  EXPECT_EQ(answer->usage.output_tokens, 3);
  EXPECT_EQ(answer->usage.cached_input_tokens, 4);
  EXPECT_EQ(answer->usage.reasoning_tokens, 2);
  EXPECT_EQ(answer->attempts, 1);
}

TEST_F(ClientTest, AnthropicsNewerApiTakesTheKeyFromItsBearer) {
  transport_.add(200, std::string(kAnthropicAnswer));
  ChatRequest request = anthropic();
  request.api_version = "2026-10-21";
  ASSERT_TRUE(call(request));
  const net::Headers& sent = transport_.requests()[0].headers;
  EXPECT_EQ(sent.find("anthropic-version"), "2026-10-21");
  EXPECT_EQ(sent.find("authorization"), "Bearer sk-secret");
  EXPECT_FALSE(sent.find("x-api-key"));
}

TEST_F(ClientTest, AnthropicsNewerApiHasNoSamplingParameters) {
  ChatRequest request = anthropic();
  request.api_version = "2026-10-21";
  request.temperature = 1;
  EXPECT_THAT(call_error(request).message, HasSubstr("has no temperature from version 2026-10-21 on"));
  request.temperature.reset();
  request.extra_json = R"({"top_k":3})";
  EXPECT_THAT(call_error(request).message, HasSubstr("has no top_k"));
  EXPECT_TRUE(transport_.requests().empty());
  request.api_version = "2023-06-01";
  transport_.add(200, std::string(kAnthropicAnswer));
  EXPECT_TRUE(call(request));
}

TEST_F(ClientTest, AVersionIsADateOfAnthropicsApi) {
  for (const std::string version : {"newest", "2026-10-2", "2026-10-21\r\nx: y"}) {
    ChatRequest request = anthropic();
    request.api_version = version;
    EXPECT_EQ(call_error(request).code, "llm.api_version") << version;
  }
  ChatRequest request = openai();
  request.api_version = "2026-10-21";
  EXPECT_EQ(call_error(request).code, "llm.api_version");
}

TEST_F(ClientTest, AnthropicAnswerIsRead) {
  transport_.add(200, std::string(kAnthropicAnswer), header("request-id", "req-8"));
  const Result<ChatAnswer> answer = call(anthropic());
  ASSERT_TRUE(answer) << to_string(answer.error());
  EXPECT_EQ(answer->text, "Hello");
  EXPECT_EQ(answer->finish_reason, "end_turn");
  EXPECT_EQ(answer->request_id, "req-8");
  EXPECT_EQ(answer->usage.input_tokens, 9);
  EXPECT_EQ(answer->usage.output_tokens, 3);
  EXPECT_EQ(answer->usage.cached_input_tokens, 4);
  EXPECT_EQ(answer->usage.reasoning_tokens, 2);
}

TEST_F(ClientTest, ATextlessMessageWithToolCallsIsAnEmptyAnswer) {
  transport_.add(
      200, R"({"choices":[{"message":{"content":null,"tool_calls":[]},"finish_reason":"tool_calls"}]})");
  const Result<ChatAnswer> answer = call(openai());
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->text, "");
  EXPECT_EQ(answer->finish_reason, "tool_calls");
}

TEST_F(ClientTest, TheProviderFollowsFromModelOrAddressUnlessGiven) {
  EXPECT_EQ(resolve_provider({.model = "claude-haiku"}), Provider::kAnthropic);
  EXPECT_EQ(resolve_provider({.base_url = "https://api.anthropic.com", .model = "x"}), Provider::kAnthropic);
  EXPECT_EQ(resolve_provider({.model = "gpt-x"}), Provider::kOpenAi);
  EXPECT_EQ(resolve_provider({.provider = Provider::kOpenAi, .model = "claude-haiku"}), Provider::kOpenAi);
}

TEST_F(ClientTest, AddressAndKeyComeFromTheEnvironment) {
  setenv("OPENAI_BASE_URL", "http://elsewhere:1/v1", 1);
  setenv("OPENAI_API_KEY", "sk-env", 1);
  transport_.add(200, std::string(kOpenAiAnswer));
  ChatRequest request = openai();
  request.base_url = request.api_key = "";
  ASSERT_TRUE(call(request));
  EXPECT_EQ(transport_.requests().at(0).url, "http://elsewhere:1/v1/chat/completions");
  EXPECT_EQ(transport_.requests().at(0).headers.find("Authorization"), "Bearer sk-env");
}

TEST_F(ClientTest, AnAddressWithoutAPathStandsForWhereTheApiUsuallyIs) {
  transport_.add(200, std::string(kOpenAiAnswer));
  ChatRequest request = openai();
  request.base_url = "http://server:8000/";
  ASSERT_TRUE(call(request));
  EXPECT_EQ(transport_.requests().at(0).url, "http://server:8000/v1/chat/completions");
}

TEST_F(ClientTest, AMissingKeyIsAUsageErrorThatNamesTheVariable) {
  ChatRequest request = openai();
  request.base_url = request.api_key = "";
  const Error for_openai = call_error(request);
  EXPECT_EQ(for_openai.kind, ErrorKind::kUsage);
  EXPECT_EQ(for_openai.code, "llm.key_missing");
  EXPECT_THAT(for_openai.message, HasSubstr("OPENAI_API_KEY"));
  request.model = "claude-x";
  EXPECT_THAT(call_error(request).message, HasSubstr("ANTHROPIC_API_KEY"));
  EXPECT_THAT(transport_.requests(), IsEmpty());
}

TEST_F(ClientTest, OtherServersDoWithoutAKey) {
  transport_.add(200, std::string(kOpenAiAnswer));
  ChatRequest request = openai();
  request.api_key = "";
  ASSERT_TRUE(call(request));
  EXPECT_EQ(transport_.requests().at(0).headers.find("Authorization"), std::nullopt);
}

TEST_F(ClientTest, RequestsThatCannotBeSentAreUsageErrors) {
  const auto code_with = [&](auto change) {
    ChatRequest request = openai();
    change(request);
    const Error error = call_error(request);
    EXPECT_EQ(error.kind, ErrorKind::kUsage) << to_string(error);
    EXPECT_THAT(error.message, Not(HasSubstr("secret")));
    return error.code;
  };
  EXPECT_EQ(code_with([](ChatRequest& r) { r.model = ""; }), "llm.model");
  EXPECT_EQ(code_with([](ChatRequest& r) { r.messages = {}; }), "llm.messages");
  EXPECT_EQ(code_with([](ChatRequest& r) { r.extra_json = "[1]"; }), "llm.extra");
  EXPECT_EQ(code_with([](ChatRequest& r) { r.extra_json = "{\"a\":"; }), "llm.extra");
  EXPECT_EQ(code_with([](ChatRequest& r) { r.messages[0].json = "[1"; }), "llm.content");
  EXPECT_EQ(code_with([](ChatRequest& r) { r.messages[0].content = "\xff"; }), "llm.utf8");
  EXPECT_EQ(code_with([](ChatRequest& r) { r.temperature = 0.0 / 0.0; }), "llm.temperature");
  EXPECT_EQ(code_with([](ChatRequest& r) { r.api_key = "sk-secret\n"; }), "llm.key_malformed");
}

struct ErrorCase {
  int status;
  std::string body;
  ErrorKind kind;
  std::string code;
  std::string reason;
};

TEST_F(ClientTest, ErrorBodiesOfBothProvidersAreClassified) {
  const auto openai_error = [](std::string_view type, std::string_view code) {
    return fmt::format(R"({{"error":{{"message":"because","type":"{}","param":null,"code":"{}"}}}})", type,
                       code);
  };
  const auto anthropic_error = [](std::string_view type, std::string_view detail) {
    return fmt::format(
        R"({{"type":"error","error":{{"type":"{}","message":"because","details":{}}},"request_id":"r"}})",
        type, detail.empty() ? "null" : fmt::format(R"({{"error_code":"{}"}})", detail));
  };
  constexpr auto kUsage = ErrorKind::kUsage;
  constexpr auto kTransient = ErrorKind::kTransient;
  const std::vector<ErrorCase> cases = {
      {400, openai_error("invalid_request_error", "bad"), kUsage, "llm.bad_request", "bad"},
      {401, openai_error("invalid_request_error", "invalid_api_key"), kUsage, "llm.authentication",
       "invalid_api_key"},
      {402, "payment required", kUsage, "llm.billing", ""},
      {403, "", kUsage, "llm.permission", ""},
      {404, openai_error("invalid_request_error", "model_not_found"), kUsage, "llm.not_found",
       "model_not_found"},
      {408, "", kTransient, "llm.timeout", ""},
      {409, "", kTransient, "llm.conflict", ""},
      {422, "", kUsage, "llm.bad_request", ""},
      {429, openai_error("requests", "rate_limit_exceeded"), kTransient, "llm.rate_limit",
       "rate_limit_exceeded"},
      {429, openai_error("rate_limit_error", "slow_down"), kTransient, "llm.rate_limit", "slow_down"},
      {429, openai_error("insufficient_quota", "insufficient_quota"), kUsage, "llm.billing",
       "insufficient_quota"},
      {429, openai_error("insufficient_quota", "credit_balance_exhausted"), kUsage, "llm.billing",
       "credit_balance_exhausted"},
      {429, openai_error("other", "project_spend_limit_exceeded"), kUsage, "llm.billing",
       "project_spend_limit_exceeded"},
      {429, anthropic_error("rate_limit_error", ""), kTransient, "llm.rate_limit", "rate_limit_error"},
      {429, anthropic_error("rate_limit_error", "ramp_limit_exceeded"), kTransient, "llm.rate_limit",
       "ramp_limit_exceeded"},
      {429, anthropic_error("rate_limit_error", "enforced_spend_limit_reached"), kUsage, "llm.billing",
       "enforced_spend_limit_reached"},
      {429, anthropic_error("rate_limit_error", "contract_spend_limit_reached"), kUsage, "llm.billing",
       "contract_spend_limit_reached"},
      {400, anthropic_error("billing_error", ""), kUsage, "llm.billing", "billing_error"},
      {500, anthropic_error("api_error", ""), kTransient, "llm.server", "api_error"},
      {503, openai_error("service_unavailable_error", "server_is_overloaded"), kTransient, "llm.overloaded",
       "server_is_overloaded"},
      {504, anthropic_error("timeout_error", ""), kTransient, "llm.timeout", "timeout_error"},
      {529, anthropic_error("overloaded_error", ""), kTransient, "llm.overloaded", "overloaded_error"},
      {302, "", kUsage, "llm.bad_request", ""},
  };
  for (const ErrorCase& expected : cases) {
    SCOPED_TRACE(fmt::format("{} {}", expected.status, expected.body));
    transport_.add(expected.status, expected.body, header("x-request-id", "req-9"));
    ChatRequest request = openai();
    request.max_retries = 0;
    const Error error = call_error(request);
    EXPECT_EQ(error.kind, expected.kind);
    EXPECT_EQ(error.code, expected.code);
    EXPECT_EQ(error.provider_reason, expected.reason);
    EXPECT_EQ(error.http_status, expected.status);
    EXPECT_EQ(error.request_id, "req-9");
    EXPECT_THAT(error.message, HasSubstr("server:8000 "));
    EXPECT_THAT(error.message, HasSubstr(fmt::format("status {}", expected.status)));
    EXPECT_EQ(error.message.contains(": because"), expected.body.contains("because"));
  }
}

TEST_F(ClientTest, AWrongKeySaysWhatToCheckAndKeepsTheKeyOut) {
  transport_.add(
      401, R"({"error":{"message":"Incorrect API key provided: sk-secret.","code":"invalid_api_key"}})");
  const Error error = call_error(openai());
  EXPECT_EQ(error.message,
            "server:8000 does not accept the API key (status 401, invalid_api_key); check api_key or "
            "OPENAI_API_KEY: Incorrect API key provided: ***.");
  EXPECT_TRUE(transport_.used_up());
}

TEST_F(ClientTest, AMalformedAnswerShowsItsFirst200BytesAndIsNotRepeated) {
  transport_.add(200, "<html>" + std::string(193, 'x') + "\xe2\x82\xac and more");
  const Error error = call_error(openai());
  EXPECT_EQ(error.kind, ErrorKind::kTransient);
  EXPECT_EQ(error.code, "llm.malformed");
  EXPECT_EQ(error.message,
            "the answer of server:8000 is not a JSON object: <html>" + std::string(193, 'x') + "...");
}

TEST_F(ClientTest, AnAnswerThatBreaksOffOrIsDamagedIsAskedForAgain) {
  const std::string good(kOpenAiAnswer);
  for (const std::string& body :
       {std::string(), std::string("{"), good.substr(0, good.size() / 2), good + "}"}) {
    transport_.add(200, body);
    transport_.add(200, good);
    const Result<ChatAnswer> answer = call(openai());
    ASSERT_TRUE(answer) << body << ": " << to_string(answer.error());
    EXPECT_EQ(answer->attempts, 2);
  }
  for (int i = 0; i < 3; ++i) transport_.add(200, "{\"choices\":");
  const Error error = call_error(openai());
  EXPECT_EQ(error.code, "llm.truncated");
  EXPECT_THAT(error.message, HasSubstr("breaks off or is damaged: {\"choices\":"));
}

TEST_F(ClientTest, AnAnswerNestedWithoutEndIsRefusedAndSaysSo) {
  for (const std::size_t depth : {std::size_t{300}, std::size_t{100'000}}) {
    transport_.add(200, "{\"choices\":" + std::string(depth, '[') + std::string(depth, ']') + "}");
    const Error error = call_error(openai());
    EXPECT_EQ(error.code, "llm.malformed");
    EXPECT_THAT(error.message, HasSubstr("nested too deeply"));
  }
}

TEST_F(ClientTest, AKeyThatIsPartOfWhatReplacesItIsTakenOutAllTheSame) {
  ChatRequest r = openai();
  r.api_key = "*";
  transport_.add(401, R"({"error":{"message":"key * is wrong"}})");
  EXPECT_THAT(call_error(r).message, HasSubstr("key ***"));
}

TEST_F(ClientTest, AnswersWithoutAMessageAreMalformed) {
  for (const std::string body :
       {"[]", "{}", R"({"choices":[]})", R"({"choices":[{}]})", R"({"choices":3})"}) {
    transport_.add(200, body);
    EXPECT_EQ(call_error(openai()).code, "llm.malformed") << body;
  }
  transport_.add(200, R"({"content":"text"})");
  EXPECT_EQ(call_error(anthropic()).code, "llm.malformed");
}

TEST_F(ClientTest, NoPartOfTheKeyIsLeftWhereABodyIsCut) {
  for (std::size_t before = 190; before < 200; ++before) {
    const std::string body = std::string(before, 'x') + "sk-secret and more";
    transport_.add(400, body);
    EXPECT_THAT(call_error(openai()).message, Not(HasSubstr("sk"))) << before;
    transport_.add(200, body);
    EXPECT_THAT(call_error(openai()).message, Not(HasSubstr("sk"))) << before;
  }
}

TEST_F(ClientTest, AnErrorInsideAStatus200IsAnError) {
  transport_.add(200, R"({"error":{"message":"no","code":"insufficient_quota"}})");
  EXPECT_EQ(call_error(openai()).code, "llm.billing");
}

TEST_F(ClientTest, RepeatsAfterTheServersDelayAndCountsAttempts) {
  transport_.add(429, "{}", header("retry-after", "3"));
  transport_.add(Error{.kind = ErrorKind::kTransient, .code = "net.broken"});
  transport_.add(200, std::string(kOpenAiAnswer));
  const Result<ChatAnswer> answer = call(openai());
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->attempts, 3);
  ASSERT_EQ(transport_.delays().size(), 2u);
  EXPECT_EQ(transport_.delays()[0], seconds(3));
  EXPECT_GT(transport_.delays()[1], milliseconds(750));
  EXPECT_LE(transport_.delays()[1], seconds(1));
}

TEST_F(ClientTest, GivesUpAfterMaxRetriesAndSaysHowOftenItTried) {
  for (int i = 0; i < 3; ++i) transport_.add(500, "");
  const Error error = call_error(openai());
  EXPECT_EQ(error.code, "llm.server");
  EXPECT_THAT(error.message, ::testing::EndsWith("(after 3 attempts)"));
  EXPECT_TRUE(transport_.used_up());
}

TEST_F(ClientTest, TheSeedDecidesTheJitter) {
  const auto delays_with = [](std::uint64_t seed) {
    ScriptTransport transport;
    for (int i = 0; i < 3; ++i) transport.add(500, "");
    Client client(transport, transport.clock(), seed);
    const net::Handle handle = client.start(openai(), [](Result<ChatAnswer>) {});
    return transport.delays();
  };
  EXPECT_EQ(delays_with(1), delays_with(1));
  EXPECT_NE(delays_with(1), delays_with(99));
}

TEST_F(ClientTest, OpenAiStreamDeliversTextAsItComes) {
  transport_.add_stream(
      {": PROCESSING\n\ndata: "
       "{\"id\":\"c1\",\"model\":\"m\",\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}"
       "\n\n",
       "data: {\"choices\":[{\"delta\":{\"content\":\"Hel\"}}]}\n\nda",
       "ta: {\"choices\":[{\"delta\":{\"content\":\"lo\"}}]}\r\n\r\n",
       "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
       "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":2}}\n\ndata: [DONE]"},
      header("x-request-id", "req-1"));
  const Result<ChatAnswer> answer = stream(openai());
  ASSERT_TRUE(answer) << to_string(answer.error());
  EXPECT_THAT(deltas_, ElementsAre("Hel", "lo"));
  EXPECT_EQ(answer->text, "Hello");
  EXPECT_EQ(answer->finish_reason, "stop");
  EXPECT_EQ(answer->model, "m");
  EXPECT_EQ(answer->request_id, "req-1");
  EXPECT_EQ(answer->usage.input_tokens, 5);
  EXPECT_EQ(answer->usage.output_tokens, 2);
  EXPECT_THAT(transport_.requests().at(0).body,
              HasSubstr(R"("stream":true,"stream_options":{"include_usage":true})"));
}

TEST_F(ClientTest, AnthropicStreamDeliversTextAsItComes) {
  transport_.add_stream(
      {"event: message_start\ndata: "
       "{\"type\":\"message_start\",\"message\":{\"id\":\"m1\",\"model\":\"claude-y\","
       "\"usage\":{\"input_tokens\":5,\"output_tokens\":1}}}\n\n"
       "event: ping\ndata: {\"type\":\"ping\"}\n\n"
       "event: content_block_delta\ndata: "
       "{\"type\":\"content_block_delta\",\"delta\":{\"type\":\"thinking_delta\",\"thinking\":\"x\"}}\n\n"
       "event: content_block_delta\ndata: "
       "{\"type\":\"content_block_delta\",\"delta\":{\"type\":\"text_delta\",\"text\":\"Hi\"}}\n\n"
       "event: message_delta\ndata: "
       "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":7}}"
       "\n\n"
       "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"});
  const Result<ChatAnswer> answer = stream(anthropic());
  ASSERT_TRUE(answer) << to_string(answer.error());
  EXPECT_THAT(deltas_, ElementsAre("Hi"));
  EXPECT_EQ(answer->finish_reason, "end_turn");
  EXPECT_EQ(answer->usage.input_tokens, 5);
  EXPECT_EQ(answer->usage.output_tokens, 7);
}

TEST_F(ClientTest, AnErrorEventBeforeAnyTextIsRepeatedAndOneAfterTextIsNot) {
  const std::string overloaded =
      "event: error\ndata: "
      "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"busy\"}}\n\n";
  const std::string text =
      "data: {\"type\":\"content_block_delta\",\"delta\":{\"type\":\"text_delta\",\"text\":\"Hi\"}}\n\n";
  transport_.add_stream({overloaded});
  transport_.add_stream({text, overloaded});
  const Result<ChatAnswer> answer = stream(anthropic());
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, "llm.overloaded");
  EXPECT_EQ(answer.error().provider_reason, "overloaded_error");
  EXPECT_THAT(answer.error().message, HasSubstr("busy"));
  EXPECT_EQ(transport_.requests().size(), 2u);
  EXPECT_THAT(deltas_, ElementsAre("Hi"));
}

TEST_F(ClientTest, AStreamThatEndsEarlyIsTruncated) {
  transport_.add_stream({"data: {\"choices\":[{\"delta\":{\"content\":\"Hel\"}}]}\n\n"});
  const Result<ChatAnswer> answer = stream(openai());
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, "llm.truncated");
  EXPECT_THAT(answer.error().message, HasSubstr("after 3 bytes of text"));
}

TEST_F(ClientTest, AnErrorStatusInsteadOfAStreamIsReadAsUsual) {
  transport_.add(404, R"({"error":{"message":"no such model","code":"model_not_found"}})");
  const Result<ChatAnswer> answer = stream(openai());
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, "llm.not_found");
}

TEST(ClientOverReactor, AnswersOverARealConnectionAndRepeatsAfterAReset) {
  std::atomic<int> connections = 0;
  net::testing::FakeServer server([&](net::testing::Connection& connection) {
    const bool first = ++connections == 1;
    connection.wait_request();
    if (first) {
      connection.reset();
    } else {
      connection.respond(200, kOpenAiAnswer);
    }
  });
  net::Reactor reactor;
  Client client(reactor);
  std::promise<Result<ChatAnswer>> outcome;
  const net::Handle handle = client.start(
      {.base_url = server.url("/v1"), .model = "m", .messages = {{.role = "user", .content = "x"}}},
      [&](Result<ChatAnswer> r) { outcome.set_value(std::move(r)); });
  const Result<ChatAnswer> answer = outcome.get_future().get();
  ASSERT_TRUE(answer) << to_string(answer.error());
  EXPECT_EQ(answer->text, "Hello \xe2\x82\xac");
  EXPECT_EQ(answer->attempts, 2);
}

}  // namespace
}  // namespace xcs::llm
