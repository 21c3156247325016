// The little JSON this layer needs: writing objects, and reading fields that may be missing.
#pragma once

#include <simdjson.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace xcs::llm {

// Appends the text as a JSON string, in quotes. The text is UTF-8; no other byte is changed.
void append_json_string(std::string& out, std::string_view text);

// Writes one JSON object, field by field.
class ObjectWriter {
 public:
  ObjectWriter() : text_("{") {}

  void add_string(std::string_view name, std::string_view value);
  // The value is JSON already.
  void add_raw(std::string_view name, std::string_view json);
  std::string finish() && { return std::move(text_) + "}"; }

 private:
  void begin(std::string_view name);
  std::string text_;
};

// Reads what servers send. A value that is nested deeper than any answer needs, and than who reads it by
// recursion can follow, is refused with simdjson::DEPTH_ERROR. `bytes`: how much it is going to read; it
// grows beyond that.
simdjson::dom::parser json_parser(std::size_t bytes);

// The value at the path of names, or nullopt when it is missing or of another type.
using Json = simdjson::dom::element;
std::optional<Json> find(Json object, std::initializer_list<std::string_view> path);
std::optional<std::string_view> find_string(Json object, std::initializer_list<std::string_view> path);
std::optional<std::int64_t> find_integer(Json object, std::initializer_list<std::string_view> path);

}  // namespace xcs::llm
