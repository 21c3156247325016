// What led to what: the chains of calls behind values, and behind the contents of objects.
#include "window/machine.h"

namespace xcs::window {

void Machine::note_contents(const Value& object, Chain chain) {
  if (chain.calls == 0 || !object.ready() || host_.is_shared(object)) return;
  Chain& contents = contents_[object.object()];
  contents = longest(contents, chain);
}

// What an operator gives is new: it may stand where an object was that is gone.
void Machine::note_made(const ir::Program& program, const ir::Node& node, const Value& made) {
  if (contents_.empty() || !made.ready()) return;
  const bool is_new =
      node.op == ir::Op::kMakeCell ||
      (node.op == ir::Op::kEval && program.fragments[node.index].kind != ir::FragmentKind::kIdentity);
  if (is_new) contents_.erase(made.object());
}

// `container` has been changed to hold `values`, or has been made of them.
void Machine::note_stored(const Value& container, std::span<const Value> values, Chain chain) {
  for (const Value& v : values) {
    if (v.is_pending() && container.ready()) {
      v.cell()->held_by(container.object());
    } else {
      note_contents(v, longest(v.chain, chain));
    }
  }
  note_contents(container, chain);
}

// See Note [unresolved targets]. What code that ran whole in `frame` made is in what it was given and gives.
void Machine::note_ran_whole(const Frame& frame, Place place, std::span<const Value> operands,
                             const Action& action) {
  if (!is_passed(frame)) return;
  for (const Value& v : operands) memory_.note_late(v, place, true);
  for (const Value& v : action.values) memory_.note_late(v, place, true);
  memory_.note_late(action.value, place, true);
}

// What comes later finds out what led to `content` by the objects that hold it.
void Machine::fill(const Value& result, Value content, const Item& item) {
  content.settle();
  memory_.note_late(content, {item.parent, item.sequence});
  for (Object* holder : result.cell()->holders()) {
    if (content.is_pending()) {
      content.cell()->held_by(holder);
    } else if (content.chain.calls != 0) {
      Chain& contents = contents_[holder];
      contents = longest(contents, content.chain);
    }
  }
  if (const auto& lineage = result.cell()->lineage(); lineage != nullptr) {
    if (content.is_pending()) content.cell()->join_lineage(lineage);
    if (content.ready()) lineage->last = content;
  }
  result.cell()->fill(std::move(content));
}

Chain Machine::contents_of(const Value& object) const {
  if (contents_.empty() || !object.ready()) return {};
  const auto found = contents_.find(object.object());
  return found == contents_.end() ? Chain() : found->second;
}

// Note [chains through memory]
// A value that was stored and is loaded again brings along what led to it: it is known by its object. A node
// that looks at all that a container holds comes after everything that was stored there.
Chain Machine::chain_of(const ir::Program& program, const ir::Node& node, std::span<const Value> operands,
                        const Action& action, Chain at_least) const {
  at_least = longest(chain_of(operands, at_least), action.value.chain);
  bool deep = false;
  switch (node.op) {
    case ir::Op::kLoadGlobal:
    case ir::Op::kLoadCell:
    case ir::Op::kLoadAttr:
    case ir::Op::kLoadItem:
      return longest(longest(at_least, seen_), contents_of(action.value));
    case ir::Op::kEval: {
      const ir::FragmentKind kind = program.fragments[node.index].kind;
      deep = kind != ir::FragmentKind::kDisplay && kind != ir::FragmentKind::kIdentity;
      break;
    }
    case ir::Op::kCall:
    case ir::Op::kCallMethod:
      deep = !action.shallow;
      break;
    case ir::Op::kUnpack:
      deep = true;
      break;
    default:
      break;
  }
  if (!deep) return at_least;
  for (const Value& v : operands) at_least = longest(at_least, contents_of(v));
  return longest(at_least, seen_);
}

Chain Machine::chain_of(std::span<const Value> operands, Chain at_least) {
  for (const Value& v : operands) at_least = longest(at_least, v.chain);
  return at_least;
}

}  // namespace xcs::window
