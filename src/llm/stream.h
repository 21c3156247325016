// A streamed answer, put together from its events.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "base/error.h"
#include "llm/chat.h"
#include "llm/json.h"
#include "llm/sse.h"
#include "llm/wire_request.h"

namespace xcs::llm {

// Feeds on the body of one response with status 200; `request` outlives it.
class AnswerStream {
 public:
  using OnText = std::function<void(std::string_view text)>;

  AnswerStream(const WireRequest& request, OnText on_text);

  // Takes the next bytes and reports the text in them. Fails with the error that the provider sent inside
  // the stream, or with "llm.malformed".
  Result<void> feed(std::string_view piece);

  // The body is complete. Fails with "llm.truncated" when the provider had not finished the answer.
  Result<ChatAnswer> finish();

  bool has_text() const { return !answer_.text.empty(); }

 private:
  Result<void> on_event(const SseEvent& event);
  void read_openai(Json root);
  void read_anthropic(Json root);
  Result<void> read_responses_event(Json root);
  ToolCall& call_at(std::int64_t index);
  void add_call_delta(Json delta);
  void add_text(std::string_view text);

  const WireRequest& request_;
  const OnText on_text_;
  const SseParser::OnEvent on_event_;
  SseParser events_;
  simdjson::dom::parser parser_ = json_parser(1024);
  ChatAnswer answer_;
  bool complete_ = false;
};

}  // namespace xcs::llm
