#include <algorithm>

#include "lower/lowering.h"
#include "lower/refusal.h"

namespace xcs::lower {

// Whether `e` is a constant of the code: a literal, a negated number, or a tuple of constants.
bool Lowering::is_constant(Index e) const {
  const SyntaxNode& n = syntax_[e];
  if (n.kind == Kind::kConstant) return true;
  if (n.kind == Kind::kName) return n.use == Use::kLoad && syntax_.names[n.name] == "__debug__";
  if (n.kind == Kind::kUnaryOp) {
    const SyntaxNode& operand = syntax_[syntax_.child(e, 0)];
    return n.op == Operator::kMinus && operand.constant == Constant::kNumber;
  }
  if (n.kind == Kind::kJoinedStr) {
    const auto pieces = syntax_.list(e, 0);
    return std::ranges::all_of(pieces, [&](Index p) { return syntax_.kind(p) == Kind::kConstant; });
  }
  if (n.kind != Kind::kTuple) return false;
  return std::ranges::all_of(syntax_.list(e, 0), [&](Index element) { return is_constant(element); });
}

bool Lowering::any_effects(std::span<const Index> es) const {
  return std::ranges::any_of(es, [&](Index e) { return effects(e); });
}

// Whether evaluating `e` may do anything but read bound local variables and make lists, tuples, dicts and
// slices of them. See Note [order].
bool Lowering::effects(Index e) const {
  if (e == kNone || is_constant(e)) return false;
  const SyntaxNode& n = syntax_[e];
  switch (n.kind) {
    case Kind::kName:
      return !certain(variable(n.name));
    case Kind::kListDisplay:
    case Kind::kTuple:
    case Kind::kDict:
      return any_effects(syntax_.list(e, 0));
    case Kind::kSlice:
      return any_effects(syntax_.children_of(e));
    case Kind::kDictItem:
      return !is_constant(syntax_.child(e, 0)) || effects(syntax_.child(e, 1));
    default:
      return true;
  }
}

// Whether something inside `e` has to be a node of its own: then branches of `e` are regions.
bool Lowering::has_nodes(Index e) const {
  if (e == kNone || is_constant(e)) return false;
  const SyntaxNode& n = syntax_[e];
  switch (n.kind) {
    case Kind::kName:
      return !certain(variable(n.name));
    case Kind::kBinOp:
    case Kind::kUnaryOp:
    case Kind::kIfExp:
    case Kind::kListDisplay:
    case Kind::kTuple:
    case Kind::kDict:
    case Kind::kDictItem:
    case Kind::kSlice:
    case Kind::kList:
      return std::ranges::any_of(syntax_.children_of(e), [&](Index child) { return has_nodes(child); });
    case Kind::kBoolOp:
      return has_nodes(syntax_.child(e, 0));
    case Kind::kCompare: {
      const auto is_membership = [&](Index part) {
        return syntax_[part].op == Operator::kIn || syntax_[part].op == Operator::kNotIn;
      };
      return std::ranges::any_of(syntax_.list(e, 2), is_membership) || has_nodes(syntax_.child(e, 0)) ||
             has_nodes(syntax_.child(e, 1));
    }
    default:
      return true;
  }
}

SlotId Lowering::value(Index e, SlotId dest) {
  if (is_constant(e)) return constant(e, dest);
  switch (syntax_.kind(e)) {
    case Kind::kName:
      return name_value(e, dest);
    case Kind::kCall:
      return call(e, dest);
    case Kind::kAttribute:
      return attribute(e, dest);
    case Kind::kSubscript:
      return subscript(e, dest);
    case Kind::kNamedExpr:
      return walrus(e, dest);
    case Kind::kBoolOp:
      return branches(e) ? boolean(e, dest) : fragment(e, dest);
    case Kind::kIfExp:
      return branches(e) ? conditional(e, dest) : fragment(e, dest);
    case Kind::kCompare:
      return comparison(e, dest);
    case Kind::kUnaryOp:
      if (syntax_[e].op != Operator::kNot) return fragment(e, dest);
      if (dest == kNone) dest = temp();
      emit(Op::kTruth, e, dest, 1, {test(syntax_.child(e, 0))});
      return dest;
    case Kind::kLambda:
      return make_function(e, dest);
    case Kind::kListComp:
    case Kind::kSetComp:
    case Kind::kDictComp:
      return comprehension(e, dest);
    case Kind::kGeneratorExp:
      return generator_expression(e, dest);
    case Kind::kYield:
      return yield(e, dest);
    case Kind::kYieldFrom:
      throw Refused{refusal::kYieldFrom};
    case Kind::kAwait:
      return await(e, dest);
    case Kind::kTemplateStr:
      throw Refused{refusal::kTemplate};
    default:
      return fragment(e, dest);
  }
}

// The value of `e` as an operand of a node still to come; `later` as in Note [order].
SlotId Lowering::operand(Index e, bool later) {
  const SyntaxNode& n = syntax_[e];
  if (n.kind != Kind::kName || !later || is_constant(e)) return value(e);
  const Variable v = variable(n.name);
  if (v.place == Variable::kLocal && (!certain(v) || holds(walrus_, n.name))) return value(e, temp());
  return value(e);
}

std::vector<SlotId> Lowering::operands(std::span<const Index> es, bool later) {
  std::vector<SlotId> slots;
  slots.reserve(es.size() + 1);
  for (std::size_t i = 0; i < es.size(); ++i)
    slots.push_back(operand(es[i], later || any_effects(es.subspan(i + 1))));
  return slots;
}

SlotId Lowering::name_value(Index e, SlotId dest) {
  const NameId name = syntax_[e].name;
  return load(name, e, dest);
}

// Where Python says that `e`, which reads, changes or calls `attribute`, fails: at the attribute's name when
// that stands on another line than the object's beginning.
ir::Position Lowering::name_position(Index e, Index attribute) const {
  ir::Position at = syntax_[e].position;
  const ir::Position& whole = syntax_[attribute].position;
  const auto length = static_cast<std::int32_t>(syntax_.name(attribute).size());
  if (at.line == whole.end_line || length > whole.end_column) return at;
  return {whole.end_line, whole.end_column - length, std::max(at.end_line, whole.end_line), whole.end_column};
}

SlotId Lowering::attribute(Index e, SlotId dest) {
  const SlotId object = value(syntax_.child(e, 0));
  if (dest == kNone) dest = temp();
  emit(Op::kLoadAttr, e, dest, name_index(syntax_[e].name), {object}).position = name_position(e, e);
  return dest;
}

SlotId Lowering::subscript(Index e, SlotId dest) {
  std::vector<SlotId> args = operands(syntax_.children_of(e));
  if (dest == kNone) dest = temp();
  emit(Op::kLoadItem, e, dest, kNone, std::move(args));
  return dest;
}

SlotId Lowering::walrus(Index e, SlotId dest) {
  const auto [target, from] = syntax_.fields<2>(e);
  if (dest == kNone) dest = temp();
  value(from, dest);
  store(syntax_[target].name, target, dest);
  return dest;
}

SlotId Lowering::yield(Index e, SlotId dest) {
  program_.generator = true;
  const Index given = syntax_.child(e, 0);
  const SlotId out = given == kNone ? none(e) : value(given);
  if (dest == kNone) dest = temp();
  emit(Op::kYield, e, dest, kNone, {out});
  return dest;
}

// `yield from` whose value nobody uses yields each item as a loop would, as long as nothing but None is sent.
void Lowering::delegate(Index e) {
  program_.generator = program_.delegates = true;
  const SlotId from = value(syntax_.child(e, 0));
  const SlotId items = temp();
  emit(Op::kIter, e, items, kNone, {from});
  ir::Loop loop;
  loop.item = temp();
  const SlotId item = loop.item;
  loop.body = region([&] { emit(Op::kYield, e, temp(), kNone, {item}); });
  program_.loops.push_back(loop);
  emit(Op::kLoop, e, kNone, static_cast<Index>(program_.loops.size() - 1), {items});
}

// Awaiting what a call gives is one node, so that the call can be made before its operands are there.
SlotId Lowering::await(Index e, SlotId dest) {
  if (!program_.coroutine) throw Refused{refusal::kAsyncGenerator};  // a generator expression
  const Index from = syntax_.child(e, 0);
  if (syntax_.kind(from) == Kind::kCall) return call(from, dest, true);
  const SlotId awaitable = value(from);
  if (dest == kNone) dest = temp();
  emit(Op::kAwait, e, dest, kNone, {awaitable});
  return dest;
}

SlotId Lowering::constant(Index e, SlotId dest) {
  if (dest == kNone) dest = temp();
  program_.constants.push_back(e);
  emit(Op::kConst, e, dest, static_cast<Index>(program_.constants.size() - 1), {});
  return dest;
}

}  // namespace xcs::lower
