#include <algorithm>
#include <array>

#include "lower/lowering.h"
#include "lower/refusal.h"

namespace xcs::lower {
namespace {

constexpr std::array<std::string_view, 7> kFrameFunctions = {"locals", "vars",    "dir",       "eval",
                                                             "exec",   "globals", "breakpoint"};
// Of any object: the modules they come from may have other names.
constexpr std::array<std::string_view, 8> kFrameAttributes = {
    "_getframe", "_getframemodulename", "currentframe",         "set_trace",
    "settrace",  "setprofile",          "settrace_all_threads", "setprofile_all_threads"};
constexpr std::array<std::string_view, 10> kTaskStarters = {
    "create_task", "ensure_future", "TaskGroup", "create_task_group",        "start_soon",
    "call_soon",   "call_later",    "call_at",   "run_coroutine_threadsafe", "call_soon_threadsafe"};

}  // namespace

// Refuses calls that ask for the frame they are made in.
void Lowering::refuse_frame_lookers(Index e) const {
  const Index callee = syntax_.child(e, 0);
  const SyntaxNode& n = syntax_[callee];
  if (n.kind == Kind::kAttribute) {
    const Index object = syntax_.child(callee, 0);
    const std::string& name = syntax_.names[n.name];
    const bool named = syntax_.kind(object) == Kind::kName;
    if (std::ranges::find(kFrameAttributes, name) != kFrameAttributes.end()) throw Refused{refusal::kFrame};
    if (named && syntax_.name(object) == "inspect" && name == "stack") throw Refused{refusal::kFrame};
    if (named && syntax_.name(object) == "builtins" &&
        std::ranges::find(kFrameFunctions, name) != kFrameFunctions.end())
      throw Refused{refusal::kFrame};
    return;
  }
  if (n.kind != Kind::kName || variable(n.name).place != Variable::kGlobal) return;
  const std::string& name = syntax_.names[n.name];
  if (std::ranges::find(kFrameFunctions, name) == kFrameFunctions.end()) return;
  const bool may_be_given = name == "vars" || name == "dir";
  if (!may_be_given || syntax_.list(e, 1).empty()) throw Refused{refusal::kFrame};
}

// `super()` without arguments is super(__class__, first parameter).
SlotId Lowering::super_call(Index e, SlotId dest) {
  // Without its first parameter, or its class, it fails in a way of its own.
  for (const NameId name : {scopes_.root().parameters.front(), kClassName})
    if (holds(scopes_.unbindable(), name)) throw Refused{refusal::kFrame};
  const SlotId function = value(syntax_.child(e, 0));
  const SlotId owner = load(kClassName, e, kNone);
  const SlotId self = load(scopes_.root().parameters.front(), e, kNone);
  if (dest == kNone) dest = temp();
  program_.calls.push_back({kNone, {ir::Arg{}, ir::Arg{}}});
  emit(Op::kCall, e, dest, static_cast<Index>(program_.calls.size() - 1), {function, owner, self});
  return dest;
}

// Tasks that a coroutine starts run between any two of its awaits: it runs as it is written.
void Lowering::refuse_starting_tasks(Index callee) const {
  const SyntaxNode& n = syntax_[callee];
  if (!program_.coroutine || (n.kind != Kind::kName && n.kind != Kind::kAttribute)) return;
  if (std::ranges::find(kTaskStarters, syntax_.names[n.name]) != kTaskStarters.end())
    throw Refused{refusal::kTasks};
}

SlotId Lowering::call(Index e, SlotId dest, bool awaited) {
  refuse_frame_lookers(e);
  const auto [callee, arguments, keywords] = syntax_.fields<3>(e);
  refuse_starting_tasks(callee);
  const auto positional = syntax_.children_of(arguments);
  const auto named = syntax_.children_of(keywords);
  const bool zero_super = syntax_.kind(callee) == Kind::kName && syntax_[callee].name == kSuperName &&
                          positional.empty() && named.empty() &&
                          variable(kClassName).place == Variable::kCell && program_.parameters.positional > 0;
  if (zero_super && !awaited) return super_call(e, dest);

  ir::CallShape shape;
  shape.awaited = awaited;
  std::vector<Index> values;
  for (Index argument : positional) {
    const bool star = syntax_.kind(argument) == Kind::kStarred;
    shape.args.push_back({star ? ir::ArgKind::kStar : ir::ArgKind::kPositional, kNone});
    values.push_back(star ? syntax_.child(argument, 0) : argument);
  }
  for (Index keyword : named) {
    const NameId name = syntax_[keyword].name;
    shape.args.push_back(name == kNone ? ir::Arg{ir::ArgKind::kDoubleStar, kNone}
                                       : ir::Arg{ir::ArgKind::kKeyword, name_index(name)});
    values.push_back(syntax_.child(keyword, 0));
  }
  const bool inert = std::ranges::none_of(values, [&](Index v) { return effects(v); });
  const bool method = inert && syntax_.kind(callee) == Kind::kAttribute;
  if (method) shape.method = name_index(syntax_[callee].name);
  std::vector<SlotId> args = {operand(method ? syntax_.child(callee, 0) : callee, !inert)};
  for (std::size_t i = 0; i < values.size(); ++i) {
    const bool later = any_effects(std::span(values).subspan(i + 1));
    args.push_back(argument(e, i, positional, values[i], later));
  }
  if (dest == kNone) dest = temp();
  program_.calls.push_back(std::move(shape));
  ir::Node& node = emit(method ? Op::kCallMethod : Op::kCall, e, dest,
                        static_cast<Index>(program_.calls.size() - 1), std::move(args));
  if (syntax_.kind(callee) == Kind::kAttribute) node.position = name_position(e, callee);
  return dest;
}

// The value of argument `i` of the call `e`. Python takes the items of `*value` where it stands, unless it is
// the only positional argument, and those of `**value` always: that shows when something with effects
// follows.
SlotId Lowering::argument(Index e, std::size_t i, std::span<const Index> positional, Index value,
                          bool later) {
  if (!later) return operand(value, later);
  if (i >= positional.size()) {
    const Index keyword = syntax_.list(e, 2)[i - positional.size()];
    return syntax_[keyword].name == kNone ? fragment(keyword, kNone) : operand(value, later);
  }
  const bool star = syntax_.kind(positional[i]) == Kind::kStarred;
  return star && positional.size() > 1 ? fragment(positional[i], kNone) : operand(value, later);
}

}  // namespace xcs::lower
