#include "lower/lowering.h"

namespace xcs::lower {

// A slot to build a value in step by step: not `dest` when that is a variable, which may be read meanwhile.
SlotId Lowering::scratch(SlotId dest) {
  return dest != kNone && program_.slots[dest].empty() ? dest : temp();
}

SlotId Lowering::moved(Index at, SlotId from, SlotId dest) {
  if (dest == kNone || dest == from) return from;
  emit(Op::kMove, at, dest, kNone, {from});
  return dest;
}

void Lowering::if_node(Index at, SlotId condition, const Branch& then, const Branch& otherwise, Index whole) {
  program_.ifs.push_back({then.region, otherwise.region, whole});
  emit(Op::kIf, at, kNone, static_cast<Index>(program_.ifs.size() - 1), {condition});
  join(then, otherwise);
}

// Whether `e`, an `and`, `or` or conditional expression, is not evaluated as one fragment: where a part of it
// would become a node of its own, the fragment would ask for the truth of what that part has asked already.
bool Lowering::branches(Index e) const {
  return has_nodes(e) || any_emits(part_of(e), syntax_.children_of(e));
}

// `and` and `or` as a value. Where they are nested, an operand's truth is asked once, or by each of them.
SlotId Lowering::boolean(Index e, SlotId dest) {
  const SlotId result = scratch(dest);
  boolean_into(syntax_.list(e, 0), syntax_[e].op, result, kNone);
  return moved(e, result, dest);
}

void Lowering::boolean_into(std::span<const Index> values, Operator op, SlotId dest, SlotId truth) {
  const Index first = values.front();
  if (values.size() == 1) {
    if (truth == kNone)
      value(first, dest);
    else
      value_and_truth(first, dest, truth);
    return;
  }
  SlotId condition = truth;
  const bool nested = syntax_.kind(first) == Kind::kBoolOp || syntax_.kind(first) == Kind::kIfExp;
  if (truth != kNone || (nested && !origin_.asks_again)) {
    if (condition == kNone) condition = temp();
    value_and_truth(first, dest, condition);
  } else {
    value(first, dest);
    condition = dest;
  }
  when(first, condition, op == Operator::kAnd, [&] { boolean_into(values.subspan(1), op, dest, truth); });
}

void Lowering::value_and_truth(Index e, SlotId dest, SlotId truth) {
  if (syntax_.kind(e) == Kind::kBoolOp) {
    boolean_into(syntax_.list(e, 0), syntax_[e].op, dest, truth);
    return;
  }
  if (syntax_.kind(e) == Kind::kIfExp) {
    const auto [condition, then, otherwise] = syntax_.fields<3>(e);
    const SlotId chosen = test(condition);
    const Branch first = branch([&] { value_and_truth(then, dest, truth); });
    const Branch second = branch([&] { value_and_truth(otherwise, dest, truth); });
    if_node(e, chosen, first, second);
    return;
  }
  value(e, dest);
  emit(Op::kTruth, e, truth, kNone, {dest});
}

// A slot whose truth is that of `e`, and where asking it again is harmless when `e` itself is asked in parts.
SlotId Lowering::test(Index e) {
  if (is_constant(e)) return constant(e, kNone);
  const Kind kind = syntax_.kind(e);
  const bool chain = kind == Kind::kCompare && syntax_.list(e, 2).size() > 1;
  if (kind != Kind::kBoolOp && kind != Kind::kIfExp && !chain) return value(e);
  if (!branches(e)) return fragment(e, kNone, kind == Kind::kIfExp ? kNone : syntax_.children_of(e).back());
  const SlotId result = temp();
  test_into(e, result);
  return result;
}

// Makes `dest` the truth of `e`, as a bool.
void Lowering::test_into(Index e, SlotId dest) {
  const Kind kind = syntax_.kind(e);
  if (kind == Kind::kBoolOp && branches(e)) {
    tests_into(syntax_.list(e, 0), syntax_[e].op, dest);
  } else if (kind == Kind::kIfExp && branches(e)) {
    const auto [condition, then, otherwise] = syntax_.fields<3>(e);
    const SlotId chosen = test(condition);
    const Branch first = branch([&] { test_into(then, dest); });
    const Branch second = branch([&] { test_into(otherwise, dest); });
    if_node(e, chosen, first, second);
  } else if (kind == Kind::kCompare && syntax_.list(e, 2).size() > 1 && branches(e)) {
    chain_into(e, 0, operand(syntax_.child(e, 0), true), temp(), dest);
  } else {
    emit(Op::kTruth, e, dest, kNone, {test(e)});
  }
}

void Lowering::tests_into(std::span<const Index> values, Operator op, SlotId dest) {
  test_into(values.front(), dest);
  if (values.size() == 1) return;
  when(values.front(), dest, op == Operator::kAnd, [&] { tests_into(values.subspan(1), op, dest); });
}

SlotId Lowering::conditional(Index e, SlotId dest) {
  const auto [condition, then, otherwise] = syntax_.fields<3>(e);
  const SlotId result = scratch(dest);
  const SlotId chosen = test(condition);
  const Branch first = branch([&] { value(then, result); });
  const Branch second = branch([&] { value(otherwise, result); });
  if_node(e, chosen, first, second);
  return moved(e, result, dest);
}

SlotId Lowering::comparison(Index e, SlotId dest) {
  const auto parts = syntax_.list(e, 2);
  if (parts.size() > 1) {
    if (!has_nodes(e)) return fragment(e, dest);
    const SlotId result = scratch(dest);
    chain_into(e, 0, operand(syntax_.child(e, 0), true), result, kNone);
    return moved(e, result, dest);
  }
  const Operator op = syntax_[parts.front()].op;
  if (op != Operator::kIn && op != Operator::kNotIn) return fragment(e, dest);
  const std::array both = {syntax_.child(e, 0), syntax_.list(e, 1).front()};
  std::vector<SlotId> args = operands(both);
  if (dest == kNone) dest = temp();
  emit(Op::kContains, e, dest, op == Operator::kNotIn ? 1 : kNone, std::move(args));
  return dest;
}

// The comparisons of a chain from `part` on; each operand is evaluated once, only when the one before held.
void Lowering::chain_into(Index e, Index part, SlotId left, SlotId dest, SlotId truth) {
  const auto comparators = syntax_.list(e, 1);
  const bool last = part + 1 == comparators.size();
  const SlotId right = operand(comparators[part], !last);
  compare_part(e, part, left, right, dest);
  if (truth != kNone) emit(Op::kTruth, e, truth, kNone, {dest});
  if (last) return;
  when(e, truth == kNone ? dest : truth, true, [&] { chain_into(e, part + 1, right, dest, truth); });
}

void Lowering::compare_part(Index e, Index part, SlotId left, SlotId right, SlotId dest) {
  const Index node = syntax_.list(e, 2)[part];
  const Operator op = syntax_[node].op;
  if (op == Operator::kIn || op == Operator::kNotIn) {
    emit(Op::kContains, e, dest, op == Operator::kNotIn ? 1 : kNone, {left, right});
    return;
  }
  const auto comparators = syntax_.list(e, 1);
  const Index left_node = part == 0 ? syntax_.child(e, 0) : comparators[part - 1];
  const bool identity = op == Operator::kIs || op == Operator::kIsNot;
  const Index compare = pair_fragment(node, left_node, comparators[part],
                                      identity ? ir::FragmentKind::kIdentity : ir::FragmentKind::kOperator);
  emit(Op::kEval, e, dest, compare, {left, right});
}

}  // namespace xcs::lower
