#include <algorithm>

#include "lower/lowering.h"

namespace xcs::lower {
namespace {

bool is_sequence(Kind kind) { return kind == Kind::kTuple || kind == Kind::kListDisplay; }

}  // namespace

void Lowering::assign(Index s) {
  const auto targets = syntax_.list(s, 0);
  const Index from = syntax_.child(s, 1);
  walrus_.clear();
  collect_walrus(s);
  const auto no_star = [&](Index e) { return syntax_.kind(e) != Kind::kStarred; };
  if (targets.size() == 1 && is_sequence(syntax_.kind(targets[0])) && is_sequence(syntax_.kind(from))) {
    const auto to = syntax_.list(targets[0], 0);
    const auto values = syntax_.list(from, 0);
    if (to.size() == values.size() && std::ranges::all_of(to, no_star) &&
        std::ranges::all_of(values, no_star))
      return assign_displays(to, values);
  }
  // The only target is written at once; a variable that is read again later keeps its own slot.
  if (targets.size() == 1 && syntax_.kind(targets[0]) == Kind::kName) {
    const Variable v = variable(syntax_[targets[0]].name);
    if (v.place == Variable::kLocal) {
      value(from, v.slot);
      return mark_bound(v.slot);
    }
  }
  // With several targets, the first may assign the very variable the value comes from.
  const bool copy = targets.size() > 1 && syntax_.kind(from) == Kind::kName;
  const SlotId result = copy ? value(from, temp()) : operand(from, true);
  for (Index target : targets) store_target(target, result);
}

// `a, b = x, y` makes no tuple: all values first, then the stores.
void Lowering::assign_displays(std::span<const Index> targets, std::span<const Index> values) {
  std::vector<SlotId> results;
  results.reserve(values.size());
  for (std::size_t i = 0; i < values.size(); ++i)
    results.push_back(syntax_.kind(values[i]) == Kind::kName ? value(values[i], temp()) : value(values[i]));
  for (std::size_t i = 0; i < targets.size(); ++i) store_target(targets[i], results[i]);
}

void Lowering::annotated_assign(Index s) {
  const auto [target, annotation, from] = syntax_.fields<3>(s);
  walrus_.clear();
  collect_walrus(s);
  if (from != kNone) {
    const SlotId result = operand(from, true);
    return store_target(target, result);
  }
  // Without a value, the parts of a target other than a name are evaluated and dropped.
  if (syntax_.kind(target) != Kind::kName) operands(syntax_.children_of(target), true);
}

void Lowering::store_target(Index target, SlotId from) {
  const SyntaxNode& n = syntax_[target];
  switch (n.kind) {
    case Kind::kName:
      return store(n.name, target, from);
    case Kind::kAttribute: {
      const SlotId object = value(syntax_.child(target, 0));
      emit(Op::kStoreAttr, target, kNone, name_index(n.name), {object, from}).position =
          name_position(target, target);
      return;
    }
    case Kind::kSubscript: {
      const std::vector<SlotId> place = operands(syntax_.children_of(target));
      emit(Op::kStoreItem, target, kNone, kNone, {place[0], place[1], from});
      return;
    }
    default:
      return unpack(target, from);
  }
}

void Lowering::unpack(Index target, SlotId from) {
  const auto items = syntax_.list(target, 0);
  ir::Unpack shape;
  std::vector<Index> inner;
  bool direct = true;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const bool star = syntax_.kind(items[i]) == Kind::kStarred;
    if (star) shape.star = static_cast<Index>(i);
    inner.push_back(star ? syntax_.child(items[i], 0) : items[i]);
    const Variable v =
        syntax_.kind(inner.back()) == Kind::kName ? variable(syntax_[inner.back()].name) : Variable{};
    direct =
        direct && v.place == Variable::kLocal && std::ranges::find(shape.dests, v.slot) == shape.dests.end();
    shape.dests.push_back(v.slot);
  }
  // Stores to variables alone may happen at once; anything else happens after all items are there, in order.
  if (!direct)
    for (SlotId& dest : shape.dests) dest = temp();
  const std::vector<SlotId> results = shape.dests;
  program_.unpacks.push_back(std::move(shape));
  emit(Op::kUnpack, target, kNone, static_cast<Index>(program_.unpacks.size() - 1), {from});
  for (std::size_t i = 0; i < inner.size(); ++i) {
    if (direct)
      mark_bound(results[i]);
    else
      store_target(inner[i], results[i]);
  }
}

SlotId Lowering::inplace(Index s, SlotId target, SlotId from, SlotId dest) {
  const auto [target_node, value_node] = syntax_.fields<2>(s);
  const Index operation = pair_fragment(s, target_node, value_node, ir::FragmentKind::kOperator);
  emit(Op::kInplace, s, dest, operation, {target, from});
  return dest;
}

void Lowering::augmented_assign(Index s) {
  const auto [target, from] = syntax_.fields<2>(s);
  const SyntaxNode& n = syntax_[target];
  walrus_.clear();
  collect_walrus(s);
  if (n.kind == Kind::kName) {
    const Variable v = variable(n.name);
    const bool copy = v.place == Variable::kLocal && effects(from) && (!certain(v) || holds(walrus_, n.name));
    const SlotId before = load(n.name, target, copy ? temp() : kNone);
    const SlotId operand = value(from);
    const SlotId after = inplace(s, before, operand, v.place == Variable::kLocal ? v.slot : temp());
    return store(n.name, target, after);
  }
  std::vector<SlotId> place = n.kind == Kind::kAttribute
                                  ? std::vector{operand(syntax_.child(target, 0), true)}
                                  : operands(syntax_.children_of(target), true);
  const bool attribute = n.kind == Kind::kAttribute;
  const Index name = attribute ? name_index(n.name) : kNone;
  const SlotId before = emit_temp(attribute ? Op::kLoadAttr : Op::kLoadItem, target, name, place);
  const SlotId after = inplace(s, before, value(from), temp());
  place.push_back(after);
  emit(attribute ? Op::kStoreAttr : Op::kStoreItem, target, kNone, name, std::move(place));
}

void Lowering::delete_target(Index target) {
  const SyntaxNode& n = syntax_[target];
  switch (n.kind) {
    case Kind::kName:
      return unbind(n.name, target);
    case Kind::kAttribute:
      emit(Op::kDeleteAttr, target, kNone, name_index(n.name), {value(syntax_.child(target, 0))});
      return;
    case Kind::kSubscript:
      emit(Op::kDeleteItem, target, kNone, kNone, operands(syntax_.children_of(target)));
      return;
    default:
      for (Index item : syntax_.list(target, 0)) delete_target(item);
  }
}

}  // namespace xcs::lower
