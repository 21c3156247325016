#include "sim/request_fields.h"

namespace xcs::sim {

namespace dom = simdjson::dom;

std::optional<dom::element> find(dom::object object, std::string_view key) {
  dom::element value;
  if (object[key].get(value) != simdjson::SUCCESS || value.is_null()) return std::nullopt;
  return value;
}

bool flag_or(dom::object object, std::string_view key, bool fallback) {
  bool flag = fallback;
  const auto value = find(object, key);
  if (value && value->get(flag) != simdjson::SUCCESS) return fallback;
  return flag;
}

std::string_view describe(dom::element value) {
  switch (value.type()) {
    case dom::element_type::OBJECT:
      return "an object";
    case dom::element_type::ARRAY:
      return "an array";
    case dom::element_type::STRING:
      return "a string";
    case dom::element_type::INT64:
    case dom::element_type::UINT64:
      return "an integer";
    case dom::element_type::DOUBLE:
      return "a decimal number";
    case dom::element_type::BOOL:
      return "a boolean";
    case dom::element_type::NULL_VALUE:
      break;
  }
  return "null";
}

std::string content_text(dom::element content) {
  std::string_view text;
  if (content.get(text) == simdjson::SUCCESS) return std::string(text);
  std::string joined;
  dom::array parts;
  if (content.get(parts) != simdjson::SUCCESS) return joined;
  for (const dom::element part : parts) {
    dom::object object;
    if (part.get(object) != simdjson::SUCCESS) continue;
    const auto piece = find(object, "text");
    if (!piece || piece->get(text) != simdjson::SUCCESS) continue;
    if (!joined.empty()) joined += '\n';
    joined += text;
  }
  return joined;
}

std::string last_user_text(dom::array messages) {
  std::optional<dom::element> content;
  for (const dom::element message : messages) {
    dom::object object;
    std::string_view role;
    if (message.get(object) != simdjson::SUCCESS) continue;
    const auto found = find(object, "role");
    if (!found || found->get(role) != simdjson::SUCCESS || role != "user") continue;
    if (const auto text = find(object, "content")) content = text;
  }
  return content ? content_text(*content) : std::string();
}

std::size_t text_size(dom::element value) {
  constexpr std::size_t kBlobSize = 1024;
  std::string_view text;
  dom::array array;
  dom::object object;
  std::size_t size = 0;
  if (value.get(text) == simdjson::SUCCESS) return text.size();
  if (value.get(array) == simdjson::SUCCESS) {
    for (const dom::element item : array) size += text_size(item);
  } else if (value.get(object) == simdjson::SUCCESS) {
    for (const dom::key_value_pair field : object) {
      const bool blob = field.key == "image_url" || field.key == "input_audio" || field.key == "file_data" ||
                        field.key == "source";
      size += blob ? kBlobSize : text_size(field.value);
    }
  }
  return size;
}

std::size_t text_size_at(dom::object object, std::string_view key) {
  const auto value = find(object, key);
  return value ? text_size(*value) : 0;
}

std::vector<std::string_view> strings_at(dom::object object, std::string_view key) {
  std::vector<std::string_view> strings;
  const auto value = find(object, key);
  if (!value) return strings;
  std::string_view text;
  dom::array list;
  if (value->get(text) == simdjson::SUCCESS) strings.push_back(text);
  if (value->get(list) != simdjson::SUCCESS) return strings;
  for (const dom::element item : list) {
    if (item.get(text) == simdjson::SUCCESS) strings.push_back(text);
  }
  return strings;
}

}  // namespace xcs::sim
