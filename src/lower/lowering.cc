#include "lower/lowering.h"

#include <algorithm>

#include "ir/facts.h"
#include "lower/refusal.h"

namespace xcs::lower {

Lowering::Lowering(const Syntax& syntax, Index function, const Origin& origin)
    : syntax_(syntax),
      function_(function),
      origin_(origin),
      scopes_(syntax, function, !origin.future_annotations) {}

ir::Program Lowering::run() {
  const SyntaxNode& root = syntax_[function_];
  program_.name = root.kind == Kind::kLambda         ? "<lambda>"
                  : root.kind == Kind::kGeneratorExp ? "<genexpr>"
                                                     : syntax_.names[root.name];
  program_.qualname = origin_.qualname;
  program_.file = origin_.file;
  program_.position = root.position;
  program_.generator = root.kind == Kind::kGeneratorExp || origin_.generator;
  program_.free_names = origin_.free_names;
  program_.body = region([&] {
    declare_variables();
    program_.coroutine = root.kind == Kind::kAsyncFunctionDef;
    const Index body = syntax_.child(function_, 1);
    if (root.kind == Kind::kGeneratorExp)
      generator_body();
    else if (root.kind == Kind::kLambda)
      exit(Op::kReturn, body, {value(body)});
    else
      block(syntax_.children_of(body));
    if (!ended_) exit(Op::kReturn, function_, {none(function_)});
  });
  if (program_.generator && program_.coroutine) throw Refused{refusal::kAsyncGenerator};
  ir::fill_facts(program_);
  return std::move(program_);
}

ir::Node& Lowering::emit(Op op, Index at, SlotId dest, Index index, std::vector<SlotId> args) {
  ir::Node node;
  node.op = op;
  node.dest = dest;
  node.index = index;
  node.args = std::move(args);
  node.position = syntax_[at].position;
  auto& nodes = program_.regions[region_].nodes;
  nodes.push_back(std::move(node));
  return nodes.back();
}

SlotId Lowering::emit_temp(Op op, Index at, Index index, std::vector<SlotId> args) {
  const SlotId dest = temp();
  emit(op, at, dest, index, std::move(args));
  return dest;
}

// Goes on after two branches of which one was taken.
void Lowering::join(const Branch& first, const Branch& second) {
  ended_ = first.ended && second.ended;
  if (first.ended || second.ended) {
    bound_ = first.ended ? second.bound : first.bound;
    return;
  }
  bound_ = first.bound;
  bound_.resize(std::min(bound_.size(), second.bound.size()));
  for (std::size_t i = 0; i < bound_.size(); ++i) bound_[i] = bound_[i] && second.bound[i];
}

void Lowering::exit(Op op, Index at, std::vector<SlotId> args) {
  emit(op, at, kNone, kNone, std::move(args));
  ended_ = true;
}

SlotId Lowering::temp() {
  if (next_temp_ == temps_.size()) temps_.push_back(named_slot(""));
  return temps_[next_temp_++];
}

SlotId Lowering::none(Index at) {
  program_.constants.push_back(kNone);
  return emit_temp(Op::kConst, at, static_cast<Index>(program_.constants.size() - 1), {});
}

SlotId Lowering::named_slot(std::string name) {
  program_.slots.push_back(std::move(name));
  return static_cast<SlotId>(program_.slots.size() - 1);
}

Index Lowering::name_index(std::string_view name) {
  const auto [entry, inserted] = name_indices_.try_emplace(name, static_cast<Index>(program_.names.size()));
  if (inserted) program_.names.emplace_back(name);
  return entry->second;
}

namespace {

ir::Program refused(const Syntax& syntax, Index function, const Origin& origin, std::string_view code) {
  ir::Program program;
  const SyntaxNode& root = syntax[function];
  program.name = root.name == kNone ? "<lambda>" : syntax.names[root.name];
  program.qualname = origin.qualname;
  program.file = origin.file;
  program.position = root.position;
  program.refusal = code;
  return program;
}

}  // namespace

ir::Program lower(const Syntax& syntax, Index function, const Origin& origin) {
  try {
    return Lowering(syntax, function, origin).run();
  } catch (const Refused& refusal) {
    return refused(syntax, function, origin, refusal.code);
  }
}

}  // namespace xcs::lower
