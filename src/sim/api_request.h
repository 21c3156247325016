#pragma once

#include <simdjson.h>

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/api_error.h"

namespace xcs::sim {

enum class Endpoint { kChatCompletions, kResponses, kMessages, kEmbeddings };

// What the answer to a request depends on. Views point into the parsed document and die with the next parse.
struct ApiRequest {
  Endpoint endpoint = Endpoint::kChatCompletions;
  std::string_view model;
  std::string prompt;      // text of the last user message
  std::uint64_t hash = 0;  // of the canonical request, see canonical_hash
  std::int64_t prompt_tokens = 0;
  std::optional<std::int64_t> max_tokens;
  std::int64_t choices = 1;
  bool stream = false;
  bool stream_usage = false;  // OpenAI: a last chunk with the usage
  bool obfuscation = true;    // OpenAI: streamed chunks are padded to hide their length
  std::vector<std::string_view> stop;
  std::vector<std::string> inputs;  // embeddings: one text each
  std::int64_t dimensions = 1536;   // embeddings
  bool base64 = false;              // embeddings: packed floats instead of a list of numbers
};

using Parsed = std::expected<ApiRequest, ApiError>;

// Reads a request body. Failure is the error the provider would answer: a missing or malformed field, with
// its name.
Parsed read_chat_completion(simdjson::dom::element body);
Parsed read_response(simdjson::dom::element body);
Parsed read_embedding(simdjson::dom::element body);
// `version` is the value of the anthropic-version header.
Parsed read_message(simdjson::dom::element body, std::string_view version);

// Hash of a JSON value in which neither white space, the order of an object's keys nor the spelling of a
// number counts. Of an object at the top, `stream` and `stream_options` do not count either: they change how
// an answer travels, not what it says.
std::uint64_t canonical_hash(simdjson::dom::element body, Endpoint endpoint);

// About how many tokens `characters` bytes of text are: four bytes a token.
std::int64_t count_tokens(std::size_t characters);

}  // namespace xcs::sim
