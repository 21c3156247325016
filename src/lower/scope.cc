#include "lower/scope.h"

#include <algorithm>

namespace xcs::lower {

bool holds(std::span<const NameId> names, NameId name) {
  return std::ranges::find(names, name) != names.end();
}

namespace {

void add(std::vector<NameId>& names, NameId name) {
  if (name != kNone && !holds(names, name)) names.push_back(name);
}

}  // namespace

// Collects what each scope binds and uses.
class ScopeWalker {
 public:
  ScopeWalker(const Syntax& syntax, Scopes& scopes) : syntax_(syntax), scopes_(scopes) {}

  void function(Index node, std::uint32_t parent);

 private:
  Scope& here() { return scopes_.all_[current_]; }
  std::uint32_t enter(Index node, std::uint32_t parent);
  void leave() { current_ = here().parent; }

  void walk(Index node);
  void walk_all(std::span<const Index> nodes) {
    for (Index n : nodes) walk(n);
  }
  void walk_children(Index node) { walk_all(syntax_.children_of(node)); }
  void arguments_outside(Index arguments);
  void parameters(Index arguments);
  void definition(Index node);
  void class_definition(Index node);
  void comprehension(Index node);
  void name(const SyntaxNode& node);
  void walrus(Index node);

  const Syntax& syntax_;
  Scopes& scopes_;
  std::uint32_t current_ = kNone;
};

std::uint32_t ScopeWalker::enter(Index node, std::uint32_t parent) {
  Scope scope;
  scope.node = node;
  scope.kind = syntax_.kind(node);
  scope.parent = parent;
  current_ = static_cast<std::uint32_t>(scopes_.all_.size());
  scopes_.all_.push_back(std::move(scope));
  scopes_.by_node_[node] = current_;
  return current_;
}

// Defaults and annotations are evaluated where the function is defined.
void ScopeWalker::arguments_outside(Index arguments) {
  for (Index child : syntax_.children_of(arguments)) {
    if (child == kNone) continue;
    if (syntax_.kind(child) == Kind::kArgument) {
      if (scopes_.annotations_) walk_children(child);
      continue;
    }
    for (Index item : syntax_.children_of(child)) {
      if (item == kNone) continue;
      if (syntax_.kind(item) != Kind::kArgument)
        walk(item);
      else if (scopes_.annotations_)
        walk_children(item);
    }
  }
}

void ScopeWalker::parameters(Index arguments) {
  const auto [positional_only, positional, star, keyword_only, keyword_defaults, double_star] =
      syntax_.fields<6>(arguments);
  auto take = [&](Index argument) {
    if (argument == kNone) return;
    here().parameters.push_back(syntax_[argument].name);
    add(here().bound, syntax_[argument].name);
  };
  for (Index list : {positional_only, positional, keyword_only})
    for (Index argument : syntax_.children_of(list)) take(argument);
  take(star);
  take(double_star);
}

// Enters a function, lambda or generator expression and walks what is inside it.
void ScopeWalker::function(Index node, std::uint32_t parent) {
  enter(node, parent);
  if (syntax_.kind(node) == Kind::kGeneratorExp) {
    comprehension(node);
    return;
  }
  parameters(syntax_.child(node, 0));
  walk(syntax_.child(node, 1));
  leave();
}

void ScopeWalker::definition(Index node) {
  if (syntax_.kind(node) != Kind::kLambda) {
    walk_all(syntax_.list(node, 2));
    if (scopes_.annotations_) walk(syntax_.child(node, 3));
    walk(syntax_.child(node, 4));
    add(here().bound, syntax_[node].name);
  }
  arguments_outside(syntax_.child(node, 0));
  function(node, current_);
}

void ScopeWalker::class_definition(Index node) {
  const auto [bases, keywords, body, decorators, type_parameters] = syntax_.fields<5>(node);
  for (Index outside : {decorators, bases, keywords}) walk(outside);
  add(here().bound, syntax_[node].name);
  enter(node, current_);
  walk(type_parameters);
  walk(body);
  leave();
}

// The scope of a comprehension is already entered. Its first iterable is evaluated outside it.
void ScopeWalker::comprehension(Index node) {
  const Index first = syntax_.list(node, syntax_[node].child_count - 1).front();
  const std::uint32_t inside = current_;
  if (here().parent != kNone) {
    current_ = here().parent;
    walk(syntax_.child(first, 1));
    current_ = inside;
  }
  for (Index child : syntax_.children_of(node)) {
    if (syntax_.kind(child) != Kind::kList) {
      walk(child);
      continue;
    }
    for (Index part : syntax_.children_of(child)) {
      walk(syntax_.child(part, 0));
      if (part != first) walk(syntax_.child(part, 1));
      walk(syntax_.child(part, 2));
    }
  }
  leave();
}

void ScopeWalker::name(const SyntaxNode& node) {
  if (node.use == Use::kLoad) {
    add(here().used, node.name);
    if (node.name == kSuperName) add(here().used, kClassName);  // `super()` finds its class through it
    return;
  }
  add(here().bound, node.name);
  if (node.use == Use::kDelete) add(here().unbindable, node.name);
}

// `:=` binds in the function, or class, that comprehensions around it stand in.
void ScopeWalker::walrus(Index node) {
  const auto [target, value] = syntax_.fields<2>(node);
  const std::uint32_t inside = current_;
  auto in_comprehension = [&] { return here().inlined() || here().kind == Kind::kGeneratorExp; };
  const bool nested = in_comprehension();
  while (in_comprehension() && here().parent != kNone) current_ = here().parent;
  add(here().bound, syntax_[target].name);
  current_ = inside;
  if (nested) add(here().nonlocals, syntax_[target].name);
  walk(value);
}

void ScopeWalker::walk(Index node) {
  if (node == kNone) return;
  const SyntaxNode& n = syntax_[node];
  switch (n.kind) {
    case Kind::kFunctionDef:
    case Kind::kAsyncFunctionDef:
    case Kind::kLambda:
      return definition(node);
    case Kind::kClassDef:
      return class_definition(node);
    case Kind::kListComp:
    case Kind::kSetComp:
    case Kind::kDictComp:
    case Kind::kGeneratorExp:
      enter(node, current_);
      return comprehension(node);
    case Kind::kName:
      return name(n);
    case Kind::kNamedExpr:
      return walrus(node);
    case Kind::kGlobal:
    case Kind::kNonlocal:
      for (Index id : syntax_.list(node, 0))
        add(n.kind == Kind::kGlobal ? here().globals : here().nonlocals, syntax_[id].name);
      return;
    case Kind::kHandler:
      add(here().unbindable, n.name);
      add(here().bound, n.name);
      break;
    case Kind::kAlias:
    case Kind::kMatchAs:
    case Kind::kMatchStar:
    case Kind::kMatchMapping:
      add(here().bound, n.name);
      break;
    case Kind::kAnnAssign:
      // A local variable's annotation is not evaluated, but what it names is captured. `(x): int` declares
      // nothing.
      if (syntax_.child(node, 2) != kNone || syntax_[node].flag) walk(syntax_.child(node, 0));
      if (scopes_.annotations_) walk(syntax_.child(node, 1));
      return walk(syntax_.child(node, 2));
    case Kind::kAugAssign:
      if (syntax_.kind(syntax_.child(node, 0)) == Kind::kName)
        add(here().used, syntax_[syntax_.child(node, 0)].name);
      break;
    default:
      break;
  }
  walk_children(node);
}

Scopes::Scopes(const Syntax& syntax, Index function, bool annotations)
    : syntax_(syntax), annotations_(annotations) {
  ScopeWalker(syntax, *this).function(function, kNone);
  // Scopes are numbered before those inside them, so the last is resolved first.
  for (auto i = static_cast<std::uint32_t>(all_.size()); i-- > 0;) resolve(i);
}

std::vector<NameId> Scopes::unbindable() const {
  std::vector<NameId> names = root().unbindable;
  for (const Scope& scope : all_)
    for (NameId name : scope.unbindable)
      if (holds(scope.nonlocals, name)) add(names, name);
  return names;
}

// Finds what `scope` takes from outside and what of it is captured. The scopes inside are resolved already.
void Scopes::resolve(std::uint32_t index) {
  Scope& scope = all_[index];
  auto bound_here = [&](NameId name) {
    return holds(scope.bound, name) && !holds(scope.globals, name) && !holds(scope.nonlocals, name);
  };
  for (NameId name : scope.used)
    if (!bound_here(name) && !holds(scope.globals, name)) add(scope.free, name);
  for (NameId name : scope.nonlocals) add(scope.free, name);
  const bool is_class = scope.kind == Kind::kClassDef;
  if (!scope.inlined()) scope.in_cells = scope.free;
  for (std::uint32_t i = index + 1; i < all_.size(); ++i) {
    const Scope& inner = all_[i];
    if (inner.parent != index) continue;
    for (NameId name : inner.free) {
      const bool in_cell = holds(inner.in_cells, name);
      if (is_class && name == kClassName) continue;
      if (!is_class && bound_here(name)) {
        if (in_cell) add(scope.captured, name);
      } else if (is_class || !holds(scope.globals, name)) {
        add(scope.free, name);
        if (in_cell || !scope.inlined()) add(scope.in_cells, name);
      }
    }
  }
  std::ranges::sort(scope.free, {}, [&](NameId name) -> const std::string& { return syntax_.names[name]; });
}

}  // namespace xcs::lower
