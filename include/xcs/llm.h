// Native calls of language models: no thread per call.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "xcs/value.h"

namespace xcs {

enum class Provider : std::uint8_t {
  kByModel,    // Anthropic for a model "claude*" or an anthropic.com address, else OpenAI's format
  kOpenAi,     // POST {base_url}/chat/completions
  kAnthropic,  // POST {base_url}/v1/messages
};

struct LlmOptions {
  std::string model = {};
  Provider provider = Provider::kByModel;
  // Empty: OPENAI_BASE_URL or ANTHROPIC_BASE_URL, else the provider's public address.
  std::string base_url = {};
  // Empty: OPENAI_API_KEY or ANTHROPIC_API_KEY. Other servers than the providers' own may do without.
  std::string api_key = {};
  std::string system = {};  // system prompt; empty: none
  std::optional<int> max_tokens = std::nullopt;
  std::optional<double> temperature = std::nullopt;
  int max_retries = 2;  // of failures that pass
  // From the moment that the request is sent until the answer is complete, for each attempt.
  std::chrono::nanoseconds timeout = std::chrono::minutes(10);
};

struct LlmAnswer {
  std::string text;
  std::string model;
  std::string finish_reason;  // the provider's own word: "stop", "end_turn", "length"
  std::int64_t input_tokens = 0;
  std::int64_t output_tokens = 0;
  std::string request_id;  // empty when the server gave none
  int attempts = 1;        // how many times the request was sent
};

// A model to call; a value that may be copied freely.
//
//   const xcs::Llm model({.model = "gpt-4o-mini"});
//   xcs::Value<std::string> summary = model("Summarise: " + document);
class Llm {
 public:
  explicit Llm(LlmOptions options) : options_(std::move(options)) {}

  // One independent call, with the prompt as a user's message, that yields the answer's text. Equal prompts
  // are separate calls. Fails with CallError, or with UsageError when the request cannot be sent (no key). A
  // call that is not needed any more because its run has ended is cancelled.
  Value<std::string> operator()(Value<std::string> prompt) const;
  // The same, with everything that is known of the answer.
  Value<LlmAnswer> answer(Value<std::string> prompt) const;

 private:
  LlmOptions options_;
};

}  // namespace xcs
