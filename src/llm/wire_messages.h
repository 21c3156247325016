// Messages, tools and schemas in each provider's format.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "llm/chat.h"

namespace xcs::llm {

// Note [messages]
// A message given as JSON is an object with a role and a content that is text or a list of parts. These forms
// are understood, whoever the provider; anything else is passed on as it is:
//   {"type": "text", "text": ...}
//   {"type": "image", "url": ...} or {"type": "image", "media_type": ..., "data": <base64>}
//   {"type": "image_url", "image_url": {"url": ...}}, as OpenAI has it
//   an assistant's "tool_calls": [{"id", "name", "arguments": <object or text>}], or OpenAI's form of it
//   {"role": "tool", "tool_call_id": ..., "content": ...}, the result of a tool

// Appends the message, or what stands for it, as one or more elements of a JSON array.
Result<void> append_message(std::string& list, Provider provider, const Message& message);

// The array of tools, from that of ChatRequest::tools_json.
Result<std::string> tools_of(Provider provider, std::string_view tools_json);

// The value of the field "tool_choice".
std::string tool_choice_of(Provider provider, std::string_view choice);

// The field that makes the answer follow a schema, and its value.
struct Field {
  std::string_view name;
  std::string json;
};
// Anthropic's and the responses' fields hold more than the schema: the effort of reasoning may be empty.
Result<Field> schema_of(const ChatRequest& request, Provider provider);

}  // namespace xcs::llm
