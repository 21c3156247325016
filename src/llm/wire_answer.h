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

// An answer in the format of responses; nothing when it is none.
std::optional<ChatAnswer> read_responses(Json root);

// The provider's name for the request, in a response's headers; empty when there is none.
std::string_view request_id_of(const net::Headers& headers);

// Reads a provider's usage object, keeping what it does not mention.
void read_usage(Provider provider, Json usage_object, Usage& usage);

}  // namespace xcs::llm
