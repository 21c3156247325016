#include "sim/openai_format.h"

#include <array>
#include <bit>
#include <charconv>
#include <cstring>

#include "sim/base64.h"
#include "sim/draw.h"
#include "sim/json_text.h"

namespace xcs::sim {

namespace {

constexpr std::string_view kCreated = "1790000000";
constexpr std::array<std::string_view, 3> kModels = {"sim-small", "sim-large", "sim-embedding"};

std::string_view finish_reason(Stop stop) {
  if (stop == Stop::kToolCall) return R"("tool_calls")";
  return stop == Stop::kLength ? R"("length")" : R"("stop")";
}

void append_usage(std::string& out, std::int64_t prompt, std::int64_t completion) {
  out += R"({"prompt_tokens":)";
  append_number(out, prompt);
  out += R"(,"completion_tokens":)";
  append_number(out, completion);
  out += R"(,"total_tokens":)";
  append_number(out, prompt + completion);
  out +=
      R"(,"prompt_tokens_details":{"cached_tokens":0,"cache_write_tokens":0,"audio_tokens":0},)"
      R"("completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0,"accepted_prediction_tokens":0,)"
      R"("rejected_prediction_tokens":0}})";
}

// The fields a completion and each of its chunks begin with, up to the choices.
std::string preamble(const ApiRequest& request, std::string_view object) {
  std::string out = R"({"id":"chatcmpl-)";
  append_hex(out, request.hash);
  out += R"(","object":")";
  out += object;
  out += R"(","created":)";
  out += kCreated;
  out += R"(,"model":)";
  append_json_string(out, request.model);
  out += R"(,"service_tier":"default","system_fingerprint":"fp_simulator")";
  return out;
}

void append_choice(std::string& out, const Answer& answer, std::size_t index) {
  out += R"({"index":)";
  append_number(out, static_cast<std::int64_t>(index));
  out += R"(,"message":{"role":"assistant","content":)";
  if (answer.tool.empty()) {
    append_json_string(out, answer.text);
  } else {
    out += R"(null,"tool_calls":[{"id":"call_)";
    append_hex(out, hash_bytes(answer.arguments, hash_bytes(answer.tool, 0)));
    out += R"(","type":"function","function":{"name":)";
    append_json_string(out, answer.tool);
    out += R"(,"arguments":)";
    append_json_string(out, answer.arguments);
    out += "}}]";
  }
  out += R"(,"refusal":null,"annotations":[]},"logprobs":null,"finish_reason":)";
  out += finish_reason(answer.stop);
  out += '}';
}

// Writes the chunks of one streamed completion.
class ChunkWriter {
 public:
  explicit ChunkWriter(const ApiRequest& request)
      : request_(request), preamble_(preamble(request, "chat.completion.chunk")), padding_(request.hash) {}

  // `delta` is a JSON object; an empty `finish` stands for null.
  void choice(std::size_t index, std::string_view delta, std::string_view finish) {
    std::string choices = R"([{"index":)";
    append_number(choices, static_cast<std::int64_t>(index));
    choices += R"(,"delta":)";
    choices += delta;
    choices += R"(,"logprobs":null,"finish_reason":)";
    choices += finish.empty() ? "null" : finish;
    choices += "}]";
    chunk(choices, "null");
  }

  void usage(std::int64_t prompt, std::int64_t completion) {
    std::string usage;
    append_usage(usage, prompt, completion);
    chunk("[]", usage);
  }

  void done() { stream_.add("", "[DONE]", tokens_); }
  void produce(std::int64_t tokens) { tokens_ = tokens; }
  EventStream take() { return std::move(stream_); }

 private:
  void chunk(std::string_view choices, std::string_view usage) {
    std::string data = preamble_;
    data += R"(,"choices":)";
    data += choices;
    if (request_.stream_usage) {
      data += R"(,"usage":)";
      data += usage;
    }
    if (request_.obfuscation) {
      data += R"(,"obfuscation":")";
      data.append(1 + padding_.below(12), 'x');
      data += '"';
    }
    data += '}';
    stream_.add("", data, tokens_);
  }

  const ApiRequest& request_;
  std::string preamble_;
  Draw padding_;
  std::int64_t tokens_ = 0;
  EventStream stream_;
};

void stream_choice(ChunkWriter& writer, const Answer& answer, std::size_t index, std::int64_t tokens_before) {
  writer.choice(index, R"({"role":"assistant","content":"","refusal":null})", "");
  std::size_t sent = 0;
  for (const std::string_view piece : split_for_stream(answer.text)) {
    sent += piece.size();
    writer.produce(tokens_before + count_tokens(sent));
    std::string delta = R"({"content":)";
    append_json_string(delta, piece);
    delta += '}';
    writer.choice(index, delta, "");
  }
  writer.choice(index, "{}", finish_reason(answer.stop));
}

void append_float(std::string& out, float value) {
  std::array<char, 32> digits{};
  char* const end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  out.append(digits.data(), end);
}

void append_vector(std::string& out, const std::vector<float>& vector, bool base64) {
  if (base64) {
    static_assert(std::endian::native == std::endian::little, "the wire holds little-endian floats");
    out += '"';
    append_base64(out, {reinterpret_cast<const char*>(vector.data()), vector.size() * sizeof(float)});
    out += '"';
    return;
  }
  out += '[';
  for (std::size_t i = 0; i < vector.size(); ++i) {
    if (i > 0) out += ',';
    append_float(out, vector[i]);
  }
  out += ']';
}

}  // namespace

std::span<const std::string_view> listed_models() { return kModels; }

std::string chat_completion_body(const ApiRequest& request, std::span<const Answer> answers) {
  std::string out = preamble(request, "chat.completion");
  out += R"(,"choices":[)";
  for (std::size_t i = 0; i < answers.size(); ++i) {
    if (i > 0) out += ',';
    append_choice(out, answers[i], i);
  }
  out += R"(],"usage":)";
  append_usage(out, request.prompt_tokens, total_tokens(answers));
  out += '}';
  return out;
}

EventStream chat_completion_stream(const ApiRequest& request, std::span<const Answer> answers) {
  ChunkWriter writer(request);
  std::int64_t tokens = 0;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    stream_choice(writer, answers[i], i, tokens);
    tokens += answers[i].tokens;
  }
  if (request.stream_usage) writer.usage(request.prompt_tokens, tokens);
  writer.done();
  return writer.take();
}

std::string embedding_body(const ApiRequest& request) {
  std::string out = R"({"object":"list","data":[)";
  for (std::size_t i = 0; i < request.inputs.size(); ++i) {
    if (i > 0) out += ',';
    out += R"({"object":"embedding","index":)";
    append_number(out, static_cast<std::int64_t>(i));
    out += R"(,"embedding":)";
    append_vector(out, embed(request.model, request.inputs[i], request.dimensions), request.base64);
    out += '}';
  }
  out += R"(],"model":)";
  append_json_string(out, request.model);
  out += R"(,"usage":{"prompt_tokens":)";
  append_number(out, request.prompt_tokens);
  out += R"(,"total_tokens":)";
  append_number(out, request.prompt_tokens);
  out += "}}";
  return out;
}

std::string model_body(std::string_view id) {
  std::string out = R"({"id":)";
  append_json_string(out, id);
  out += R"(,"object":"model","created":)";
  out += kCreated;
  out += R"(,"owned_by":"simulator"})";
  return out;
}

std::string model_list_body() {
  std::string out = R"({"object":"list","data":[)";
  for (std::size_t i = 0; i < kModels.size(); ++i) {
    if (i > 0) out += ',';
    out += model_body(kModels[i]);
  }
  out += "]}";
  return out;
}

}  // namespace xcs::sim
