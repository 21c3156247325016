#include <algorithm>

#include "lower/lowering.h"

namespace xcs::lower {

void Lowering::try_statement(Index s) {
  const auto [body, handlers, orelse, final_body] = syntax_.fields<4>(s);
  ir::Try made;
  if (syntax_[handlers].child_count > 0) made.exception = temp();
  const Branch tried = branch([&] { block(syntax_.children_of(body)); });
  std::vector<Branch> ends;
  for (Index h : syntax_.children_of(handlers)) {
    Branch handled{kNone, bound_, false};
    made.handlers.push_back(handler(h, made.exception, handled));
    ends.push_back(std::move(handled));
  }
  Branch passed = tried;
  if (syntax_[orelse].child_count > 0) {
    const std::vector<bool> before = std::exchange(bound_, tried.bound);
    passed = branch([&] { block(syntax_.children_of(orelse)); });
    passed.ended = passed.ended || tried.ended;
    bound_ = before;
    made.orelse = passed.region;
  }
  Branch finally;
  if (syntax_[final_body].child_count > 0) {
    finally = branch([&] { block(syntax_.children_of(final_body)); });
    made.final_region = finally.region;
  }
  made.body = tried.region;
  made.whole = whole(s);
  program_.tries.push_back(std::move(made));
  emit(Op::kTry, s, kNone, static_cast<Index>(program_.tries.size() - 1), {});
  for (const Branch& end : ends) {
    join(passed, end);
    passed = {kNone, bound_, ended_};
  }
  bound_ = passed.bound;
  for (std::size_t slot = 0; slot < finally.bound.size(); ++slot)
    if (finally.bound[slot]) mark_bound(static_cast<SlotId>(slot));
  ended_ = passed.ended || finally.ended;
}

// `end` tells what is bound where the handler ends.
ir::Handler Lowering::handler(Index s, SlotId exception, Branch& end) {
  const auto [type, body] = syntax_.fields<2>(s);
  ir::Handler made;
  if (type != kNone) {
    made.caught = temp();
    made.test = region([&] {
      walrus_.clear();
      collect_walrus(type);
      emit(Op::kMatchException, type, made.caught, kNone, {exception, value(type)});
    });
  }
  end = branch([&] { handler_body(s, exception); });
  made.body = end.region;
  return made;
}

// The name of an exception is bound while its handler runs and unbound on every way out.
void Lowering::handler_body(Index s, SlotId exception) {
  const auto statements = syntax_.list(s, 1);
  const NameId name = syntax_[s].name;
  if (name == kNone) return block(statements);
  store(name, s, exception);
  ir::Try made;
  const Branch body = branch([&] { block(statements); });
  made.body = body.region;
  made.final_region = branch([&] {
                        store(name, s, none(s));
                        unbind(name, s);
                      }).region;
  program_.tries.push_back(std::move(made));
  emit(Op::kTry, s, kNone, static_cast<Index>(program_.tries.size() - 1), {});
  bound_ = body.bound;
  ended_ = body.ended;
}

void Lowering::with_statement(Index s, std::span<const Index> items) {
  const Index item = items.front();
  const auto [context, target] = syntax_.fields<2>(item);
  walrus_.clear();
  collect_walrus(context);
  const bool awaits = syntax_.kind(s) == Kind::kAsyncWith;
  const std::string_view enter = awaits ? "__aenter__" : "__enter__";
  const std::string_view leaves = awaits ? "__aexit__" : "__exit__";
  const SlotId manager = value(context, temp());
  const SlotId entered = special(enter, item, {manager});
  ir::Try made;
  made.exception = temp();
  const Branch body = branch([&] {
    if (target != kNone) {
      walrus_.clear();
      collect_walrus(target);
      store_target(target, entered);
    }
    items.size() > 1 ? with_statement(s, items.subspan(1)) : block(syntax_.list(s, 1));
  });
  made.body = body.region;
  ir::Handler leave;
  leave.body = branch([&] {
                 const SlotId result = special(leaves, item, {manager, made.exception});
                 const Branch again = branch([&] { exit(Op::kReraise, item, {}); });
                 if_node(item, result, absent(), again);
               }).region;
  made.handlers = {leave};
  made.final_region = branch([&] { emit(Op::kSpecial, item, kNone, name_index(leaves), {manager}); }).region;
  made.final_on_exception = false;
  program_.tries.push_back(std::move(made));
  emit(Op::kTry, s, kNone, static_cast<Index>(program_.tries.size() - 1), {});
  // An exception that __exit__ swallows may have come from anywhere in the body.
}

void Lowering::match_statement(Index s) {
  const auto [subject, cases] = syntax_.fields<2>(s);
  walrus_.clear();
  collect_walrus(subject);
  const SlotId slot = value(subject, temp());
  match_cases(syntax_.children_of(cases), subject, slot);
}

void Lowering::match_cases(std::span<const Index> cases, Index subject, SlotId subject_slot) {
  if (cases.empty()) return;
  const auto [pattern, guard, body] = syntax_.fields<3>(cases.front());
  const bool irrefutable = syntax_.kind(pattern) == Kind::kMatchAs && syntax_.child(pattern, 0) == kNone;
  if (irrefutable) {
    if (syntax_[pattern].name != kNone) store(syntax_[pattern].name, pattern, subject_slot);
    if (guard == kNone) return block(syntax_.children_of(body));
  }
  SlotId taken = kNone;
  const auto guarded = [&, guard = guard] {
    walrus_.clear();
    collect_walrus(guard);
    test_into(guard, taken);
  };
  if (irrefutable) {
    taken = temp();
    guarded();
  } else {
    taken = match_pattern(cases.front(), subject, subject_slot);
    std::vector<NameId> names;
    captures(pattern, names);
    if (!names.empty() || guard != kNone) {
      const SlotId matched = taken;
      if (guard != kNone) taken = moved(guard, matched, temp());
      when(cases.front(), matched, true, [&] {
        bind_captures(pattern, names, matched);
        if (guard != kNone) guarded();
      });
    }
  }
  const Branch then = branch([&, body = body] { block(syntax_.children_of(body)); });
  const Branch otherwise = branch([&] { match_cases(cases.subspan(1), subject, subject_slot); });
  if_node(cases.front(), taken, then, otherwise);
}

// A pattern yields True and what it binds, in the order of its names; None when it does not match.
void Lowering::bind_captures(Index pattern, std::span<const NameId> names, SlotId matched) {
  if (names.empty()) return;
  ir::Unpack shape;
  shape.dests.push_back(temp());
  for (std::size_t i = 0; i < names.size(); ++i) shape.dests.push_back(temp());
  const std::vector<SlotId> results = shape.dests;
  program_.unpacks.push_back(std::move(shape));
  emit(Op::kUnpack, pattern, kNone, static_cast<Index>(program_.unpacks.size() - 1), {matched});
  for (std::size_t i = 0; i < names.size(); ++i) store(names[i], pattern, results[i + 1]);
}

void Lowering::captures(Index pattern, std::vector<NameId>& names) const {
  if (pattern == kNone) return;
  switch (syntax_.kind(pattern)) {
    case Kind::kMatchValue:
    case Kind::kMatchSingleton:
      return;
    case Kind::kMatchClass:
      for (Index list : syntax_.children_of(pattern).subspan(1))
        for (Index inner : syntax_.children_of(list)) captures(inner, names);
      return;
    case Kind::kMatchMapping:
      for (Index inner : syntax_.list(pattern, 1)) captures(inner, names);
      break;
    case Kind::kMatchSequence:
    case Kind::kMatchOr:
      for (Index inner : syntax_.list(pattern, 0)) captures(inner, names);
      break;
    case Kind::kMatchAs:
      captures(syntax_.child(pattern, 0), names);
      break;
    default:
      break;
  }
  const NameId name = syntax_[pattern].name;
  if (name != kNone && !holds(names, name)) names.push_back(name);
}

SlotId Lowering::match_pattern(Index one_case, Index subject, SlotId subject_slot) {
  Gathering gathering;
  add_hole(gathering, subject, subject_slot);
  pattern_names(gathering, syntax_.child(one_case, 0));
  const Index pattern = syntax_.child(one_case, 0);
  const SlotId matched = emit_fragment(gathering, pattern, one_case, kNone);
  program_.fragments.back().kind = ir::FragmentKind::kPattern;
  return matched;
}

// The variables of the function that the values and classes of a pattern start from.
void Lowering::pattern_names(Gathering& to, Index node) {
  if (node == kNone) return;
  if (syntax_.kind(node) == Kind::kName) {
    const Variable v = variable(syntax_[node].name);
    if (v.place == Variable::kLocal) add_name(to, syntax_[node].name, v.slot);
    if (v.place == Variable::kCell) add_hole(to, node, load(syntax_[node].name, node, kNone));
    return;
  }
  for (Index child : syntax_.children_of(node)) pattern_names(to, child);
}

}  // namespace xcs::lower
