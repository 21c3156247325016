#include "ir/ops.h"

#include <array>

#include "base/check.h"

namespace xcs::ir {
namespace {

using enum Payload;
using enum Dest;

// In the order of Op.
constexpr std::array kOps = {
    OpInfo{Op::kConst, "const", kConstant, kMust, 0, 0, false},
    OpInfo{Op::kMove, "move", kNothing, kMust, 1, 1, false},
    OpInfo{Op::kEval, "eval", kFragment, kMay, 0, kAnyNumber, false},
    OpInfo{Op::kMakeFunction, "function", kFunction, kMust, 0, kAnyNumber, false},
    OpInfo{Op::kMakeCell, "cell", kNothing, kMust, 0, 1, false},
    OpInfo{Op::kUnbind, "unbind", kNothing, kNever, 1, 1, false},
    OpInfo{Op::kLoadGlobal, "load_global", kName, kMay, 0, 0, false},
    OpInfo{Op::kStoreGlobal, "store_global", kName, kNever, 1, 1, false},
    OpInfo{Op::kDeleteGlobal, "delete_global", kName, kNever, 0, 0, false},
    OpInfo{Op::kLoadCell, "load_cell", kName, kMay, 1, 1, false},
    OpInfo{Op::kStoreCell, "store_cell", kName, kNever, 2, 2, false},
    OpInfo{Op::kDeleteCell, "delete_cell", kName, kNever, 1, 1, false},
    OpInfo{Op::kLoadAttr, "load_attr", kName, kMay, 1, 1, false},
    OpInfo{Op::kStoreAttr, "store_attr", kName, kNever, 2, 2, false},
    OpInfo{Op::kDeleteAttr, "delete_attr", kName, kNever, 1, 1, false},
    OpInfo{Op::kLoadItem, "load_item", kNothing, kMay, 2, 2, false},
    OpInfo{Op::kStoreItem, "store_item", kNothing, kNever, 3, 3, false},
    OpInfo{Op::kDeleteItem, "delete_item", kNothing, kNever, 2, 2, false},
    OpInfo{Op::kInplace, "inplace", kFragment, kMay, 2, 2, false},
    OpInfo{Op::kContains, "contains", kNegation, kMay, 2, 2, false},
    OpInfo{Op::kTruth, "truth", kNegation, kMay, 1, 1, false},
    OpInfo{Op::kAppend, "append", kNothing, kNever, 2, 2, false},
    OpInfo{Op::kAdd, "add", kNothing, kNever, 2, 2, false},
    OpInfo{Op::kCall, "call", kCallShape, kMay, 1, kAnyNumber, false},
    OpInfo{Op::kCallMethod, "call_method", kMethodShape, kMay, 1, kAnyNumber, false},
    OpInfo{Op::kSpecial, "special", kName, kMay, 1, kAnyNumber, false},
    OpInfo{Op::kAwait, "await", kNothing, kMay, 1, 1, false},
    OpInfo{Op::kIter, "iter", kNothing, kMust, 1, 1, false},
    OpInfo{Op::kUnpack, "unpack", kUnpack, kNever, 1, 1, false},
    OpInfo{Op::kStatement, "statement", kStatement, kNever, 0, 0, false},
    OpInfo{Op::kIf, "if", kIf, kNever, 1, 1, false},
    OpInfo{Op::kLoop, "loop", kLoop, kNever, 0, 1, false},
    OpInfo{Op::kTry, "try", kTry, kNever, 0, 0, false},
    OpInfo{Op::kMatchException, "match_exception", kNothing, kMust, 1, 2, false},
    OpInfo{Op::kReturn, "return", kNothing, kNever, 1, 1, true},
    OpInfo{Op::kBreak, "break", kNothing, kNever, 0, 0, true},
    OpInfo{Op::kContinue, "continue", kNothing, kNever, 0, 0, true},
    OpInfo{Op::kRaise, "raise", kNothing, kNever, 1, 2, true},
    OpInfo{Op::kReraise, "reraise", kNothing, kNever, 0, 0, true},
    OpInfo{Op::kYield, "yield", kNothing, kMay, 1, 1, false},
};

constexpr bool in_order() {
  for (std::size_t i = 0; i < kOps.size(); ++i)
    if (static_cast<std::size_t>(kOps[i].op) != i) return false;
  return true;
}
static_assert(in_order() && kOps.back().op == Op::kYield);

constexpr std::array<std::string_view, 7> kFragmentKinds = {"operator", "display",  "hashing", "unpacking",
                                                            "format",   "identity", "pattern"};

}  // namespace

const OpInfo& info(Op op) {
  const auto i = static_cast<std::size_t>(op);
  XCS_CHECK(i < kOps.size(), i);
  return kOps[i];
}

std::optional<Op> op_named(std::string_view word) {
  for (const OpInfo& o : kOps)
    if (o.word == word) return o.op;
  return std::nullopt;
}

std::string_view name(FragmentKind kind) {
  const auto i = static_cast<std::size_t>(kind);
  XCS_CHECK(i < kFragmentKinds.size(), i);
  return kFragmentKinds[i];
}

std::optional<FragmentKind> fragment_kind_named(std::string_view word) {
  for (std::size_t i = 0; i < kFragmentKinds.size(); ++i)
    if (kFragmentKinds[i] == word) return static_cast<FragmentKind>(i);
  return std::nullopt;
}

}  // namespace xcs::ir
