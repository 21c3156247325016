#include <algorithm>
#include <array>

#include "lower/lowering.h"
#include "lower/refusal.h"

namespace xcs::lower {
namespace {

bool is_function(Kind kind) {
  return kind == Kind::kFunctionDef || kind == Kind::kAsyncFunctionDef || kind == Kind::kLambda ||
         kind == Kind::kGeneratorExp || kind == Kind::kClassDef;
}

}  // namespace

// Which variables of the function a statement, with all that is inside it, uses.
class Mentions {
 public:
  Mentions(const Syntax& syntax, const Scopes& scopes) : syntax_(syntax), scopes_(scopes) {}

  std::vector<NameId> read, written;

  void walk(Index node, Index without) {
    without_ = without;
    walk(node);
  }

 private:
  void walk(Index node) {
    if (node == kNone || node == without_) return;
    const SyntaxNode& n = syntax_[node];
    if (n.kind == Kind::kName) {
      add(n.use == Use::kLoad ? read : written, n.name);
      // `super()` also needs what it finds its class and object by.
      if (n.name == kSuperName) {
        add(read, kClassName);
        if (!scopes_.root().parameters.empty()) add(read, scopes_.root().parameters.front());
      }
      return;
    }
    const bool binds = n.kind == Kind::kFunctionDef || n.kind == Kind::kAsyncFunctionDef ||
                       n.kind == Kind::kClassDef || n.kind == Kind::kHandler || n.kind == Kind::kAlias ||
                       n.kind == Kind::kMatchAs || n.kind == Kind::kMatchStar ||
                       n.kind == Kind::kMatchMapping;
    if (binds) add(written, n.name);
    if (is_function(n.kind)) return nested(node);
    const bool inlined = n.kind == Kind::kListComp || n.kind == Kind::kSetComp || n.kind == Kind::kDictComp;
    const std::size_t before = hidden_.size();
    if (inlined) std::ranges::copy(scopes_.of(node).bound, std::back_inserter(hidden_));
    for (Index child : syntax_.children_of(node)) walk(child);
    if (inlined) hidden_.resize(before);
  }

  void add(std::vector<NameId>& to, NameId name) {
    if (name != kNone && !holds(hidden_, name) && !holds(to, name)) to.push_back(name);
  }

  // What is evaluated outside the nested scope, and what it takes from here.
  void nested(Index node) {
    for (NameId name : scopes_.of(node).free) add(read, name);
    const SyntaxNode& n = syntax_[node];
    const auto children = syntax_.children_of(node);
    if (n.kind == Kind::kGeneratorExp)
      return walk(syntax_.child(syntax_.children_of(children.back()).front(), 1));
    for (std::size_t i = 0; i < children.size(); ++i) {
      const bool body = n.kind == Kind::kClassDef ? i == 2 : i == 1;
      if (!body) walk(children[i]);
    }
  }

  const Syntax& syntax_;
  const Scopes& scopes_;
  Index without_ = kNone;
  std::vector<NameId> hidden_;  // variables of the comprehensions around
};

void Lowering::ordered(Index s, std::string_view reason) {
  if (escapes(s)) throw Refused{refusal::kExit};
  const auto known = std::ranges::find(program_.reasons, reason);
  const auto index = static_cast<Index>(known - program_.reasons.begin());
  if (known == program_.reasons.end()) program_.reasons.emplace_back(reason);
  const Index made = add_statement(s, index);
  emit(Op::kStatement, s, kNone, made, {});
  const Kind kind = syntax_.kind(s);
  if (kind == Kind::kTryStar) return;
  for (SlotId slot : program_.statements[made].outputs) mark_bound(slot);
}

Index Lowering::whole(Index s, SlotId given) {
  if (escapes(s)) return kNone;
  const Index made = add_statement(s, kNone, given);
  // Inside the statement the function's own cells are free variables, which fail differently when they are
  // empty.
  for (SlotId cell : program_.statements[made].cells) {
    const SlotId first_free = program_.parameters.count();
    const bool free = cell >= first_free && cell < first_free + program_.free_names.size();
    if (!free && (cell >= bound_.size() || !bound_[cell])) {
      program_.statements.pop_back();
      return kNone;
    }
  }
  return made;
}

// The part of `s` that is evaluated before `s` is run whole.
Index Lowering::given_node(Index s) const {
  const Kind kind = syntax_.kind(s);
  if (kind == Kind::kIf) return syntax_.child(s, 0);
  if (kind == Kind::kFor) return syntax_.child(s, 1);
  return syntax_.child(syntax_.children_of(syntax_.children_of(s).back()).front(), 1);
}

Index Lowering::add_statement(Index s, Index reason, SlotId given) {
  Mentions mentions(syntax_, scopes_);
  mentions.walk(s, given == kNone ? kNone : given_node(s));
  ir::Statement made;
  made.syntax = s;
  made.reason = reason;
  if (given != kNone) {
    made.inputs.push_back(given);
    made.input_names.emplace_back(".0");
  }
  const auto add = [&](NameId name, bool written) {
    const Variable v = variable(name);
    if (v.place == Variable::kCell && std::ranges::find(made.cells, v.slot) == made.cells.end()) {
      made.cells.push_back(v.slot);
      made.cell_names.push_back(syntax_.names[name]);
    }
    if (v.place != Variable::kLocal) return;
    if (std::ranges::find(made.input_names, syntax_.names[name]) == made.input_names.end()) {
      made.inputs.push_back(v.slot);
      made.input_names.push_back(syntax_.names[name]);
    }
    if (!written) return;
    made.outputs.push_back(v.slot);
    made.output_names.push_back(syntax_.names[name]);
  };
  for (NameId name : mentions.read) add(name, false);
  for (NameId name : mentions.written) add(name, true);
  program_.statements.push_back(std::move(made));
  return static_cast<Index>(program_.statements.size() - 1);
}

// Whether control may leave `s` other than at its end or by an exception.
bool Lowering::escapes(Index s, bool in_loop) const {
  if (s == kNone) return false;
  const Kind kind = syntax_.kind(s);
  switch (kind) {
    case Kind::kReturn:
    case Kind::kYield:
    case Kind::kYieldFrom:
    case Kind::kAwait:
    case Kind::kAsyncFor:
    case Kind::kAsyncWith:
      return true;
    case Kind::kBreak:
    case Kind::kContinue:
      return !in_loop;
    case Kind::kRaise:
      return syntax_.child(s, 0) == kNone;  // it needs the handler around it
    case Kind::kFor:
    case Kind::kWhile: {
      const auto [first, second] = syntax_.fields<2>(s);
      const Index body = syntax_.child(s, kind == Kind::kFor ? 2 : 1);
      const Index orelse = syntax_.child(s, kind == Kind::kFor ? 3 : 2);
      return escapes(first) || (kind == Kind::kFor && escapes(second)) || escapes(body, true) ||
             escapes(orelse, in_loop);
    }
    default:
      break;
  }
  const auto children = syntax_.children_of(s);
  if (kind == Kind::kLambda) return escapes(children[0]);
  if (kind == Kind::kFunctionDef || kind == Kind::kAsyncFunctionDef || kind == Kind::kClassDef) {
    const std::size_t body = kind == Kind::kClassDef ? 2 : 1;
    for (std::size_t i = 0; i < children.size(); ++i)
      if (i != body && escapes(children[i])) return true;
    return false;
  }
  return std::ranges::any_of(children, [&](Index child) { return escapes(child, in_loop); });
}

}  // namespace xcs::lower
