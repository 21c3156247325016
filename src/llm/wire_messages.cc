#include "llm/wire_messages.h"

#include <fmt/format.h>

#include <utility>

#include "llm/json.h"

namespace xcs::llm {
namespace {

std::unexpected<Error> usage_error(std::string_view code, std::string message) {
  return std::unexpected(
      Error{.kind = ErrorKind::kUsage, .code = std::string(code), .message = std::move(message)});
}

void append_element(std::string& list, std::string_view json) {
  if (list.size() > 1) list.push_back(',');
  list.append(json);
}

std::string text_part(Provider provider, std::string_view role, std::string_view text) {
  ObjectWriter part;
  if (provider == Provider::kResponses) {
    part.add_string("type", role == "assistant" ? "output_text" : "input_text");
  } else {
    part.add_string("type", "text");
  }
  part.add_string("text", text);
  return std::move(part).finish();
}

// An image's address: one on the net, or the image itself as a data: URL.
std::string image_part(Provider provider, std::string_view url) {
  ObjectWriter part;
  if (provider == Provider::kOpenAi) {
    ObjectWriter image;
    image.add_string("url", url);
    part.add_string("type", "image_url");
    part.add_raw("image_url", std::move(image).finish());
  } else if (provider == Provider::kResponses) {
    part.add_string("type", "input_image");
    part.add_string("image_url", url);
  } else {
    ObjectWriter source;
    const std::size_t type_end = url.find(";base64,");
    if (url.starts_with("data:") && type_end != std::string_view::npos) {
      source.add_string("type", "base64");
      source.add_string("media_type", url.substr(5, type_end - 5));
      source.add_string("data", url.substr(type_end + 8));
    } else {
      source.add_string("type", "url");
      source.add_string("url", url);
    }
    part.add_string("type", "image");
    part.add_raw("source", std::move(source).finish());
  }
  return std::move(part).finish();
}

std::string part_of(Provider provider, std::string_view role, Json part) {
  const std::string_view type = find_string(part, {"type"}).value_or("");
  if (type == "text") {
    // A part that says more than its text, like cache_control, is the provider's own.
    const bool plain = simdjson::dom::object(part).size() == 2;
    if (const auto text = find_string(part, {"text"}); text && (plain || provider == Provider::kResponses))
      return text_part(provider, role, *text);
  } else if (type == "image") {
    if (const auto url = find_string(part, {"url"})) return image_part(provider, *url);
    if (const auto data = find_string(part, {"data"})) {
      const std::string_view media_type = find_string(part, {"media_type"}).value_or("image/png");
      return image_part(provider, fmt::format("data:{};base64,{}", media_type, *data));
    }
  } else if (type == "image_url" && provider != Provider::kOpenAi) {
    if (const auto url = find_string(part, {"image_url", "url"})) return image_part(provider, *url);
  }
  return simdjson::minify(part);
}

// The parts of a content, as the elements of an array.
std::string parts_of(Provider provider, std::string_view role, Json content) {
  std::string list = "[";
  if (const std::optional<std::string_view> text = find_string(content, {})) {
    if (!text->empty()) append_element(list, text_part(provider, role, *text));
    return list;
  }
  simdjson::dom::array parts;
  if (content.get(parts) != simdjson::SUCCESS) return list;
  for (const Json part : parts) append_element(list, part_of(provider, role, part));
  return list;
}

std::string content_of(Provider provider, std::string_view role, Json content) {
  if (content.is_array()) return parts_of(provider, role, content) + "]";
  return simdjson::minify(content);
}

struct GivenCall {
  std::string_view id;
  std::string_view name;
  std::string arguments;  // JSON
};

GivenCall read_call(Json call) {
  const Json function = find(call, {"function"}).value_or(call);
  const Json arguments = find(function, {"arguments"}).value_or(function);
  const std::optional<std::string_view> text = find_string(arguments, {});
  return {.id = find_string(call, {"id"}).value_or(""),
          .name = find_string(function, {"name"}).value_or(""),
          .arguments = text ? std::string(*text) : simdjson::minify(arguments)};
}

std::string openai_call(const GivenCall& call) {
  ObjectWriter function;
  function.add_string("name", call.name);
  function.add_string("arguments", call.arguments);
  ObjectWriter writer;
  writer.add_string("id", call.id);
  writer.add_string("type", "function");
  writer.add_raw("function", std::move(function).finish());
  return std::move(writer).finish();
}

std::string responses_call(const GivenCall& call) {
  ObjectWriter writer;
  writer.add_string("type", "function_call");
  writer.add_string("call_id", call.id);
  writer.add_string("name", call.name);
  writer.add_string("arguments", call.arguments);
  return std::move(writer).finish();
}

std::string anthropic_call(const GivenCall& call) {
  ObjectWriter writer;
  writer.add_string("type", "tool_use");
  writer.add_string("id", call.id);
  writer.add_string("name", call.name);
  writer.add_raw("input", call.arguments.empty() ? "{}" : call.arguments);
  return std::move(writer).finish();
}

std::string with_content(std::string_view role, std::string_view content_json) {
  ObjectWriter writer;
  writer.add_string("role", role);
  writer.add_raw("content", content_json);
  return std::move(writer).finish();
}

// An assistant's message that calls tools.
void append_calls(std::string& list, Provider provider, std::optional<Json> content,
                  simdjson::dom::array calls) {
  if (provider == Provider::kAnthropic) {
    std::string blocks = content ? parts_of(provider, "assistant", *content) : "[";
    for (const Json call : calls) append_element(blocks, anthropic_call(read_call(call)));
    append_element(list, with_content("assistant", blocks + "]"));
    return;
  }
  if (provider == Provider::kResponses) {
    if (content && !content->is_null() && find_string(*content, {}) != "")
      append_element(list, with_content("assistant", content_of(provider, "assistant", *content)));
    for (const Json call : calls) append_element(list, responses_call(read_call(call)));
    return;
  }
  std::string made = "[";
  for (const Json call : calls) append_element(made, openai_call(read_call(call)));
  ObjectWriter writer;
  writer.add_string("role", "assistant");
  writer.add_raw("content", content ? content_of(provider, "assistant", *content) : "null");
  writer.add_raw("tool_calls", made + "]");
  append_element(list, std::move(writer).finish());
}

void append_tool_result(std::string& list, Provider provider, Json message, Json content) {
  const std::string_view id = find_string(message, {"tool_call_id"}).value_or("");
  ObjectWriter writer;
  if (provider == Provider::kAnthropic) {
    writer.add_string("type", "tool_result");
    writer.add_string("tool_use_id", id);
    writer.add_raw("content", content_of(provider, "user", content));
    append_element(list, with_content("user", "[" + std::move(writer).finish() + "]"));
    return;
  }
  if (provider == Provider::kResponses) {
    writer.add_string("type", "function_call_output");
    writer.add_string("call_id", id);
    writer.add_raw("output", content_of(provider, "user", content));
  } else {
    writer.add_string("role", "tool");
    writer.add_string("tool_call_id", id);
    writer.add_raw("content", content_of(provider, "user", content));
  }
  append_element(list, std::move(writer).finish());
}

// A message with its content put into the provider's form and everything else as it is.
std::string plain_message(Provider provider, std::string_view role, Json message) {
  ObjectWriter writer;
  for (const auto [name, value] : simdjson::dom::object(message)) {
    writer.add_raw(name, name == "content" ? content_of(provider, role, value) : simdjson::minify(value));
  }
  return std::move(writer).finish();
}

std::string wrapped_schema(const ChatRequest& request, bool with_type) {
  ObjectWriter writer;
  if (with_type) writer.add_string("type", "json_schema");
  writer.add_string("name", request.schema_name.empty() ? "answer" : request.schema_name);
  writer.add_raw("schema", request.schema_json);
  writer.add_raw("strict", "true");
  return std::move(writer).finish();
}

}  // namespace

Result<void> append_message(std::string& list, Provider provider, const Message& message) {
  if (message.json.empty()) {
    ObjectWriter writer;
    writer.add_string("role", message.role);
    writer.add_string("content", message.content);
    append_element(list, std::move(writer).finish());
    return {};
  }
  simdjson::dom::parser parser;
  Json root;
  if (parser.parse(message.json).get(root) != simdjson::SUCCESS || !root.is_object())
    return usage_error("llm.content", "a message is not a valid JSON object");
  const std::string_view role = find_string(root, {"role"}).value_or("user");
  const std::optional<Json> content = find(root, {"content"});
  simdjson::dom::array calls;
  const std::optional<Json> called = find(root, {"tool_calls"});
  if (called && called->get(calls) == simdjson::SUCCESS && calls.size() > 0) {
    append_calls(list, provider, content, calls);
  } else if (role == "tool" && content) {
    append_tool_result(list, provider, root, *content);
  } else {
    append_element(list, plain_message(provider, role, root));
  }
  return {};
}

Result<std::string> tools_of(Provider provider, std::string_view tools_json) {
  simdjson::dom::parser parser;
  simdjson::dom::array tools;
  if (parser.parse(tools_json.data(), tools_json.size()).get(tools) != simdjson::SUCCESS)
    return usage_error("llm.tools", "the tools are not a valid JSON array");
  std::string list = "[";
  for (const Json tool : tools) {
    const std::optional<Json> function = find(tool, {"function"});
    const Json neutral = function.value_or(tool);
    const bool own = find(tool, {"type"}) && (!function || provider == Provider::kOpenAi);
    if (own || !find_string(neutral, {"name"})) {
      append_element(list, simdjson::minify(tool));
      continue;
    }
    ObjectWriter writer;
    if (provider == Provider::kResponses) writer.add_string("type", "function");
    for (const auto [name, value] : simdjson::dom::object(neutral)) {
      const bool schema = name == "parameters" && provider == Provider::kAnthropic;
      writer.add_raw(schema ? "input_schema" : name, simdjson::minify(value));
    }
    std::string made = std::move(writer).finish();
    if (provider == Provider::kOpenAi) made = R"({"type":"function","function":)" + made + "}";
    append_element(list, made);
  }
  return list + "]";
}

std::string tool_choice_of(Provider provider, std::string_view choice) {
  const bool word = choice == "auto" || choice == "none" || choice == "required";
  std::string text;
  if (provider == Provider::kAnthropic) {
    ObjectWriter writer;
    writer.add_string("type", choice == "required" ? "any" : word ? choice : "tool");
    if (!word) writer.add_string("name", choice);
    return std::move(writer).finish();
  }
  if (word) {
    append_json_string(text, choice);
    return text;
  }
  append_json_string(text, choice);
  if (provider == Provider::kResponses) return fmt::format(R"({{"type":"function","name":{}}})", text);
  return fmt::format(R"({{"type":"function","function":{{"name":{}}}}})", text);
}

Result<Field> schema_of(const ChatRequest& request, Provider provider) {
  simdjson::dom::parser parser;
  if (parser.parse(request.schema_json).error() != simdjson::SUCCESS)
    return usage_error("llm.schema", "the schema of the answer is not valid JSON");
  if (provider == Provider::kOpenAi) {
    return Field{"response_format",
                 fmt::format(R"({{"type":"json_schema","json_schema":{}}})", wrapped_schema(request, false))};
  }
  if (provider == Provider::kResponses)
    return Field{"text", fmt::format(R"({{"format":{}}})", wrapped_schema(request, true))};
  return Field{"output_config",
               fmt::format(R"({{"format":{{"type":"json_schema","schema":{}}}}})", request.schema_json)};
}

}  // namespace xcs::llm
