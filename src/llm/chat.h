// What a chat request and its answer are, whoever the provider.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "net/transport.h"

namespace xcs::llm {

enum class Provider {
  kOpenAi,     // POST {base_url}/chat/completions, or {base_url}/v1/chat/completions if that has no path
  kAnthropic,  // POST {base_url}/v1/messages
};

struct Message {
  std::string role = {};     // "user", "assistant", ...
  std::string content = {};  // text
  // When not empty: a JSON value sent as the content instead of the text, for images, tool results, ...
  std::string content_json = {};
};

struct ChatRequest {
  std::optional<Provider> provider = std::nullopt;  // absent: see resolve_provider
  // Empty: OPENAI_BASE_URL or ANTHROPIC_BASE_URL, else the provider's public address.
  std::string base_url = {};
  // Empty: OPENAI_API_KEY or ANTHROPIC_API_KEY. Servers other than the provider's own may do without one.
  std::string api_key = {};
  std::string model = {};
  std::string system = {};  // system prompt; empty: none
  std::vector<Message> messages = {};
  std::optional<int> max_tokens =
      std::nullopt;  // absent: left to OpenAI, 4096 for Anthropic, which demands one
  std::optional<double> temperature = std::nullopt;  // absent: not sent
  std::string extra_json = {};  // a JSON object whose fields are added to the request's body
  int max_retries = 2;
  net::Timeouts timeouts = {};
};

struct Usage {
  std::int64_t input_tokens = 0;
  std::int64_t output_tokens = 0;
  std::int64_t cached_input_tokens = 0;
  std::int64_t reasoning_tokens = 0;
};

struct ChatAnswer {
  std::string text;
  std::string model;
  std::string finish_reason;  // the provider's own word: "stop", "end_turn", "length", ...
  Usage usage;
  std::string id;          // the provider's name for the answer
  std::string request_id;  // from the response's headers; empty when there was none
  std::string raw;         // the response's body as it came; empty after streaming
  int attempts = 1;        // how many times the request was sent
};

// The provider asked for, else Anthropic for a model "claude*" or an anthropic.com address, else OpenAI,
// whose format most other servers speak.
Provider resolve_provider(const ChatRequest& request);

}  // namespace xcs::llm
