// The reason registry: every reason for which a node does not run at once or ahead, with its explanation and
// remedy.
//
// The window, the lowering and the host name reasons by number (window::ReasonCode) or by code; reports and
// docs/reasons.md print what stands here.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace xcs::explain {

// What a reason means for the user.
enum class ReasonKind : std::uint8_t {
  kMissed,   // calls could overlap and do not; the remedy makes them
  kOrdered,  // sequential semantics asks for it
  kLimit,    // a limit that the user or the machine sets
};

// Dense from 0, in the order of reasons(). kNone: there was no need to wait.
enum class Reason : std::uint16_t {
  kNone,
  // What the program itself asks for.
  kNeedsAnswer,
  kDecidesControl,
  kOrderedStore,
  kOrderedResource,
  kHandlerWaits,
  kExceptionOrder,
  // Callables.
  kUnknownCallee,
  kUndeclaredCCallable,
  kCallback,
  kChangesArguments,
  kGuardFailed,
  kArgumentObject,
  kUnknownAwaitable,
  // Values whose operators and attributes run code.
  kUserOperator,
  kUserAttribute,
  kReturnsObject,
  kFinalizer,
  // Memory.
  kPendingMemory,
  kBlockedRegion,
  // Control.
  kMayExit,
  kIterator,
  // Functions that run whole.
  kAsyncGenerator,
  kStartsTasks,
  kLooksAtItsFrame,
  kTraced,
  kSourceUnavailable,
  kTooDeeplyNested,
  kTemplateString,
  kYieldFrom,
  kLeavesUnloweredStatement,
  // Statements that run whole.
  kClassStatement,
  kExceptStar,
  kImportStatement,
  kLazyAnnotations,
  kTypeAlias,
  kTypeParameters,
  // Limits.
  kRecursionLimit,
  kInFlightLimit,
  kWindowFull,
};

struct ReasonInfo {
  Reason reason;
  std::string_view code;  // stable, kebab-case
  ReasonKind kind;
  std::string_view explanation;  // one sentence
  std::string_view remedy;       // one sentence; empty when there is nothing to repair
};

// Every reason except kNone, in the order of the enumerators.
std::span<const ReasonInfo> reasons();

// REQUIRES: reason is an enumerator other than kNone
const ReasonInfo& info(Reason reason);

// The reason with this code, or nothing.
std::optional<Reason> reason_of(std::string_view code);

// "missed", "ordered" or "limit".
std::string_view name(ReasonKind kind);

}  // namespace xcs::explain
