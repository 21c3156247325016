// What a chat request and its answer are, whoever the provider.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "net/transport.h"

namespace xcs::llm {

enum class Provider {
  kOpenAi,      // POST {base_url}/chat/completions, or {base_url}/v1/chat/completions if that has no path
  kAnthropic,   // POST {base_url}/v1/messages
  kResponses,   // OpenAI's newer format: POST {base_url}/responses, with the same rule
  kEmbeddings,  // POST {base_url}/embeddings: each message's text is an input, and the answer holds vectors
};

struct Message {
  std::string role = {};     // "user", "assistant", ...
  std::string content = {};  // text
  // When not empty, the whole message as a JSON object instead: see llm/wire_messages.h.
  std::string json = {};
};

// Dollars for a million tokens.
struct Price {
  double input = 0;
  double output = 0;
  double cached_input = 0;
  double cache_write = 0;
};

struct Hedge {
  double percentile = 0.95;
  double share = 0.05;  // of all calls of the group, that may be sent a second time
};

class Budget;
class Meter;

struct ChatRequest {
  std::optional<Provider> provider = std::nullopt;  // absent: see resolve_provider
  // Empty: OPENAI_BASE_URL or ANTHROPIC_BASE_URL, else the provider's public address.
  std::string base_url = {};
  // Empty: OPENAI_API_KEY or ANTHROPIC_API_KEY. Servers other than the provider's own may do without one.
  std::string api_key = {};
  std::string api_version =
      {};  // of Anthropic's API, a date; empty: the oldest, which every server understands
  std::string model = {};
  std::string system = {};  // system prompt; empty: none
  std::vector<Message> messages = {};
  std::optional<int> max_tokens =
      std::nullopt;  // absent: left to OpenAI, 4096 for Anthropic, which demands one
  std::optional<double> temperature = std::nullopt;  // absent: not sent
  // A JSON array of tools: {"name", "description", "parameters"}, or whatever the provider understands.
  std::string tools_json = {};
  std::string tool_choice = {};  // "auto", "none", "required" or a tool's name; empty: left to the provider
  std::string schema_json = {};  // a JSON schema that the answer has to follow; empty: none
  std::string schema_name = {};  // what OpenAI calls it
  std::string reasoning_effort = {};  // the provider's own word; empty: left to the provider
  std::string extra_json = {};        // a JSON object whose fields are added to the request's body
  int max_retries = 2;
  net::Timeouts timeouts = {};
  std::shared_ptr<Meter> meter = {};    // shared by the calls that are counted together; null: not counted
  std::shared_ptr<Budget> budget = {};  // likewise; null: no bound. Needs a price
  std::optional<Price> price = std::nullopt;
  // When set: a call that takes longer than this share of calls is sent a second time, and the first answer
  // counts.
  std::optional<Hedge> hedge = std::nullopt;
  // How many calls the caller means to have in flight; 0: it did not say.
  int in_flight = 0;
};

struct Usage {
  std::int64_t input_tokens = 0;
  std::int64_t output_tokens = 0;
  std::int64_t cached_input_tokens = 0;
  std::int64_t reasoning_tokens = 0;
  std::int64_t cache_write_tokens = 0;

  Usage& operator+=(const Usage& other) {
    input_tokens += other.input_tokens;
    output_tokens += other.output_tokens;
    cached_input_tokens += other.cached_input_tokens;
    reasoning_tokens += other.reasoning_tokens;
    cache_write_tokens += other.cache_write_tokens;
    return *this;
  }
};

// What the model wants to be called.
struct ToolCall {
  std::string id;
  std::string name;
  std::string arguments;  // JSON
};

struct ChatAnswer {
  std::string text;
  std::string model;
  std::string finish_reason;  // the provider's own word: "stop", "end_turn", "length", ...
  std::vector<ToolCall> tool_calls;
  std::vector<std::vector<double>> vectors;  // of embeddings, in the order of the inputs
  Usage usage;
  std::string id;          // the provider's name for the answer
  std::string request_id;  // from the response's headers; empty when there was none
  std::string raw;         // the response's body as it came; empty after streaming
  int attempts = 1;        // how many times the request was sent
  Duration took = {};      // since it was first sent
};

// The format of OpenAI's chat completions or of its responses.
inline bool is_openai(Provider provider) { return provider != Provider::kAnthropic; }

// The provider asked for, else Anthropic for a model "claude*" or an anthropic.com address, else OpenAI,
// whose format most other servers speak.
Provider resolve_provider(const ChatRequest& request);

}  // namespace xcs::llm
