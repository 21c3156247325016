// Syntax: a compact tree of Python's abstract grammar, the same for every version of Python.
//
// A Syntax is immutable once built. Nodes are numbered densely in pre-order, so that node i has a counterpart
// in whatever the tree was made from. Identifiers are interned and already mangled as inside their class.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "ir/ir.h"

namespace xcs::lower {

using ir::Index;
using ir::kNone;
using ir::Position;

// An identifier of a Syntax.
using NameId = std::uint32_t;

// Interned in every Syntax.
inline constexpr NameId kClassName = 0;  // __class__
inline constexpr NameId kSuperName = 1;  // super

// What a node is, and its children in order. `?` may be absent (kNone), `*` is one kList node.
// kDictItem, kDictUnpack, kComparePart, kTested and kList stand for parts of their parent.
enum class Kind : std::uint8_t {
  kList,  // any number of children
  // Statements.
  kFunctionDef,       // arguments, body*, decorators*, returns?, type parameters*; name
  kAsyncFunctionDef,  // as kFunctionDef
  kClassDef,          // bases*, keywords*, body*, decorators*, type parameters*; name
  kReturn,            // value?
  kDelete,            // targets*
  kAssign,            // targets*, value
  kTypeAlias,         // target, type parameters*, value
  kAugAssign,         // target, value; op
  kAnnAssign,         // target, annotation, value?; flag: a plain name, not in parentheses
  kFor,               // target, iterable, body*, orelse*
  kAsyncFor,          // as kFor
  kWhile,             // test, body*, orelse*
  kIf,                // test, body*, orelse*
  kWith,              // items*, body*
  kAsyncWith,         // as kWith
  kMatch,             // subject, cases*
  kRaise,             // exception?, cause?
  kTry,               // body*, handlers*, orelse*, finally*
  kTryStar,           // as kTry
  kAssert,            // test, message?
  kImport,            // aliases*
  kImportFrom,        // aliases*; name is the module
  kGlobal,            // names*, each a kIdentifier
  kNonlocal,          // names*
  kExprStatement,     // value
  kPass,
  kBreak,
  kContinue,
  // Expressions.
  kBoolOp,          // values*, tested; op is kAnd or kOr
  kNamedExpr,       // target, value
  kBinOp,           // left, right; op
  kUnaryOp,         // operand; op
  kLambda,          // arguments, body
  kIfExp,           // test, then, otherwise
  kDict,            // items*, each a kDictItem or kDictUnpack
  kSet,             // elements*
  kListComp,        // element, comprehensions*
  kSetComp,         // element, comprehensions*
  kDictComp,        // key, value, comprehensions*
  kGeneratorExp,    // element, comprehensions*
  kAwait,           // value
  kYield,           // value?
  kYieldFrom,       // value
  kCompare,         // left, comparators*, parts*: part i compares operand i with operand i + 1; tested
  kCall,            // callee, arguments*, keywords*
  kFormattedValue,  // value, format specification?
  kJoinedStr,       // pieces*
  kTemplateStr,     // pieces*
  kConstant,        // constant
  kAttribute,       // object; name, use
  kSubscript,       // object, index; use
  kStarred,         // value; use
  kName,            // name, use
  kListDisplay,     // elements*; use
  kTuple,           // elements*; use
  kSlice,           // lower?, upper?, step?
  // Parts of expressions.
  kDictItem,     // key, value
  kDictUnpack,   // value: `**value` in a dict display
  kComparePart,  // op: one operator of a comparison
  kTested,       // its parent, as a bool
  // Everything else.
  kComprehension,  // target, iterable, conditions*; flag: asynchronous
  kHandler,        // type?, body*; name or kNone
  kArguments,      // positional-only*, positional*, star?, keyword-only*, keyword defaults*, double star?,
                   // defaults*
  kArgument,       // annotation?; name
  kKeyword,        // value; name, or kNone for `**value`
  kAlias,          // name is what the import binds
  kIdentifier,     // name
  kWithItem,       // context, target?
  kCase,           // pattern, guard?, body*
  kMatchValue,     // value
  kMatchSingleton,
  kMatchSequence,  // patterns*
  kMatchMapping,   // keys*, patterns*; name of the rest or kNone
  kMatchClass,     // class, patterns*, keyword patterns*
  kMatchStar,      // name or kNone
  kMatchAs,        // pattern?; name or kNone
  kMatchOr,        // patterns*
  kTypeParameter,  // bound?, default?; name
};

enum class Operator : std::uint8_t {
  kNoOperator,
  kAnd,
  kOr,
  kNot,
  kInvert,
  kPlus,
  kMinus,
  kIs,
  kIsNot,
  kIn,
  kNotIn,
  kOther,  // arithmetic and ordering: only the host needs to tell them apart
};

enum class Use : std::uint8_t { kLoad, kStore, kDelete };

enum class Constant : std::uint8_t { kNotConstant, kFalse, kTrue, kNumber, kText, kOther };

struct SyntaxNode {
  Kind kind = Kind::kList;
  Operator op = Operator::kNoOperator;
  Use use = Use::kLoad;
  Constant constant = Constant::kNotConstant;
  bool flag = false;
  NameId name = kNone;
  Index first_child = 0;  // in the tree's array of children
  Index child_count = 0;
  Position position;
};

class Syntax {
 public:
  // Node 0 is the root.
  std::vector<SyntaxNode> nodes;
  std::vector<Index> children;
  std::vector<std::string> names;
  // The source file's text from line `first_line` on; may be empty, then fragments have no text.
  std::string source;
  std::int32_t first_line = 1;
  std::vector<std::size_t> line_starts;  // offsets into source

  const SyntaxNode& operator[](Index node) const { return nodes[node]; }
  Kind kind(Index node) const { return nodes[node].kind; }
  std::span<const Index> children_of(Index node) const {
    const SyntaxNode& n = nodes[node];
    return {children.data() + n.first_child, n.child_count};
  }
  Index child(Index node, Index position) const { return children[nodes[node].first_child + position]; }
  // The first N children: auto [test, body, orelse] = syntax.fields<3>(node).
  template <std::size_t N>
  std::array<Index, N> fields(Index node) const {
    std::array<Index, N> result;
    for (std::size_t i = 0; i < N; ++i) result[i] = child(node, static_cast<Index>(i));
    return result;
  }
  // The children of the kList node that is child `position`.
  std::span<const Index> list(Index node, Index position) const { return children_of(child(node, position)); }

  // The source text of a node; empty when it is not known.
  std::string_view text(Index node) const;
  // Where `line` and `column` are in the source, or npos.
  std::size_t offset(std::int32_t line, std::int32_t column) const;

  const std::string& name(Index node) const { return names[nodes[node].name]; }
};

// Builds a Syntax in pre-order: open() a node, open and close its children, close() it.
class SyntaxBuilder {
 public:
  SyntaxBuilder();
  Index open(Kind kind, const Position& position);
  void absent();  // a child that is not there
  void close();
  SyntaxNode& node(Index index) { return syntax_.nodes[index]; }
  NameId intern(std::string_view name);
  void set_source(std::string source, std::int32_t first_line);
  // REQUIRES: every opened node is closed.
  Syntax take();

 private:
  Syntax syntax_;
  struct Open {
    Index node;
    std::size_t children_from;
  };
  std::vector<Open> open_;
  std::vector<Index> pending_;  // children of the open nodes
  std::unordered_map<std::string, NameId> ids_;
};

}  // namespace xcs::lower
