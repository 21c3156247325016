#include "lower/lowering.h"
#include "lower/refusal.h"

namespace xcs::lower {

void Lowering::block(std::span<const Index> statements) {
  for (Index s : statements) {
    if (ended_) return;
    const std::size_t temps = next_temp_;
    statement(s);
    next_temp_ = temps;
  }
}

void Lowering::statement(Index s) {
  switch (syntax_.kind(s)) {
    case Kind::kExprStatement:
      return expression_statement(s);
    case Kind::kAssign:
      return assign(s);
    case Kind::kAugAssign:
      return augmented_assign(s);
    case Kind::kAnnAssign:
      return annotated_assign(s);
    case Kind::kIf:
      return if_statement(s);
    case Kind::kFor:
    case Kind::kAsyncFor:
      return loop_for(s);
    case Kind::kWhile:
      return loop_while(s);
    case Kind::kReturn:
      return return_statement(s);
    case Kind::kRaise:
      return raise_statement(s);
    case Kind::kAssert:
      return assert_statement(s);
    case Kind::kTry:
      return try_statement(s);
    case Kind::kWith:
    case Kind::kAsyncWith:
      return with_statement(s, syntax_.list(s, 0));
    case Kind::kMatch:
      return match_statement(s);
    case Kind::kFunctionDef:
    case Kind::kAsyncFunctionDef:
      return definition(s);
    case Kind::kDelete:
      for (Index target : syntax_.list(s, 0)) delete_target(target);
      return;
    case Kind::kBreak:
      return exit(Op::kBreak, s, {});
    case Kind::kContinue:
      return exit(Op::kContinue, s, {});
    case Kind::kClassDef:
      return ordered(s, reason::kClass);
    case Kind::kImport:
    case Kind::kImportFrom:
      return ordered(s, reason::kImport);
    case Kind::kTryStar:
      return ordered(s, reason::kTryStar);
    case Kind::kTypeAlias:
      return ordered(s, reason::kTypeAlias);
    default:
      return;  // pass, global, nonlocal
  }
}

void Lowering::expression_statement(Index s) {
  const Index e = syntax_.child(s, 0);
  if (is_constant(e)) return;
  walrus_.clear();
  collect_walrus(e);
  if (syntax_.kind(e) == Kind::kYieldFrom)
    delegate(e);
  else if (syntax_.kind(e) != Kind::kName)
    value(e);
  else if (effects(e))
    value(e, temp());
}

void Lowering::return_statement(Index s) {
  const Index e = syntax_.child(s, 0);
  walrus_.clear();
  collect_walrus(e);
  exit(Op::kReturn, s, {e == kNone ? none(s) : value(e)});
}

void Lowering::raise_statement(Index s) {
  const auto [exception, cause] = syntax_.fields<2>(s);
  if (exception == kNone) return exit(Op::kReraise, s, {});
  walrus_.clear();
  collect_walrus(s);
  std::vector<SlotId> args = {operand(exception, cause != kNone && effects(cause))};
  if (cause != kNone) args.push_back(value(cause));
  exit(Op::kRaise, s, std::move(args));
}

void Lowering::assert_statement(Index s) {
  if (!origin_.debug) return;
  const auto [condition, message] = syntax_.fields<2>(s);
  walrus_.clear();
  collect_walrus(s);
  const SlotId holds = test(condition);
  when(s, holds, false, [&] {
    ir::Fragment error;  // makes the AssertionError
    error.kind = ir::FragmentKind::kOperator;
    error.syntax = s;
    error.text = "AssertionError";
    std::vector<SlotId> args;
    if (message != kNone) {
      error.holes = {message};
      error.operands = {".0"};
      error.text += "(.0)";
      args = {value(message)};
    }
    const SlotId exception = emit_temp(Op::kEval, s, add_fragment(std::move(error)), std::move(args));
    exit(Op::kRaise, s, {exception});
  });
}

void Lowering::if_statement(Index s) {
  const auto [condition, then, otherwise] = syntax_.fields<3>(s);
  walrus_.clear();
  collect_walrus(condition);
  const SlotId chosen = test(condition);
  const Branch first = branch([&] { block(syntax_.children_of(then)); });
  const Branch second =
      syntax_[otherwise].child_count == 0 ? absent() : branch([&] { block(syntax_.children_of(otherwise)); });
  if_node(s, chosen, first, second, whole(s, chosen));
}

void Lowering::loop_for(Index s) {
  const auto [target, iterable, body, orelse] = syntax_.fields<4>(s);
  walrus_.clear();
  collect_walrus(iterable);
  const bool awaits = syntax_.kind(s) == Kind::kAsyncFor;
  const SlotId items = awaits ? asynchronous_iterator(iterable) : iterator(iterable, iterable);
  const auto body_of_loop = [&, body = body] { block(syntax_.children_of(body)); };
  ir::Loop loop =
      awaits ? asynchronous_loop_over(target, s, items, body_of_loop) : loop_over(target, body_of_loop);
  if (syntax_[orelse].child_count > 0)
    loop.orelse = branch([&, orelse = orelse] { block(syntax_.children_of(orelse)); }).region;
  if (!awaits) loop.whole = whole(s, items);
  program_.loops.push_back(loop);
  emit(Op::kLoop, s, kNone, static_cast<Index>(program_.loops.size() - 1),
       awaits ? std::vector<SlotId>{} : std::vector{items});
}

void Lowering::loop_while(Index s) {
  const auto [condition, body, orelse] = syntax_.fields<3>(s);
  ir::Loop loop;
  walrus_.clear();
  collect_walrus(condition);
  loop.head = region([&] { loop.condition = test(condition); });
  const std::vector<bool> after_head = bound_;
  loop.body = branch([&] { block(syntax_.children_of(body)); }).region;
  if (syntax_[orelse].child_count > 0)
    loop.orelse = branch([&] { block(syntax_.children_of(orelse)); }).region;
  bound_ = after_head;
  loop.whole = whole(s);
  program_.loops.push_back(loop);
  emit(Op::kLoop, s, kNone, static_cast<Index>(program_.loops.size() - 1), {});
}

}  // namespace xcs::lower
