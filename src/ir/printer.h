// The text form of a program (.xir); docs/formats.md describes it.
#pragma once

#include <string>

#include "ir/ir.h"

namespace xcs::ir {

// parse(print(p)) == p for every program that verify() accepts. For any other program the text shows what is
// there, with "?" for what refers to nothing.
std::string print(const Program& program);

}  // namespace xcs::ir
