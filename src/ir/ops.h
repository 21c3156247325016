// What printer, parser and verifier know of each op: its word in the text form and the shape of its nodes.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "ir/ir.h"

namespace xcs::ir {

// What Node::index refers to.
enum class Payload : std::uint8_t {
  kNothing,
  kConstant,
  kFragment,
  kFunction,
  kName,
  kNegation,  // 1 negates; 0 or kNone do not
  kCallShape,
  kMethodShape,
  kUnpack,
  kStatement,
  kIf,
  kLoop,
  kTry,
};

enum class Dest : std::uint8_t { kNever, kMay, kMust };

inline constexpr std::size_t kAnyNumber = ~std::size_t{0};

struct OpInfo {
  Op op;
  std::string_view word;
  Payload payload;
  Dest dest;
  std::size_t min_args, max_args;
  bool exit;  // leaves the region: nothing follows it
};

const OpInfo& info(Op op);

// The op with this word, or nothing. `for`, `while` and `try` name themselves: all loops are found as "loop".
std::optional<Op> op_named(std::string_view word);

// "operator", "display", "hashing", "unpacking", "format", "identity" or "pattern".
std::string_view name(FragmentKind kind);
std::optional<FragmentKind> fragment_kind_named(std::string_view word);

}  // namespace xcs::ir
