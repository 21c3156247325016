#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace xcs::sim {

// Appends `bytes` in base64, padded.
void append_base64(std::string& out, std::string_view bytes);

// The bytes that padded base64 stands for; none if it is anything else.
std::optional<std::string> from_base64(std::string_view text);

}  // namespace xcs::sim
