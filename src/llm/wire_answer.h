// What a provider sends back, as an answer or as an error.
#pragma once

#include <optional>
#include <string_view>

#include "base/error.h"
#include "llm/chat.h"
#include "llm/json.h"
#include "llm/wire_request.h"
#include "net/transport.h"

namespace xcs::llm {

// The answer in a complete response, or the error it stands for. Understands both providers' error bodies,
// also inside a response with status 200. The key never appears in a message.
Result<ChatAnswer> to_answer(const WireRequest& request, const net::Response& response);

// The error in an error object of either provider: {"message", "type", "code", "details"}.
Error to_error(const WireRequest& request, int status, Json error_object, std::string_view request_id);

// "llm.malformed", with the first 200 bytes of what came.
Error malformed(const WireRequest& request, int status, std::string_view what, std::string_view body);

// For text that should be a JSON object and is not, because of `why`, or because it is another value. Of one
// that begins like an object, something is missing or damaged, and the error is one that passes,
// "llm.truncated"; anything else is "llm.malformed".
Error unreadable(const WireRequest& request, int status, simdjson::error_code why, std::string_view text);

// An answer in the format of responses; nothing when it is none.
std::optional<ChatAnswer> read_responses(Json root);

// The provider's name for the request, in a response's headers; empty when there is none.
std::string_view request_id_of(const net::Headers& headers);

// Reads a provider's usage object, keeping what it does not mention.
void read_usage(Provider provider, Json usage_object, Usage& usage);

}  // namespace xcs::llm
