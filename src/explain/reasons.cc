#include "explain/reasons.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/check.h"

namespace xcs::explain {
namespace {

constexpr auto kMissed = ReasonKind::kMissed;
constexpr auto kOrdered = ReasonKind::kOrdered;
constexpr auto kLimit = ReasonKind::kLimit;

constexpr auto kReasons = std::to_array<ReasonInfo>({
    {Reason::kNeedsAnswer, "needs-answer", kOrdered,
     "An operand is the answer of a call that is still in flight.",
     "Nothing is lost unless the operand is not really needed: this is the program's critical path."},
    {Reason::kDecidesControl, "decides-control", kOrdered,
     "Which code runs next depends on an answer that is still in flight; code after this branch or loop goes "
     "on.",
     ""},
    {Reason::kOrderedStore, "ordered-store", kOrdered,
     "It changes memory, and changes become visible in program order; code after it that reads the new value "
     "goes on.",
     ""},
    {Reason::kOrderedResource, "ordered-resource", kOrdered,
     "It uses a resource (standard output, a file, the random generator, the clock, a database) in program "
     "order.",
     "If the order does not matter, declare the callable: xcs.declare(f, effect=\"independent\")."},
    {Reason::kHandlerWaits, "handler-waits", kOrdered,
     "An exception handler, finally block or __exit__ runs only after everything before it is complete.", ""},
    {Reason::kExceptionOrder, "exception-order", kOrdered,
     "An exception is raised only after everything before it in program order is known not to raise.", ""},
    {Reason::kUnknownCallee, "unknown-callee", kMissed,
     "The callee has no contract and no source that can be entered, so it may do anything and runs in order.",
     "Declare it where it is defined, @xcs.op(effect=...), or from outside, xcs.declare(callee, "
     "effect=...)."},
    {Reason::kUndeclaredCCallable, "undeclared-c-callable", kMissed,
     "The callee is compiled code without a contract, so it may do anything and runs in order.",
     "If it only computes, xcs.declare(callee, effect=\"pure\"); if it calls out and order does not matter, "
     "effect=\"independent\"."},
    {Reason::kCallback, "callback", kMissed,
     "The callee calls back a function of the program whose effects are not known to be harmless.",
     "Write the loop that the callee performs, or declare the function that is called back."},
    {Reason::kChangesArguments, "changes-arguments", kOrdered,
     "The callee changes an object it is given in a way that cannot be replayed, so it runs in order.",
     "Use a form that returns a new object, such as sorted(xs) in place of random.shuffle(xs) or heapq on a "
     "copy."},
    {Reason::kGuardFailed, "guard-failed", kMissed,
     "The callee's contract holds only under a condition that does not hold now, such as standard logging "
     "handlers.",
     "Restore the condition, or declare the callable yourself if its contract holds all the same."},
    {Reason::kArgumentObject, "argument-object", kMissed,
     "An independent call is given an object that earlier, unfinished statements may still change.",
     "Pass plain data (strings, numbers, lists, dicts) or a fresh copy made where the call is."},
    {Reason::kUnknownAwaitable, "unknown-awaitable", kMissed,
     "What is awaited has no contract and no source that can be entered, so it may do anything and is "
     "awaited "
     "in order.",
     "Declare the callable that makes it, xcs.declare(callee, effect=...), and await its call directly."},
    {Reason::kUserOperator, "user-operator", kMissed,
     "Sorting, hashing, an operator or formatting runs code of the operand's class that is not entered, and "
     "may do anything.",
     "Convert to plain data first (str, int, dict), or sort by a key that is plain data."},
    {Reason::kUserAttribute, "user-attribute", kMissed,
     "Reading or writing the attribute runs code: a property, a descriptor or __getattr__ that cannot be "
     "entered.",
     "Declare the function that runs, or store the value in a plain attribute."},
    {Reason::kReturnsObject, "returns-object", kMissed,
     "A call in flight will return an object of an unknown type, so what reading it does is not known yet.",
     R"(Declare what it returns: @xcs.op(effect="independent", returns="data").)"},
    {Reason::kFinalizer, "finalizer", kMissed,
     "The class has a __del__, which runs when an instance goes, so instances are made in order.",
     "Leave __del__ out, and clean up in a with statement."},
    {Reason::kPendingMemory, "pending-memory", kMissed,
     "It reads memory that an earlier, unfinished statement changes in a way that cannot be replayed.",
     "Read before the change, or make the change a plain store: item or attribute assignment, append, "
     "update."},
    {Reason::kBlockedRegion, "blocked-region", kMissed,
     "It reads memory that a branch, loop or callee still waiting for an answer may change.",
     "Collect the results first and read the shared object after the loop, or keep what the region changes "
     "apart "
     "from what this statement reads."},
    {Reason::kMayExit, "may-exit", kMissed,
     "A return, break or continue that depends on an answer decides whether the code after it runs at all.",
     "Make the calls first and decide on their answers afterwards, if making all of them is intended, or let "
     "XCS begin up to n turns on a guess: @xcs.jit(speculate=n)."},
    {Reason::kIterator, "iterator", kMissed,
     "The loop draws from an iterator whose steps run unknown code, so each step runs in order.",
     "Iterate over a list, tuple, range or dict, or over a generator function of your own."},
    {Reason::kAsyncGenerator, "async-generator", kMissed,
     "The function is an asynchronous generator, which runs as its consumer asks for items.",
     "Return a list from a coroutine function, or make the calls in the loop that consumes the generator."},
    {Reason::kStartsTasks, "starts-tasks", kMissed,
     "The coroutine starts tasks of its own, which run between any two of its awaits, so it runs as it is "
     "written.",
     "Await the calls one after the other: they overlap without tasks."},
    {Reason::kLooksAtItsFrame, "looks-at-its-frame", kMissed,
     "The function looks at its own frame (locals, vars, dir, eval, exec, globals, sys._getframe, inspect), "
     "so it "
     "runs whole, in order.",
     "Move that code into a function of its own and pass it what it needs."},
    {Reason::kTraced, "traced", kMissed,
     "A tracer, profiler, debugger or coverage tool is at work and is shown every call and line, so the "
     "function "
     "runs line by line.",
     "Run it without the tool."},
    {Reason::kSourceUnavailable, "source-unavailable", kMissed,
     "The function's source cannot be read or does not match its code, so it runs whole, in order.",
     "Define it in a file or a notebook cell, or declare what it does: xcs.declare(f, effect=...)."},
    {Reason::kTooDeeplyNested, "too-deeply-nested", kMissed,
     "Statements or expressions are nested too deeply, so the function runs whole, in order.",
     "Break the expression up, or move inner statements into functions of their own."},
    {Reason::kTemplateString, "template-string", kMissed,
     "The function holds a template string, so it runs whole, in order.",
     "Make the template in a function of its own, or use an f-string."},
    {Reason::kYieldFrom, "yield-from", kMissed,
     "The generator uses what another one returns to its yield from, or its caller may send it values, so it "
     "runs "
     "whole, in order.",
     "Write the loop out, for item in inner(): yield item, and hand the result over another way."},
    {Reason::kLeavesUnloweredStatement, "leaves-unlowered-statement", kMissed,
     "A statement that only runs in order holds a return, break, continue or yield, so the function runs "
     "whole.",
     "Keep the outcome in a variable and leave after the statement."},
    {Reason::kClassStatement, "class-statement", kMissed,
     "A class statement runs its body once, in order, and XCS does not look inside.",
     "Define the class at module level, or make the calls before it."},
    {Reason::kExceptStar, "except-star", kMissed, "A statement with except* runs whole, in order.",
     "Use except where exception groups are not needed, or move the calls out of the statement."},
    {Reason::kImportStatement, "import-statement", kMissed,
     "An import runs the module it names unless it is loaded already, so it happens in order.",
     "Import at module level, or at the start of the function."},
    {Reason::kLazyAnnotations, "lazy-annotations", kMissed,
     "A nested function whose annotations are evaluated lazily is defined in order.",
     "Define it at module level, or leave out the annotations."},
    {Reason::kTypeAlias, "type-alias", kMissed, "A type alias is made in order.",
     "Define the alias at module level."},
    {Reason::kTypeParameters, "type-parameters", kMissed,
     "A nested function with type parameters is defined in order.", "Define it at module level."},
    {Reason::kRecursionLimit, "recursion-limit", kLimit,
     "Functions entered within each other have reached the interpreter's recursion limit.",
     "Raise it with sys.setrecursionlimit, as for the same program run line by line."},
    {Reason::kInFlightLimit, "in-flight-limit", kLimit,
     "As many calls are in flight as max_in_flight allows.", "Raise max_in_flight."},
    {Reason::kWindowFull, "window-full", kLimit,
     "As many operations wait for their turn as the window has room for.", "Raise window."},
});

}  // namespace

std::span<const ReasonInfo> reasons() { return kReasons; }

const ReasonInfo& info(Reason reason) {
  const auto index = std::to_underlying(reason);
  XCS_CHECK(index > 0 && index <= kReasons.size());
  return kReasons[index - 1];
}

std::optional<Reason> reason_of(std::string_view code) {
  const auto* const found = std::ranges::find(kReasons, code, &ReasonInfo::code);
  if (found == kReasons.end()) return std::nullopt;
  return found->reason;
}

std::string_view name(ReasonKind kind) {
  switch (kind) {
    case ReasonKind::kMissed:
      return "missed";
    case ReasonKind::kOrdered:
      return "ordered";
    case ReasonKind::kLimit:
      return "limit";
  }
  std::unreachable();
}

}  // namespace xcs::explain
