#include "llm/stream.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "llm/wire_answer.h"
#include "net/origin.h"

namespace xcs::llm {
namespace {

void set_if_found(std::string& field, Json root, std::initializer_list<std::string_view> path) {
  if (const auto value = find_string(root, path)) field = *value;
}

}  // namespace

AnswerStream::AnswerStream(const WireRequest& request, OnText on_text)
    : request_(request),
      on_text_(std::move(on_text)),
      on_event_([this](const SseEvent& event) { return on_event(event); }) {}

Result<void> AnswerStream::feed(std::string_view piece) { return events_.feed(piece, on_event_); }

Result<ChatAnswer> AnswerStream::finish() {
  if (Result<void> last = events_.finish(on_event_); !last) return std::unexpected(std::move(last.error()));
  if (complete_) return std::move(answer_);
  return std::unexpected(Error{
      .kind = ErrorKind::kTransient,
      .code = "llm.truncated",
      .message = fmt::format("{} ended the stream before the answer was complete, after {} bytes of text",
                             to_string(net::origin_of(request_.http.url)), answer_.text.size()),
      .http_status = 200,
  });
}

Result<void> AnswerStream::on_event(const SseEvent& event) {
  if (event.data == "[DONE]") {
    complete_ = true;
    return {};
  }
  Json root;
  const simdjson::error_code why = parser_.parse(event.data.data(), event.data.size()).get(root);
  if (why != simdjson::SUCCESS || !root.is_object())
    return std::unexpected(unreadable(request_, 200, why, event.data));
  if (const auto error = find(root, {"error"}); error && error->is_object()) {
    return std::unexpected(to_error(request_, 200, *error, find_string(root, {"request_id"}).value_or("")));
  }
  switch (request_.provider) {
    case Provider::kAnthropic:
      read_anthropic(root);
      break;
    case Provider::kResponses:
      return read_responses_event(root);
    case Provider::kEmbeddings:  // are not streamed
    case Provider::kOpenAi:
      read_openai(root);
  }
  return {};
}

// The last event holds the whole answer, and a failure is an event of its own.
Result<void> AnswerStream::read_responses_event(Json root) {
  const std::string_view type = find_string(root, {"type"}).value_or("");
  if (type == "response.output_text.delta" || type == "response.refusal.delta") {
    add_text(find_string(root, {"delta"}).value_or(""));
  } else if (type == "error") {
    return std::unexpected(to_error(request_, 200, root, ""));
  } else if (type == "response.failed") {
    if (const auto error = find(root, {"response", "error"}); error && error->is_object())
      return std::unexpected(to_error(request_, 200, *error, ""));
  } else if (type == "response.completed" || type == "response.incomplete") {
    const std::optional<Json> response = find(root, {"response"});
    std::optional<ChatAnswer> whole = response ? read_responses(*response) : std::nullopt;
    if (!whole)
      return std::unexpected(malformed(request_, 200, "ends with an event that holds no answer", ""));
    if (const auto usage = find(*response, {"usage"})) read_usage(Provider::kResponses, *usage, whole->usage);
    set_if_found(whole->id, *response, {"id"});
    set_if_found(whole->model, *response, {"model"});
    answer_ = *std::move(whole);
    complete_ = true;
  }
  return {};
}

ToolCall& AnswerStream::call_at(std::int64_t index) {
  constexpr std::int64_t kMostCalls = 1024;
  const auto at = static_cast<std::size_t>(std::clamp<std::int64_t>(index, 0, kMostCalls - 1));
  if (answer_.tool_calls.size() <= at) answer_.tool_calls.resize(at + 1);
  return answer_.tool_calls[at];
}

void AnswerStream::add_call_delta(Json delta) {
  ToolCall& call = call_at(find_integer(delta, {"index"}).value_or(0));
  set_if_found(call.id, delta, {"id"});
  set_if_found(call.name, delta, {"function", "name"});
  call.arguments += find_string(delta, {"function", "arguments"}).value_or("");
}

void AnswerStream::add_text(std::string_view text) {
  if (text.empty()) return;
  answer_.text += text;
  on_text_(text);
}

void AnswerStream::read_openai(Json root) {
  set_if_found(answer_.id, root, {"id"});
  set_if_found(answer_.model, root, {"model"});
  if (const auto usage = find(root, {"usage"})) read_usage(Provider::kOpenAi, *usage, answer_.usage);
  const std::optional<Json> choices = find(root, {"choices"});
  Json choice;
  if (!choices || !choices->is_array() || choices->at(0).get(choice) != simdjson::SUCCESS) return;
  add_text(find_string(choice, {"delta", "content"}).value_or(""));
  simdjson::dom::array calls;
  if (const auto found = find(choice, {"delta", "tool_calls"});
      found && found->get(calls) == simdjson::SUCCESS) {
    for (const Json call : calls) add_call_delta(call);
  }
  if (const auto reason = find_string(choice, {"finish_reason"})) {
    answer_.finish_reason = *reason;
    complete_ = true;
  }
}

void AnswerStream::read_anthropic(Json root) {
  const std::string_view type = find_string(root, {"type"}).value_or("");
  if (type == "message_start") {
    set_if_found(answer_.id, root, {"message", "id"});
    set_if_found(answer_.model, root, {"message", "model"});
    if (const auto usage = find(root, {"message", "usage"}))
      read_usage(Provider::kAnthropic, *usage, answer_.usage);
  } else if (type == "content_block_start") {
    if (find_string(root, {"content_block", "type"}) == "tool_use") {
      ToolCall& call = answer_.tool_calls.emplace_back();
      set_if_found(call.id, root, {"content_block", "id"});
      set_if_found(call.name, root, {"content_block", "name"});
    }
  } else if (type == "content_block_delta") {
    const auto kind = find_string(root, {"delta", "type"});
    if (kind == "text_delta") {
      add_text(find_string(root, {"delta", "text"}).value_or(""));
    } else if (kind == "input_json_delta" && !answer_.tool_calls.empty()) {
      answer_.tool_calls.back().arguments += find_string(root, {"delta", "partial_json"}).value_or("");
    }
  } else if (type == "message_delta") {
    set_if_found(answer_.finish_reason, root, {"delta", "stop_reason"});
    if (const auto usage = find(root, {"usage"})) read_usage(Provider::kAnthropic, *usage, answer_.usage);
  } else if (type == "message_stop") {
    complete_ = true;
  }
}

}  // namespace xcs::llm
