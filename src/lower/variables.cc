#include <algorithm>

#include "lower/lowering.h"
#include "lower/refusal.h"

namespace xcs::lower {

// Gives every variable of the function its slot; the body then begins by making cells for those that
// functions inside it capture.
void Lowering::declare_variables() {
  const Scope& root = scopes_.root();
  ir::Parameters& counts = program_.parameters;
  if (root.kind == Kind::kGeneratorExp) {
    counts.positional = 1;
    named_slot(".0");
  } else {
    const Index arguments = syntax_.child(function_, 0);
    counts.positional_only = static_cast<Index>(syntax_.list(arguments, 0).size());
    counts.positional = counts.positional_only + static_cast<Index>(syntax_.list(arguments, 1).size());
    counts.star = syntax_.child(arguments, 2) != kNone;
    counts.keyword_only = static_cast<Index>(syntax_.list(arguments, 3).size());
    counts.double_star = syntax_.child(arguments, 5) != kNone;
  }
  // Scope lists `*args` where Python's frames have it: after the keyword-only parameters.
  for (NameId name : root.parameters) variables_[name] = {Variable::kLocal, named_slot(syntax_.names[name])};
  for (const std::string& name : origin_.free_names) {
    const SlotId slot = named_slot(name);
    const auto id = std::ranges::find(syntax_.names, name);
    if (id != syntax_.names.end())
      variables_[static_cast<NameId>(id - syntax_.names.begin())] = {Variable::kCell, slot};
  }
  bound_.assign(program_.slots.size(), true);
  for (NameId name : root.bound) {
    if (holds(root.globals, name) || holds(root.nonlocals, name)) continue;
    const auto known = variables_.find(name);
    const bool parameter = known != variables_.end();
    const bool captured = holds(root.captured, name);
    if (parameter && !captured) continue;
    const SlotId slot = named_slot(syntax_.names[name]);
    if (captured)
      emit(Op::kMakeCell, function_, slot, kNone,
           parameter ? std::vector{known->second.slot} : std::vector<SlotId>{});
    variables_[name] = {captured ? Variable::kCell : Variable::kLocal, slot};
  }
  bound_.resize(program_.slots.size(), false);
  for (NameId name : root.parameters) bound_[variables_[name].slot] = true;
  unbindable_.assign(program_.slots.size(), false);
  for (NameId name : scopes_.unbindable()) {
    const Variable v = variable(name);
    if (v.place == Variable::kGlobal) continue;
    unbindable_[v.slot] = true;
    bound_[v.slot] = false;
  }
}

Variable Lowering::variable(NameId name) const {
  for (std::size_t i = inner_.size(); i-- > 0;)
    if (inner_[i].first == name) return inner_[i].second;
  const auto known = variables_.find(name);
  return known == variables_.end() ? Variable{} : known->second;
}

bool Lowering::certain(const Variable& variable) const {
  return variable.place == Variable::kLocal && variable.slot < bound_.size() && bound_[variable.slot];
}

void Lowering::mark_bound(SlotId slot) {
  if (slot < unbindable_.size() && unbindable_[slot]) return;
  if (slot >= bound_.size()) bound_.resize(slot + 1, false);
  bound_[slot] = true;
}

SlotId Lowering::load(NameId name, Index at, SlotId dest) {
  const Variable v = variable(name);
  if (v.place == Variable::kLocal) {
    if (dest == kNone) return v.slot;
    emit(Op::kMove, at, dest, kNone, {v.slot});
    return dest;
  }
  if (dest == kNone) dest = temp();
  if (v.place == Variable::kCell) {
    emit(Op::kLoadCell, at, dest, name_index(name), {v.slot});
    return dest;
  }
  if (std::ranges::find(origin_.frame_lookers, syntax_.names[name]) != origin_.frame_lookers.end())
    throw Refused{refusal::kFrame};
  emit(Op::kLoadGlobal, at, dest, name_index(name), {});
  return dest;
}

void Lowering::store(NameId name, Index at, SlotId value) {
  const Variable v = variable(name);
  switch (v.place) {
    case Variable::kLocal:
      if (v.slot != value) emit(Op::kMove, at, v.slot, kNone, {value});
      mark_bound(v.slot);
      break;
    case Variable::kCell:
      emit(Op::kStoreCell, at, kNone, name_index(name), {v.slot, value});
      mark_bound(v.slot);
      break;
    case Variable::kGlobal:
      emit(Op::kStoreGlobal, at, kNone, name_index(name), {value});
      break;
  }
}

void Lowering::unbind(NameId name, Index at) {
  const Variable v = variable(name);
  switch (v.place) {
    case Variable::kLocal:
      emit(Op::kUnbind, at, kNone, kNone, {v.slot});
      break;
    case Variable::kCell:
      emit(Op::kDeleteCell, at, kNone, name_index(name), {v.slot});
      break;
    case Variable::kGlobal:
      emit(Op::kDeleteGlobal, at, kNone, name_index(name), {});
      break;
  }
}

// Notes which local variables the expression assigns: operands that read them are copied where they stand.
void Lowering::collect_walrus(Index node) {
  if (node == kNone) return;
  const Kind kind = syntax_.kind(node);
  if (kind == Kind::kLambda) return;
  if (kind == Kind::kNamedExpr) walrus_.push_back(syntax_[syntax_.child(node, 0)].name);
  for (Index child : syntax_.children_of(node)) collect_walrus(child);
}

}  // namespace xcs::lower
