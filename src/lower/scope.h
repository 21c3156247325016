// Which variable a name is, in one function and the scopes inside it.
#pragma once

#include <span>
#include <unordered_map>
#include <vector>

#include "lower/syntax.h"

namespace xcs::lower {

// One scope of the source: the function, or a function, lambda, class or comprehension inside it.
struct Scope {
  Index node = kNone;
  Kind kind = Kind::kFunctionDef;
  std::uint32_t parent = kNone;    // index into Scopes::all
  std::vector<NameId> parameters;  // in the order of a frame's slots
  std::vector<NameId> bound;       // assigned, imported, defined or deleted here; parameters included
  std::vector<NameId> unbindable;  // of these, those that a `del` or the end of a handler may unbind
  std::vector<NameId> used;        // read here
  std::vector<NameId> globals, nonlocals;
  std::vector<NameId> free;  // taken from an enclosing scope, by this scope or one inside it; sorted by name
  std::vector<NameId> in_cells;  // of `free`: used by more than comprehensions that the function runs itself
  std::vector<NameId> captured;  // of `bound`: used by functions and classes inside; they live in cells

  // List, set and dict comprehensions are run by the function they stand in.
  bool inlined() const {
    return kind == Kind::kListComp || kind == Kind::kSetComp || kind == Kind::kDictComp;
  }
};

class Scopes {
 public:
  // The scopes of `function` (a function, lambda or generator expression), itself first. Unless
  // `annotations`, they are not evaluated and take nothing from any scope.
  Scopes(const Syntax& syntax, Index function, bool annotations);

  const Scope& root() const { return all_.front(); }
  // What the function, or a scope inside it that shares the variable, may unbind.
  std::vector<NameId> unbindable() const;
  // REQUIRES: `node` makes a scope.
  const Scope& of(Index node) const { return all_[by_node_.at(node)]; }

 private:
  friend class ScopeWalker;
  void resolve(std::uint32_t scope);

  const Syntax& syntax_;
  bool annotations_;
  std::vector<Scope> all_;
  std::unordered_map<Index, std::uint32_t> by_node_;
};

// Whether `names` holds `name`.
bool holds(std::span<const NameId> names, NameId name);

}  // namespace xcs::lower
