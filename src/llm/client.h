// Typed calls to OpenAI- and Anthropic-compatible providers.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "net/transport.h"

namespace xcs::llm {

enum class Provider {
  kOpenAi,     // POST {base_url}/chat/completions
  kAnthropic,  // POST {base_url}/v1/messages
};

struct Message {
  std::string role;     // "user", "assistant", ...
  std::string content;  // text
  // When not empty: a JSON value sent as the content instead of the text, for images, tool results, ...
  std::string content_json = {};
};

struct ChatRequest {
  std::optional<Provider> provider = std::nullopt;  // absent: see resolve_provider
  std::string base_url = {};  // empty: the provider's environment variable, else its public address
  std::string api_key = {};   // empty: the provider's environment variable
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

using OnAnswer = std::move_only_function<void(Result<ChatAnswer>)>;
using OnDelta = std::move_only_function<void(std::string_view text)>;

// The provider asked for, else Anthropic for a model "claude*" or an anthropic.com address, else OpenAI,
// whose format most other servers speak.
Provider resolve_provider(const ChatRequest& request);

// Sends chat requests over a transport and repeats those that failed for reasons that pass: see
// llm/retry.h. The transport outlives the client. Safe to use from any thread.
class Client {
 public:
  // The seed makes the jitter of the delays between attempts repeatable.
  explicit Client(net::Transport& transport, std::uint64_t seed = 0);

  // Both callbacks run on the transport's thread and must neither block nor throw; `done` runs exactly
  // once, unless the handle is destroyed before, and may run before start returns, as it does for requests
  // that cannot be sent (missing key, invalid JSON), which fail with a usage error. The handle is as in
  // net::Operation, except that it is empty when the request could not be sent.
  [[nodiscard]] net::Handle start(ChatRequest request, OnAnswer done);

  // As start, and `delta` receives the answer's text as it is produced. An attempt that has delivered text
  // is not repeated.
  [[nodiscard]] net::Handle start_stream(ChatRequest request, OnDelta delta, OnAnswer done);

 private:
  net::Transport& transport_;
  const std::uint64_t seed_;
  std::atomic<std::uint64_t> started_ = 0;
};

}  // namespace xcs::llm
