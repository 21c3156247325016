#include <algorithm>

#include "lower/lowering.h"
#include "lower/refusal.h"

namespace xcs::lower {

SlotId Lowering::iterator(Index iterable, Index at) {
  const SlotId from = value(iterable);
  return emit_temp(Op::kIter, at, kNone, {from});
}

SlotId Lowering::special(std::string_view name, Index at, std::vector<SlotId> args) {
  return emit_temp(Op::kSpecial, at, name_index(name), std::move(args));
}

SlotId Lowering::asynchronous_iterator(Index iterable) {
  const SlotId from = value(iterable);
  return special("__aiter__", iterable, {from});
}

// The head of a loop over an asynchronous iterator: `more` tells whether there was another item.
RegionId Lowering::next_asynchronously(Index at, SlotId iterator, SlotId item, SlotId more) {
  return region([&] {
    emit(Op::kTruth, at, more, 1, {none(at)});
    ir::Try next;
    next.exception = temp();
    next.body = region([&] { emit(Op::kSpecial, at, item, name_index("__anext__"), {iterator}); });
    ir::Handler exhausted;
    exhausted.caught = temp();
    exhausted.test =
        region([&] { emit(Op::kMatchException, at, exhausted.caught, kNone, {next.exception}); });
    exhausted.body = region([&] { emit(Op::kTruth, at, more, 1, {exhausted.caught}); });
    next.handlers.push_back(exhausted);
    program_.tries.push_back(std::move(next));
    emit(Op::kTry, at, kNone, static_cast<Index>(program_.tries.size() - 1), {});
  });
}

// A list, set or dict comprehension: an empty display that a loop fills, over variables of its own.
SlotId Lowering::comprehension(Index e, SlotId dest) {
  const Index first = syntax_.children_of(syntax_.children_of(e).back()).front();
  const Index iterable = syntax_.child(first, 1);
  const bool awaits = syntax_[first].flag;
  const SlotId items = awaits ? asynchronous_iterator(iterable) : iterator(iterable, iterable);
  const SlotId result = temp();
  ir::Fragment empty;
  empty.kind = ir::FragmentKind::kDisplay;
  empty.syntax = e;
  empty.text = syntax_.kind(e) == Kind::kListComp ? "[]" : syntax_.kind(e) == Kind::kSetComp ? "set()" : "{}";
  emit(Op::kEval, e, result, add_fragment(std::move(empty)), {});
  const std::size_t before = inner_.size();
  const Scope& scope = scopes_.of(e);
  for (NameId name : scope.bound) {
    const bool captured = holds(scope.captured, name);
    const SlotId slot = named_slot(syntax_.names[name]);
    if (captured) emit(Op::kMakeCell, e, slot, kNone, {});
    inner_.emplace_back(name, Variable{captured ? Variable::kCell : Variable::kLocal, slot});
  }
  comprehension_loop(e, 0, items, result);
  inner_.resize(before);
  if (const Index all = awaits ? kNone : whole(e, items); all != kNone) {
    program_.statements[all].outputs.push_back(result);
    program_.statements[all].output_names.emplace_back(".result");
    program_.loops.back().whole = all;
  }
  return moved(e, result, dest);
}

void Lowering::comprehension_loop(Index e, std::size_t generator, SlotId iterator, SlotId result) {
  const Index clause = syntax_.children_of(syntax_.children_of(e).back())[generator];
  const bool awaits = syntax_[clause].flag;
  if (awaits && !program_.coroutine) throw Refused{refusal::kAsyncGenerator};
  const auto inside = [&] { comprehension_conditions(e, generator, syntax_.list(clause, 2), result); };
  const Index target = syntax_.child(clause, 0);
  const ir::Loop loop =
      awaits ? asynchronous_loop_over(target, clause, iterator, inside) : loop_over(target, inside);
  program_.loops.push_back(loop);
  emit(Op::kLoop, clause, kNone, static_cast<Index>(program_.loops.size() - 1),
       awaits ? std::vector<SlotId>{} : std::vector{iterator});
}

void Lowering::comprehension_conditions(Index e, std::size_t generator, std::span<const Index> conditions,
                                        SlotId result) {
  if (!conditions.empty()) {
    const SlotId condition = test(conditions.front());
    when(conditions.front(), condition, true,
         [&] { comprehension_conditions(e, generator, conditions.subspan(1), result); });
    return;
  }
  const auto clauses = syntax_.children_of(syntax_.children_of(e).back());
  if (generator + 1 == clauses.size()) {
    comprehension_element(e, result);
    return;
  }
  const Index next = clauses[generator + 1];
  const Index iterable = syntax_.child(next, 1);
  comprehension_loop(e, generator + 1,
                     syntax_[next].flag ? asynchronous_iterator(iterable) : iterator(iterable, iterable),
                     result);
}

void Lowering::comprehension_element(Index e, SlotId result) {
  switch (syntax_.kind(e)) {
    case Kind::kDictComp: {
      const std::vector<SlotId> item = operands(syntax_.children_of(e).first(2));
      emit(Op::kStoreItem, e, kNone, kNone, {result, item[0], item[1]});
      break;
    }
    case Kind::kGeneratorExp:
      emit(Op::kYield, e, kNone, kNone, {value(syntax_.child(e, 0))});
      break;
    default:
      emit(syntax_.kind(e) == Kind::kListComp ? Op::kAppend : Op::kAdd, e, kNone, kNone,
           {result, value(syntax_.child(e, 0))});
  }
}

// The body of a generator expression lowered as a function: its parameter is the iterator of its first
// clause.
void Lowering::generator_body() { comprehension_loop(function_, 0, 0, kNone); }

SlotId Lowering::generator_expression(Index e, SlotId dest) {
  const Index first = syntax_.list(e, 1).front();
  const Index iterable = syntax_.child(first, 1);
  const SlotId items = syntax_[first].flag ? asynchronous_iterator(iterable) : iterator(iterable, iterable);
  const SlotId function = make_function(e, kNone);
  if (dest == kNone) dest = temp();
  program_.calls.push_back({kNone, {ir::Arg{}}});
  emit(Op::kCall, e, dest, static_cast<Index>(program_.calls.size() - 1), {function, items});
  return dest;
}

ir::FunctionTemplate Lowering::function_template(Index e) {
  ir::FunctionTemplate made;
  made.syntax = e;
  const Kind kind = syntax_.kind(e);
  made.name = kind == Kind::kLambda         ? "<lambda>"
              : kind == Kind::kGeneratorExp ? "<genexpr>"
                                            : syntax_.name(e);
  const bool global =
      kind != Kind::kLambda && kind != Kind::kGeneratorExp && holds(scopes_.root().globals, syntax_[e].name);
  made.qualname = global ? made.name : origin_.qualname + ".<locals>." + made.name;
  return made;
}

// What is evaluated for the annotations of a function, in Python's order.
std::vector<Index> Lowering::annotations(Index arguments, Index returns) const {
  std::vector<Index> found;
  const auto take = [&](Index argument) {
    if (argument != kNone && syntax_.child(argument, 0) != kNone) found.push_back(syntax_.child(argument, 0));
  };
  for (Index argument : syntax_.list(arguments, 1)) take(argument);
  for (Index argument : syntax_.list(arguments, 0)) take(argument);
  take(syntax_.child(arguments, 2));
  for (Index argument : syntax_.list(arguments, 3)) take(argument);
  take(syntax_.child(arguments, 5));
  if (returns != kNone) found.push_back(returns);
  return found;
}

SlotId Lowering::make_function(Index e, SlotId dest) {
  ir::FunctionTemplate made = function_template(e);
  std::vector<Index> values;
  const Kind kind = syntax_.kind(e);
  if (kind != Kind::kGeneratorExp) {
    const Index arguments = syntax_.child(e, 0);
    for (Index value : syntax_.list(arguments, 6)) values.push_back(value);
    made.defaults = static_cast<Index>(values.size());
    const auto keyword_only = syntax_.list(arguments, 3);
    const auto keyword_defaults = syntax_.list(arguments, 4);
    for (std::size_t i = 0; i < keyword_defaults.size(); ++i) {
      if (keyword_defaults[i] == kNone) continue;
      values.push_back(keyword_defaults[i]);
      made.keyword_names.push_back(syntax_.name(keyword_only[i]));
      ++made.keyword_defaults;
    }
    if (kind != Kind::kLambda && !origin_.future_annotations)
      std::ranges::copy(annotations(arguments, syntax_.child(e, 3)), std::back_inserter(values));
  }
  std::vector<SlotId> args = operands(values);
  for (NameId name : scopes_.of(e).free) {
    const Variable v = variable(name);
    if (v.place != Variable::kCell) continue;
    made.cells.push_back(syntax_.names[name]);
    args.push_back(v.slot);
  }
  program_.functions.push_back(std::move(made));
  if (dest == kNone) dest = temp();
  emit(Op::kMakeFunction, e, dest, static_cast<Index>(program_.functions.size() - 1), std::move(args));
  return dest;
}

// Why a nested definition is run by the host as it stands, or nothing.
std::string_view Lowering::in_order_reason(Index s) const {
  const auto [arguments, body, decorators, returns, type_parameters] = syntax_.fields<5>(s);
  if (syntax_[type_parameters].child_count > 0) return reason::kTypeParameters;
  const std::vector<Index> annotated = annotations(arguments, returns);
  const bool starred =
      std::ranges::any_of(annotated, [&](Index a) { return syntax_.kind(a) == Kind::kStarred; });
  if (starred || (origin_.lazy_annotations && !annotated.empty())) return reason::kLazyAnnotations;
  return {};
}

void Lowering::definition(Index s) {
  if (const std::string_view why = in_order_reason(s); !why.empty()) return ordered(s, why);
  const auto decorators = syntax_.list(s, 2);
  std::vector<SlotId> callees;
  for (Index decorator : decorators) callees.push_back(operand(decorator, true));
  const Variable v = variable(syntax_[s].name);
  const bool direct = decorators.empty() && v.place == Variable::kLocal;
  SlotId made = make_function(s, direct ? v.slot : kNone);
  for (std::size_t i = decorators.size(); i-- > 0;) {
    program_.calls.push_back({kNone, {ir::Arg{}}});
    made = emit_temp(Op::kCall, decorators[i], static_cast<Index>(program_.calls.size() - 1),
                     {callees[i], made});
  }
  store(syntax_[s].name, s, made);
}

}  // namespace xcs::lower
