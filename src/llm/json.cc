#include "llm/json.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"

namespace xcs::llm {

void append_json_string(std::string& out, std::string_view text) {
  out.push_back('"');
  std::size_t copied = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c != '"' && c != '\\') continue;
    out.append(text.substr(copied, i - copied));
    copied = i + 1;
    switch (c) {
      case '"':
        out.append("\\\"");
        break;
      case '\\':
        out.append("\\\\");
        break;
      case '\n':
        out.append("\\n");
        break;
      case '\t':
        out.append("\\t");
        break;
      case '\r':
        out.append("\\r");
        break;
      default:
        fmt::format_to(std::back_inserter(out), "\\u{:04x}", c);
    }
  }
  out.append(text.substr(copied)).push_back('"');
}

void ObjectWriter::begin(std::string_view name) {
  if (text_.size() > 1) text_.push_back(',');
  append_json_string(text_, name);
  text_.push_back(':');
}

void ObjectWriter::add_string(std::string_view name, std::string_view value) {
  begin(name);
  append_json_string(text_, value);
}

void ObjectWriter::add_raw(std::string_view name, std::string_view json) {
  begin(name);
  text_.append(json);
}

simdjson::dom::parser json_parser(std::size_t bytes) {
  constexpr std::size_t kDeepest = 256;
  constexpr std::size_t kFewest = 64;
  simdjson::dom::parser parser;
  const simdjson::error_code failed = parser.allocate(std::max(bytes, kFewest), kDeepest);
  XCS_CHECK(!failed, simdjson::error_message(failed));
  return parser;
}

std::optional<Json> find(Json object, std::initializer_list<std::string_view> path) {
  for (const std::string_view name : path) {
    if (!object.is_object() || object[name].get(object) != simdjson::SUCCESS) return std::nullopt;
  }
  return object;
}

std::optional<std::string_view> find_string(Json object, std::initializer_list<std::string_view> path) {
  const std::optional<Json> value = find(object, path);
  std::string_view text;
  if (!value || value->get(text) != simdjson::SUCCESS) return std::nullopt;
  return text;
}

std::optional<std::int64_t> find_integer(Json object, std::initializer_list<std::string_view> path) {
  const std::optional<Json> value = find(object, path);
  std::int64_t number = 0;
  if (!value || value->get(number) != simdjson::SUCCESS) return std::nullopt;
  return number;
}

}  // namespace xcs::llm
