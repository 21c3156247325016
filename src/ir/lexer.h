// Splits the text form into tokens.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace xcs::ir {

struct Token {
  enum Kind : std::uint8_t {
    kWord,
    kNumber,
    kString,   // `text` is what the quotes stand for
    kSlot,     // %x: `text` with the percent sign, `name` the variable's name, empty for a temporary
    kSign,     // one character
    kNewline,  // not inside parentheses
    kEnd,
  };
  Kind kind = kEnd;
  std::string text;
  std::string name;
  std::int64_t number = 0;  // kNumber
  int line = 1;
};

// The tokens, kEnd last; a comment runs from `;` to the end of its line. Lines without tokens leave no
// kNewline. The error's code is "ir.syntax".
Result<std::vector<Token>> tokens(std::string_view text);

// An error of kind usage at a line of the text.
Error syntax_error(int line, std::string_view message);

}  // namespace xcs::ir
