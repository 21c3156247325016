#include "llm/stream.h"

#include <fmt/format.h>

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
  if (parser_.parse(event.data.data(), event.data.size()).get(root) != simdjson::SUCCESS ||
      !root.is_object()) {
    return std::unexpected(malformed(request_, 200, "holds an event that is not a JSON object", event.data));
  }
  if (const auto error = find(root, {"error"}); error && error->is_object()) {
    return std::unexpected(to_error(request_, 200, *error, find_string(root, {"request_id"}).value_or("")));
  }
  if (request_.provider == Provider::kAnthropic) {
    read_anthropic(root);
  } else {
    read_openai(root);
  }
  return {};
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
  } else if (type == "content_block_delta") {
    if (find_string(root, {"delta", "type"}) == "text_delta") {
      add_text(find_string(root, {"delta", "text"}).value_or(""));
    }
  } else if (type == "message_delta") {
    set_if_found(answer_.finish_reason, root, {"delta", "stop_reason"});
    if (const auto usage = find(root, {"usage"})) read_usage(Provider::kAnthropic, *usage, answer_.usage);
  } else if (type == "message_stop") {
    complete_ = true;
  }
}

}  // namespace xcs::llm
