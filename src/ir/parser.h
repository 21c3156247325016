// Reads the text form of a program (.xir); docs/formats.md describes it.
#pragma once

#include <string_view>

#include "base/error.h"
#include "ir/ir.h"

namespace xcs::ir {

// The program that `text` describes, with `assigned` and `exits` of its regions filled in. It is well formed
// as text, but verify() may still object to it. The error's code is "ir.syntax" and its message begins with
// "line N: ".
Result<Program> parse(std::string_view text);

}  // namespace xcs::ir
