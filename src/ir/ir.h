// The program: one lowered function as a tree of regions.
//
// A Program is immutable data once lowered; it may be read from any thread. Nothing in it knows the host
// language: names, fragments and constants are indices that a Host (window/host.h) gives meaning to.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace xcs::ir {

using SlotId = std::uint32_t;
using RegionId = std::uint32_t;
using Index = std::uint32_t;
inline constexpr std::uint32_t kNone = ~std::uint32_t{0};

// Where a node stands in the user's file: 1-based lines, 0-based UTF-8 columns, as CPython counts them.
struct Position {
  std::int32_t line = 0, column = 0, end_line = 0, end_column = 0;
  bool operator==(const Position&) const = default;
};

// One operation. `args` and `dest` are slots of the activation; the meaning of `index` is given per op.
enum class Op : std::uint8_t {
  // Values.
  kConst,         // dest = constants[index]
  kMove,          // dest = args[0]
  kEval,          // dest = fragments[index] over args
  kMakeFunction,  // dest = function functions[index]; args: defaults, keyword defaults, annotations, then
                  // cells
  kMakeCell,      // dest = a new, empty cell (or holding args[0])
  kUnbind,        // args[0] becomes unbound (del of a local); fails when it already is
  // Memory.
  kLoadGlobal,    // dest = names[index] looked up in globals, then builtins
  kStoreGlobal,   // names[index] = args[0]
  kDeleteGlobal,  // del names[index]
  kLoadCell,      // dest = contents of cell args[0]; names[index] is the variable, for the message
  kStoreCell,     // contents of cell args[0] = args[1]
  kDeleteCell,    // empty cell args[0]; fails when it already is
  kLoadAttr,      // dest = args[0].names[index]
  kStoreAttr,     // args[0].names[index] = args[1]
  kDeleteAttr,    // del args[0].names[index]
  kLoadItem,      // dest = args[0][args[1]]
  kStoreItem,     // args[0][args[1]] = args[2]
  kDeleteItem,    // del args[0][args[1]]
  kInplace,       // dest = (args[0] op= args[1]), fragments[index] is the operation
  kContains,      // dest = args[1] contains args[0]; index 1 negates
  kTruth,         // dest = bool(args[0]); index 1 negates
  kAppend,        // args[0] (a list made by a comprehension) gains args[1]
  kAdd,           // args[0] (a set made by a comprehension) gains args[1]
  // Calls.
  kCall,        // dest = args[0](...), shape calls[index]; args[1..] are the arguments
  kCallMethod,  // dest = args[0].name(...), shape calls[index] (which names the method)
  // dest = type(args[0]).names[index](args[0], ...): __enter__, which first makes sure that there is an
  // __exit__, or
  // __exit__, with the type, value and traceback of the exception args[1], or three times none without
  // args[1]. The
  // result of __aenter__, __aexit__ and __anext__ is awaited.
  kSpecial,
  kAwait,  // dest = what awaiting args[0] gives
  // Iteration.
  kIter,    // dest = iterator over args[0]
  kUnpack,  // unpacks[index]: dests = items of args[0]
  // Regions.
  kStatement,  // statements[index]: an ordered region that is run whole, in order
  kIf,         // ifs[index]; args[0] is the condition, read as kTruth
  kLoop,       // loops[index]; args[0] is the iterator of a `for`
  kTry,        // tries[index]
  // dest = whether the exception args[0] is caught by the class or tuple args[1]; without args[1], whether it
  // says that
  // an asynchronous iterator is exhausted
  kMatchException,
  // Exits of the region that holds them; nothing follows them in it.
  kReturn,    // the activation returns args[0]
  kBreak,     // leaves the innermost loop
  kContinue,  // ends the innermost loop's iteration
  kRaise,     // raises args[0], from args[1] when there are two
  kReraise,   // raises again what the innermost handler handles
  kYield,     // hands out args[0]; dest = what is sent in
};

struct Node {
  Op op;
  SlotId dest = kNone;
  Index index = kNone;
  std::vector<SlotId> args = {};
  Position position = {};
  // Bit i: nothing reads what the temporary args[i] holds after the node. kDestUnread: nor what dest does.
  std::uint32_t last_reads = 0;
  static constexpr std::uint32_t kDestUnread = 1U << 31U;
  bool operator==(const Node&) const = default;
};

// How a region's control may leave it other than at its end.
struct Exits {
  bool returns = false, breaks = false, continues = false, yields = false;
  bool any() const { return returns || breaks || continues || yields; }
  bool operator==(const Exits&) const = default;
};

struct Region {
  std::vector<Node> nodes = {};
  std::vector<SlotId> assigned =
      {};            // every slot this region or one inside it may assign; sorted, no duplicates
  Exits exits = {};  // those that leave this region: a break of a loop inside it is not counted
  bool operator==(const Region&) const = default;
};

struct If {
  RegionId then_region = kNone, else_region = kNone;  // kNone: nothing to do
  Index whole = kNone;                                // statements[] entry that does the same, or kNone
  bool operator==(const If&) const = default;
};

struct Loop {
  RegionId head = kNone;     // `while`: computes `condition`; kNone for `for`
  SlotId condition = kNone;  // `while`: read as kTruth after head
  SlotId item = kNone;       // `for`: the slot that receives each item before the body
  RegionId body = kNone;
  RegionId orelse = kNone;  // when the loop ends other than by break
  Index whole = kNone;
  bool operator==(const Loop&) const = default;
};

struct Handler {
  RegionId test = kNone;  // computes `caught`; kNone catches everything
  SlotId caught = kNone;  // read as kTruth after test
  RegionId body = kNone;
  bool operator==(const Handler&) const = default;
};

// try/except/else/finally, and `with`: a `with` has one catch-all handler that calls __exit__ with the
// exception, and a final region, run on every way out of the body except an exception, that calls it with
// None.
struct Try {
  RegionId body = kNone;
  SlotId exception = kNone;  // holds the exception while handlers are tested and run
  std::vector<Handler> handlers;
  RegionId orelse = kNone;
  RegionId final_region = kNone;
  bool final_on_exception = true;  // false: the final region is left out when the body raised, handled or not
  Index whole = kNone;
  bool operator==(const Try&) const = default;
};

enum class ArgKind : std::uint8_t { kPositional, kStar, kKeyword, kDoubleStar };
struct Arg {
  ArgKind kind = ArgKind::kPositional;
  Index name = kNone;  // kKeyword: names[]
  bool operator==(const Arg&) const = default;
};
struct CallShape {
  Index method = kNone;  // kCallMethod: names[]
  std::vector<Arg> args = {};
  bool awaited = false;  // dest = what awaiting the result gives
  bool plain() const {
    for (const Arg& a : args)
      if (a.kind != ArgKind::kPositional) return false;
    return true;
  }
  bool operator==(const CallShape&) const = default;
};

struct Unpack {
  std::vector<SlotId> dests = {};
  Index star = kNone;  // position in dests that takes the rest as a list
  bool operator==(const Unpack&) const = default;
};

// What a fragment does with its operands, as far as syntax tells.
enum class FragmentKind : std::uint8_t {
  kOperator,   // arithmetic, comparison, subscripts of displays: asks the operands' types
  kDisplay,    // list, tuple, set, dict, slice: keeps the operands; list and tuple do not look at them
  kHashing,    // a display that hashes some operands (set elements, dict keys)
  kUnpacking,  // a display with * or ** parts: iterates over operands
  kFormat,     // f-string
  kIdentity,   // `is`, `is not`
  kPattern,    // one case of a match statement: yields a tuple of True and what it binds, or None
};

// A piece of the user's syntax that the host compiles and evaluates; it holds no call.
struct Fragment {
  FragmentKind kind = FragmentKind::kOperator;
  Index syntax = kNone;                    // the syntax node, in the tree the program was lowered from
  std::vector<Index> holes = {};           // the syntax node that operand i replaces, kNone for a variable
  std::vector<std::string> operands = {};  // the name operand i has in the compiled fragment
  std::vector<Index> keys = {};            // kHashing: the operands that are hashed
  std::string text = {};                   // the user's source, for reports and the text form
  bool operator==(const Fragment&) const = default;
};

// A statement the host compiles as it stands. Its nested scopes share the listed cells. An input named ".0"
// holds what has been evaluated of it already: the condition of an `if`, the iterator of a `for` or of a
// comprehension. What a comprehension makes is its output ".result".
struct Statement {
  Index syntax = kNone;
  std::vector<SlotId> inputs;  // parallel to input_names; may be unbound
  std::vector<std::string> input_names;
  std::vector<SlotId> outputs;  // parallel to output_names; unbound when the statement leaves them so
  std::vector<std::string> output_names;
  std::vector<SlotId> cells;  // parallel to cell_names
  std::vector<std::string> cell_names;
  Index reason = kNone;  // reasons[]: why it is not lowered further; kNone for a `whole` of a region
  bool operator==(const Statement&) const = default;
};

// A function, lambda or generator expression made inside this one.
struct FunctionTemplate {
  Index syntax = kNone;
  std::string name, qualname;
  Index defaults = 0, keyword_defaults = 0;  // how many leading args of kMakeFunction are these
  std::vector<std::string> keyword_names;    // of the keyword defaults
  std::vector<std::string> cells;            // the variables its cells stand for, in order of the args
  bool operator==(const FunctionTemplate&) const = default;
};

struct Parameters {
  Index positional_only = 0, positional = 0;  // positional counts the positional-only ones too
  Index keyword_only = 0;
  bool star = false, double_star = false;
  Index count() const { return positional + keyword_only + (star ? 1 : 0) + (double_star ? 1 : 0); }
  bool operator==(const Parameters&) const = default;
};

// Slots: parameters first (positional, keyword-only, *args, **kwargs), then free variables' cells in order of
// `free_names`, then everything else.
struct Program {
  std::string name, qualname, file;
  Position position;
  Parameters parameters;
  std::vector<std::string> free_names;
  std::vector<std::string> slots;  // variable names; empty for temporaries
  std::vector<Region> regions;
  RegionId body = 0;
  bool generator = false;
  bool coroutine = false;
  bool delegates =
      false;  // a generator that yields from others as a loop does: nothing but None may be sent in
  bool gathers = false;  // made of a generator: a StopIteration that leaves it becomes a RuntimeError
  std::string refusal;   // a reason code when the function must run whole, in order; regions are empty then
  std::vector<std::string> names;
  std::vector<Index> constants;  // syntax nodes; kNone for a None that the source does not spell
  std::vector<Fragment> fragments;
  std::vector<CallShape> calls;
  std::vector<Unpack> unpacks;
  std::vector<Statement> statements;
  std::vector<If> ifs;
  std::vector<Loop> loops;
  std::vector<Try> tries;
  std::vector<FunctionTemplate> functions;
  std::vector<std::string> reasons;
  bool operator==(const Program&) const = default;
};

}  // namespace xcs::ir
