#include <fmt/format.h>

#include "sim/api_request.h"
#include "sim/request_fields.h"

namespace xcs::sim {

namespace {

namespace dom = simdjson::dom;

std::unexpected<ApiError> refuse(std::string message, std::string param, std::string code = {}) {
  return std::unexpected(ApiError{
      .status = 400, .message = std::move(message), .code = std::move(code), .param = std::move(param)});
}

std::unexpected<ApiError> missing(std::string_view param) {
  return refuse(fmt::format("Missing required parameter: '{}'.", param), std::string(param),
                "missing_required_parameter");
}

std::unexpected<ApiError> wrong_type(std::string_view param, std::string_view expected, dom::element got) {
  return refuse(
      fmt::format("Invalid type for '{}': expected {}, but got {} instead.", param, expected, describe(got)),
      std::string(param), "invalid_type");
}

// An integer of at least `least` at `key`, or none.
std::expected<std::optional<std::int64_t>, ApiError> read_count(dom::object body, std::string_view key,
                                                                std::int64_t least) {
  const auto value = find(body, key);
  if (!value) return std::nullopt;
  std::int64_t count = 0;
  if (value->get(count) != simdjson::SUCCESS) return wrong_type(key, "an integer", *value);
  if (count < least) {
    return refuse(
        fmt::format("Invalid '{}': integer below minimum value. Expected a value >= {}, but got {} instead.",
                    key, least, count),
        std::string(key), "integer_below_min_value");
  }
  return count;
}

std::optional<ApiError> check_range(dom::object body, std::string_view key, double low, double high) {
  const auto value = find(body, key);
  if (!value) return std::nullopt;
  double number = 0;
  if (value->get(number) != simdjson::SUCCESS) return wrong_type(key, "a decimal number", *value).error();
  if (number >= low && number <= high) return std::nullopt;
  const bool above = number > high;
  return refuse(fmt::format("Invalid '{}': decimal {} value. Expected a value {} {}, but got {} instead.",
                            key, above ? "above maximum" : "below minimum",
                            above ? "<=" : ">=", above ? high : low, number),
                std::string(key), above ? "decimal_above_max_value" : "decimal_below_min_value")
      .error();
}

std::optional<ApiError> check_message(dom::element message, std::size_t index) {
  const std::string path = fmt::format("messages[{}]", index);
  dom::object object;
  if (message.get(object) != simdjson::SUCCESS) return wrong_type(path, "an object", message).error();
  const auto role = find(object, "role");
  if (!role) return missing(path + ".role").error();
  std::string_view name;
  if (role->get(name) != simdjson::SUCCESS) return wrong_type(path + ".role", "a string", *role).error();
  if (name != "system" && name != "user" && name != "assistant" && name != "tool" && name != "developer" &&
      name != "function") {
    return refuse(fmt::format(
                      "Invalid value: '{}'. Supported values are: 'system', 'assistant', 'user', 'function', "
                      "'tool', and 'developer'.",
                      name),
                  path + ".role", "invalid_value")
        .error();
  }
  const auto content = find(object, "content");
  if (!content) return name == "assistant" ? std::nullopt : std::optional(missing(path + ".content").error());
  if (content->is_string() || content->is_array()) return std::nullopt;
  return wrong_type(path + ".content", "a string or an array", *content).error();
}

std::expected<dom::array, ApiError> read_messages(dom::object body) {
  const auto value = find(body, "messages");
  if (!value) return missing("messages");
  dom::array messages;
  if (value->get(messages) != simdjson::SUCCESS) return wrong_type("messages", "an array of objects", *value);
  if (messages.size() == 0) {
    return refuse(
        "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array "
        "instead.",
        "messages", "empty_array");
  }
  std::size_t index = 0;
  for (const dom::element message : messages) {
    if (auto error = check_message(message, index++)) return std::unexpected(*std::move(error));
  }
  return messages;
}

// The part every endpoint shares: an object with a model.
Parsed read_common(dom::element body, Endpoint endpoint) {
  dom::object object;
  if (body.get(object) != simdjson::SUCCESS) return refuse("Invalid body: expected a JSON object.", "");
  ApiRequest request;
  request.endpoint = endpoint;
  const auto model = find(object, "model");
  if (!model) return refuse("you must provide a model parameter", "");
  if (model->get(request.model) != simdjson::SUCCESS) return wrong_type("model", "a string", *model);
  request.hash = canonical_hash(body, endpoint);
  request.stream = flag_or(object, "stream", false);
  return request;
}

void read_stream_options(dom::object body, ApiRequest& request) {
  dom::object options;
  const auto value = find(body, "stream_options");
  if (!value || value->get(options) != simdjson::SUCCESS) return;
  request.stream_usage = flag_or(options, "include_usage", false);
  request.obfuscation = flag_or(options, "include_obfuscation", true);
}

std::expected<std::vector<std::string>, ApiError> read_input_list(dom::array list, dom::element whole) {
  std::vector<std::string> inputs;
  std::string tokens;
  std::string_view text;
  for (const dom::element item : list) {
    if (item.get(text) == simdjson::SUCCESS) {
      if (text.empty()) return refuse("Invalid 'input[]': input cannot be an empty string.", "input");
      inputs.emplace_back(text);
    } else if (item.is_array()) {
      inputs.push_back(simdjson::minify(item));
    } else if (item.is_int64()) {
      tokens = simdjson::minify(whole);
    } else {
      return wrong_type("input", "a string, an array of strings or an array of tokens", item);
    }
  }
  if (!tokens.empty()) inputs.assign(1, tokens);
  return inputs;
}

std::expected<std::vector<std::string>, ApiError> read_inputs(dom::object body) {
  constexpr std::size_t kMostInputs = 2048;
  const auto value = find(body, "input");
  if (!value) return missing("input");
  std::string_view text;
  dom::array list;
  if (value->get(text) == simdjson::SUCCESS) {
    if (text.empty()) return refuse("Invalid 'input': input cannot be an empty string.", "input");
    return std::vector<std::string>{std::string(text)};
  }
  if (value->get(list) != simdjson::SUCCESS) {
    return wrong_type("input", "a string, an array of strings or an array of tokens", *value);
  }
  if (list.size() == 0) return refuse("Invalid 'input': input cannot be an empty array.", "input");
  auto inputs = read_input_list(list, *value);
  if (inputs && inputs->size() > kMostInputs) {
    return refuse(
        fmt::format("Invalid 'input': array too long. Expected an array with maximum length {}, but got an "
                    "array with length {} instead.",
                    kMostInputs, inputs->size()),
        "input", "array_above_max_length");
  }
  return inputs;
}

}  // namespace

std::int64_t count_tokens(std::size_t characters) { return static_cast<std::int64_t>((characters + 3) / 4); }

Parsed read_chat_completion(dom::element body) {
  Parsed request = read_common(body, Endpoint::kChatCompletions);
  if (!request) return request;
  const dom::object object = body.get_object().value_unsafe();
  const auto messages = read_messages(object);
  if (!messages) return std::unexpected(messages.error());
  if (auto error = check_range(object, "temperature", 0, 2)) return std::unexpected(*std::move(error));
  if (auto error = check_range(object, "top_p", 0, 1)) return std::unexpected(*std::move(error));
  auto most = read_count(object, "max_completion_tokens", 1);
  if (most && !*most) most = read_count(object, "max_tokens", 1);
  if (!most) return std::unexpected(most.error());
  const auto choices = read_count(object, "n", 1);
  if (!choices) return std::unexpected(choices.error());
  if (*choices > 128) {
    return refuse("Invalid 'n': integer above maximum value. Expected a value <= 128.", "n",
                  "integer_above_max_value");
  }
  request->max_tokens = *most;
  request->choices = choices->value_or(1);
  request->prompt = last_user_text(*messages);
  request->prompt_tokens = count_tokens(text_size_at(object, "messages") + text_size_at(object, "tools"));
  request->stop = strings_at(object, "stop");
  read_stream_options(object, *request);
  return request;
}

Parsed read_response(dom::element body) {
  Parsed request = read_common(body, Endpoint::kResponses);
  if (!request) return request;
  const dom::object object = body.get_object().value_unsafe();
  const auto input = find(object, "input");
  if (!input) return missing("input");
  std::string_view text;
  dom::array items;
  if (input->get(text) == simdjson::SUCCESS) {
    request->prompt = text;
  } else if (input->get(items) == simdjson::SUCCESS) {
    request->prompt = last_user_text(items);
  } else {
    return wrong_type("input", "a string or an array of items", *input);
  }
  const auto most = read_count(object, "max_output_tokens", 1);
  if (!most) return std::unexpected(most.error());
  request->max_tokens = *most;
  request->prompt_tokens = count_tokens(text_size_at(object, "input") + text_size_at(object, "instructions") +
                                        text_size_at(object, "tools"));
  return request;
}

Parsed read_embedding(dom::element body) {
  Parsed request = read_common(body, Endpoint::kEmbeddings);
  if (!request) return request;
  const dom::object object = body.get_object().value_unsafe();
  auto inputs = read_inputs(object);
  if (!inputs) return std::unexpected(inputs.error());
  const auto dimensions = read_count(object, "dimensions", 1);
  if (!dimensions) return std::unexpected(dimensions.error());
  request->dimensions = dimensions->value_or(request->dimensions);
  if (request->dimensions > 4096)
    return refuse("Invalid 'dimensions': expected a value <= 4096.", "dimensions");
  std::string_view format = "float";
  if (const auto value = find(object, "encoding_format"); value && value->get(format) != simdjson::SUCCESS) {
    return wrong_type("encoding_format", "a string", *value);
  }
  if (format != "float" && format != "base64") {
    return refuse(fmt::format("Invalid value: '{}'. Supported values are: 'float' and 'base64'.", format),
                  "encoding_format", "invalid_value");
  }
  request->base64 = format == "base64";
  for (const std::string& input : *inputs) request->prompt_tokens += count_tokens(input.size());
  request->inputs = *std::move(inputs);
  request->stream = false;
  return request;
}

}  // namespace xcs::sim
