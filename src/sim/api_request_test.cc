#include "sim/api_request.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace xcs::sim {
namespace {

// Keeps the document alive that a request borrows from.
class ApiRequestTest : public testing::Test {
 protected:
  simdjson::dom::element parse(std::string_view json) {
    simdjson::dom::element body;
    EXPECT_EQ(parser_.parse(json.data(), json.size()).get(body), simdjson::SUCCESS) << json;
    return body;
  }
  std::uint64_t hash(std::string_view json, Endpoint endpoint = Endpoint::kChatCompletions) {
    return canonical_hash(parse(json), endpoint);
  }

 private:
  simdjson::dom::parser parser_;
};

TEST_F(ApiRequestTest, HashIgnoresSpaceAndKeyOrderAndTheSpellingOfNumbersAndStrings) {
  EXPECT_EQ(hash(R"({"a":1,"b":{"c":"x","d":[true,null]}})"),
            hash(R"( { "b" : { "d" : [ true , null ], "c":"\u0078" }, "a":1.0 } )"));
}

TEST_F(ApiRequestTest, HashIgnoresHowTheAnswerTravels) {
  EXPECT_EQ(hash(R"({"a":1})"), hash(R"({"a":1,"stream":true,"stream_options":{"include_usage":true}})"));
  EXPECT_NE(hash(R"({"a":{}})"), hash(R"({"a":{"stream":true}})"));
}

TEST_F(ApiRequestTest, HashTellsDifferentRequestsApart) {
  const std::vector<std::string_view> bodies = {
      R"({})",          R"({"a":1})",       R"({"a":-1})",    R"({"a":"1"})",         R"({"a":[1]})",
      R"({"a":true})",  R"({"a":false})",   R"({"a":null})",  R"({"a":1.5})",         R"({"b":1})",
      R"({"a":""})",    R"({"a":{}})",      R"({"a":[]})",    R"({"a":[[]]})",        R"({"a":[1,2]})",
      R"({"a":[2,1]})", R"([1])",           R"({"a":1e300})", R"({"a":[{}]})",        R"({"a":"b"})",
      R"({"b":"a"})",   R"({"a":[1,[2]]})", R"("a")",         R"({"a":"b","b":"a"})",
  };
  for (std::size_t i = 0; i < bodies.size(); ++i) {
    for (std::size_t k = 0; k < i; ++k) EXPECT_NE(hash(bodies[i]), hash(bodies[k])) << bodies[i] << bodies[k];
  }
  EXPECT_NE(hash("{}", Endpoint::kChatCompletions), hash("{}", Endpoint::kMessages));
}

TEST_F(ApiRequestTest, ReadsAChatCompletion) {
  const auto request =
      read_chat_completion(parse(R"({"model":"m","n":2,"max_completion_tokens":9,"max_tokens":5,
      "stop":"x","stream":true,"stream_options":{"include_usage":true,"include_obfuscation":false},
      "messages":[{"role":"system","content":"be brief"},
                  {"role":"user","content":"first"},
                  {"role":"user","content":[{"type":"text","text":"second"},{"type":"image_url","image_url":{"url":"data:"}},
                                            {"type":"text","text":"third"}]},
                  {"role":"assistant","content":null}]})"));
  ASSERT_TRUE(request) << request.error().message;
  EXPECT_EQ(request->model, "m");
  EXPECT_EQ(request->prompt, "second\nthird");
  EXPECT_EQ(request->choices, 2);
  EXPECT_EQ(request->max_tokens, 9);
  EXPECT_EQ(request->stop, std::vector<std::string_view>{"x"});
  EXPECT_TRUE(request->stream);
  EXPECT_TRUE(request->stream_usage);
  EXPECT_FALSE(request->obfuscation);
  EXPECT_GT(request->prompt_tokens, 256) << "an image counts as a fixed number of tokens";
}

struct Refused {
  std::string_view body;
  std::string_view param;
  std::string_view code;
};

TEST_F(ApiRequestTest, RefusesAChatCompletionWithTheNameOfTheFieldAtFault) {
  const std::vector<Refused> cases = {
      {R"([])", "", ""},
      {R"({"messages":[]})", "", ""},
      {R"({"model":1})", "model", "invalid_type"},
      {R"({"model":"m"})", "messages", "missing_required_parameter"},
      {R"({"model":"m","messages":"hi"})", "messages", "invalid_type"},
      {R"({"model":"m","messages":[]})", "messages", "empty_array"},
      {R"({"model":"m","messages":["hi"]})", "messages[0]", "invalid_type"},
      {R"({"model":"m","messages":[{"content":"x"}]})", "messages[0].role", "missing_required_parameter"},
      {R"({"model":"m","messages":[{"role":"robot","content":"x"}]})", "messages[0].role", "invalid_value"},
      {R"({"model":"m","messages":[{"role":"user"}]})", "messages[0].content", "missing_required_parameter"},
      {R"({"model":"m","messages":[{"role":"user","content":7}]})", "messages[0].content", "invalid_type"},
      {R"({"model":"m","messages":[{"role":"user","content":"x"}],"temperature":3})", "temperature",
       "decimal_above_max_value"},
      {R"({"model":"m","messages":[{"role":"user","content":"x"}],"top_p":-1})", "top_p",
       "decimal_below_min_value"},
      {R"({"model":"m","messages":[{"role":"user","content":"x"}],"top_p":"1"})", "top_p", "invalid_type"},
      {R"({"model":"m","messages":[{"role":"user","content":"x"}],"max_tokens":0})", "max_tokens",
       "integer_below_min_value"},
      {R"({"model":"m","messages":[{"role":"user","content":"x"}],"max_tokens":1.5})", "max_tokens",
       "invalid_type"},
      {R"({"model":"m","messages":[{"role":"user","content":"x"}],"n":129})", "n", "integer_above_max_value"},
  };
  for (const Refused& wanted : cases) {
    const auto request = read_chat_completion(parse(wanted.body));
    ASSERT_FALSE(request) << wanted.body;
    EXPECT_EQ(request.error().status, 400);
    EXPECT_EQ(request.error().param, wanted.param) << wanted.body;
    EXPECT_EQ(request.error().code, wanted.code) << wanted.body;
  }
}

TEST_F(ApiRequestTest, ReadsAResponseRequestWithTextOrItems) {
  const auto text = read_response(parse(R"({"model":"m","input":"hi","max_output_tokens":7})"));
  ASSERT_TRUE(text) << text.error().message;
  EXPECT_EQ(text->prompt, "hi");
  EXPECT_EQ(text->max_tokens, 7);
  const auto items = read_response(parse(R"({"model":"m","input":[
      {"role":"user","content":[{"type":"input_text","text":"first"}]},{"type":"function_call_output","output":"x"}]})"));
  ASSERT_TRUE(items) << items.error().message;
  EXPECT_EQ(items->prompt, "first");
}

TEST_F(ApiRequestTest, RefusesAResponseRequestWithoutInput) {
  for (const std::string_view body : {R"({"model":"m"})", R"({"model":"m","input":7})"}) {
    const auto request = read_response(parse(body));
    ASSERT_FALSE(request);
    EXPECT_EQ(request.error().param, "input");
  }
}

TEST_F(ApiRequestTest, ReadsEmbeddingInputsOfEveryKind) {
  const auto inputs = [this](std::string_view input) {
    const auto request = read_embedding(parse(R"({"model":"m","input":)" + std::string(input) + "}"));
    EXPECT_TRUE(request) << input;
    return request ? request->inputs : std::vector<std::string>();
  };
  EXPECT_EQ(inputs(R"("a")"), std::vector<std::string>({"a"}));
  EXPECT_EQ(inputs(R"(["a","b"])"), std::vector<std::string>({"a", "b"}));
  EXPECT_EQ(inputs(R"([1, 2])"), std::vector<std::string>({"[1,2]"}));
  EXPECT_EQ(inputs(R"([[1, 2],[3]])"), std::vector<std::string>({"[1,2]", "[3]"}));
}

TEST_F(ApiRequestTest, RefusesEmbeddingInputsThatAreEmptyOrTooMany) {
  std::string many = R"({"model":"m","input":["x")";
  for (int i = 0; i < 2048; ++i) many += R"(,"x")";
  many += "]}";
  for (const std::string& body :
       {std::string(R"({"model":"m"})"), std::string(R"({"model":"m","input":""})"),
        std::string(R"({"model":"m","input":[]})"), std::string(R"({"model":"m","input":["a",""]})"),
        std::string(R"({"model":"m","input":[true]})"), std::string(R"({"model":"m","input":{}})"), many}) {
    const auto request = read_embedding(parse(body));
    ASSERT_FALSE(request) << body.substr(0, 60);
    EXPECT_EQ(request.error().param, "input");
  }
  const auto format = read_embedding(parse(R"({"model":"m","input":"x","encoding_format":"hex"})"));
  ASSERT_FALSE(format);
  EXPECT_EQ(format.error().param, "encoding_format");
}

constexpr std::string_view kOld = "2023-06-01";
constexpr std::string_view kNew = "2026-10-21";

std::string message_with(std::string_view more) {
  return R"({"model":"m","max_tokens":9,"messages":[{"role":"user","content":"hi"}])" + std::string(more) +
         "}";
}

TEST_F(ApiRequestTest, ReadsAMessage) {
  const auto request = read_message(
      parse(message_with(R"(,"system":"be brief","stop_sequences":["a","b"],"stream":true)")), kNew);
  ASSERT_TRUE(request) << request.error().message;
  EXPECT_EQ(request->endpoint, Endpoint::kMessages);
  EXPECT_EQ(request->prompt, "hi");
  EXPECT_EQ(request->max_tokens, 9);
  EXPECT_EQ(request->stop, (std::vector<std::string_view>{"a", "b"}));
  EXPECT_TRUE(request->stream);
}

TEST_F(ApiRequestTest, RefusesAMessageWithTheNameOfTheFieldAtFault) {
  const std::vector<std::pair<std::string_view, std::string_view>> cases = {
      {R"({})", "model: Field required"},
      {R"({"model":"m"})", "max_tokens: Field required"},
      {R"({"model":"m","max_tokens":"9"})", "max_tokens: Input should be a valid integer"},
      {R"({"model":"m","max_tokens":0})", "max_tokens: Input should be greater than or equal to 1"},
      {R"({"model":"m","max_tokens":9})", "messages: Field required"},
      {R"({"model":"m","max_tokens":9,"messages":[]})", "messages: at least one message is required"},
      {R"({"model":"m","max_tokens":9,"messages":[{}]})", "messages.0.role: Field required"},
      {R"({"model":"m","max_tokens":9,"messages":[{"role":"user"}]})", "messages.0.content: Field required"},
  };
  for (const auto& [body, message] : cases) {
    const auto request = read_message(parse(body), kOld);
    ASSERT_FALSE(request) << body;
    EXPECT_EQ(request.error().message, message);
  }
  const auto system = read_message(
      parse(R"({"model":"m","max_tokens":9,"messages":[{"role":"system","content":"x"}]})"), kOld);
  ASSERT_FALSE(system);
  EXPECT_NE(system.error().message.find("top-level `system`"), std::string::npos);
}

TEST_F(ApiRequestTest, TheNewestVersionRefusesWhatItTookAway) {
  const std::string document =
      R"({"model":"m","max_tokens":9,"messages":[{"role":"assistant","content":[{"type":"document"}]}]})";
  const std::string citations =
      R"({"model":"m","max_tokens":9,"messages":[{"role":"user","content":[{"type":"text","text":"x","citations":[1]}]}]})";
  for (const std::string& body : {message_with(R"(,"temperature":1)"), message_with(R"(,"top_p":null)"),
                                  message_with(R"(,"top_k":5)"), document, citations}) {
    EXPECT_FALSE(read_message(parse(body), kNew)) << body;
    EXPECT_TRUE(read_message(parse(body), kOld)) << body;
  }
}

TEST_F(ApiRequestTest, RefusesAVersionThatIsMissingOrUnknown) {
  EXPECT_FALSE(read_message(parse(message_with("")), ""));
  EXPECT_FALSE(read_message(parse(message_with("")), "2020-01-01"));
}

}  // namespace
}  // namespace xcs::sim
