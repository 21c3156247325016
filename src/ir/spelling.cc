#include "ir/spelling.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace xcs::ir {

bool is_word_byte(char c) {
  const auto u = static_cast<unsigned char>(c);
  return (u >= '0' && u <= '9') || (u >= 'a' && u <= 'z') || (u >= 'A' && u <= 'Z') || u == '_' || u >= 0x80;
}

bool is_word(std::string_view text) {
  return !text.empty() && (text[0] < '0' || text[0] > '9') && std::ranges::all_of(text, is_word_byte);
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string spelt(std::string_view text) { return is_word(text) ? std::string(text) : quoted(text); }

std::vector<std::string> slot_texts(const std::vector<std::string>& names) {
  std::map<std::string_view, int> uses;
  for (const std::string& n : names) ++uses[n];
  std::vector<std::string> texts;
  texts.reserve(names.size());
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i].empty())
      texts.push_back(fmt::format("%{}", i));
    else if (uses[names[i]] > 1)
      texts.push_back(fmt::format("%{}.{}", spelt(names[i]), i));
    else
      texts.push_back("%" + spelt(names[i]));
  }
  return texts;
}

}  // namespace xcs::ir
