// Checks that a program is what the window expects.
#pragma once

#include <string>
#include <vector>

#include "ir/ir.h"

namespace xcs::ir {

// What is wrong with the program, one sentence each; empty when nothing is. Checked are: every index and slot
// is in range, nodes have the operands and results of their op, regions form a tree in which each is used
// once, nothing follows an exit, break and continue stand in loops, and `assigned` and `exits` are exact.
std::vector<std::string> verify(const Program& program);

}  // namespace xcs::ir
