// How words, strings and slots are spelt in the text form; shared by the printer and the lexer.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ir/ir.h"

namespace xcs::ir {

// Letters, digits, underscore and every byte of a non-ASCII character.
bool is_word_byte(char c);

// Whether `text` stands for itself: word bytes, the first of them no digit.
bool is_word(std::string_view text);

// In double quotes, with \", \\, \n and \xNN for other control characters.
std::string quoted(std::string_view text);

// `text` itself when it is a word, else quoted.
std::string spelt(std::string_view text);

// The text of every slot: %name, %name.7 when slot 7 shares its name with another one, %7 for a temporary.
std::vector<std::string> slot_texts(const std::vector<std::string>& names);

}  // namespace xcs::ir
