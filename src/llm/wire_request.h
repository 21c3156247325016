// Chat requests as HTTP requests in their providers' formats.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "llm/chat.h"
#include "net/transport.h"

namespace xcs::llm {

// A chat request made ready to send, with what messages about it need.
struct WireRequest {
  Provider provider = Provider::kOpenAi;
  net::Request http;
  std::string api_key;                              // to keep it out of messages; empty when none is sent
  std::optional<double> max_output = std::nullopt;  // tokens of all answers together; absent: not bounded
};

// Fills in addresses and keys from the environment. Fails with a usage error that says what to change when
// the request cannot be sent: no model, no messages, no key, a malformed field.
Result<WireRequest> to_wire(const ChatRequest& request, bool stream);

// A request that somebody else has written, read as far as limits and prices need it.
struct ForeignRequest {
  WireRequest wire;  // without `http`, but for its URL
  std::string model;
  bool again = false;  // an SDK has sent it before, without success
};
// Nothing when it asks no model for an answer in a format that is known.
std::optional<ForeignRequest> read_foreign(const net::Request& request);

// "OPENAI_API_KEY" or "ANTHROPIC_API_KEY".
std::string_view key_variable(Provider provider);

}  // namespace xcs::llm
