#include "sim/anthropic_format.h"

#include "sim/json_text.h"
#include "sim/openai_format.h"

namespace xcs::sim {

namespace {

std::string_view stop_reason(Stop stop) {
  switch (stop) {
    case Stop::kLength:
      return "max_tokens";
    case Stop::kStopSequence:
      return "stop_sequence";
    case Stop::kToolCall:
      return "tool_use";
    case Stop::kEnd:
      break;
  }
  return "end_turn";
}

void append_usage(std::string& out, std::int64_t input, std::int64_t output) {
  out += R"({"input_tokens":)";
  append_number(out, input);
  out += R"(,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,)"
         R"("cache_creation":{"ephemeral_5m_input_tokens":0,"ephemeral_1h_input_tokens":0},"output_tokens":)";
  append_number(out, output);
  out += R"(,"service_tier":"standard"})";
}

// `content` is a JSON array; `answer` gives the reason to stop, none while the message is not complete.
std::string message(const ApiRequest& request, std::string_view content, const Answer* answer,
                    std::int64_t output) {
  std::string out = R"({"id":"msg_)";
  append_hex(out, request.hash);
  out += R"(","type":"message","role":"assistant","model":)";
  append_json_string(out, request.model);
  out += R"(,"content":)";
  out += content;
  out += R"(,"stop_reason":)";
  if (answer == nullptr) {
    out += "null";
  } else {
    append_json_string(out, stop_reason(answer->stop));
  }
  out += R"(,"stop_sequence":)";
  if (answer == nullptr || answer->stop != Stop::kStopSequence) {
    out += "null";
  } else {
    append_json_string(out, answer->stop_sequence);
  }
  out += R"(,"usage":)";
  append_usage(out, request.prompt_tokens, output);
  out += '}';
  return out;
}

std::string delta_event(std::string_view piece) {
  std::string data = R"({"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":)";
  append_json_string(data, piece);
  data += "}}";
  return data;
}

std::string end_event(const Answer& answer) {
  std::string data = R"({"type":"message_delta","delta":{"stop_reason":)";
  append_json_string(data, stop_reason(answer.stop));
  data += R"(,"stop_sequence":)";
  if (answer.stop == Stop::kStopSequence) {
    append_json_string(data, answer.stop_sequence);
  } else {
    data += "null";
  }
  data += R"(},"usage":{"output_tokens":)";
  append_number(data, answer.tokens);
  data += "}}";
  return data;
}

}  // namespace

std::string message_body(const ApiRequest& request, const Answer& answer) {
  std::string content;
  if (answer.tool.empty()) {
    content = R"([{"type":"text","text":)";
    append_json_string(content, answer.text);
  } else {
    content = R"([{"type":"tool_use","id":"toolu_)";
    append_hex(content, request.hash);
    content += R"(","name":)";
    append_json_string(content, answer.tool);
    content += R"(,"input":)";
    content += answer.arguments;
  }
  content += "}]";
  return message(request, content, &answer, answer.tokens);
}

EventStream message_stream(const ApiRequest& request, const Answer& answer) {
  EventStream stream;
  stream.add("message_start",
             R"({"type":"message_start","message":)" + message(request, "[]", nullptr, 1) + "}", 0);
  stream.add("content_block_start",
             R"({"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}})", 0);
  stream.add("ping", R"({"type":"ping"})", 0);
  std::size_t sent = 0;
  for (const std::string_view piece : split_for_stream(answer.text)) {
    sent += piece.size();
    stream.add("content_block_delta", delta_event(piece), count_tokens(sent));
  }
  stream.add("content_block_stop", R"({"type":"content_block_stop","index":0})", answer.tokens);
  stream.add("message_delta", end_event(answer), answer.tokens);
  stream.add("message_stop", R"({"type":"message_stop"})", answer.tokens);
  return stream;
}

std::string anthropic_model_body(std::string_view id) {
  std::string out = R"({"type":"model","id":)";
  append_json_string(out, id);
  out += R"(,"display_name":)";
  append_json_string(out, id);
  out += R"(,"created_at":"2026-01-01T00:00:00Z","lifecycle":"active"})";
  return out;
}

std::string anthropic_model_list_body() {
  std::string out = R"({"data":[)";
  const auto models = listed_models();
  for (std::size_t i = 0; i < models.size(); ++i) {
    if (i > 0) out += ',';
    out += anthropic_model_body(models[i]);
  }
  out += R"(],"has_more":false,"first_id":)";
  append_json_string(out, models.front());
  out += R"(,"last_id":)";
  append_json_string(out, models.back());
  out += '}';
  return out;
}

}  // namespace xcs::sim
