#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace xcs::sim {

// Appends `text`, which must be valid UTF-8, as a JSON string with its quotes.
void append_json_string(std::string& out, std::string_view text);

// Appends `value` in decimal.
void append_number(std::string& out, std::int64_t value);

// Appends `value` as 16 lower-case hexadecimal digits.
void append_hex(std::string& out, std::uint64_t value);

}  // namespace xcs::sim
