#pragma once

#include <simdjson.h>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace xcs::sim {

// Absent and null count as absent everywhere below.
std::optional<simdjson::dom::element> find(simdjson::dom::object object, std::string_view key);

// The flag at `key`, `fallback` if it is absent or not a boolean.
bool flag_or(simdjson::dom::object object, std::string_view key, bool fallback);

// "an array", "an object", "a string", ...: how an error message names what stands there.
std::string_view describe(simdjson::dom::element value);

// The text of a message's content: a string, or the `text` of each part that has one, in order, split by line
// ends.
std::string content_text(simdjson::dom::element content);

// The text of the last message of role "user"; empty if there is none.
std::string last_user_text(simdjson::dom::array messages);

// Bytes of text in a value: all its strings, except that an image or file counts as a fixed number of bytes.
std::size_t text_size(simdjson::dom::element value);

// The same of the value at `key`; 0 if it is absent.
std::size_t text_size_at(simdjson::dom::object object, std::string_view key);

// The string at `key`, or the strings of the array there; anything else there counts as nothing.
std::vector<std::string_view> strings_at(simdjson::dom::object object, std::string_view key);

}  // namespace xcs::sim
