// What the dry run knows of values, and of one that may be either of two.
#include <algorithm>
#include <utility>

#include "window/dry_run.h"

namespace xcs::window {

bool DryRun::is_fresh(const Value& value) {
  const bool own = is_own(value) && (value.flags() & kFresh) != 0;
  return (own || is_made(value)) && !escapes_.contains(value);
}

namespace {

bool is_store(ir::Op op) {
  switch (op) {
    case ir::Op::kStoreItem:
    case ir::Op::kStoreAttr:
    case ir::Op::kStoreCell:
    case ir::Op::kStoreGlobal:
    case ir::Op::kInplace:
    case ir::Op::kAppend:
    case ir::Op::kAdd:
      return true;
    default:
      return false;
  }
}

// Whether neither the node's result nor what it stores into leads back to its first operand.
bool looks_at_first(ir::Op op) {
  switch (op) {
    case ir::Op::kLoadItem:
    case ir::Op::kUnpack:
    case ir::Op::kIter:
    case ir::Op::kStoreItem:
    case ir::Op::kStoreAttr:
    case ir::Op::kAppend:
    case ir::Op::kAdd:
      return true;
    default:
      return false;
  }
}

}  // namespace

// What a node has done, or may do, with those of its operands that only the walk has.
void DryRun::note_escapes(const ir::Node& n, const Action& action, std::span<const Value> operands) {
  const bool stores = action.effect.memory != Effect::kNone || action.changed.bound() || is_store(n.op);
  const bool atom = action.verdict == Action::kDone
                        ? action.value.bound() && (flags_of(action.value) & kAtom) != 0
                        : (action.flags & kAtom) != 0;
  if (atom && !stores) return;
  for (std::size_t i = looks_at_first(n.op) ? 1 : 0; i < operands.size(); ++i) {
    const Value& v = operands[i];
    if (!is_own(v) && !is_made(v)) continue;
    const auto is_it = [&](const Value& slot) { return slot.bound() && slot.object() == v.object(); };
    if (action.verdict == Action::kEnter && std::ranges::any_of(action.enter.slots, is_it)) continue;
    escapes_.add(v);
  }
}

KnownRef DryRun::known_of(const Value& value) {
  if (!value.bound()) return nullptr;
  if (leads_out(value)) return nullptr;
  if (value.is_pending()) return known_of_pending(value);
  return machine_.host_.describe(value, *this);
}

Summary::Fact DryRun::fact_of(const Value& value) {
  if (leads_out(value)) return {Flags(value.flags() & kMaybeUnbound), nullptr};
  Summary::Fact fact{Flags(flags_of(value) & (kTypes | kMaybeUnbound)), known_of(value)};
  if (value.bound()) fact.flags |= window::flags_of(fact.known);
  return fact;
}

bool DryRun::any_leads_out(std::span<const Value> values) const {
  return !leading_out_.empty() && std::ranges::any_of(values, [&](const Value& v) { return leads_out(v); });
}

void DryRun::note_leading_out(const Value& value) {
  if (value.is_pending() && own_.contains(value.cell()) && (value.flags() & kAtom) == 0)
    leading_out_.insert(value.cell());
}

Value DryRun::unknown(Flags flags, KnownRef known) {
  Value v = Value::pending(new Cell(flags, std::move(known)));
  own_.insert(v.cell());
  unknowns_.push_back(v);  // keeps the cell's address its own
  return v;
}

Flags DryRun::flags_of(const Value& value) {
  if (!value.bound()) return kMaybeUnbound;
  return value.is_pending() ? value.flags() : machine_.host_.known(value);
}

Value DryRun::join(const Value& a, const Value& b) {
  if (a.object() == b.object()) return a;
  const Flags fa = flags_of(a);
  const Flags fb = flags_of(b);
  Flags flags = fa & fb & kTypes;
  if (!a.bound()) flags = fb & kTypes;
  if (!b.bound()) flags = fa & kTypes;
  if (is_fresh(a) && is_fresh(b)) flags |= kFresh;
  flags |= (fa | fb) & kMaybeUnbound;
  if (leads_out(a) || leads_out(b)) {
    const Value both = unknown(flags);
    note_leading_out(both);
    note_one_of(both, a, b);
    return both;
  }
  KnownRef known = !a.bound()   ? known_of(b)
                   : !b.bound() ? known_of(a)
                                : window::join(known_of(a), known_of(b));
  flags |= window::flags_of(known);
  const Value both = unknown(flags, std::move(known));
  note_one_of(both, a, b);
  return both;
}

void DryRun::note_one_of(const Value& both, const Value& a, const Value& b) {
  for (const Value& one : {a, b}) {
    if (!is_made(one) && !is_own(one)) continue;
    escapes_.unite(one, both);
    if (is_made(one) || stands_for_made_.contains(one.cell())) stands_for_made_.insert(both.cell());
  }
}

void DryRun::join(Env& into, const Env& env) {
  for (std::size_t i = 0; i < into.size(); ++i) into[i] = join(into[i], env[i]);
}

void DryRun::join(std::optional<Env>& into, std::optional<Env> env) {
  if (into && env) {
    join(*into, *env);
  } else if (env) {
    into = std::move(env);
  }
}

void DryRun::join(std::optional<Value>& into, std::optional<Value> value) {
  if (!value) return;
  into = into ? join(*into, *value) : *value;
}

void DryRun::join(Flow& into, Flow flow) {
  join(into.fell, std::move(flow.fell));
  join(into.broke, std::move(flow.broke));
  join(into.continued, std::move(flow.continued));
  join(into.returned, std::move(flow.returned));
}

}  // namespace xcs::window
