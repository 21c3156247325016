#include "sim/responses_format.h"

#include <fmt/format.h>

#include <string_view>
#include <utility>

#include "sim/json_text.h"

namespace xcs::sim {

namespace {

std::string message_id(const ApiRequest& request) {
  std::string id = "msg_";
  append_hex(id, request.hash);
  return id;
}

std::string text_part(std::string_view text) {
  std::string out = R"({"type":"output_text","annotations":[],"logprobs":[],"text":)";
  append_json_string(out, text);
  out += '}';
  return out;
}

// `content` is a JSON array.
std::string message_item(const ApiRequest& request, std::string_view status, std::string_view content) {
  std::string out = R"({"id":")";
  out += message_id(request);
  out += R"(","type":"message","status":")";
  out += status;
  out += R"(","role":"assistant","content":)";
  out += content;
  out += '}';
  return out;
}

std::string call_item(const ApiRequest& request, const Answer& answer) {
  std::string out = R"({"type":"function_call","status":"completed","id":"fc_)";
  append_hex(out, request.hash);
  out += R"(","call_id":"call_)";
  append_hex(out, request.hash);
  out += R"(","name":)";
  append_json_string(out, answer.tool);
  out += R"(,"arguments":)";
  append_json_string(out, answer.arguments);
  return out + "}";
}

std::string finished_item(const ApiRequest& request, const Answer& answer) {
  if (!answer.tool.empty()) return call_item(request, answer);
  return message_item(request, answer.stop == Stop::kLength ? "incomplete" : "completed",
                      fmt::format("[{}]", text_part(answer.text)));
}

void append_usage(std::string& out, std::int64_t input, std::int64_t output) {
  out += R"({"input_tokens":)";
  append_number(out, input);
  out += R"(,"input_tokens_details":{"cached_tokens":0,"cache_write_tokens":0},"output_tokens":)";
  append_number(out, output);
  out += R"(,"output_tokens_details":{"reasoning_tokens":0},"total_tokens":)";
  append_number(out, input + output);
  out += '}';
}

std::string_view status_of(const Answer& answer) {
  return answer.stop == Stop::kLength ? "incomplete" : "completed";
}

// The response object; without an answer the one of a response in progress.
std::string response(const ApiRequest& request, const Answer* answer) {
  std::string out = R"({"id":"resp_)";
  append_hex(out, request.hash);
  out += R"(","object":"response","created_at":1790000000,"status":")";
  out += answer == nullptr ? "in_progress" : status_of(*answer);
  out += R"(","background":false,"error":null,"incomplete_details":)";
  const bool cut = answer != nullptr && answer->stop == Stop::kLength;
  out += cut ? R"({"reason":"max_output_tokens"})" : "null";
  out += R"(,"instructions":null,"max_output_tokens":)";
  if (request.max_tokens) {
    append_number(out, *request.max_tokens);
  } else {
    out += "null";
  }
  out += R"(,"model":)";
  append_json_string(out, request.model);
  out += R"(,"output":[)";
  if (answer != nullptr) out += finished_item(request, *answer);
  out +=
      R"(],"parallel_tool_calls":true,"previous_response_id":null,)"
      R"("reasoning":{"effort":null,"summary":null},"service_tier":"default","store":true,"temperature":1.0,)"
      R"("text":{"format":{"type":"text"}},"tool_choice":"auto","tools":[],"top_p":1.0,)"
      R"("truncation":"disabled","usage":)";
  if (answer == nullptr) {
    out += "null";
  } else {
    append_usage(out, request.prompt_tokens, answer->tokens);
  }
  out += R"(,"user":null,"metadata":{}})";
  return out;
}

// Writes the events of one response; every one carries its name as its type, and its number.
class ResponseEvents {
 public:
  // `fields` are the event's own, each with its leading comma.
  void add(std::string_view type, std::string_view fields, std::int64_t tokens) {
    std::string data = R"({"type":")";
    data += type;
    data += R"(","sequence_number":)";
    append_number(data, static_cast<std::int64_t>(stream_.events().size()));
    data += fields;
    data += '}';
    stream_.add(type, data, tokens);
  }

  EventStream take() { return std::move(stream_); }

 private:
  EventStream stream_;
};

std::string text_field(std::string_view name, std::string_view text) {
  std::string out = R"(,")";
  out += name;
  out += R"(":)";
  append_json_string(out, text);
  return out;
}

}  // namespace

std::string response_body(const ApiRequest& request, const Answer& answer) {
  return response(request, &answer);
}

EventStream response_stream(const ApiRequest& request, const Answer& answer) {
  ResponseEvents events;
  const std::string started = R"(,"response":)" + response(request, nullptr);
  const std::string item = R"(,"output_index":0,"item":)";
  const std::string part =
      fmt::format(R"(,"item_id":"{}","output_index":0,"content_index":0)", message_id(request));
  events.add("response.created", started, 0);
  events.add("response.in_progress", started, 0);
  events.add("response.output_item.added", item + message_item(request, "in_progress", "[]"), 0);
  events.add("response.content_part.added", part + R"(,"part":)" + text_part(""), 0);
  std::size_t sent = 0;
  for (const std::string_view piece : split_for_stream(answer.text)) {
    sent += piece.size();
    events.add("response.output_text.delta", part + text_field("delta", piece) + R"(,"logprobs":[])",
               count_tokens(sent));
  }
  const std::int64_t all = answer.tokens;
  events.add("response.output_text.done", part + text_field("text", answer.text) + R"(,"logprobs":[])", all);
  events.add("response.content_part.done", part + R"(,"part":)" + text_part(answer.text), all);
  events.add("response.output_item.done", item + finished_item(request, answer), all);
  events.add(fmt::format("response.{}", status_of(answer)), R"(,"response":)" + response(request, &answer),
             all);
  return events.take();
}

std::string response_error_event(const ApiError& error, std::size_t sequence_number) {
  std::string out = R"({"type":"error","sequence_number":)";
  append_number(out, static_cast<std::int64_t>(sequence_number));
  out += text_field("code", error.code);
  out += text_field("message", error.message);
  out += R"(,"param":null})";
  return out;
}

}  // namespace xcs::sim
